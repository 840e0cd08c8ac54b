"""A transaction whose client fell silent, wherever in the protocol that was, keeps its locks from nobody for long."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.util import await_only

from daemon.journal import database, silence
from daemon.journal.database import Journal
from tests import waiting
from tests.journal import making

LOCK = "SELECT pg_advisory_xact_lock(78)"
SOON = 15.0  # seconds, of a busy machine; a statement is given up after 30
STANDS = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND {}"


class Node:
    """Another process's connection, as the driver makes it, in a transaction that has the lock."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", beside: str) -> None:
        self.connection = connection
        self.pid = connection.get_server_pid()
        self._url = beside

    async def stands(self, condition: str) -> bool:
        """Whether the server says *condition* of it."""
        other = await asyncpg.connect(self._url)
        try:
            return bool(await other.fetchval(STANDS.format(condition), self.pid) == 1)
        finally:
            await other.close()


@contextlib.asynccontextmanager
async def locking(url: str, program: str = silence.PROGRAM) -> AsyncIterator[Node]:
    """A node of *program* that has the lock."""
    connection = await asyncpg.connect(url, server_settings={"application_name": program})
    try:
        await connection.execute("BEGIN")
        await connection.execute(LOCK)
        yield Node(connection, url)
    finally:
        connection.terminate()


async def stop_between_parsing_and_execution(node: Node) -> None:
    """Where a client stands that has a statement prepared, and never runs it: the server takes that for work."""
    await node.connection.prepare("SELECT count(*) FROM runs")
    assert await node.stands("state = 'active' AND wait_event = 'ClientRead'")


async def stop_in_an_answer(node: Node) -> None:
    """Where a client stands that takes no more of what it asked for."""
    asking = await node.connection.prepare("SELECT repeat('x', 1000000) FROM generate_series(1, 60)")
    node.connection._transport.pause_reading()  # a stopped process reads nothing either
    asked = asyncio.ensure_future(asking.fetch())
    asked.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    await waiting.wait_for(lambda: node.stands("wait_event = 'ClientWrite'"), what="an answer on its way")


@pytest.fixture
async def journal(server_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Journal]:
    """The journal of a node that loses its patience sooner than is usual."""
    monkeypatch.setattr(silence, "SILENT", 300)
    monkeypatch.setattr(silence, "UNTAKEN", 600)
    monkeypatch.setattr(silence, "LOOK_AGAIN", 0.1)
    opened = await database.open_journal(server_url)
    yield opened
    await opened.close()


async def lock(journal: Journal) -> int:
    """Have the lock in a commit of the journal."""
    return await journal.write(lambda connection: len(connection.execute(sa.text(LOCK)).all()))


@pytest.mark.parametrize("stop", [stop_between_parsing_and_execution, stop_in_an_answer])
async def test_a_node_that_stops_there_keeps_its_locks_from_nobody(
    journal: Journal, server_url: str, stop: Callable[[Node], Awaitable[None]]
) -> None:
    async with locking(server_url) as node:
        await stop(node)
        async with asyncio.timeout(SOON):
            assert await lock(journal) == 1
        assert not await node.stands("true")


async def test_rows_that_a_claim_passes_by_are_freed(journal: Journal, server_url: str) -> None:
    (run,) = await making.made(journal, "e")
    async with locking(server_url) as node:
        await node.connection.execute("UPDATE runs SET attempts = 0")
        await stop_between_parsing_and_execution(node)
        assert await making.claimed(journal) == []  # it waits for nobody's lock

        async def claimed() -> list[str]:
            return [one.id for one in await making.claimed(journal)]

        assert await waiting.wait_for(claimed, SOON, "the run that was locked") == [run.id]


async def test_a_third_node_is_not_kept_waiting_by_one_that_waits(journal: Journal, server_url: str) -> None:
    async with locking(server_url) as node, contextlib.AsyncExitStack() as more:
        await stop_between_parsing_and_execution(node)
        nodes = [journal, *[await database.open_journal(server_url) for _ in range(2)]]
        for other in nodes[1:]:
            more.push_async_callback(other.close)
        async with asyncio.timeout(SOON):
            assert await asyncio.gather(*map(lock, nodes)) == [1, 1, 1]


async def test_a_node_that_works_is_waited_for(journal: Journal, server_url: str) -> None:
    async with locking(server_url) as node:
        work = asyncio.ensure_future(node.connection.fetch("SELECT pg_sleep(1.5)"))
        waits = asyncio.ensure_future(lock(journal))
        assert len(await work) == 1
        assert not waits.done()
        await node.connection.execute("COMMIT")
        assert await waits == 1


async def test_a_persons_transaction_is_left_to_the_person(journal: Journal, server_url: str) -> None:
    async with locking(server_url, program="psql") as person:
        await stop_between_parsing_and_execution(person)
        waits = asyncio.ensure_future(lock(journal))
        await asyncio.wait([waits], timeout=1.5)
        assert not waits.done()
        assert await person.stands("state = 'active'")
        person.connection.terminate()
        assert await waits == 1


async def test_whoever_keeps_nobody_waiting_may_be_silent(journal: Journal, server_url: str) -> None:
    async with locking(server_url) as node:
        await stop_between_parsing_and_execution(node)
        slept = await journal.write(lambda c: len(c.execute(sa.text("SELECT pg_sleep(1.2)")).all()))
        assert slept == 1
        assert await node.stands("state = 'active'")


async def test_a_node_that_was_ended_begins_its_commit_again(journal: Journal, server_url: str) -> None:
    stopped, woken = asyncio.Event(), asyncio.Event()

    async def stop(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.prepare("SELECT count(*) FROM steps")
        stopped.set()
        await woken.wait()

    def lock_and_stop(connection: sa.Connection) -> str:
        connection.execute(sa.text(LOCK))
        await_only(stop(connection.connection.driver_connection))
        return str(connection.scalar(sa.text("SELECT 'done'")))

    other = await database.open_journal(server_url)
    assert await lock(other) == 1
    writing = asyncio.ensure_future(other.write(lock_and_stop))
    await stopped.wait()
    async with asyncio.timeout(SOON):
        assert await lock(journal) == 1
    assert not writing.done()
    woken.set()
    assert await writing == "done"
    await other.close()
