"""Upkeep forgets in slices, on its clock, and lets others write between them."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from daemon import upkeep
from daemon.journal import database, events, migrate, retention, runs
from daemon.journal.database import Journal, JournalUnavailable
from daemon.model import times
from daemon.model.runs import RunStatus
from daemon.upkeep import Upkeep
from tests import clocks, waiting
from tests.journal import making

SLICE = 3


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", SLICE)
    monkeypatch.setattr(retention, "PAGES", SLICE)


@pytest.fixture(params=["sqlite", "postgresql"])
async def journal(
    request: pytest.FixtureRequest, tmp_path: Path, batches: list[int]
) -> AsyncIterator[Journal]:
    on_server = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_server else f"sqlite:///{tmp_path}/journal.db"
    await migrate.upgrade(url)
    opened = await database.open_journal(url, observe=batches.append)
    yield opened
    await opened.close()


@pytest.fixture
def batches() -> list[int]:
    return []


async def fill(journal: Journal, number: int, now: int) -> list[str]:
    """Events with a finished run each; the last one's run is dead."""
    ids = await making.told(journal, *(f"k{now} {n}" for n in range(number)), now=now)
    made = await making.made(journal, *ids, now=now, lease=making.LEASE)
    for run in made:
        status = RunStatus.DEAD if run is made[-1] else RunStatus.SUCCEEDED
        await journal.write(partial(runs.move, run=run, status=status, finished_at=now))
    last = await journal.read(events.newest_seq)
    old = await journal.read(events.cursor)
    await journal.write(lambda c: events.move_cursor(c, old, last))
    return ids


def keeping(journal: Journal, clock: clocks.VirtualClock, days: int = 90) -> Upkeep:
    return Upkeep(journal, clock, days * times.DAY, days * times.DAY)


async def finish_round(keeper: Upkeep, clock: clocks.VirtualClock) -> int:
    """Call ``once`` until it has nothing to do, the clock moving on whenever it rests; how many slices it took."""
    slices = 1
    while await on(keeper, clock):
        slices += 1
    return slices


async def on(keeper: Upkeep, clock: clocks.VirtualClock) -> bool:
    """One call of ``once``."""
    slice_ = asyncio.create_task(keeper.once())
    await waiting.wait_for(lambda: slice_.done() or clock.sleepers, what="a slice")
    await clock.advance(upkeep.PAUSE)
    return await slice_


async def test_what_is_old_goes_and_what_is_undecided_stays(
    journal: Journal, virtual_clock: clocks.VirtualClock
) -> None:
    old = await fill(journal, 10, virtual_clock.now())
    await virtual_clock.advance(60 * times.DAY)
    young = await fill(journal, 4, virtual_clock.now())
    keeper = keeping(journal, virtual_clock)
    await finish_round(keeper, virtual_clock)
    assert await making.counted(journal, "runs") == await making.counted(journal, "events") == 14
    await virtual_clock.advance(40 * times.DAY)
    assert await finish_round(keeper, virtual_clock) > 6
    left = await journal.read(lambda c: events.after(c, 0, 100))
    assert [event.id for event in left] == [old[-1], *young]
    assert await making.counted(journal, "runs") == 5


async def test_each_slice_is_a_commit_with_a_rest_behind_it(
    journal: Journal, virtual_clock: clocks.VirtualClock, batches: list[int]
) -> None:
    await fill(journal, 10, virtual_clock.now())
    await virtual_clock.advance(100 * times.DAY)
    before = len(batches)
    slice_ = asyncio.create_task(keeping(journal, virtual_clock).once())
    await waiting.wait_for(lambda: virtual_clock.sleepers == 1)
    assert len(batches) == before + 1
    assert await making.counted(journal, "runs") == 10 - SLICE
    assert await making.told(journal, "others write meanwhile")
    await virtual_clock.advance(upkeep.PAUSE)
    assert await slice_ is True


async def test_a_round_begins_when_it_is_due(journal: Journal, virtual_clock: clocks.VirtualClock) -> None:
    keeper = keeping(journal, virtual_clock)
    await finish_round(keeper, virtual_clock)
    await fill(journal, 3, virtual_clock.now() - 100 * times.DAY)
    assert not await keeper.once()
    assert await making.counted(journal, "events") == 3
    await virtual_clock.advance(upkeep.EVERY)
    assert await on(keeper, virtual_clock)
    await finish_round(keeper, virtual_clock)
    assert await making.counted(journal, "events") == 1


async def test_a_slice_that_failed_is_tried_again(
    journal: Journal, virtual_clock: clocks.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(journal, 3, virtual_clock.now())
    await virtual_clock.advance(100 * times.DAY)
    keeper, real = keeping(journal, virtual_clock), journal.write

    async def refuse(_fn: object) -> None:
        raise JournalUnavailable("no room")

    monkeypatch.setattr(journal, "write", refuse)
    for _ in range(2):
        with pytest.raises(JournalUnavailable):
            await keeper.once()
    monkeypatch.setattr(journal, "write", real)
    await finish_round(keeper, virtual_clock)
    assert await making.counted(journal, "events") == 1


async def test_another_retention_counts_at_once(journal: Journal, virtual_clock: clocks.VirtualClock) -> None:
    await fill(journal, 2, virtual_clock.now())
    await virtual_clock.advance(10 * times.DAY)
    keeper = keeping(journal, virtual_clock)
    await finish_round(keeper, virtual_clock)
    assert await making.counted(journal, "events") == 2
    keeper.keep(times.DAY, times.DAY)
    await finish_round(keeper, virtual_clock)
    assert await making.counted(journal, "events") == 1
