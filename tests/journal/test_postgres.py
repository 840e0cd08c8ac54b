"""What is PostgreSQL's alone: its settings, lost servers, several nodes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from daemon.journal import database, events, runs, silence, state
from daemon.journal.database import Journal, JournalUnavailable
from tests import waiting
from tests.journal import making

END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"


class Relay:
    """A way to the server that can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, other_writer}
        await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
async def journal(server_url: str) -> AsyncIterator[Journal]:
    opened = await database.open_journal(server_url)
    yield opened
    await opened.close()


@pytest.fixture
async def relay(server_url: str) -> AsyncIterator[Relay]:
    made = Relay(urlsplit(server_url).port or 0)
    await made.open()
    yield made
    await made.cut()


def put(connection: Connection, key: str) -> str:
    state.put(connection, {key: 1}, making.NOW)
    return key


async def kept(journal: Journal) -> set[str]:
    return set(await journal.read(lambda c: c.scalars(sa.text("SELECT key FROM state")).all()))


async def test_the_writer_keeps_the_promise_of_a_durable_commit(journal: Journal) -> None:
    def settings(connection: Connection) -> list[Any]:
        names = ("synchronous_commit", "TimeZone", "transaction_isolation")
        return [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    assert await journal.write(settings) == ["on", "UTC", "read committed"]
    assert await journal.read(settings) == ["on", "UTC", "repeatable read"]


async def test_connections_that_the_server_ended_are_replaced_unseen(
    journal: Journal, postgres_server: Any, server_url: str
) -> None:
    await journal.write(lambda c: put(c, "before"))
    await asyncio.gather(*(kept(journal) for _ in range(3)))
    for n in range(2):
        await asyncio.to_thread(
            postgres_server.execute, END_OTHERS.format(name=server_url.rpartition("/")[2])
        )
        assert await journal.write(partial(put, key=f"after{n}")) == f"after{n}"
        assert f"after{n}" in await kept(journal)


async def test_a_server_that_is_away_is_an_outage_and_then_over(server_url: str, relay: Relay) -> None:
    url = server_url.replace(f":{urlsplit(server_url).port}/", f":{relay.port}/")
    journal = await database.open_journal(url)
    await journal.write(lambda c: put(c, "before"))
    await relay.cut()
    outcomes = await asyncio.gather(
        journal.write(lambda c: put(c, "lost")),
        journal.write(lambda c: put(c, "lost too")),
        journal.read(lambda c: c.scalar(sa.text("SELECT 1"))),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes] == [JournalUnavailable] * 3
    with pytest.raises(JournalUnavailable):
        await database.open_journal(url)
    await relay.open()
    assert await journal.write(lambda c: put(c, "after")) == "after"
    assert await kept(journal) == {"before", "after"}
    await journal.close()


async def test_a_connection_lost_within_a_function_writes_nothing_twice(
    journal: Journal, postgres_server: Any, server_url: str
) -> None:
    tried: list[int] = []

    def put_and_be_cut_off(connection: Connection) -> str:
        put(connection, "once")
        tried.append(1)
        if len(tried) == 1:
            postgres_server.execute(END_OTHERS.format(name=server_url.rpartition("/")[2]))
        connection.execute(sa.text("UPDATE state SET updated_at = updated_at + 1"))
        return "done"

    await journal.write(lambda c: put(c, "before"))
    assert await journal.write(put_and_be_cut_off) == "done"
    found = await journal.read(lambda c: c.execute(sa.text("SELECT key, updated_at FROM state")).all())
    assert len(tried) == 2
    assert {tuple(row) for row in found} == {("before", making.NOW + 1), ("once", making.NOW + 1)}


async def test_a_migration_beside_us_breaks_no_cached_statement(journal: Journal, server_url: str) -> None:
    other = await database.open_journal(server_url)
    for n in range(3):
        await making.told(journal, f"before{n}")
        await journal.read(lambda c: events.after(c, 0, 10))
    await other.write(lambda c: c.execute(sa.text("ALTER TABLE cursors ALTER COLUMN name TYPE varchar")))
    await other.write(lambda c: c.execute(sa.text("ALTER TABLE events ALTER COLUMN type TYPE varchar")))
    await other.close()
    for n in range(3):
        await making.told(journal, f"after{n}")
        assert len(await journal.read(lambda c: events.after(c, 0, 10))) == 4 + n


async def test_numbers_are_given_in_the_order_of_commits(server_url: str) -> None:
    nodes = [await database.open_journal(server_url) for _ in range(3)]
    reader = await database.open_journal(server_url)
    seen: list[int] = []
    done = asyncio.Event()

    async def follow() -> None:
        """Read as the router does: behind the last number, never looking back."""
        while True:
            last = done.is_set()
            new = await reader.read(
                lambda c: [event.seq for event in events.after(c, max(seen, default=0), 99)]
            )
            seen.extend(new)
            if last and not new:
                return

    async def tell(n: int, journal: Journal) -> None:
        for one in range(40):
            await making.told(journal, f"{n}-{one}")

    following = asyncio.create_task(follow())
    await asyncio.gather(*(tell(n, journal) for n, journal in enumerate(nodes)))
    done.set()
    await following
    assert len(seen) == 120
    assert seen == sorted(seen)
    for journal in (*nodes, reader):
        await journal.close()


async def test_one_fact_told_on_two_nodes_at_once_is_one_event(server_url: str) -> None:
    nodes = [await database.open_journal(server_url) for _ in range(2)]
    keys = [f"k{n}" for n in range(20)]
    found = await asyncio.gather(*(making.told(journal, key) for key in keys for journal in nodes))
    assert len({id for (id,) in found}) == 20
    assert await making.counted(nodes[0], "events") == 20
    for journal in nodes:
        await journal.close()


async def test_two_nodes_never_claim_the_same_run(server_url: str) -> None:
    nodes = [await database.open_journal(server_url) for _ in range(2)]
    await making.made(nodes[0], *(f"e{n}" for n in range(60)))

    async def claim_all(n: int, journal: Journal) -> list[str]:
        mine: list[str] = []
        while taken := await making.claimed(
            journal, lease=runs.Lease(f"node{n}", making.LEASE.until), limit=7
        ):
            mine += [run.id for run in taken]
        return mine

    first, second = await asyncio.gather(*(claim_all(n, journal) for n, journal in enumerate(nodes)))
    assert len(first) + len(second) == 60
    assert not set(first) & set(second)
    for journal in nodes:
        await journal.close()


async def test_a_deadlock_between_nodes_is_tried_again(server_url: str) -> None:
    nodes = [await database.open_journal(server_url) for _ in range(2)]
    await nodes[0].write(lambda c: [put(c, "a"), put(c, "b")])
    holding: set[str] = set()

    def grow(connection: Connection, keys: str) -> str:
        for key in keys:
            change = "UPDATE state SET updated_at = updated_at + 1 WHERE key = :key"
            connection.execute(sa.text(change), {"key": key})
            holding.add(key)
            if len(holding) < 2:
                connection.execute(sa.text("SELECT pg_sleep(0.2)"))
        return keys

    done = await asyncio.gather(
        nodes[0].write(lambda c: grow(c, "ab")), nodes[1].write(lambda c: grow(c, "ba"))
    )
    assert list(done) == ["ab", "ba"]
    found = await nodes[0].read(lambda c: set(c.scalars(sa.text("SELECT updated_at FROM state")).all()))
    assert found == {making.NOW + 2}
    for journal in nodes:
        await journal.close()


async def test_whoever_loses_every_race_is_told_to_come_again(journal: Journal) -> None:
    lose = sa.text("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$")
    beaten, beside = await asyncio.gather(
        journal.write(lambda c: c.execute(lose).rowcount),
        journal.write(lambda c: put(c, "a")),
        return_exceptions=True,
    )
    assert isinstance(beaten, JournalUnavailable)
    assert not isinstance(beside, BaseException)
    assert await journal.read(lambda c: c.scalar(sa.text("SELECT count(*) FROM state"))) == 1


async def test_readers_never_keep_a_commit_waiting(journal: Journal) -> None:
    slow = [
        asyncio.create_task(journal.read(lambda c: c.execute(sa.text("SELECT pg_sleep(1)")).all()))
        for _ in range(8)
    ]
    await waiting.wait_for(
        lambda: journal.write(lambda c: c.scalar(sa.text(SLEEPING)) == 3), what="three readers at work"
    )
    assert not any(one.done() for one in slow)
    await asyncio.gather(*slow)


SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"


async def test_a_node_that_falls_silent_in_a_transaction_keeps_its_locks_from_nobody(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT", 300)
    silent, other = await database.open_journal(server_url), await database.open_journal(server_url)
    lock = sa.text("SELECT pg_advisory_xact_lock(77)")

    def lock_and_fall_silent(connection: Connection) -> None:
        connection.execute(lock)
        await_only(asyncio.sleep(1.5))

    writing = asyncio.ensure_future(silent.write(lock_and_fall_silent))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(1.2):
        await other.write(lambda connection: connection.execute(lock).first())
    with pytest.raises(JournalUnavailable):
        await writing
    assert await silent.write(lambda connection: connection.scalar(sa.text("SELECT 1"))) == 1
    await silent.close()
    await other.close()


async def test_whether_the_way_is_encrypted_is_libpqs_word(server_url: str) -> None:
    for mode in ("disable", "prefer"):
        journal = await database.open_journal(f"{server_url}?sslmode={mode}")
        assert await journal.write(partial(put, key=mode)) == mode
        await journal.close()
    with pytest.raises(JournalUnavailable, match="rejected SSL upgrade"):  # this server has no certificate
        await database.open_journal(f"{server_url}?sslmode=require")


async def test_a_certificate_that_is_not_there_is_told(
    server_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(JournalUnavailable, match=r"root certificate file .* does not exist"):
        await database.open_journal(f"{server_url}?sslmode=verify-full")
