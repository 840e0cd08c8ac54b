"""Remote work that a step starts and waits for, without a worker."""

from typing import Any

import pytest

from daemon.contract import errors
from daemon.model import times
from daemon.model.runs import Run, RunStatus, StepStatus
from daemon.running import worker
from tests.running.world import World, reaction, step


async def ordered(world: World, **parameters: Any) -> Run:
    """A run that waits for an order."""
    do = (step("order", **{"wait": True, **parameters}), step("put", value="{{ steps.order }}"))
    world.react(reaction("stock", *do, timeout=times.MINUTE))
    return await world.react_to()


async def test_a_waiting_run_holds_no_worker_and_goes_on_with_the_final_state(world: World) -> None:
    run = await ordered(world)
    assert (run.status, run.node, run.waits_for) == (RunStatus.WAITING, None, "shop orders o1")
    assert world.worker.free() == worker.HANDS
    (order,) = await world.steps(run)
    assert (order.status, order.remote) == (StepStatus.WAITING, "shop orders o1")
    await world.later(times.SECOND)
    await world.look()
    assert (await world.run(run.id)).status is RunStatus.WAITING
    world.shop.orders["o1"] = {"state": "closed", "price": 5}
    await world.later(times.HOUR)  # waiting does not count for the reaction's timeout
    await world.look()
    run = await world.run(run.id)
    assert (run.status, run.waits_for) == (RunStatus.SUCCEEDED, None)
    assert world.shop.asked("shop.put")[0]["value"] == {"id": "o1", "state": "closed", "price": 5}


async def test_followed_work_is_told_once_one_step_deeper_with_or_without_wait(world: World) -> None:
    run = await ordered(world, wait=False)
    assert run.status is RunStatus.SUCCEEDED
    world.shop.orders["o1"] = {"state": "closed"}
    for _ in range(3):
        await world.later(times.MINUTE)
        await world.look()
    opened, closed = await world.events("shop.order.*")
    assert [opened.type, closed.type] == ["shop.order.opened", "shop.order.closed"]
    assert {(one.trace, one.depth, one.cause, one.source) for one in (opened, closed)} == {
        (run.trace, 1, run.id, "shop")
    }


async def test_a_wait_survives_a_crash(world: World) -> None:
    run = await ordered(world)
    await world.crash()
    assert (await world.run(run.id)).status is RunStatus.WAITING
    world.shop.orders["o1"] = {"state": "closed"}
    await world.later(times.SECOND)
    await world.look()
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(world.shop.asked("shop.order")) == 1


async def test_remote_work_that_fails_ends_the_run_with_its_reason(world: World) -> None:
    run = await ordered(world)
    world.shop.orders["o1"] = {"state": "failed", "failure": "out of tea"}
    await world.later(times.SECOND)
    await world.look()
    run = await world.run(run.id)
    assert (run.status, run.error) == (RunStatus.DEAD, "step order: out of tea")
    assert world.shop.asked("shop.put") == []


async def test_patience_ends(world: World) -> None:
    run = await ordered(world, wait_timeout="2h")
    assert run.due_at == world.clock.now() + 2 * times.HOUR
    await world.later(2 * times.HOUR - 1)
    assert (await world.run(run.id)).status is RunStatus.WAITING
    await world.later(1)
    run = await world.run(run.id)
    assert run.status is RunStatus.DEAD
    assert "in time" in (run.error or "")
    assert len(await world.events("pointsman.run.dead")) == 1


@pytest.mark.parametrize("wait", [True, False])
async def test_work_that_cannot_be_started_is_tried_again_and_followed_once(world: World, wait: bool) -> None:
    world.shop.script["shop.order"] = [errors.TemporaryError("busy"), {}]
    run = await ordered(world, wait=wait)
    assert run.waits_for is None
    await world.later(2 * times.SECOND)
    world.shop.orders["o1"] = {"state": "closed"}
    await world.later(2 * times.SECOND)
    await world.look()
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(await world.events("shop.order.closed")) == 1
