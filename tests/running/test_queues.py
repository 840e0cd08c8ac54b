"""An account's places: a step takes one before its intent is written, and a long queue holds up nobody else."""

import asyncio
from dataclasses import replace

from daemon.contract import errors
from daemon.contract.limits import Limits
from daemon.model import times
from daemon.model.runs import RunStatus, StepStatus
from daemon.running import calling
from tests import waiting
from tests.running.world import World, reaction, step


def narrow(world: World, places: int = 2) -> None:
    """Give the shop so many *places*, and answer nobody there."""
    lanes = {"shop": Limits(1_000, times.SECOND, places)}
    world.services = replace(world.services, lanes=lanes)
    world.shop.gate = asyncio.Event()


async def test_what_was_never_sent_is_in_no_doubt_after_a_crash(world: World) -> None:
    narrow(world)
    world.react(reaction("buy", step("charge", name="{{ item }}"), for_each="event.data.n"))
    await world.tell({"n": [str(number) for number in range(10)]})
    await world.begin()
    await world.calls(2)
    await world.crash()
    world.shop.gate = None
    await world.settle()
    ends = [run.status for run in await world.runs()]
    assert (ends.count(RunStatus.IN_DOUBT), ends.count(RunStatus.SUCCEEDED)) == (2, 8)
    assert len(world.shop.calls) == 10


async def test_a_long_queue_at_one_account_holds_up_no_other_reaction(world: World) -> None:
    narrow(world, places=1)
    world.react(
        reaction("slow", step("put", value="{{ item }}"), for_each="event.data.n"),
        reaction("quick", step("state.set", key="seen", value="yes"), on=("other.came",)),
    )
    many = calling.LONGEST_QUEUE + 20
    await world.tell({"n": list(range(many))})
    await world.begin()
    await waiting.wait_for(lambda: len(world.worker._in_hand) <= calling.LONGEST_QUEUE + 1, what="runs aside")
    await world.tell(type="other.came")
    await world.begin()

    async def is_done() -> bool:
        return any(run.status is RunStatus.SUCCEEDED for run in await world.runs() if run.reaction == "quick")

    await waiting.wait_for(is_done, what="the quick one")
    assert world.shop.gate is not None
    world.shop.gate.set()
    world.shop.gate = None
    for _ in range(20):
        await world.later(20 * times.SECOND)
    assert {run.status for run in await world.runs()} == {RunStatus.SUCCEEDED}
    assert len(world.shop.calls) == many


async def test_a_pause_that_a_service_asks_for_outlasts_the_timeout(world: World) -> None:
    world.shop.script["shop.put"] = [errors.TemporaryError("429", retry_after=times.DAY), {"number": 1}]
    world.react(reaction("stock", step("put", value="a"), timeout=times.HOUR))
    run = await world.react_to()
    assert run.status is RunStatus.PARKED
    await world.later(times.DAY + 3 * times.SECOND)
    (put,) = await world.steps(run)
    assert (put.status, put.attempts) == (StepStatus.SUCCEEDED, 1)  # the refused one was no attempt
