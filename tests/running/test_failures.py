"""Failing calls: what is tried again, when, with what, and what ends the run."""

import asyncio
import random
from typing import Any

import pytest

from daemon.contract import errors
from daemon.model import times
from daemon.model.reactions import Retry
from daemon.model.runs import RunStatus, StepStatus
from tests.running.world import KNOWN_SECRET, World, reaction, step

BUSY = "503: busy"


@pytest.fixture(autouse=True)
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jitter at its upper end, so that it is known when the next attempt is due."""
    monkeypatch.setattr(random, "random", lambda: 1.0)


def busy(**values: Any) -> errors.TemporaryError:
    return errors.TemporaryError(BUSY, status=503, **values)


async def test_a_temporary_error_waits_and_is_tried_again_with_the_same_request(world: World) -> None:
    world.shop.script["shop.put"] = [busy(), {"number": 1}]
    world.react(reaction("stock", step("put", value="{{ now() }}", name="{{ state('shelf') }}")))
    run = await world.react_to()
    assert (run.status, run.error, run.node) == (RunStatus.WAITING, BUSY, None)
    assert run.due_at == world.clock.now() + 2 * times.SECOND
    (waiting,) = await world.steps(run)
    assert (waiting.status, waiting.attempts) == (StepStatus.PENDING, 1)
    assert [(one["attempt"], one["error"], one["status"]) for one in waiting.history] == [(1, BUSY, 503)]
    world.react(reaction("other", step("state.set", key="shelf", value="full")))
    await world.react_to()
    await world.later(times.SECOND)
    assert len(world.shop.calls) == 1
    await world.later(times.SECOND)
    run = await world.run(run.id)
    assert (run.status, run.error, run.attempts) == (RunStatus.SUCCEEDED, None, 2)
    first, second = world.shop.calls
    assert first.parameters == second.parameters
    assert second.parameters["name"] is None
    assert first.call.first_sent_at is None
    assert second.call.first_sent_at == first.call.now
    assert first.call.marker == second.call.marker


async def test_pauses_grow_up_to_the_longest_and_the_last_failure_kills(world: World) -> None:
    world.shop.script["shop.put"] = [busy()] * 9
    retry = Retry(attempts=4, first=2 * times.SECOND, max=5 * times.SECOND)
    world.react(reaction("stock", step("put"), retry=retry))
    run = await world.react_to()
    for pause in (2, 4, 5):
        run = await world.run(run.id)
        assert run.due_at == world.clock.now() + pause * times.SECOND
        await world.later(pause * times.SECOND)
    run = await world.run(run.id)
    (failed,) = await world.steps(run)
    assert (run.status, failed.status, failed.attempts) == (RunStatus.DEAD, StepStatus.FAILED, 4)
    assert run.error == "step put: 503: busy (after 4 attempts)"
    assert [one["attempt"] for one in failed.history] == [1, 2, 3, 4]
    assert len(world.shop.calls) == 4


async def test_what_the_service_asks_for_is_obeyed(world: World) -> None:
    world.shop.script["shop.put"] = [busy(retry_after=50 * times.SECOND)]
    world.react(reaction("stock", step("put")))
    run = await world.react_to()
    assert run.due_at == world.clock.now() + 52 * times.SECOND
    await world.later(49 * times.SECOND)
    assert len(world.shop.calls) == 1
    await world.later(3 * times.SECOND)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_a_permanent_error_is_final_at_once_and_told(world: World) -> None:
    world.shop.script["shop.make"] = [errors.PermanentError("422: no such ware", status=422)]
    world.react(
        reaction("stock", step("put"), step("make"), step("charge")),
        reaction("alarm", step("put", name="{{ event.data.error }}"), on=("pointsman.run.dead",)),
    )
    await world.react_to()
    run, alarm = await world.runs()
    assert (run.status, run.error) == (RunStatus.DEAD, "step make: 422: no such ware")
    assert run.finished_at == world.clock.now()
    _put, failed = await world.steps(run)
    assert (failed.status, failed.error) == (StepStatus.FAILED, "422: no such ware")
    assert [one["status"] for one in failed.history] == [422]
    (told,) = await world.events("pointsman.run.dead")
    assert (told.subject, told.source, told.trace, told.depth) == ("stock", "pointsman", run.trace, 1)
    assert told.cause == run.id
    assert told.data["run"] == {
        "id": run.id,
        "reaction": "stock",
        "event_id": run.event_id,
        "status": "dead",
        "attempts": 2,
    }
    assert alarm.status is RunStatus.SUCCEEDED
    assert world.shop.asked("shop.put")[1]["name"] == run.error
    assert world.shop.asked("shop.charge") == []


async def test_a_bug_of_ours_ends_the_run_and_the_others_go_on(world: World) -> None:
    world.shop.script["shop.put"] = [ValueError("oops"), {}]
    world.react(reaction("one", step("put")), reaction("two", step("put")))
    await world.react_to()
    dead, well = sorted(await world.runs(), key=lambda run: run.status)
    assert (dead.status, well.status) == (RunStatus.DEAD, RunStatus.SUCCEEDED)
    assert "ValueError" in (dead.error or "")


async def test_a_result_that_cannot_be_kept_ends_the_run(world: World) -> None:
    world.shop.script["shop.put"] = [{"number": 2**80}]
    world.react(reaction("stock", step("put")))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    assert "bug" in (run.error or "")
    assert len(world.shop.calls) == 1


async def test_a_call_that_outlasts_the_reaction_says_so_once(world: World) -> None:
    world.shop.gate = asyncio.Event()
    world.react(reaction("stock", step("put"), timeout=50 * times.MILLISECOND))
    run = await world.react_to()
    assert (run.status, run.error) == (
        RunStatus.DEAD,
        "step put: the reaction's timeout of 50ms has passed",
    )


@pytest.mark.parametrize(
    "name, given, said",
    [
        ("state.set", {"key": "k", "value": "{{ 2 ** 70 }}"}, "value: an integer beyond 64 bits"),
        (
            "state.set",
            {"key": "k", "value": "{{ now }}"},
            "value: something of type function is not plain data",
        ),
        (
            "http.request",
            {"url": "http://localhost/", "json": {"a": 1}, "form": {"a": 1}},
            "the parameters do not fit: give json or form, one of them",
        ),
        (
            "state.set",
            {"key": "{{ [] }}", "value": 1},
            "the parameters do not fit: key: Input should be a valid string",
        ),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(
    world: World, name: str, given: dict[str, Any], said: str
) -> None:
    world.react(reaction("stock", step(name, **given)))
    run = await world.react_to()
    assert (run.status, (run.error or "").partition(": ")[2].partition(" in {{")[0]) == (RunStatus.DEAD, said)


async def test_the_timeout_counts_backing_off(world: World) -> None:
    world.shop.script["shop.put"] = [busy(), busy(), busy(), busy()]
    retry = Retry(attempts=12, first=4 * times.SECOND, max=times.HOUR)
    world.react(reaction("stock", step("put"), timeout=10 * times.SECOND, retry=retry))
    run = await world.react_to()
    await world.later(4 * times.SECOND)
    run = await world.run(run.id)
    assert run.status is RunStatus.DEAD  # the next pause would end after 12 s
    assert run.error == "step put: 503: busy (the reaction's timeout of 10s has passed)"
    assert len(world.shop.calls) == 2


async def test_time_that_nobody_worked_does_not_count(world: World) -> None:
    """A machine that was off over the weekend finds its runs alive."""
    world.shop.script["shop.put"] = [busy(), {}]
    world.react(reaction("stock", step("put"), timeout=times.MINUTE))
    run = await world.react_to()
    await world.later(48 * times.HOUR)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_the_journal_never_holds_what_an_error_quotes(world: World) -> None:
    loud = f"401: the key {KNOWN_SECRET} is refused"
    world.shop.script["shop.put"] = [errors.TemporaryError(loud), errors.PermanentError(loud)]
    world.react(reaction("stock", step("put")))
    run = await world.react_to()
    assert KNOWN_SECRET not in repr((run, await world.steps(run)))
    assert "[blanked]" in (run.error or "")
    await world.later(2 * times.SECOND)
    run = await world.run(run.id)
    (failed,) = await world.steps(run)
    assert run.status is RunStatus.DEAD
    assert KNOWN_SECRET not in repr((run, failed, await world.events()))
    assert len(failed.history) == 2
