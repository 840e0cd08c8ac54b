"""Many rows at once: few queries, few commits, and no long hold of the loop."""

import asyncio
from itertools import pairwise

import pytest

from daemon.intake import crew
from daemon.intake import rounds as gathering
from daemon.intake import watches as watching
from daemon.journal import database, events, watches
from daemon.model.times import MILLISECOND, MINUTE, SECOND
from tests import waiting
from tests.intake import remotes

MANY = watching.TAKEN + watching.AT_ONCE


@pytest.fixture(autouse=True)
def restless(monkeypatch):
    """The clock of these tests stands still, so nothing can rest by it."""
    monkeypatch.setattr(watching, "REST", 0)


async def watch_many(world: remotes.Watched, many: int = MANY) -> None:
    """A watch of each of many things, all known already."""
    names = [f"t{n}" for n in range(many)]
    world.remote.things = dict.fromkeys(names, (1, "new"))
    await world.configure(*(remotes.row(f"watch-{name}", wanted=(name,)) for name in names))
    await poll_all(world)


async def poll_all(world: remotes.Watched) -> None:
    """Poll until nothing is due."""
    while await world.watcher.once():
        await waiting.wait_for(lambda: not world.watcher._polling, 60)


async def resting(journal: database.Journal, monkeypatch: pytest.MonkeyPatch) -> remotes.Watched:
    """A world in which more rows are due than may be taken, and the first of them have been polled."""
    world = remotes.watched(journal)
    monkeypatch.setattr(watching, "TAKEN", 2 * watching.MANY)
    monkeypatch.setattr(watching, "ROOM", watching.MANY)
    await watch_many(world, 3 * watching.MANY)
    monkeypatch.setattr(watching, "REST", 60_000)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    assert await world.watcher.once()
    await waiting.wait_for(lambda: not world.watcher._polling, 60)
    return world


async def test_quiet_polls_of_many_rows_are_few_commits(journal, batches):
    world = remotes.watched(journal)
    await watch_many(world)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    polls, before = world.remote.polls, len(batches)
    await poll_all(world)
    assert world.remote.polls - polls == MANY
    assert len(batches) - before <= 4 * (MANY // watching.TAKEN + 1)
    rows = await journal.read(lambda connection: watches.listed(connection, MANY))
    later = [row for row in rows if row.due_at is not None and row.due_at > world.clock.now()]
    assert len(later) == MANY
    assert {row.polled_at for row in rows} == {world.clock.now()}


async def test_what_was_polled_a_moment_before_the_end_is_written(journal, monkeypatch):
    world = remotes.watched(journal)
    await watch_many(world, 3)
    monkeypatch.setattr(gathering, "GATHER", 3_600)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    assert await world.watcher.once()
    await waiting.wait_for(lambda: len(world.watcher._rounds._waiting) == 3)
    await world.watcher.drain()
    rows = await journal.read(lambda connection: watches.listed(connection, 3))
    assert {row.polled_at for row in rows} == {world.clock.now()}


async def test_what_is_new_among_many_quiet_rows_is_told(journal):
    world = remotes.watched(journal)
    await watch_many(world)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    world.remote.things["t7"] = (2, "new")
    world.remote.things["t8"] = (1, "done")
    await poll_all(world)
    told = await journal.read(lambda connection: events.after(connection, 0, 10))
    assert [(one.subject, one.data["n"]) for one in told] == [("t7", 2)]
    kept = await journal.read(lambda c: watches.recall(c, remotes.ACCOUNT, "things", ["t7", "t8"]))
    assert (kept["t7"].memory, kept["t8"].state) == ({"n": 2}, "done")


async def test_between_two_turns_of_the_loop_only_a_few_rows_are_polled(sqlite_url):
    journal = await database.open_journal(sqlite_url)
    world = remotes.watched(journal)
    await watch_many(world)
    world.clock.set(world.clock.now() + 2 * MINUTE)
    at_turns = [world.remote.polls]

    async def watch_the_loop() -> None:
        while True:
            await asyncio.sleep(0)
            at_turns.append(world.remote.polls)

    watcher = asyncio.create_task(watch_the_loop())
    await poll_all(world)
    watcher.cancel()
    await journal.close()
    assert at_turns[-1] - at_turns[0] == MANY
    assert max(after - before for before, after in pairwise(at_turns)) <= 2 * crew.TURN


async def test_after_many_rows_the_next_are_let_come_together(journal, monkeypatch):
    world = await resting(journal, monkeypatch)
    assert not await world.watcher.once()
    assert world.watcher.next_at == world.clock.now() + 60_000
    world.clock.set(world.clock.now() + 60_000)
    assert await world.watcher.once()
    await waiting.wait_for(lambda: not world.watcher._polling, 60)


@pytest.mark.parametrize(
    "intervals, rest",
    [
        ((MINUTE, 5 * MINUTE), 960),
        ((MINUTE, 12 * SECOND), 200),
        ((MINUTE, SECOND), 120),
        ((None, MINUTE), 120),
    ],
)
async def test_the_rest_is_a_small_part_of_the_shortest_interval(journal, monkeypatch, intervals, rest):
    world = remotes.watched(journal)
    world.remote.things = {"a": (1, "new")}
    named = enumerate([*intervals] * watching.MANY)
    await world.configure(*(remotes.row(f"watch-{n}", wanted=("a",), every=every) for n, every in named))
    monkeypatch.setattr(watching, "REST", 960 * MILLISECOND)
    assert await world.watcher.once()
    await waiting.wait_for(lambda: not world.watcher._polling, 60)
    assert not await world.watcher.once()
    assert world.watcher.next_at == world.clock.now() + rest * MILLISECOND


async def test_a_callback_that_wants_a_look_cuts_a_rest_short(journal, monkeypatch):
    world = await resting(journal, monkeypatch)
    monkeypatch.setattr(watching, "REST_ASKED", 20_000)
    began = world.clock.now()
    world.watcher.hurry()
    assert not await world.watcher.once()
    assert world.watcher.next_at == began + 20_000
    world.clock.set(began + 20_000)
    assert await world.watcher.once()
    await waiting.wait_for(lambda: not world.watcher._polling, 60)


async def test_a_place_or_two_that_come_free_are_not_filled_one_by_one(journal, monkeypatch):
    world = remotes.watched(journal)
    world.remote.things = {"a": (1, "new")}
    await world.configure(*(remotes.row(f"watch-{n}", wanted=("a",)) for n in range(3)))
    monkeypatch.setattr(watching, "TAKEN", 4)
    monkeypatch.setattr(watching, "ROOM", 2)
    elsewhere = {"p", "q", "r"}
    world.watcher._polling.update(elsewhere)
    assert not await world.watcher.once()
    world.watcher._polling.discard("r")
    assert await world.watcher.once()
    await waiting.wait_for(lambda: len(world.watcher._polling) == 2)
    assert world.remote.polls == 2
