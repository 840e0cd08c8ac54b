"""One run at a time changes what a probe counts: the line for it, its order, and that nobody is forgotten in it."""

import asyncio
from typing import Any

import pytest

from daemon.contract import errors
from daemon.model import times
from daemon.model.runs import Run, RunStatus
from daemon.running import deciding, worker
from tests import waiting
from tests.running.shop import Applied
from tests.running.world import World, reaction, step

MANY = 100
LOST = errors.TemporaryError("the connection broke", in_doubt=True)
APPEND = reaction("append", step("append", value="{{ event.data.n }}"))


async def tell_many(world: World, count: int = MANY) -> None:
    for n in range(count):
        await world.tell({"n": n}, key=f"n{n}")


async def statuses(world: World) -> list[RunStatus]:
    return [run.status for run in await world.runs()]


async def test_a_hundred_appends_go_through_in_the_order_of_their_runs(world: World) -> None:
    world.react(APPEND)
    await tell_many(world)
    await world.settle()
    assert world.shop.rows == {"t": list(range(MANY))}
    assert {(run.status, run.lock_key, run.locked) for run in await world.runs()} == {
        (RunStatus.SUCCEEDED, None, False)
    }
    assert world.shop.notes == MANY


async def test_a_hundred_appends_that_a_crash_left_go_through_in_their_order(world: World) -> None:
    world.react(APPEND)
    await tell_many(world)
    await world.router.once()
    await world.crash()
    for _ in range(3):
        await world.later(times.MINUTE)
    assert world.shop.rows == {"t": list(range(MANY))}
    assert set(await statuses(world)) == {RunStatus.SUCCEEDED}


async def test_who_waits_in_line_holds_no_worker_and_asks_nobody(world: World) -> None:
    world.shop.gate = asyncio.Event()
    world.react(APPEND)
    await tell_many(world, 5)
    await world.begin()
    await world.calls(1)
    await waiting.wait_for(lambda: world.worker.free() == worker.HANDS - 1, what="a line of four")
    assert await statuses(world) == [RunStatus.RUNNING, *[RunStatus.PENDING] * 4]
    before = await world.runs()
    assert not await world.begin()
    assert await world.runs() == before
    assert [run.due_at for run in before] == [None] * 5
    world.shop.gate.set()
    await world.settle()
    assert world.shop.rows["t"] == [0, 1, 2, 3, 4]


async def test_other_tables_and_calls_without_a_lock_do_not_wait(world: World) -> None:
    world.shop.gate = asyncio.Event()
    world.react(reaction("append", step("append", table="{{ event.data.t }}", value=1)))
    for number, table in enumerate(("a", "a", "b", "free", "free")):
        await world.tell({"t": table}, key=f"t{number}")
    await world.begin()
    await world.calls(4)
    assert sorted(one["table"] for one in world.shop.asked("shop.append")) == ["a", "b", "free", "free"]
    world.shop.gate.set()
    await world.settle()
    assert {table: len(rows) for table, rows in world.shop.rows.items()} == {"a": 2, "b": 1, "free": 2}


async def test_who_backs_off_keeps_its_place_and_what_it_noted(world: World) -> None:
    world.shop.script["shop.append"] = [Applied(LOST)]
    world.react(APPEND)
    await tell_many(world, 3)
    await world.settle()
    first, *others = await world.runs()
    assert (first.status, first.locked) == (RunStatus.WAITING, True)
    assert [(run.status, run.locked) for run in others] == [(RunStatus.PENDING, False)] * 2
    assert world.shop.rows == {"t": [0]}
    await world.later(times.MINUTE)
    assert world.shop.rows == {"t": [0, 1, 2]}
    assert len(world.shop.looks) == 1
    assert [(await world.steps(run))[0].before for run in await world.runs()] == [
        {"rows": n} for n in range(3)
    ]


@pytest.mark.parametrize("crashing", [True, False])
async def test_a_strangers_row_holds_the_run_and_lets_the_next_go_on(world: World, crashing: bool) -> None:
    world.shop.script["shop.append"] = [LOST]
    world.react(APPEND)
    await tell_many(world, 2)
    await world.settle()
    world.shop.rows["t"] = ["a stranger's"]
    if crashing:
        await world.crash()
    await world.later(times.MINUTE)
    held, next_one = await world.runs()
    assert (held.status, held.lock_key) == (RunStatus.IN_DOUBT, None)
    assert "not ours" in (held.error or "")
    assert next_one.status is RunStatus.SUCCEEDED
    assert world.shop.rows["t"] == ["a stranger's", 1]


async def cancel(world: World, run: Run) -> None:
    await world.journal.write(lambda connection: deciding.cancel(connection, run.id, world.clock.now()))


ENDS: dict[str, list[Any]] = {
    "dead": [errors.PermanentError("400: no")],
    "held": [errors.TemporaryError("lost", in_doubt=True)],
    "cancelled": [errors.TemporaryError("429", status=429)],
}


@pytest.mark.parametrize("end", ENDS)
async def test_however_it_ends_the_next_one_has_its_turn(world: World, end: str) -> None:
    world.shop.script["shop.append"] = list(ENDS[end])
    world.shop.script["look"] = [errors.Unclear("?")]
    world.react(APPEND)
    await tell_many(world, 2)
    await world.settle()
    if end == "cancelled":
        await cancel(world, (await world.runs())[0])
    await world.later(times.MINUTE)
    first, second = await world.runs()
    assert first.status.value == {"held": "in_doubt"}.get(end, end)
    assert second.status is RunStatus.SUCCEEDED
    assert world.shop.rows == {"t": [1]}


async def test_who_is_cancelled_in_line_is_passed_over(world: World) -> None:
    world.shop.gate = asyncio.Event()
    world.react(APPEND)
    await tell_many(world, 3)
    await world.begin()
    await world.calls(1)
    await waiting.wait_for(lambda: world.worker.free() == worker.HANDS - 1, what="a line of two")
    await cancel(world, (await world.runs())[1])
    world.shop.gate.set()
    await world.settle()
    assert world.shop.rows == {"t": [0, 2]}


async def test_a_line_ends_with_the_step_not_with_the_run(world: World) -> None:
    world.shop.script["shop.put"] = [errors.TemporaryError("503", retry_after=times.SECOND, status=499)]
    world.react(reaction("append", step("append", value="{{ event.data.n }}"), step("charge", name="n")))
    world.shop.script["shop.charge"] = [errors.TemporaryError("429", status=429)]
    await tell_many(world, 2)
    await world.settle()
    assert await statuses(world) == [RunStatus.WAITING, RunStatus.SUCCEEDED]
    assert world.shop.rows == {"t": [0, 1]}


async def test_a_note_that_fails_is_asked_again_and_sent_nothing(world: World) -> None:
    world.shop.script["note"] = [errors.TemporaryError("503", status=499)]
    world.react(APPEND)
    run = await world.react_to({"n": 1})
    (append,) = await world.steps(run)
    assert (append.attempts, append.sent_at, append.doubted_at) == (1, None, None)
    await world.later(times.MINUTE)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert (world.shop.rows, world.shop.looks) == ({"t": [1]}, [])


async def test_a_note_that_is_refused_ends_the_run(world: World) -> None:
    world.shop.script["note"] = [errors.PermanentError("404: no such table")]
    world.react(APPEND)
    run = await world.react_to({"n": 1})
    assert (run.status, run.error) == (RunStatus.DEAD, "step append: 404: no such table")
    assert world.shop.calls == []


async def test_two_nodes_stand_in_one_line(world: World) -> None:
    world.react(APPEND)
    await tell_many(world, 30)
    await world.router.once()
    await waiting.wait_for(lambda: world.worker.free() == worker.HANDS, what="a line")
    nodes = [world.worker, world.build("there")[0]]

    async def are_done() -> bool:
        for node in (nodes[1], nodes[0], nodes[1]):  # the second one is quicker to ask
            await node.once()
        return set(await statuses(world)) == {RunStatus.SUCCEEDED}

    await waiting.wait_for(are_done, what="thirty rows")
    assert world.shop.rows == {"t": list(range(30))}
    assert world.shop.notes == 30
