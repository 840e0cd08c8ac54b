"""A sandbox in real time and a daemon beside it, for each test its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from daemon import clock
from daemon.sandbox.server import Sandbox
from tests.journeys.daemons import Daemon


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """All five services on loopback, in real time, with quick work."""
    served = Sandbox(clock.WallClock())
    await served.start()
    served.tonalytica.durations.update(pending=200_000, running=800_000)
    served.popily.durations.update(inspecting=300_000, calculating=700_000)
    served.compass.training = 1_000_000
    try:
        yield served
    finally:
        await served.stop()


@pytest.fixture
async def daemon(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Daemon]:
    """A daemon that is not configured and not started."""
    async with aiohttp.ClientSession() as session:
        made = Daemon(tmp_path, sandbox, session)
        try:
            yield made
        finally:
            made.destroy()
