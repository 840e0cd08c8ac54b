"""Crashes and lost answers: what is done again, what is held, and who may write."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from daemon.contract import errors
from daemon.contract.declare import Call, Done
from daemon.journal import tables
from daemon.journal.database import Connection
from daemon.model import times
from daemon.model.runs import Run, RunStatus, StepStatus
from daemon.running import doubt
from tests import waiting
from tests.running.world import World, reaction, step

LOST = "the connection broke"


async def crashed_in(world: World, action: str, **values: object) -> None:
    """Die while a call of *action* is under way, and come back."""
    world.react(reaction("stock", step("state.set", key="n", value=1), step(action), step("put"), **values))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    await world.crash()
    world.shop.gate.set()
    await world.settle()


@pytest.mark.parametrize("action", ["put", "make"])
async def test_a_begun_call_without_effect_is_repeated_after_a_crash(world: World, action: str) -> None:
    await crashed_in(world, action)
    await world.later(30 * times.SECOND)  # as long as the answer would have been waited for
    (run,) = await world.runs()
    assert run.status is RunStatus.SUCCEEDED
    begun, again = [made for made in world.shop.calls if made.call.step_id == action][:2]
    assert begun.parameters == again.parameters
    assert (begun.call.first_sent_at, again.call.first_sent_at) == (None, begun.call.now)
    steps = await world.steps(run)
    assert [one.attempts for one in steps[:2]] == [1, 2]
    assert run.attempts == sum(one.attempts for one in steps)


async def test_a_service_that_is_at_work_while_the_process_dies_is_not_asked_twice(world: World) -> None:
    await crashed_in(world, "make")
    await world.later(doubt.SETTLES * 2)
    world.shop.made.append(world.shop.calls[0].call.marker)  # only now the service is through with it
    await world.later(times.MINUTE)
    (run,) = await world.runs()
    assert run.status is RunStatus.SUCCEEDED
    assert len(world.shop.made) == len(world.shop.asked("shop.make")) == 1


async def test_an_unsafe_call_is_held_after_a_crash(world: World) -> None:
    await crashed_in(world, "charge")
    (run,) = await world.runs()
    assert (run.status, run.finished_at) == (RunStatus.IN_DOUBT, None)
    assert len(world.shop.asked("shop.charge")) == 1
    assert world.shop.asked("shop.put") == []
    _set, held = await world.steps(run)
    assert (held.status, held.attempts) == (StepStatus.IN_DOUBT, 1)
    (told,) = await world.events("pointsman.run.in_doubt")
    assert (told.subject, told.data["run"]["id"], told.data["error"]) == ("stock", run.id, run.error)
    await world.later(times.DAY)
    assert len(world.shop.calls) == 1


async def test_an_unsafe_call_is_redone_where_the_reaction_says_so(world: World) -> None:
    await crashed_in(world, "charge", on_doubt="redo")
    (run,) = await world.runs()
    assert run.status is RunStatus.SUCCEEDED
    assert len(world.shop.asked("shop.charge")) == 2


async def test_a_lost_answer_of_an_unsafe_call_is_held(world: World) -> None:
    world.shop.script["shop.charge"] = [errors.TemporaryError(LOST, in_doubt=True)]
    world.react(reaction("stock", step("charge")))
    run = await world.react_to()
    assert (run.status, run.error) == (RunStatus.IN_DOUBT, f"step charge: {LOST}")


async def test_an_unsafe_call_that_surely_had_no_effect_is_tried_again(world: World) -> None:
    world.shop.script["shop.charge"] = [errors.TemporaryError("503: busy", status=503), {}]
    world.react(reaction("stock", step("charge")))
    run = await world.react_to()
    assert run.status is RunStatus.WAITING
    await world.later(2 * times.SECOND)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_a_call_that_outlasts_the_reaction_is_held_if_unsafe(world: World) -> None:
    world.shop.gate = asyncio.Event()
    world.react(reaction("stock", step("charge"), timeout=50 * times.MILLISECOND))
    run = await world.react_to()
    assert run.status is RunStatus.IN_DOUBT
    assert "timeout of 50ms" in (run.error or "")


async def test_who_lost_the_lease_writes_nothing(world: World) -> None:
    world.react(reaction("stock", step("state.set", key="n", value="{{ event.data.n }}"), step("put")))
    world.shop.gate = asyncio.Event()
    world.shop.script["shop.put"] = [{"number": 1}, {"number": 2}]
    await world.tell({"n": 1})
    await world.begin()
    await world.calls(1)
    old = world.worker
    (task,) = old._in_hand.values()
    old._in_hand.clear()  # whoever takes over does not stop it
    first_gate, world.shop.gate = world.shop.gate, asyncio.Event()
    await world.crash()
    await world.begin()
    await world.calls(2)
    (before,) = await world.runs()
    first_gate.set()  # the one that lost gets the answer 1
    await waiting.wait_for(task.done, what="the end of the one that lost")
    assert await world.runs() == [before]
    world.shop.gate.set()
    await world.settle()
    (after,) = await world.runs()
    put = (await world.steps(after))[1]
    assert (before.node, after.status) == ("reborn", RunStatus.SUCCEEDED)
    assert (put.response, put.attempts) == ({"number": 2}, 2)


async def test_state_is_not_written_under_a_lost_lease(world: World) -> None:
    world.react(reaction("stock", step("put"), step("state.set", key="n", value="old")))
    await world.tell()
    stolen = steal_after_intent(world, "state.set")
    await world.settle()
    assert stolen
    assert await world.state("n") is None
    (run,) = await world.runs()
    assert run.node == "thief"


def steal_after_intent(world: World, action: str) -> list[str]:
    """Give the run to another node while a call of *action* is under way; the ids of what was stolen."""
    declared = world.services.catalog.actions[action]
    stolen: list[str] = []

    async def call(client: Any, parameters: Any, call: Call) -> Done[Any]:
        (run,) = await world.runs()
        await world.journal.write(lambda connection: give_to_thief(connection, run))
        stolen.append(run.id)
        return await declared.call(client, parameters, call)

    world.services.catalog.actions[action] = replace(declared, call=call)
    return stolen


def give_to_thief(connection: Connection, run: Run) -> None:
    values = {"fence": run.fence + 1, "node": "thief", "lease_until": 2**62}
    connection.execute(tables.runs.update().where(tables.runs.c.id == run.id).values(**values))


async def test_a_lease_that_ran_out_is_taken_over(world: World) -> None:
    world.lease = -times.SECOND
    world.worker, world.router, world.watcher = world.build("slow")
    world.react(reaction("stock", step("put")))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.router.once()
    await world.calls(1)
    slow = list(world.worker._in_hand.values())
    rules = world.router.rules
    world.lease = times.MINUTE
    world.worker, world.router, world.watcher = world.build("quick")
    world.router.rules = rules
    await world.begin()
    await world.calls(2)
    world.shop.gate.set()
    await world.settle()
    await asyncio.gather(*slow)
    (run,) = await world.runs()
    (put,) = await world.steps(run)
    assert (run.status, run.fence, put.attempts) == (RunStatus.SUCCEEDED, 2, 2)
