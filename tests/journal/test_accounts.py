"""Accounts and parked runs in the journal: moved by one at a time, released in order, found by index."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.contract import circuit
from daemon.contract.circuit import Circuit, Failure, Reason, State
from daemon.journal import accounts, runs, tables
from daemon.journal.database import Journal
from daemon.model import times
from daemon.model.runs import RunStatus
from tests.journal import making

NOW = making.NOW
OPEN = Circuit(
    state=State.OPEN,
    fence=7,
    failures=5,
    reason=Reason.UNAUTHORIZED,
    error="401: no",
    since=NOW,
    pauses=3,
    probe_at=NOW + 9,
    held_until=NOW + 8,
    held_for=8,
    tried="r1",
)


def park(connection: Connection, account: str, count: int) -> list[str]:
    """Park *count* new runs for *account*; their ids in order."""
    new = [replace(making.new_run("e"), item_key=f"{account}{n}") for n in range(count)]
    made = runs.make(connection, new, NOW, [making.LEASE] * count)
    for run in made:
        runs.move(connection, run, RunStatus.PARKED, parked_for=account, error="503", due_at=None)
    return [run.id for run in made]


async def test_a_circuit_comes_back_as_it_was_written(journal: Journal) -> None:
    await journal.write(partial(accounts.configure, names=["shop", "mill"]))
    change = await journal.write(partial(accounts.change, name="shop", decide=lambda _: OPEN))
    assert (change.before, change.after, change.went_down, change.came_up) == (Circuit(), OPEN, True, False)
    rows = await journal.read(accounts.listed)
    assert {name: row.circuit for name, row in rows.items()} == {"shop": OPEN, "mill": Circuit()}
    assert await journal.read(partial(accounts.get, name="shop")) == OPEN
    assert await journal.read(partial(accounts.get, name="nobody")) == Circuit()


async def test_a_change_that_changes_nothing_writes_nothing(journal: Journal) -> None:
    change = await journal.write(partial(accounts.change, name="shop", decide=lambda one: one))
    assert change.before == change.after
    assert await journal.read(accounts.listed) == {}
    change = await journal.write(partial(accounts.change, name="shop", decide=lambda _: OPEN))
    assert change.went_down
    change = await journal.write(
        partial(accounts.change, name="shop", decide=lambda one: Circuit(fence=one.fence))
    )
    assert change.came_up


async def test_failures_that_are_counted_at_once_are_all_counted(journal: Journal) -> None:
    await journal.write(partial(accounts.configure, names=["shop"]))
    fail = partial(circuit.after_failure, fence=0, failure=Failure("503"), now=NOW, chance=0.5)
    changes = await asyncio.gather(
        *(journal.write(partial(accounts.change, name="shop", decide=fail)) for _ in range(12))
    )
    assert [change.went_down for change in changes].count(True) == 1
    assert (await journal.read(partial(accounts.get, name="shop"))).failures == circuit.FAILURES


async def test_accounts_that_are_configured_no_more_are_forgotten(journal: Journal) -> None:
    await journal.write(partial(accounts.configure, names=["shop", "mill"]))
    await journal.write(partial(accounts.change, name="shop", decide=lambda _: OPEN))
    await journal.write(partial(accounts.configure, names=["shop", "barn"]))
    rows = await journal.read(accounts.listed)
    assert {name: row.circuit for name, row in rows.items()} == {"shop": OPEN, "barn": Circuit()}
    await journal.write(partial(accounts.configure, names=[]))
    assert await journal.read(accounts.listed) == {}


async def test_when_an_account_worked_is_kept(journal: Journal) -> None:
    await journal.write(partial(accounts.configure, names=["shop"]))
    await journal.write(partial(accounts.note_work, worked={"shop": (NOW, NOW + 5), "nobody": (1, 2)}))
    rows = await journal.read(accounts.listed)
    assert [(row.name, row.worked_at, row.busy_until) for row in rows.values()] == [("shop", NOW, NOW + 5)]


async def test_parked_runs_are_released_in_their_order(journal: Journal) -> None:
    shop = await journal.write(partial(park, account="shop", count=7))
    mill = await journal.write(partial(park, account="mill", count=2))
    assert await journal.read(accounts.accounts_with_parked) == ["mill", "shop"]
    assert await journal.read(accounts.counts_parked) == {"mill": 2, "shop": 7}
    released = await journal.write(partial(accounts.release, account="shop", now=NOW, limit=3))
    assert released == shop[:3]
    run = await journal.read(partial(runs.get, id=shop[0]))
    assert run is not None
    assert (run.status, run.due_at, run.parked_for, run.error) == (RunStatus.PENDING, NOW, None, None)
    assert await journal.read(accounts.counts_parked) == {"mill": 2, "shop": 4}
    assert await journal.write(partial(accounts.release, account="mill", now=NOW, limit=99)) == mill
    assert await journal.write(partial(accounts.release, account="barn", now=NOW, limit=9)) == []


async def test_each_trial_takes_another_run_than_the_last(journal: Journal) -> None:
    first, second, third = await journal.write(partial(park, account="shop", count=3))

    async def take(behind: str | None) -> str | None:
        return await journal.write(partial(accounts.release_next, account="shop", behind=behind, now=NOW))

    assert await take(first) == second
    assert await take(third) == first
    assert await take(None) == third
    assert await take(third) is None


async def test_a_trial_goes_to_a_run_that_others_wait_for(journal: Journal) -> None:
    parked = await journal.write(partial(park, account="shop", count=3))
    holds = sa.update(tables.runs).where(tables.runs.c.id == parked[2]).values(lock_key="k", locked=True)
    await journal.write(lambda connection: connection.execute(holds).rowcount)
    take = partial(accounts.release_next, account="shop", behind=None, now=NOW)
    assert await journal.write(take) == parked[2]


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE runs SET parked_for = NULL",
        "UPDATE runs SET status = 'pending'",
        "UPDATE accounts SET state = 'ajar'",
        "UPDATE accounts SET state = 'open'",
        "UPDATE accounts SET trial = 'r1'",
    ],
)
async def test_the_database_refuses_what_cannot_be(journal: Journal, broken: str) -> None:
    await journal.write(partial(park, account="shop", count=1))
    await journal.write(partial(accounts.configure, names=["shop"]))
    with pytest.raises(sa.exc.IntegrityError):
        await journal.write(lambda connection: connection.execute(sa.text(broken)).rowcount)
    assert await journal.read(accounts.counts_parked) == {"shop": 1}


async def test_watches_that_back_off_look_again_soon(journal: Journal) -> None:
    columns = "name, role, account, resource, options, announce, created_at, failures, due_at"
    rows = [
        f"('a', 'watch', 'shop', 'r', '{{}}', TRUE, 1, 3, {NOW + 100 * times.SECOND})",
        f"('b', 'watch', 'shop', 'r', '{{}}', TRUE, 1, 0, {NOW + 100 * times.SECOND})",
        f"('c', 'watch', 'mill', 'r', '{{}}', TRUE, 1, 3, {NOW + 100 * times.SECOND})",
        f"('d', 'follow', 'shop', 'r', '{{}}', TRUE, 1, 3, {NOW - times.SECOND})",
    ]

    def fill(connection: Connection) -> None:
        for row in rows:
            connection.execute(sa.text(f"INSERT INTO watches ({columns}) VALUES {row}"))
        accounts.hurry(connection, "shop", NOW)

    await journal.write(fill)
    due = sa.select(tables.watches.c.name, tables.watches.c.due_at)
    found = dict(await journal.read(lambda connection: [tuple(row) for row in connection.execute(due)]))
    assert {name: (at - NOW) / times.SECOND for name, at in found.items()} == {
        "a": 10,
        "b": 100,
        "c": 100,
        "d": -1,
    }
