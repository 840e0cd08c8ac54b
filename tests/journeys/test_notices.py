"""People are told things by the daemon itself; it dies, or is stopped, while a message is under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

TELL = reaction("tell", "order.came", step("notify.send", 'to = "team", body = "order {{ event.data.n }}"'))
SLOW = "?rto=50"  # seconds that Apprise would wait for an answer


@dataclass
class Silent:
    """A server that takes messages and does not answer."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            self.asked.append(await reader.readuntil(b"}"))
            await self.freed.wait()
        finally:
            writer.close()
            self.open -= 1


@pytest.fixture
async def silent() -> AsyncIterator[Silent]:
    async with listening() as served:
        yield served


@asynccontextmanager
async def listening() -> AsyncIterator[Silent]:
    served = Silent()
    async with await asyncio.start_server(served.serve, "127.0.0.1", 0) as server:
        served.port = server.sockets[0].getsockname()[1]
        yield served
        served.freed.set()
        await waiting.wait_for(lambda: not served.open, what="the end of the connections")


async def told_by(daemon: Daemon, silent: Silent) -> None:
    """The daemon runs, and a message is under way."""
    daemon.configure(TELL, drain="1s")
    named = f'\n[notify]\nteam = "json://127.0.0.1:{silent.port}/hook{SLOW}"\n'
    daemon.config.write_text(daemon.config.read_text() + named)
    await daemon.start()
    await daemon.order(n=7)
    await waiting.wait_for(lambda: len(silent.asked) == 1, PATIENCE, "a message under way")


async def test_a_kill_with_a_message_under_way_leaves_the_run_held(daemon: Daemon, silent: Silent) -> None:
    await told_by(daemon, silent)
    await daemon.kill()
    await daemon.start()
    (run,) = await daemon.until_runs("tell", "in_doubt")
    (told,) = await daemon.until_events("pointsman.run.in_doubt")
    assert told["data"]["run"]["id"] == run["id"]
    assert len(silent.asked) == 1


async def test_a_message_that_hangs_does_not_keep_the_daemon_from_stopping(
    daemon: Daemon, silent: Silent
) -> None:
    await told_by(daemon, silent)
    assert await daemon.stop() == 0
    await daemon.start()
    await daemon.until_runs("tell", "in_doubt")
    assert len(silent.asked) == 1
