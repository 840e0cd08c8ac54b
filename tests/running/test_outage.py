"""A journal that cannot be written for a while: what a call did is not forgotten over it."""

from typing import Any

import pytest

from daemon.journal import begun
from daemon.journal.database import Journal, JournalUnavailable
from daemon.journal.progress import Progress
from daemon.model.runs import RunStatus, StepStatus
from daemon.running import scribe
from tests.running.world import World, reaction, step


class Faltering:
    """A journal whose next commits for a run fail, once the shop was called."""

    def __init__(self, journal: Journal, world: World, failures: int) -> None:
        self._journal = journal
        self._world = world
        self.failures = failures

    async def write(self, fn: Any, *, single: bool = False) -> Any:
        if self._world.shop.calls and self.failures and isinstance(fn, Progress):
            self.failures -= 1
            raise JournalUnavailable("the disk is full")
        return await self._journal.write(fn, single=single)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


async def test_an_outcome_is_written_as_soon_as_the_journal_can_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribe, "AFTER_OUTAGE", 0.01)
    faltering = Faltering(world.journal, world, failures=3)
    world.journal = faltering
    world.worker, world.router, world.watcher = world.build("here")
    world.react(reaction("stock", step("put", value="a")))
    run = await world.react_to()
    (put,) = await world.steps(run)
    assert faltering.failures == 0
    assert (run.status, put.status, put.attempts) == (RunStatus.SUCCEEDED, StepStatus.SUCCEEDED, 1)
    assert len(world.shop.calls) == 1


class Unread:
    """A journal that cannot be read when runs were claimed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.refused = 0

    async def read(self, fn: Any) -> Any:
        if getattr(fn, "func", None) is begun.of_runs:
            self.refused += 1
            raise JournalUnavailable("the disk is gone")
        return await self._journal.read(fn)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


async def test_claimed_runs_go_on_though_what_they_have_could_not_be_read_for_all(world: World) -> None:
    world.react(reaction("stock", step("put", value="a")))
    await world.tell()
    world.worker._stopping = True  # no hands: the run waits as a row
    await world.router.once()
    world.worker._stopping = False
    world.worker._journal = unread = Unread(world.journal)
    await world.settle()
    (run,) = await world.runs()
    assert (unread.refused, run.status, len(world.shop.calls)) == (1, RunStatus.SUCCEEDED, 1)
