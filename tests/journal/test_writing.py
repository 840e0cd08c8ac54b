"""One way to write: each function stands or falls alone, and its result comes after the commit."""

import asyncio
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from daemon.journal import database, events, runs, state
from daemon.journal.database import Journal, JournalUnavailable
from daemon.journal.tables import state as state_table
from tests.journal import making


def put(connection: Connection, key: str) -> str:
    state.put(connection, {key: 1}, making.NOW)
    return key


async def keys(journal: Journal) -> set[str]:
    found = await journal.read(lambda connection: connection.scalars(sa.select(state_table.c.key)).all())
    return set(found)


def fail_after_put(connection: Connection, key: str) -> None:
    put(connection, key)
    raise KeyError(key)


def break_the_database(connection: Connection) -> None:
    row = {"key": "twice", "value": "1", "updated_at": 1}
    connection.execute(sa.insert(state_table), [row, row])


def swallow_an_error(connection: Connection) -> None:
    put(connection, "before")
    try:
        break_the_database(connection)
    except IntegrityError:
        put(connection, "after")


def leave_half_read(connection: Connection) -> None:
    put(connection, "a")
    put(connection, "b")
    changed = connection.execute(sa.update(state_table).values(updated_at=5).returning(state_table.c.key))
    for row in changed:
        raise LookupError(row.key)


async def test_what_is_handed_in_together_is_one_commit(journal: Journal, batches: list[int]) -> None:
    given = await asyncio.gather(*(journal.write(partial(put, key=f"k{n}")) for n in range(9)))
    assert given == [f"k{n}" for n in range(9)]
    assert batches == [9]
    assert await keys(journal) == set(given)


async def test_what_comes_during_a_commit_is_the_next_one(journal: Journal, batches: list[int]) -> None:
    async def again(n: int) -> None:
        await journal.write(lambda c: put(c, f"first{n}"))
        await journal.write(lambda c: put(c, f"second{n}"))

    await asyncio.gather(*(again(n) for n in range(5)))
    assert batches[0] == 5
    assert sum(batches) == 10
    assert len(batches) < 10


@pytest.mark.parametrize("fail", [break_the_database, leave_half_read, lambda c: fail_after_put(c, "lost")])
async def test_a_function_that_fails_undoes_itself_alone(
    journal: Journal, batches: list[int], fail: Any
) -> None:
    functions: list[Any] = [lambda c: put(c, "good"), fail, lambda c: put(c, "late")]
    outcomes = await asyncio.gather(*(journal.write(fn) for fn in functions), return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == ("good", "late")
    assert isinstance(outcomes[1], IntegrityError | LookupError)
    assert batches == [3]
    assert await keys(journal) == {"good", "late"}
    assert await journal.write(lambda c: put(c, "usable")) == "usable"


async def test_every_function_of_a_commit_may_fail_on_its_own(journal: Journal) -> None:
    outcomes = await asyncio.gather(
        *(journal.write(partial(fail_after_put, key=f"k{n}")) for n in range(4)), return_exceptions=True
    )
    assert [str(one) for one in outcomes] == ["'k0'", "'k1'", "'k2'", "'k3'"]
    assert await keys(journal) == set()


async def test_an_error_that_a_function_swallows_harms_nobody_else(journal: Journal) -> None:
    outcomes = await asyncio.gather(
        journal.write(swallow_an_error), journal.write(lambda c: put(c, "other")), return_exceptions=True
    )
    assert outcomes[1] == "other"
    # SQLite goes on after a failed statement; PostgreSQL undoes the function, and says so.
    whole = {"other", "before", "twice", "after"} if outcomes[0] is None else {"other"}
    assert await keys(journal) == whole


async def test_a_statement_of_our_own_making_is_no_outage(journal: Journal) -> None:
    with pytest.raises(DBAPIError):
        await journal.write(lambda c: c.execute(sa.text("SELEKT 1")))
    with pytest.raises(DBAPIError):
        await journal.read(lambda c: c.execute(sa.text("SELECT * FROM nothing")))
    assert await journal.read(lambda c: c.scalar(sa.text("SELECT 1"))) == 1


async def test_the_result_comes_when_another_connection_sees_the_row(journal: Journal, url: str) -> None:
    other = await database.open_journal(url)
    try:
        for n in range(5):
            await journal.write(partial(put, key=f"k{n}"))
            assert f"k{n}" in await keys(other)
    finally:
        await other.close()


async def test_a_reader_sees_fresh_data_each_time_and_one_snapshot_within(journal: Journal, url: str) -> None:
    assert await keys(journal) == set()
    await journal.write(lambda c: put(c, "new"))
    assert await asyncio.gather(*(keys(journal) for _ in range(6))) == [{"new"}] * 6


async def test_a_failed_read_leaves_no_old_snapshot(journal: Journal) -> None:
    await journal.write(lambda c: [put(c, f"k{n}") for n in range(3)])

    def stop_half_way(connection: Connection) -> None:
        for row in connection.execute(sa.select(state_table.c.key)):
            raise LookupError(row.key)

    kept = await asyncio.gather(*(journal.read(stop_half_way) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(one, LookupError) for one in kept)
    await journal.write(lambda c: put(c, "new"))
    assert "new" in await keys(journal)


async def test_a_read_cannot_write(journal: Journal) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await journal.read(lambda c: put(c, "sneaked"))
    assert await keys(journal) == set()


async def test_who_stops_waiting_harms_nobody(journal: Journal) -> None:
    gone = asyncio.create_task(journal.write(lambda c: put(c, "gone")))
    staying = asyncio.create_task(journal.write(lambda c: put(c, "staying")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await staying == "staying"
    assert "staying" in await keys(journal)


async def test_closing_waits_for_what_was_handed_in_and_takes_no_more(url: str) -> None:
    journal = await database.open_journal(url)
    waiting = [asyncio.create_task(journal.write(partial(put, key=f"k{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    await journal.close()
    assert [await one for one in waiting] == ["k0", "k1", "k2"]
    with pytest.raises(JournalUnavailable):
        await journal.write(lambda c: put(c, "late"))


async def test_a_function_that_admits_and_then_fails_leaves_no_event(journal: Journal) -> None:
    def admit_then_fail(connection: Connection) -> None:
        events.emit(connection, [making.fact("lost")], "shop", making.NOW)
        runs.make(connection, [making.new_run("e")], making.NOW, [None])
        raise KeyError("no")

    _, kept = await asyncio.gather(
        journal.write(admit_then_fail), making.told(journal, "kept"), return_exceptions=True
    )
    found = await journal.read(lambda c: [event.key for event in events.after(c, 0, 10)])
    assert found == ["kept"]
    assert isinstance(kept, list)
    assert await making.counted(journal, "runs") == 0


async def test_leases_are_judged_by_the_clock_of_the_database(journal: Journal) -> None:
    first = await journal.lease_now()
    second = await journal.lease_now()
    assert 1_700_000_000_000_000 < first <= second < first + 60_000_000


async def test_a_mistake_between_two_commits_leaves_nobody_waiting(url: str) -> None:
    sizes: list[int] = []

    def fail_at_first(size: int) -> None:
        sizes.append(size)
        if len(sizes) == 1:
            raise ValueError("ours")

    journal = await database.open_journal(url, observe=fail_at_first)
    with pytest.raises(JournalUnavailable, match="ours"):
        await journal.write(partial(put, key="first"))
    assert await journal.write(partial(put, key="second")) == "second"
    assert await keys(journal) == {"second"}
    await journal.close()
