"""Probed calls whose answer was lost: looked for, adopted, made again, or held."""

import asyncio
import random

import pytest

from daemon.contract import errors
from daemon.model import times
from daemon.model.reactions import Retry
from daemon.model.runs import Doubt, Run, RunStatus, StepStatus
from daemon.running import deciding, doubt, doubting
from tests.running.shop import Applied
from tests.running.world import World, reaction, step

LOST = errors.TemporaryError("the connection broke", in_doubt=True)
BUSY = errors.TemporaryError("503: busy", status=500)


async def lose(world: World, *answers: object, action: str = "make", **values: object) -> Run:
    """A run whose call gets *answers*; some minutes later."""
    world.shop.script[f"shop.{action}"] = list(answers)
    world.react(reaction("stock", step(action), step("put", value=f"{{{{ steps.{action} }}}}"), **values))
    run = await world.react_to()
    for _ in range(8):
        await world.later(times.MINUTE)
    return await world.run(run.id)


@pytest.mark.parametrize("error", [LOST, BUSY, errors.StrangeAnswer("no JSON", status=200)], ids=str)
async def test_what_was_made_is_found_and_adopted(world: World, error: errors.ServiceError) -> None:
    run = await lose(world, Applied(error))
    (marker,) = world.shop.made
    assert run.status is RunStatus.SUCCEEDED
    assert [look.marker for look in world.shop.looks] == [marker]
    assert len(world.shop.asked("shop.make")) == 1
    assert world.shop.asked("shop.put")[0]["value"] == {"found": marker}
    made = (await world.steps(run))[0]
    assert (made.status, made.doubted_at, made.looks) == (StepStatus.SUCCEEDED, None, 0)


async def test_what_was_not_made_is_made_again_once_nothing_can_come_late(world: World) -> None:
    world.shop.script["shop.make"] = [LOST]
    world.react(reaction("stock", step("make")))
    run = await world.react_to()
    await world.later(doubt.SETTLES - 1)
    assert len(world.shop.asked("shop.make")) == 1
    await world.later(2 * times.SECOND)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(world.shop.made) == 1
    assert len(world.shop.asked("shop.make")) == 2
    first, again = world.shop.calls
    assert (first.call.marker, first.call.first_sent_at) == (again.call.marker, None)
    assert again.call.first_sent_at == first.call.now


async def test_an_effect_that_comes_late_is_not_doubled(world: World) -> None:
    world.shop.script["shop.make"] = [LOST]
    world.react(reaction("stock", step("make")))
    await world.react_to()
    await world.later(doubt.SETTLES // 2)
    world.shop.made.append(world.shop.calls[0].call.marker)  # only now the service is through with it
    await world.later(times.MINUTE)
    (run,) = await world.runs()
    assert run.status is RunStatus.SUCCEEDED
    assert len(world.shop.made) == len(world.shop.asked("shop.make")) == 1


async def test_a_look_that_fails_is_tried_again_and_never_becomes_a_repeat(world: World) -> None:
    world.shop.script["look"] = [errors.TemporaryError("504", status=504) for _ in range(3)]
    run = await lose(world, Applied(LOST))
    assert run.status is RunStatus.SUCCEEDED
    assert (len(world.shop.looks), len(world.shop.asked("shop.make"))) == (4, 1)
    made = (await world.steps(run))[0]
    assert [failed["error"] for failed in made.history][1:] == ["looking for what it did: 504"] * 3


async def test_a_look_that_never_goes_well_is_held(world: World) -> None:
    world.shop.script["look"] = [errors.TemporaryError("400s", status=499) for _ in range(50)]
    await lose(world, Applied(LOST), retry=Retry(attempts=3, first=times.SECOND, max=times.SECOND))
    for _ in range(doubting.FEWEST_LOOKS):
        await world.later(times.HOUR)
    (run,) = await world.runs()
    assert run.status is RunStatus.IN_DOUBT
    assert f"after {doubting.FEWEST_LOOKS} looks" in (run.error or "")
    assert len(world.shop.asked("shop.make")) == 1


async def test_a_run_that_may_call_only_once_looks_more_often(world: World) -> None:
    world.shop.script["look"] = [errors.TemporaryError("503", status=503) for _ in range(3)]
    run = await lose(world, Applied(LOST), retry=Retry(attempts=1, first=times.SECOND, max=times.SECOND))
    assert run.status is RunStatus.SUCCEEDED
    assert (len(world.shop.looks), len(world.shop.asked("shop.make"))) == (4, 1)


@pytest.mark.parametrize(
    "answer", [errors.Unclear("there are two of them"), errors.PermanentError("410: gone")]
)
async def test_a_look_that_fits_neither_is_held_with_its_text(world: World, answer: Exception) -> None:
    world.shop.script["look"] = [answer]
    run = await lose(world, Applied(LOST))
    assert (run.status, run.error) == (RunStatus.IN_DOUBT, f"step make: {answer}")
    (told,) = await world.events("pointsman.run.in_doubt")
    assert told.data["check"] == "the thing with this mark"
    assert told.data["step"]["request"] == {}
    assert told.data["step"]["sent_at"] == told.data["step"]["first_sent_at"]
    assert told.data["step"]["sent_at"] == times.rfc3339(world.shop.calls[0].call.now)


async def test_a_bug_in_a_look_holds_the_run(world: World) -> None:
    world.shop.script["look"] = [ZeroDivisionError()]
    run = await lose(world, Applied(LOST))
    assert run.status is RunStatus.IN_DOUBT
    assert "bug" in (run.error or "")


async def test_the_last_attempt_is_looked_for_as_well(world: World) -> None:
    once = Retry(attempts=1, first=times.SECOND, max=times.SECOND)
    assert (await lose(world, Applied(LOST), retry=once)).status is RunStatus.SUCCEEDED
    dead = await lose(world, LOST, retry=once)
    assert (dead.status, dead.error) == (
        RunStatus.DEAD,
        "step make: the connection broke (after 1 attempt)",
    )
    assert (await world.steps(dead))[0].doubted_at is None


async def test_a_call_that_outlasts_the_reaction_is_looked_for(world: World) -> None:
    world.shop.gate = asyncio.Event()
    world.react(reaction("stock", step("make"), timeout=50 * times.MILLISECOND))
    run = await world.react_to()
    assert run.status is RunStatus.WAITING
    world.shop.made.append(world.shop.calls[0].call.marker)
    await world.later(times.MINUTE)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_a_crash_in_a_look_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)
    world.shop.script["shop.make"] = [Applied(LOST)]
    world.shop.script["look"] = [errors.TemporaryError("504", status=504)]
    world.react(reaction("stock", step("make")))
    await world.react_to()
    await world.crash()
    await world.later(times.MINUTE)
    (run,) = await world.runs()
    assert (run.status, len(world.shop.made)) == (RunStatus.SUCCEEDED, 1)


async def test_without_markers_what_relies_on_them_is_unsafe(world: World) -> None:
    run = await lose(world, Applied(LOST), markers=False)
    assert run.status is RunStatus.IN_DOUBT
    assert world.shop.looks == []
    assert [made.call.marker for made in world.shop.calls] == [""]
    assert (await world.steps(run))[0].doubt is Doubt.UNSAFE
    (told,) = await world.events("pointsman.run.in_doubt")
    assert "it carries no mark" in told.data["check"]


async def test_without_markers_what_needs_none_is_looked_for(world: World) -> None:
    run = await lose(world, Applied(LOST), action="append", markers=False)
    assert run.status is RunStatus.SUCCEEDED
    assert [look.marker for look in world.shop.looks] == [""]
    assert world.shop.rows == {"t": [None]}


async def test_a_redone_step_is_called_without_a_look(world: World) -> None:
    world.shop.script["look"] = [errors.Unclear("who knows")]
    run = await lose(world, LOST)
    await world.journal.write(lambda connection: deciding.resolve_redo(connection, run.id, world.clock.now()))
    await world.settle()
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert (len(world.shop.looks), len(world.shop.made)) == (1, 1)


async def test_a_cancelled_run_keeps_its_doubt(world: World) -> None:
    world.shop.script["shop.make"] = [LOST]
    world.react(reaction("stock", step("make")))
    run = await world.react_to()
    await world.journal.write(lambda connection: deciding.cancel(connection, run.id, world.clock.now()))
    assert (await world.run(run.id)).status is RunStatus.CANCELLED
    assert [one.status for one in await world.steps(run)] == [StepStatus.IN_DOUBT]
