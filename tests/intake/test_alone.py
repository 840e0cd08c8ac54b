"""A daemon that has its journal to itself writes no claims: what is polled, it knows; what died with it, is due."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pytest

from daemon.intake import rounds as rounding
from daemon.intake import watches as watching
from daemon.intake.claims import Alone
from daemon.intake.rounds import Rounds
from daemon.journal import database, rounds, watches
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.journal.rounds import Rest
from daemon.model.times import HOUR, MINUTE
from tests import clocks, waiting
from tests.intake import remotes
from tests.intake.remotes import Watched, row

T = TypeVar("T")
NOW = clocks.START


@dataclass
class Journaled:
    """A journal of which commits are counted, and that can be made to refuse them."""

    inner: Journal
    refuses: bool = False
    writes: int = 0
    refused: int = 0
    dialect: str = "sqlite"
    read: Callable[[Callable[[Connection], Any]], Any] = field(init=False)
    lease_now: Callable[[], Any] = field(init=False)
    close: Callable[[], Any] = field(init=False)

    def __post_init__(self) -> None:
        self.read, self.lease_now, self.close = self.inner.read, self.inner.lease_now, self.inner.close

    async def write(self, fn: Callable[[Connection], T], *, single: bool = False) -> T:
        if self.refuses:
            self.refused += 1
            raise JournalUnavailable("the disk is full")
        self.writes += 1
        return await self.inner.write(fn, single=single)


@pytest.fixture
async def journal(sqlite_url: str) -> AsyncIterator[Journaled]:
    opened = await database.open_journal(sqlite_url, exclusive=True)
    yield Journaled(opened)
    await opened.close()


@pytest.fixture
async def world(journal: Journaled, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(rounding, "AFTER_TROUBLE", 0.01)
    monkeypatch.setattr(watching, "AFTER_LOST", 0.01)
    made = remotes.watched(journal, alone=True)
    made.remote.things = {"a": (1, "new")}
    yield made
    await made.watcher.drain()


async def test_a_quiet_poll_is_one_commit(world: Watched, journal: Journaled) -> None:
    await world.configure(row())
    await world.poll()
    before = journal.writes
    await world.poll(2 * MINUTE)
    assert (world.remote.polls, journal.writes - before) == (2, 1)
    rested = await world.row()
    assert rested is not None
    assert (rested.polled_at, rested.fence) == (world.clock.now(), 0)
    assert rested.due_at is not None
    assert rested.due_at > world.clock.now()


async def test_a_row_that_is_polled_is_not_begun_again_and_others_are(world: Watched) -> None:
    await world.configure(row("slow"), row("other", due_at=NOW + MINUTE))
    await world.begin()
    assert not await world.watcher.once()
    assert world.watcher.next_at == NOW + MINUTE
    world.clock.set(NOW + MINUTE)
    assert await world.watcher.once()
    await waiting.wait_for(lambda: world.remote.polls == 2)
    assert not await world.watcher.once()
    await world.finish()
    assert world.remote.polls == 2


async def test_what_was_being_polled_when_the_process_died_is_due_at_once(
    world: Watched, journal: Journaled
) -> None:
    await world.configure(row())
    await world.begin()
    reborn = remotes.watched(journal, alone=True)
    await reborn.poll()
    assert reborn.remote.polls == 1
    await world.watcher.drain()


async def test_a_cut_poll_is_due_still(world: Watched) -> None:
    await world.configure(row(announce=True))
    await world.begin()
    await world.watcher.drain()
    world.remote.gate = None
    assert [one.subject for one in await world.poll()] == ["a"]


async def test_a_row_that_was_made_anew_meanwhile_keeps_its_own_first_poll(world: Watched) -> None:
    world.remote.things = {"a": (1, "new"), "b": (1, "new")}
    await world.configure(row(options={"ids": ["a"]}, wanted=("a",)))
    await world.poll()
    world.clock.set(NOW + HOUR)
    await world.begin()
    elsewhere = row(options={"ids": ["b"]}, wanted=("b",), created_at=NOW + HOUR, due_at=NOW + HOUR)
    await world.configure(elsewhere)
    await world.finish()
    anew = await world.row()
    assert anew is not None
    assert anew.polled_at is None
    assert anew.due_at is not None
    assert anew.due_at <= NOW + HOUR
    assert await world.poll() == []  # what is there is remembered, not told


async def test_quiet_polls_are_written_once_the_disk_takes_them_and_nobody_is_asked_again(
    world: Watched, journal: Journaled
) -> None:
    await world.configure(row())
    await world.poll()
    world.clock.set(NOW + HOUR)
    journal.refuses = True
    await world.watcher.once()
    await waiting.wait_for(lambda: journal.refused >= 3)
    assert not await world.watcher.once()
    journal.refuses = False
    await waiting.wait_for(lambda: not world.watcher._polling)
    rested = await world.row()
    assert rested is not None
    assert (rested.polled_at, world.remote.polls) == (NOW + HOUR, 2)


async def test_what_is_new_and_could_not_be_written_is_told_by_a_later_poll(
    world: Watched, journal: Journaled
) -> None:
    await world.configure(row(announce=True))
    journal.refuses = True
    assert await world.poll() == []
    journal.refuses = False
    assert [one.subject for one in await world.poll()] == ["a"]


async def test_quiet_polls_that_were_not_written_yet_are_when_the_daemon_stops(journal: Journaled) -> None:
    world = remotes.watched(journal)
    await world.configure(row("x"), row("y"))
    rested: list[str] = []
    ways = Rounds(journal, lambda done: rested.extend(one.row.name for one in done))
    rows = await journal.read(lambda c: rounds.due(c, NOW, frozenset(), 9))
    for one in rows:
        ways.settle(Rest(one, NOW, NOW + HOUR))
    await ways.finish()
    assert sorted(rested) == ["x", "y"]
    assert await journal.read(lambda c: rounds.next_after(c, NOW)) == NOW + HOUR
    await ways.finish()
    assert len(rested) == 2


async def test_a_mistake_of_ours_stops_no_later_round(
    journal: Journaled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "AFTER_TROUBLE", 0.01)
    world = remotes.watched(journal)
    await world.configure(row("x"), row("y"))
    let_go: list[str] = []
    ways = Rounds(journal, lambda done: let_go.extend(one.row.name for one in done))
    x, y = sorted(await journal.read(lambda c: rounds.due(c, NOW, frozenset(), 9)), key=lambda one: one.name)
    ways.settle(Rest(x, NOW, 2**70))
    await waiting.wait_for(lambda: let_go == ["x"])
    ways.settle(Rest(y, NOW, NOW + HOUR))
    await waiting.wait_for(lambda: let_go == ["x", "y"])
    assert [one.name for one in await journal.read(lambda c: rounds.due(c, NOW, frozenset(), 9))] == ["x"]


async def test_the_oldest_come_first_beside_those_that_are_held(journal: Journaled) -> None:
    world = remotes.watched(journal)
    await world.configure(*(row(name, due_at=NOW - 10 + place) for place, name in enumerate("abcde")))
    await journal.write(partial(watches.change, name="b", paused=True))
    alone = Alone(journal)
    taken = await alone.take(NOW, {"a", "d"}, 1)
    assert [one.name for one in taken.rows] == ["c"]
    taken = await alone.take(NOW, {"a"}, 9)
    assert [one.name for one in taken.rows] == ["c", "d", "e"]
    assert (await alone.take(NOW, set(), 0)).rows == []
    nothing = await alone.take(NOW - 10, {"a"}, 9)
    assert (nothing.rows, nothing.next_at) == ([], NOW - 8)
    assert await asyncio.gather(*(alone.hand_back({"a"}) for _ in range(2))) == [None, None]
