"""Chains of causes, and definitions that change under way."""

import asyncio
from functools import partial

from daemon.journal import events
from daemon.model import times
from daemon.model.events import Fact, Lineage
from daemon.model.runs import RunStatus
from tests.running.world import CAME, World, reaction, step


async def test_a_loop_ends_with_the_cycle_spelled_out(world: World) -> None:
    world.react(
        reaction("ping", step("event.emit", type="pong.wanted"), on=(CAME, "ping.wanted")),
        reaction("pong", step("event.emit", type="ping.wanted"), on=("pong.wanted",)),
    )
    await world.tell()
    await world.settle()
    found = await world.runs()
    assert [run.depth for run in found] == list(range(17))
    assert {run.status for run in found[:-1]} == {RunStatus.SUCCEEDED}
    last = found[-1]
    assert last.status is RunStatus.DEAD
    assert "too deep: ping -> pong -> ping" in (last.error or "")
    assert max(event.depth for event in await world.events()) == 16
    chain = [event for event in await world.events() if event.source != "pointsman"]
    assert len({event.trace for event in chain}) == 1
    (told,) = [event for event in await world.events() if event.source == "pointsman"]
    assert (told.type, told.depth, told.origin) == ("pointsman.run.dead", 0, last.id)


async def test_a_rule_for_trouble_that_is_in_trouble_itself_ends(world: World) -> None:
    fails = step("put", value="{{ event.data.nothing }}")
    world.react(reaction("tell", fails, on=(CAME, "pointsman.run.dead")))
    await world.tell()
    await world.settle()
    assert {run.status for run in await world.runs()} == {RunStatus.DEAD}
    assert [run.depth for run in await world.runs()] == list(range(17))


async def test_a_loop_through_a_service_ends_before_its_next_effect(world: World) -> None:
    world.react(reaction("touch", step("put"), on=(CAME, "shop.thing.changed")))
    first = await world.react_to()
    for depth in (16, 17):
        fact = Fact("shop.thing.changed", "s1", f"turn {depth}", {})
        turn = partial(
            events.emit, facts=[fact], source="shop", now=0, lineage=Lineage(first.trace, depth, first.id)
        )
        await world.journal.write(turn)
    await world.settle()
    ends = {run.depth: (run.status, run.error) for run in await world.runs()}
    assert ends[16] == (RunStatus.SUCCEEDED, None)
    assert ends[17] == (RunStatus.DEAD, "the chain of causes is too deep: touch -> touch")
    assert len(world.shop.calls) == 2


async def test_a_reaction_to_its_own_death_ends_too(world: World) -> None:
    world.react(reaction("grave", step("put", name="{{ event.data.none }}"), on=(CAME, "pointsman.run.dead")))
    await world.tell()
    await world.settle()
    found = await world.runs()
    assert {run.status for run in found} == {RunStatus.DEAD}
    assert len(found) == 17


async def test_a_run_ends_on_the_version_it_began_with(world: World) -> None:
    world.react(reaction("stock", step("put", name="old"), step("make", name="old")))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    world.react(reaction("stock", step("put", name="new")))
    await world.crash()
    world.shop.gate.set()
    await world.settle()
    await world.react_to()
    assert [one["name"] for one in world.shop.asked("shop.put")] == ["old", "old", "new"]
    assert [one["name"] for one in world.shop.asked("shop.make")] == ["old"]
    older, newer = await world.runs()
    assert older.digest != newer.digest


async def test_an_action_or_account_that_is_gone_ends_the_run(world: World) -> None:
    world.react(reaction("stock", step("put"), step("make")))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    del world.services.catalog.actions["shop.make"]
    world.shop.gate.set()
    await world.settle()
    (run,) = await world.runs()
    assert run.status is RunStatus.DEAD
    assert run.error == "step make: the action shop.make does not exist any more"


async def test_more_runs_than_hands_all_end(world: World) -> None:
    world.react(reaction("stock", step("put", name="{{ item }}"), for_each="event.data.items"))
    await world.tell({"items": list(range(150))})
    await world.settle()
    assert sorted(one["name"] for one in world.shop.asked("shop.put")) == list(range(150))
    assert {run.status for run in await world.runs()} == {RunStatus.SUCCEEDED}


async def test_draining_cuts_what_takes_too_long_and_hands_it_back(world: World) -> None:
    world.react(reaction("stock", step("put")))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    assert await world.worker.drain(0.05) == 1
    (run,) = await world.runs()
    assert (run.status, run.node, run.due_at) == (RunStatus.PENDING, None, world.clock.now())
    assert world.worker.free() == 0
    world.shop.gate = None
    await world.crash()
    await world.later(times.SECOND)
    (run,) = await world.runs()
    assert (run.status, len(world.shop.calls)) == (RunStatus.SUCCEEDED, 2)


async def test_a_lease_is_held_while_a_call_takes_long(world: World) -> None:
    world.lease = 300 * times.MILLISECOND
    world.worker, world.router, world.watcher = world.build("slow")
    world.react(reaction("stock", step("put")))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    (before,) = await world.runs()
    await world.worker.renew()
    (after,) = await world.runs()
    assert before.lease_until is not None
    assert after.lease_until is not None
    assert after.lease_until > before.lease_until
    world.shop.gate.set()
    await world.settle()
    assert len(world.shop.calls) == 1


async def test_a_lease_that_ran_out_in_hand_is_not_taken_from_oneself(world: World) -> None:
    world.lease = -times.SECOND
    world.worker, world.router, world.watcher = world.build("sleeper")
    world.react(reaction("stock", step("charge")))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    assert not await world.worker.once()
    world.shop.gate.set()
    await world.settle()
    (run,) = await world.runs()
    assert (run.status, run.fence, len(world.shop.calls)) == (RunStatus.SUCCEEDED, 1, 1)
