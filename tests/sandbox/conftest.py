"""A running sandbox on a virtual clock, a client for it, and somebody who takes its callbacks."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from daemon.sandbox import server
from tests import clocks
from tests.sandbox import calling


@pytest.fixture
async def caller(virtual_clock: clocks.VirtualClock) -> AsyncIterator[calling.Caller]:
    sandbox = server.Sandbox(virtual_clock)
    await sandbox.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield calling.Caller(session, sandbox)
    finally:
        await sandbox.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[calling.Receiver]:
    async with calling.receiving() as found:
        yield found
