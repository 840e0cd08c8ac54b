"""The journal cannot be written for a while: 503 meanwhile, nothing acknowledged is lost, and no restart is needed."""

import os
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.sandbox.faults import Fault
from tests import mounting, postgres, waiting
from tests.crashes.doomed import Doomed
from tests.crashes.workload import MAKE
from tests.journeys.daemons import PATIENCE, SENDER_TOKEN
from tests.journeys.test_postgres import rows, upgrade

MEGABYTES = 24  # of the small disk
SLOW = 1.0  # seconds that the call takes which is under way when the journal breaks
Query = Callable[[str], Awaitable[list[dict[str, Any]]]]


async def post(daemon: Doomed, n: int) -> tuple[int, str | None, str | None]:
    """Send one order: status, Retry-After, id."""
    url = f"http://127.0.0.1:{daemon.public}/hooks/orders"
    bearer = {"Authorization": f"Bearer {SENDER_TOKEN}"}
    order = {"kind": "make", "n": n, "padding": "x" * 20_000}
    async with daemon.session.post(url, json=order, headers=bearer) as answer:
        return answer.status, answer.headers.get("Retry-After"), (await answer.json()).get("id")


async def break_and_mend(daemon: Doomed, broken: AbstractContextManager[None], first: int) -> set[str]:
    """The journal breaks while a call is under way, and is mended; the ids of what was acknowledged.

    The orders are numbered from *first* on: one before, one under way, one refused, and the refused one again.
    """
    status, _, before = await post(daemon, first)
    assert status == 202
    daemon.sandbox.faults.add(Fault("populr", "delay", "POST", "*/pops", seconds=SLOW, after=1))
    _, _, under_way = await post(daemon, first + 1)
    await waiting.wait_for(lambda: not daemon.sandbox.faults.read(), PATIENCE, "the call under way")
    made = len(daemon.effects("populr", "pop.created"))
    with broken:
        refused, retry_after, _ = await post(daemon, first + 2)
        assert (refused, retry_after) == (503, "5")
        await waiting.wait_for(
            lambda: len(daemon.effects("populr", "pop.created")) > made,
            PATIENCE,
            "an answer nobody can write",
        )

    async def accepted() -> str | None:
        status, _, id = await post(daemon, first + 2)
        return id if status in (200, 202) else None

    again = await waiting.wait_for(accepted, PATIENCE, "a journal that can be written again")
    return {str(before), str(under_way), str(again)}


async def everything_came_to_be(daemon: Doomed, query: Query, acknowledged: set[str]) -> None:
    """Every order is there once, its run succeeded, its page was made once."""

    async def ended() -> bool:
        found = [row["status"] for row in await query("SELECT status FROM runs")]
        return found == ["succeeded"] * len(acknowledged)

    await waiting.wait_for(ended, PATIENCE, "the end of all runs")
    events = await query("SELECT id FROM events WHERE type = 'order.came'")
    assert {row["id"] for row in events} == acknowledged
    names = Counter(pop["name"] for pop in daemon.sandbox.populr.pops.values())
    assert set(names.values()) == {1}
    assert len(names) == len(acknowledged)
    # An outcome that is known is no doubt because the journal was away.
    assert daemon.said("step.in_doubt") + daemon.said("run.broke") == []


async def survive(daemon: Doomed, broken: AbstractContextManager[None]) -> None:
    """One such outage of a SQLite journal."""
    daemon.configure(MAKE, lease="30s")
    await daemon.start()
    process = daemon.process

    async def query(text: str) -> list[dict[str, Any]]:
        return daemon.rows(text)

    acknowledged = await break_and_mend(daemon, broken, 1)
    await everything_came_to_be(daemon, query, acknowledged)
    assert daemon.process is process
    assert not daemon.is_dead


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """No byte of the disk is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process is in the middle of writing."""
    thief = sqlite3.connect(path, isolation_level=None, timeout=20)
    thief.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        thief.execute("ROLLBACK")
        thief.close()


@pytest.mark.mounts
async def test_a_full_disk(daemon: Doomed, tmp_path: Path) -> None:
    with mounting.small_disk(tmp_path / "disk", MEGABYTES) as disk:
        daemon.url = f"sqlite:///{disk / 'journal.db'}"
        await survive(daemon, filled(disk))
        await daemon.kill()
    assert daemon.is_dead


@pytest.mark.mounts
async def test_a_journal_that_is_turned_read_only(daemon: Doomed, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"

    @contextmanager
    def frozen() -> Iterator[None]:
        # Not the index that SQLite maps into memory: whoever writes to a map that turns read-only gets a bus error.
        with mounting.frozen(journal, journal.with_name("journal.db-wal")):
            yield

    await survive(daemon, frozen())
    assert not daemon.is_dead


async def test_another_process_that_keeps_the_journal_for_itself(daemon: Doomed, tmp_path: Path) -> None:
    await survive(daemon, locked(tmp_path / "journal.db"))
    assert not daemon.is_dead


async def test_a_server_that_refuses_to_write_and_one_that_is_stopped_and_started(
    daemon: Doomed, postgres_url: str, postgres_server: postgres.Server
) -> None:
    daemon.url = postgres_url
    daemon.configure(MAKE, lease="30s")
    await upgrade(daemon)
    await daemon.start()
    process = daemon.process

    async def query(text: str) -> list[dict[str, Any]]:
        return await rows(postgres_url, text)

    acknowledged = await break_and_mend(daemon, refusing(postgres_server, postgres_url.rpartition("/")[2]), 1)
    acknowledged |= await break_and_mend(daemon, postgres_server.stopped(), 11)
    await everything_came_to_be(daemon, query, acknowledged)
    assert daemon.process is process
    assert not daemon.is_dead


@contextmanager
def refusing(server: postgres.Server, name: str) -> Iterator[None]:
    """The server lets nobody write, as a standby does."""
    cut_off = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server.execute(cut_off)
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        server.execute(cut_off)
