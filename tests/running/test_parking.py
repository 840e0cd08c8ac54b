"""An account that keeps failing: its runs are parked at no cost, and go on once it is back."""

import asyncio
from dataclasses import replace

import pytest
import structlog

from daemon.contract import circuit, errors
from daemon.contract.limits import Limits
from daemon.journal import accounts, runs, watches
from daemon.model import times
from daemon.model.runs import RunStatus, StepStatus
from daemon.running import deciding
from tests import waiting
from tests.running.outages import (
    BUSY,
    DOWN,
    OUTAGE,
    QUICK,
    UP,
    busy,
    longest_pauses,
    recover,
    refused,
    statuses,
    take_down,
)
from tests.running.world import World, reaction, step

__all__ = ["longest_pauses"]  # the fixture is for every test here


async def test_an_outage_of_hours_costs_no_attempts_and_no_time(world: World) -> None:
    await take_down(world)
    (run,) = await world.runs()
    (put,) = await world.steps(run)
    assert (run.status, run.parked_for, run.error, run.node) == (RunStatus.PARKED, "shop", BUSY, None)
    assert (run.attempts, put.attempts, put.status) == (4, 4, StepStatus.PENDING)
    for _ in range(40):
        await world.later(OUTAGE // 40)
    run = await world.run(run.id)
    assert (run.status, run.attempts, run.elapsed(world.clock.now()) < times.MINUTE) == (
        RunStatus.PARKED,
        4,
        True,
    )
    before = recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    run = await world.run(run.id)
    assert (run.status, run.attempts, len(world.shop.calls)) == (RunStatus.SUCCEEDED, 5, before + 1)


async def test_it_is_told_once_each_way(world: World) -> None:
    await take_down(world)
    (down,) = await world.events(DOWN)
    since = world.circuits.known("shop").since or 0
    assert (down.subject, down.source, down.depth) == ("shop", "pointsman", 0)
    assert down.data == {
        "error": BUSY,
        "reason": "unavailable",
        "since": times.rfc3339(since),
        "parked": 0,
    }
    for _ in range(6):
        await world.later(circuit.LONGEST_PAUSE)
    recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    (up,) = await world.events(UP)
    assert {**up.data, "parked": 0} == down.data
    assert len(await world.events(DOWN)) == 1
    await take_down(world)
    assert len(await world.events(DOWN)) == 2


async def test_new_runs_park_at_once_and_others_go_on(world: World) -> None:
    await take_down(world)
    before = len(world.shop.calls)
    world.react(
        reaction("stock", step("put"), retry=QUICK),
        reaction("noted", step("state.set", key="seen", value="yes")),
    )
    for n in range(3):
        await world.tell({"n": n})
    await world.settle()
    stock = [run for run in await world.runs() if run.reaction == "stock"]
    assert {run.status for run in stock} == {RunStatus.PARKED}
    assert [run.attempts for run in stock] == [4, 0, 0, 0]
    assert {run.status for run in await world.runs() if run.reaction == "noted"} == {RunStatus.SUCCEEDED}
    assert len(world.shop.calls) == before


async def test_a_pause_that_is_asked_for_is_the_whole_accounts(world: World) -> None:
    asked = errors.TemporaryError("429: slowly", status=429, retry_after=30 * times.SECOND)
    world.shop.script["shop.put"] = [asked]
    world.react(reaction("stock", step("put"), retry=QUICK))
    await world.react_to()
    await world.tell({"n": 1})
    await world.later(29 * times.SECOND)
    assert len(world.shop.calls) == 1
    first, second = await world.runs()
    assert (first.status, second.status) == (RunStatus.WAITING, RunStatus.PARKED)
    assert (first.attempts, second.attempts) == (1, 0)
    assert "asked to be left alone" in (second.error or "")
    await world.later(2 * times.SECOND)
    assert await statuses(world) == [RunStatus.SUCCEEDED] * 2
    assert await world.events(DOWN) == []


async def test_no_request_leaves_in_the_middle_of_a_step_while_the_account_is_held(world: World) -> None:
    lane = Limits(1_000, times.SECOND, 2)
    world.services = replace(world.services, lanes={"shop": lane})
    await world.circuits.configure()
    async with lane.call():
        pass
    world.shop.script["shop.put"] = [errors.TemporaryError("429", status=429, retry_after=30 * times.SECOND)]
    world.react(reaction("stock", step("put")))
    await world.react_to()
    with pytest.raises(circuit.Shut) as shut:
        async with lane.call():
            pass
    assert shut.value.retry_after == 30 * times.SECOND
    await world.clock.advance(30 * times.SECOND)
    async with lane.call():
        assert lane.waiting == 0


async def test_a_used_up_quota_takes_the_account_down(world: World) -> None:
    quota = errors.TemporaryError("429: quota", status=429, retry_after=3 * times.HOUR)
    world.shop.script["shop.put"] = [quota]
    world.react(reaction("stock", step("put")))
    run = await world.react_to()
    assert (run.status, run.attempts) == (RunStatus.PARKED, 0)
    assert len(await world.events(DOWN)) == 1
    await world.later(3 * times.HOUR - 1)
    assert len(world.shop.calls) == 1
    await world.later(1)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_runs_that_queue_for_a_place_park_without_a_call(world: World) -> None:
    world.services = replace(world.services, lanes={"shop": Limits(1_000, times.SECOND, 1)})
    world.shop.gate = asyncio.Event()
    world.shop.script["shop.put"] = [refused()]
    world.react(reaction("stock", step("put"), for_each="event.data.n"))
    await world.tell({"n": list(range(10))})
    await world.begin()
    await world.calls(1)
    world.shop.gate.set()
    await world.settle()
    assert await statuses(world) == [RunStatus.PARKED] * 10
    assert [run.attempts for run in await world.runs()] == [0] * 10
    assert len(world.shop.calls) == 1


async def test_a_crash_in_an_outage_forgets_nothing(world: World) -> None:
    await take_down(world)
    await world.later(20 * times.SECOND)
    before, calls = world.circuits.known("shop"), len(world.shop.calls)
    await world.crash()
    await world.circuits.configure()
    assert world.circuits.known("shop") == before
    await world.settle()
    assert len(world.shop.calls) == calls
    assert len(await world.events(DOWN)) == 1
    recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    assert await statuses(world) == [RunStatus.SUCCEEDED]


async def test_a_person_may_cancel_a_parked_run_and_need_not_retry_it(world: World) -> None:
    await take_down(world)
    (run,) = await world.runs()
    with pytest.raises(deciding.Undecidable, match="goes on by itself as soon as the account shop is back"):
        await world.journal.write(lambda connection: deciding.retry(connection, run.id, world.clock.now()))
    await world.journal.write(lambda connection: deciding.cancel(connection, run.id, world.clock.now()))
    run = await world.run(run.id)
    assert (run.status, run.parked_for) == (RunStatus.CANCELLED, None)
    recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    assert (await world.run(run.id)).status is RunStatus.CANCELLED


async def test_runs_of_an_account_that_is_configured_no_more_end(world: World) -> None:
    await take_down(world)
    world.services = replace(world.services, accounts={}, clients={"general": None}, lanes={})
    await world.circuits.configure([])
    await world.settle()
    (run,) = await world.runs()
    assert run.status is RunStatus.DEAD
    assert "not in the config any more" in (run.error or "")


async def test_polls_leave_an_account_alone_that_is_down_and_come_back_soon(world: World) -> None:
    world.shop.orders["o1"] = {"state": "open"}
    row = watches.Polled(
        name="orders",
        role="watch",
        account="shop",
        resource="orders",
        options={"ids": ["o1"]},
        wanted=("o1",),
        announce=False,
        every=times.MINUTE,
        stalled_after=None,
        due_at=world.clock.now() + times.SECOND,
        created_at=world.clock.now(),
    )
    await world.journal.write(lambda connection: watches.configure(connection, [row]))
    await take_down(world)
    world.shop.orders.clear()  # a poll would be a bug now: there is nothing to find

    async def polled() -> watches.Polled:
        found = await world.journal.read(lambda connection: watches.get(connection, "orders"))
        assert found is not None
        return found

    with structlog.testing.capture_logs() as lines:
        for _ in range(6):
            await world.later(circuit.LONGEST_PAUSE)
            await world.look()
    failed = [line["log_level"] for line in lines if line["event"] == "watch.failed"]
    assert set(failed) == {"debug"}  # there may be thousands, and that the account is down was said already
    assert (await polled()).failing_told
    assert (await polled()).error == f"the account shop is down (unavailable): {BUSY}"
    assert len(await world.events("pointsman.watch.failing")) == 1
    world.shop.orders["o1"] = {"state": "open"}
    recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    assert not world.circuits.known("shop").is_down
    assert ((await polled()).due_at or 0) - world.clock.now() <= times.MINUTE
    await world.later(times.MINUTE)
    await world.look()
    assert len(await world.events("pointsman.watch.recovered")) == 1


async def test_polls_that_fail_take_an_account_down(world: World) -> None:
    for _ in range(circuit.FAILURES):
        with pytest.raises(errors.TemporaryError):
            async with world.circuits.call("shop"):
                raise busy()
    assert world.circuits.known("shop").is_down
    with pytest.raises(circuit.Shut):
        async with world.circuits.call("shop"):
            pass


async def test_it_is_written_down_when_an_account_worked_last(world: World) -> None:
    await world.circuits.configure()
    world.react(reaction("stock", step("put")))
    await world.react_to()
    await world.later(times.MINUTE)
    rows = await world.journal.read(accounts.listed)
    assert (rows["shop"].worked_at or 0) >= world.clock.now() - times.MINUTE
    assert await world.journal.read(accounts.counts_parked) == {}
    assert await world.journal.read(runs.next_due) is None


async def test_work_that_nobody_can_see_is_not_given_up(world: World) -> None:
    world.react(reaction("ask", step("order", order_id="o1", wait=True, wait_timeout="1m")))
    run = await world.react_to()
    assert run.status is RunStatus.WAITING
    for _ in range(circuit.FAILURES):
        with pytest.raises(errors.TemporaryError):
            async with world.circuits.call("shop"):
                raise busy()
    await world.clock.advance(2 * times.SECOND - 1)
    await world.watcher.once()
    await waiting.wait_for(lambda: not world.watcher._polling, what="a poll that found the gate shut")
    world.shop.orders["o1"] = {"state": "closed"}
    await world.later(times.MINUTE)
    assert not world.circuits.known("shop").is_down
    run = await world.run(run.id)
    assert (run.status, run.waits_for) == (RunStatus.WAITING, "shop orders o1")
    await world.look()
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
