"""A run through its steps: order, conditions, what templates see, what is written."""

import asyncio

import pytest

from daemon.model import times
from daemon.model.reactions import Do
from daemon.model.runs import RunStatus, StepStatus
from tests.running.world import World, reaction, step


async def test_steps_run_in_order_and_see_what_came_before(world: World) -> None:
    world.shop.script["shop.put"] = [{"number": 7, "rows": [{"a": 1}]}]
    world.react(
        reaction(
            "stock",
            step("put", name="{{ event.data.ware }}"),
            step("make", value="{{ steps.put.rows }}", name="no {{ steps.put.number }}"),
        )
    )
    run = await world.react_to({"ware": "tea"})
    assert run.status is RunStatus.SUCCEEDED
    assert [made.action for made in world.shop.calls] == ["shop.put", "shop.make"]
    assert world.shop.asked("shop.make") == [{"name": "no 7", "value": [{"a": 1}], "token": None}]
    first, second = await world.steps(run)
    assert first.request == {"name": "tea"}
    assert first.response == {"number": 7, "rows": [{"a": 1}]}
    assert second.status is StepStatus.SUCCEEDED


async def test_a_lone_template_keeps_its_type_and_text_is_never_parsed_back(world: World) -> None:
    world.react(
        reaction("stock", step("put", value=["{{ event.data.n }}", "{{ event.data.n }} ", "{{ '12' }}", 5]))
    )
    await world.react_to({"n": 12})
    assert world.shop.asked("shop.put")[0]["value"] == [12, "12 ", "12", 5]


async def test_a_time_in_a_parameter_is_rfc_3339(world: World) -> None:
    world.react(reaction("stock", step("put", value="{{ now() }}")))
    await world.react_to()
    assert world.shop.asked("shop.put")[0]["value"] == times.rfc3339(world.clock.now())


async def test_a_false_condition_skips_the_step_and_leaves_none(world: World) -> None:
    world.react(
        reaction(
            "stock",
            step("put", condition="event.data.n > 5"),
            step("make", value="{{ steps.put is none }}"),
        )
    )
    run = await world.react_to({"n": 1})
    assert run.status is RunStatus.SUCCEEDED
    assert world.shop.asked("shop.put") == []
    assert world.shop.asked("shop.make")[0]["value"] is True
    skipped, made = await world.steps(run)
    assert (skipped.status, skipped.attempts, skipped.response) == (StepStatus.SKIPPED, 0, None)
    assert made.status is StepStatus.SUCCEEDED


async def test_a_run_for_each_item_sees_its_own(world: World) -> None:
    world.react(reaction("stock", step("put", name="{{ item.ware }}"), for_each="event.data.wares"))
    await world.react_to({"wares": [{"ware": "tea"}, {"ware": "salt"}]})
    assert sorted(one["name"] for one in world.shop.asked("shop.put")) == ["salt", "tea"]
    assert [(one.item, one.status) for one in await world.runs()] == [
        ({"ware": "tea"}, RunStatus.SUCCEEDED),
        ({"ware": "salt"}, RunStatus.SUCCEEDED),
    ]


async def test_state_that_a_step_sets_is_there_for_the_next(world: World) -> None:
    world.react(
        reaction(
            "stock",
            step("put", value="{{ state('shelf') }}"),
            step("state.set", key="shelf", value={"n": 3}),
            step("make", value="{{ state('shelf').n + 1 }}"),
            step("state.delete", key="shelf"),
            step("charge", value="{{ state('shelf') }}"),
        )
    )
    run = await world.react_to()
    assert run.status is RunStatus.SUCCEEDED
    assert [one["value"] for one in world.shop.asked("shop.put")] == [None]
    assert [one["value"] for one in world.shop.asked("shop.make")] == [4]
    assert [one["value"] for one in world.shop.asked("shop.charge")] == [None]
    assert await world.state("shelf") is None


@pytest.mark.parametrize(
    "parameters, says",
    [
        ({"name": "{{ event.data.missing }}"}, "missing"),
        ({"nmae": "tea"}, "nmae"),
        ({"name": "{{ 1 / 0 }}"}, "zero"),
    ],
)
async def test_parameters_that_do_not_fit_end_the_run_without_a_call(
    world: World, parameters: dict, says: str
) -> None:
    world.react(reaction("stock", step("put", **parameters)))
    run = await world.react_to({})
    assert run.status is RunStatus.DEAD
    assert says in (run.error or "")
    assert world.shop.calls == []
    (broken,) = await world.steps(run)
    assert broken.status is StepStatus.FAILED
    assert [one.data["error"] for one in await world.events("pointsman.run.dead")] == [run.error]


async def test_a_result_that_is_too_large_keeps_its_count(world: World) -> None:
    rows = [{"text": "x" * 100}] * 200
    world.shop.script["shop.put"] = [{"rows": rows}]
    world.react(reaction("stock", step("put")))
    (done,) = await world.steps(await world.react_to())
    assert done.response == {"rows": None, "truncated": True, "row_count": 200}


async def test_of_a_result_that_is_too_large_the_small_fields_can_be_read(world: World) -> None:
    world.shop.script["shop.put"] = [{"status": 200, "headers": {"etag": "7"}, "body": "x" * 20_000}]
    world.react(reaction("stock", step("put"), step("make", name="{{ steps.put.status }}")))
    run = await world.react_to()
    assert run.status is RunStatus.SUCCEEDED
    assert world.shop.asked("shop.make")[0]["name"] == 200
    cut, _ = await world.steps(run)
    assert cut.response == {"status": 200, "headers": {"etag": "7"}, "body": None, "truncated": True}


@pytest.mark.parametrize(
    "next",
    [
        step("make", name="{{ steps.put.rows[0].a }}"),
        step("make", nmae="{{ steps.put.rows }}"),
        step("make", condition="steps.put.rows | length > 1"),
    ],
    ids=["undefined", "unfit", "condition"],
)
async def test_a_run_that_dies_over_what_was_cut_says_so(world: World, next: Do) -> None:
    world.shop.script["shop.put"] = [{"rows": [{"a": "x" * 100}] * 200}]
    world.react(reaction("stock", step("put"), next))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    assert (run.error or "").endswith(". [database] max_payload cut steps.put: ask for less, or raise it.")


async def test_a_run_that_dies_over_something_else_tells_of_no_cut(world: World) -> None:
    world.shop.script["shop.put"] = [{"rows": [{"a": "x" * 100}] * 200}]
    world.react(reaction("stock", step("put"), step("make", name="{{ event.data.missing }}")))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    assert "max_payload" not in (run.error or "")


async def test_an_event_is_emitted_once_one_step_deeper_in_the_same_trace(world: World) -> None:
    emits = step("event.emit", type="tea.bought", subject="{{ event.data.ware }}", data={"n": "{{ 1 + 1 }}"})
    world.react(reaction("stock", emits), reaction("second", step("put"), on=("tea.bought",)))
    event_id = await world.tell({"ware": "tea"})
    await world.settle()
    (told,) = await world.events("tea.bought")
    (cause,) = [one for one in await world.events() if one.id == event_id]
    first, second = await world.runs()
    assert (told.subject, told.data, told.source) == ("tea", {"n": 2}, "emit")
    assert (told.depth, told.trace, told.cause) == (1, cause.trace, first.id)
    assert (second.reaction, second.depth, second.trace) == ("second", 1, cause.trace)


async def test_emitted_events_are_not_doubled_by_a_crash_behind_them(world: World) -> None:
    world.shop.script["shop.put"] = [{}]
    world.react(reaction("stock", step("event.emit", type="tea.bought"), step("put")))
    await world.tell()
    world.shop.gate = gate = asyncio.Event()
    await world.begin()
    await world.calls(1)
    await world.crash()
    gate.set()
    await world.settle()
    assert len(await world.events("tea.bought")) == 1
    assert len(world.shop.asked("shop.put")) == 2
