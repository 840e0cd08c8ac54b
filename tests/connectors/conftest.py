"""Fixtures of the connector tests."""

from collections.abc import AsyncIterator

import pytest

from daemon.sandbox.server import Sandbox
from tests import clocks


@pytest.fixture
async def sandbox(virtual_clock: clocks.VirtualClock) -> AsyncIterator[Sandbox]:
    """All five services on loopback, on a clock that the test moves."""
    served = Sandbox(virtual_clock)
    await served.start()
    try:
        yield served
    finally:
        await served.stop()
