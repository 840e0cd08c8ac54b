"""A journal that cannot be written for a while: what a call did is not forgotten over it."""

from typing import Any

import pytest

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
