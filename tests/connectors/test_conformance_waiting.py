"""Every action that starts long remote work, through the engine: a wait that ended too soon is taken up again."""

from collections import Counter

import pytest

from daemon.model import times
from daemon.model.reactions import Do
from daemon.model.runs import Run, RunStatus
from daemon.running import deciding
from tests.connectors import test_conformance_doubt as doubts
from tests.connectors.test_conformance_doubt import Bench, bench
from tests.journal.conftest import blank_file, sqlite_url
from tests.running.world import reaction

__all__ = ["bench", "blank_file", "sqlite_url"]

FOLLOWED = sorted(name for name, one in doubts.CATALOG.actions.items() if one.follows)
PATIENCE = 1 * times.SECOND  # for work that takes longer


@pytest.mark.parametrize("name", FOLLOWED)
async def test_work_that_outlasted_the_wait_is_waited_for_again_and_not_begun_again(
    bench: Bench, name: str
) -> None:
    kind, world = name.partition(".")[0], bench.world
    made = await bench.furnish(kind)
    before = effects(bench, kind)
    given = {**doubts.samples(made)[name], "wait": True, "wait_timeout": "1s"}
    world.react(reaction("make", Do("it", name, kind, None, given)))
    run = await world.react_to()
    await world.later(PATIENCE)
    begun = effects(bench, kind) - before
    for _ in range(2):
        assert (await world.run(run.id)).status is RunStatus.DEAD
        assert (await retried(bench, run)).status is RunStatus.WAITING
        await world.later(PATIENCE)
    await world.clock.advance(times.HOUR)
    await world.look()
    await retried(bench, run)
    await world.clock.advance(PATIENCE)
    await world.look()
    ended = await world.run(run.id)
    assert (ended.status, ended.error) == (RunStatus.SUCCEEDED, None)
    assert effects(bench, kind) - before == begun
    assert begun


async def retried(bench: Bench, run: Run) -> Run:
    """The dead *run*, once it has gone on."""
    world = bench.world
    await world.journal.write(lambda connection: deciding.retry(connection, run.id, world.clock.now()))
    await world.settle()
    return await world.run(run.id)


def effects(bench: Bench, kind: str) -> Counter[str]:
    """What has been done at the service so far, and how often."""
    return Counter(effect for effect, _ in bench.sandbox.ledger.effects(kind))
