"""What a person decides about runs that stand still, and how they go on."""

import random
from typing import Any

import pytest

from daemon.contract import errors
from daemon.journal import runs, state
from daemon.journal.database import Connection
from daemon.model import times
from daemon.model.reactions import Retry
from daemon.model.runs import RUN_MOVES, Run, RunStatus, StepStatus
from daemon.running import deciding
from tests.journal import making
from tests.running.world import World, reaction, step

BROKEN = "400: no such ware"


def charge_then_put(**values: Any) -> Any:
    """A step that is safe to repeat, one that is not, and one that shows the result of it."""
    do = (step("put", name="first"), step("charge", name="{{ event.data.n }}"))
    return reaction("stock", *do, step("put", "last", value="{{ steps.charge }}"), **values)


async def decide(world: World, what: Any, *arguments: Any) -> None:
    """Decide, and let the engine go on."""
    await world.journal.write(lambda connection: what(connection, *arguments, world.clock.now()))
    await world.settle()


async def dead_at_charge(world: World, *failures: Exception, **values: Any) -> Run:
    """A run that died of *failures* at its second step."""
    world.react(charge_then_put(**values))
    world.shop.script["shop.charge"] = list(failures)
    run = await world.react_to({"n": 7})
    assert run.status is RunStatus.DEAD
    return run


async def in_doubt(world: World) -> Run:
    """A run whose second step lost its answer."""
    world.react(charge_then_put())
    world.shop.script["shop.charge"] = [errors.TemporaryError("the answer was lost", in_doubt=True)]
    run = await world.react_to({"n": 7})
    assert run.status is RunStatus.IN_DOUBT
    return run


async def test_a_retried_run_goes_on_from_the_failed_step(world: World) -> None:
    run = await dead_at_charge(world, errors.PermanentError(BROKEN))
    world.react()  # the present config says nothing of it: a run ends on the version it began with
    await decide(world, deciding.retry, run.id)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert [made.call.step_id for made in world.shop.calls] == ["put", "charge", "charge", "last"]
    first, again = [made for made in world.shop.calls if made.call.step_id == "charge"]
    assert first.parameters == again.parameters
    assert again.call.first_sent_at == first.call.now
    assert [one.status for one in await world.steps(run)] == [StepStatus.SUCCEEDED] * 3


async def test_a_retried_step_has_all_its_attempts_anew_and_may_die_again(world: World) -> None:
    failures = [errors.TemporaryError("503") for _ in range(4)]
    retry = Retry(attempts=2, first=times.SECOND, max=times.SECOND)
    world.react(charge_then_put(retry=retry))
    world.shop.script["shop.charge"] = list(failures)
    run = await world.react_to({"n": 7})
    await world.later(times.MINUTE)
    await decide(world, deciding.retry, run.id)
    await world.later(times.MINUTE)
    run = await world.run(run.id)
    assert run.status is RunStatus.DEAD
    assert len(world.shop.asked("shop.charge")) == 4
    assert [event.data["run"]["id"] for event in await world.events("pointsman.run.dead")] == [run.id] * 2


async def test_a_run_that_had_no_time_left_has_all_of_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)  # the longest pause: two seconds
    run = await dead_at_charge(world, errors.TemporaryError("503"), timeout=times.SECOND)
    await world.clock.advance(times.DAY)
    await decide(world, deciding.retry, run.id)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_a_step_that_could_not_be_planned_is_planned_anew(world: World) -> None:
    world.react(reaction("stock", step("put", condition="state('open').now"), step("charge")))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    await world.journal.write(
        lambda connection: state.put(connection, {"open": {"now": False}}, world.clock.now())
    )
    await decide(world, deciding.retry, run.id)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert [one.status for one in await world.steps(run)] == [StepStatus.SKIPPED, StepStatus.SUCCEEDED]


async def test_failed_remote_work_is_begun_again(world: World) -> None:
    world.react(reaction("stock", step("order", wait=True)))
    run = await world.react_to()
    world.shop.orders["o1"] = {"state": "failed", "failure": "out of stock"}
    await world.later(times.MINUTE)
    await world.look()
    assert (await world.run(run.id)).status is RunStatus.DEAD
    await decide(world, deciding.retry, run.id)
    assert len(world.shop.asked("shop.order")) == 2
    assert (await world.run(run.id)).status is RunStatus.WAITING


async def test_a_run_that_died_before_it_began_is_to_be_replayed(world: World) -> None:
    world.react(reaction("stock", when="event.data.missing"))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    with pytest.raises(deciding.Undecidable, match=f"events replay {run.event_id}"):
        await decide(world, deciding.retry, run.id)


async def test_a_step_that_took_effect_gives_its_result_to_the_next(world: World) -> None:
    run = await in_doubt(world)
    await decide(world, deciding.resolve_done, run.id, {"charge": "c1"})
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(world.shop.asked("shop.charge")) == 1
    assert world.shop.calls[-1].parameters["value"] == {"charge": "c1"}


async def test_a_step_that_took_no_effect_is_called_again_with_its_request(world: World) -> None:
    run = await in_doubt(world)
    await decide(world, deciding.resolve_redo, run.id)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert [one["name"] for one in world.shop.asked("shop.charge")] == [7, 7]


async def test_a_retry_does_not_repeat_what_may_have_taken_effect(world: World) -> None:
    run = await dead_at_charge(world, ZeroDivisionError("after it was sent"))
    await decide(world, deciding.retry, run.id)
    run = await world.run(run.id)
    assert (run.status, len(world.shop.asked("shop.charge"))) == (RunStatus.IN_DOUBT, 1)
    assert "may have taken effect" in (run.error or "")
    await decide(world, deciding.resolve_redo, run.id)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_a_cancelled_run_is_woken_by_nothing(world: World) -> None:
    world.react(reaction("stock", step("order", wait=True), step("put")))
    run = await world.react_to()
    await decide(world, deciding.cancel, run.id)
    world.shop.orders["o1"] = {"state": "closed"}
    await world.later(times.DAY)
    await world.look()
    run = await world.run(run.id)
    assert (run.status, run.waits_for) == (RunStatus.CANCELLED, None)
    assert [one.status for one in await world.steps(run)] == [StepStatus.SKIPPED]
    assert world.shop.asked("shop.put") == []


DECISIONS = {
    deciding.retry: RunStatus.PENDING,
    deciding.cancel: RunStatus.CANCELLED,
    deciding.resolve_redo: RunStatus.PENDING,
}


@pytest.mark.parametrize("what", DECISIONS)
async def test_no_decision_makes_a_move_that_is_not_allowed(world: World, what: Any) -> None:
    for status in RunStatus:
        run = await standing(world, status)
        refusal = await refused(world, what, run)
        reached = (await world.run(run.id)).status
        if refusal is None:
            assert reached is DECISIONS[what]
            assert reached in RUN_MOVES[status]
            assert status is not RunStatus.RUNNING
        else:
            assert reached is status
            assert run.id in refusal


async def standing(world: World, status: RunStatus) -> Run:
    """A run in *status*."""

    def write(connection: Connection) -> Run:
        (run,) = runs.make(connection, [making.new_run(status.value)], making.NOW, [making.LEASE])
        if status is not RunStatus.RUNNING:
            parked = {"parked_for": "shop"} if status is RunStatus.PARKED else {}
            runs.decide(connection, run.id, [RunStatus.RUNNING], status, **parked)
        return run

    return await world.journal.write(write)


async def refused(world: World, what: Any, run: Run) -> str | None:
    """Why *what* could not be decided of *run*, None where it was."""
    try:
        await world.journal.write(lambda connection: what(connection, run.id, making.NOW))
    except deciding.Undecidable as undecidable:
        return str(undecidable)
    return None
