"""An outage of the made-up shop: taken down, brought back; used by the tests of parking and of probing."""

import random

import pytest

from daemon.contract import circuit, errors
from daemon.model import times
from daemon.model.reactions import Retry
from daemon.model.runs import RunStatus
from tests.running.world import World, reaction, step

BUSY = "503: busy"
DOWN, UP = "pointsman.service.down", "pointsman.service.up"
QUICK = Retry(attempts=8, first=times.SECOND, max=times.SECOND)
OUTAGE = 4 * times.HOUR


@pytest.fixture(autouse=True)
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jitter at its upper end, so that it is known when something is due."""
    monkeypatch.setattr(random, "random", lambda: 1.0)


def busy(status: int = 503) -> errors.TemporaryError:
    return errors.TemporaryError(f"{status}: busy", status=status)


def refused() -> errors.TemporaryError:
    return errors.TemporaryError("401: who are you", status=401, unauthorized=True)


async def take_down(world: World) -> None:
    """Let the shop fail until it counts as down; a run is parked then."""
    world.shop.script["shop.put"] = [busy() for _ in range(1_000)]
    world.react(reaction("stock", step("put", value="{{ event.data.n }}"), retry=QUICK))
    await world.react_to({"n": 0})
    for _ in range(circuit.FAILURES - 1):
        await world.later(times.SECOND)
    assert world.circuits.known("shop").is_down


def recover(world: World) -> int:
    """Let the shop answer from now on; how many calls it has had."""
    world.shop.script.clear()
    return len(world.shop.calls)


async def statuses(world: World) -> list[RunStatus]:
    return [run.status for run in await world.runs()]
