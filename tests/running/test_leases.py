"""Leases: renewed while a step runs, and nothing goes out for a run that another node has meanwhile."""

import asyncio

from daemon.model import times
from daemon.model.runs import Run, RunStatus
from daemon.running.worker import Worker
from tests import waiting
from tests.running.world import World, reaction, step

SHORT = 40 * times.MILLISECOND


async def begin_slowly(world: World, node: str = "slow", lease: int = SHORT) -> tuple[Worker, asyncio.Event]:
    """A worker with a call under way that is not answered until the gate is opened."""
    world.lease = lease
    world.worker, world.router, world.watcher = world.build(node)
    world.react(reaction("stock", step("make")))
    world.shop.gate = gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    return world.worker, gate


async def take_over(world: World, node: str = "quick") -> None:
    """Another node, which claims what it can."""
    rules = world.router.rules
    world.lease = times.MINUTE
    world.worker, world.router, world.watcher = world.build(node)
    world.router.rules = rules


async def run_out(world: World) -> None:
    """Until the leases of the past have run out."""

    async def is_over() -> bool:
        lease_now = await world.journal.lease_now()
        return all((run.lease_until or 0) < lease_now for run in await world.runs())

    await waiting.wait_for(is_over, what="a lease that ran out")


async def the_run(world: World) -> Run:
    (run,) = await world.runs()
    return run


async def test_a_lease_is_renewed_while_a_step_runs(world: World) -> None:
    worker, gate = await begin_slowly(world, lease=2 * times.SECOND)
    first = (await the_run(world)).lease_until
    await take_over(world)

    async def renewed_twice() -> bool:
        await worker.renew()
        assert not await world.worker.once()
        return ((await the_run(world)).lease_until or 0) >= (first or 0) + 2 * times.SECOND

    await waiting.wait_for(renewed_twice, what="a lease that outlasts its first length")
    gate.set()
    await waiting.wait_for(lambda: not worker._in_hand, what="the end of the step")
    run = await the_run(world)
    assert (run.status, run.fence, len(world.shop.made)) == (RunStatus.SUCCEEDED, 1, 1)


async def test_nothing_goes_out_for_a_run_that_another_node_has(world: World) -> None:
    slow, gate = await begin_slowly(world)
    tasks = list(slow._in_hand.values())
    await run_out(world)
    await take_over(world)
    world.shop.gate = None
    await world.settle()
    gate.set()  # the stopped node wakes just before its first byte
    await asyncio.gather(*tasks)
    assert world.shop.made == []
    await world.later(times.MINUTE)
    run = await the_run(world)
    assert (run.status, run.fence) == (RunStatus.SUCCEEDED, 3)
    assert len(world.shop.made) == 1


async def test_a_lease_that_ran_out_and_nobody_took_is_renewed_before_sending(world: World) -> None:
    slow, gate = await begin_slowly(world)
    await run_out(world)
    gate.set()
    await waiting.wait_for(lambda: not slow._in_hand, what="the end of the step")
    run = await the_run(world)
    assert (run.status, run.fence, len(world.shop.made)) == (RunStatus.SUCCEEDED, 1, 1)


async def test_what_a_lost_node_may_have_made_is_looked_for(world: World) -> None:
    slow, gate = await begin_slowly(world)
    tasks = list(slow._in_hand.values())
    world.shop.made.append(world.shop.calls[0].call.marker)  # it went out before the node was stopped
    await run_out(world)
    await take_over(world)
    world.shop.gate = None
    await world.settle()
    gate.set()
    await asyncio.gather(*tasks)
    run = await the_run(world)
    assert (run.status, run.fence) == (RunStatus.SUCCEEDED, 2)
    assert (len(world.shop.made), len(world.shop.asked("shop.make"))) == (1, 1)


async def test_a_node_asks_the_journal_only_once_its_lease_is_over(world: World) -> None:
    worker, gate = await begin_slowly(world, lease=times.MINUTE)
    run = await the_run(world)
    assert await worker._holds(run)
    assert (await the_run(world)).lease_until == run.lease_until
    worker._held_until[run.id] = 0
    assert await worker._holds(run)
    assert ((await the_run(world)).lease_until or 0) > (run.lease_until or 0)
    gate.set()
    await waiting.wait_for(lambda: not worker._in_hand, what="the end of the step")


async def test_nothing_goes_out_under_an_old_lease_of_a_node_that_has_a_new_one(world: World) -> None:
    slow, gate = await begin_slowly(world)
    (old,) = slow._in_hand.values()
    await run_out(world)
    await take_over(world)
    await world.settle()  # it finds nothing, and waits until that may be believed
    assert (await the_run(world)).status is RunStatus.WAITING
    await world.clock.advance(times.MINUTE)
    world.shop.gate = again = asyncio.Event()
    slow._lease = times.MINUTE
    assert await slow.once()
    await world.calls(2)
    gate.set()  # the first call wakes beside the second, of the same node
    await old
    assert world.shop.made == []
    again.set()
    await waiting.wait_for(lambda: not slow._in_hand, what="the end of the step")
    run = await the_run(world)
    assert (run.status, run.fence, len(world.shop.made)) == (RunStatus.SUCCEEDED, 3, 1)
