"""The router: events to runs, each once, in the journal's order."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.journal import events, runs
from daemon.journal.bell import Bell
from daemon.journal.database import Journal
from daemon.model import times
from daemon.model.events import Event, Fresh
from daemon.model.runs import RunStatus
from daemon.routing.handed import Handed
from daemon.routing.matching import Rules
from tests.running.world import World, reaction, step


async def test_a_false_condition_makes_no_run(world: World) -> None:
    world.react(reaction(when="event.data.n > 5"))
    await world.tell({"n": 1})
    await world.settle()
    assert await world.runs() == []
    assert not await world.router.once()


async def test_a_failing_condition_makes_a_dead_run_and_tells_of_it(world: World) -> None:
    world.react(reaction("stock", when="event.data.n > 5"), reaction("other"))
    event_id = await world.tell({})
    await world.settle()
    dead, well = sorted(await world.runs(), key=lambda run: run.status)
    assert (dead.reaction, dead.status, dead.event_id) == ("stock", RunStatus.DEAD, event_id)
    assert well.status is RunStatus.SUCCEEDED
    (told,) = await world.events("pointsman.run.dead")
    assert told.data["error"] == dead.error
    assert "n" in told.data["error"]
    assert (told.cause, told.depth) == (dead.id, 1)


async def test_too_many_items_are_one_dead_run(world: World) -> None:
    world.react(reaction("stock", for_each="event.data.items"))
    await world.tell({"items": list(range(10_001))})
    await world.settle()
    (run,) = await world.runs()
    assert run.status is RunStatus.DEAD
    assert "10000" in (run.error or "")


async def test_a_list_that_was_too_large_for_its_event_is_one_dead_run(world: World) -> None:
    emit = step("event.emit", type="list.made", subject="x", data={"rows": "{{ event.data.rows }}"})
    world.react(
        reaction("tell", emit),
        reaction("each", on=("list.made",), for_each="event.data.rows"),
    )
    await world.tell({"rows": ["x" * 100] * 400})
    await world.settle()
    (dead,) = [run for run in await world.runs() if run.reaction == "each"]
    assert dead.status is RunStatus.DEAD
    assert "larger than [database] max_payload, 400 rows" in (dead.error or "")
    assert world.shop.calls == []


async def test_conditions_see_state_as_it_is_when_they_are_evaluated(world: World) -> None:
    world.react(reaction("stock", step("state.set", key="seen", value=True), when="not state('seen')"))
    await world.tell()
    await world.settle()
    await world.tell()
    await world.settle()
    assert len(await world.runs()) == 1


async def test_a_free_hand_is_given_the_run_at_once_unless_older_work_is_due(world: World) -> None:
    world.react(reaction("stock"))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.router.once()
    (born,) = await world.runs()
    assert (born.status, born.node, born.fence) == (RunStatus.RUNNING, "here", 1)
    await world.calls(1)
    await world.journal.write(
        lambda connection: runs.release_all(connection, world.clock.now() - times.SECOND)
    )
    await world.tell()
    await world.router.once()
    older, newer = await world.runs()
    assert (older.status, newer.status) == (RunStatus.PENDING, RunStatus.PENDING)
    world.shop.gate.set()
    await world.settle()


async def test_an_event_is_routed_once_however_many_routers_there_are(world: World) -> None:
    world.react(reaction("stock", step("put", name="{{ event.key }}")))
    _, second, _ = world.build("there")
    second.rules = world.router.rules
    for number in range(20):
        await world.tell(key=f"k{number}")
    await asyncio.gather(world.router.once(), second.once(), world.router.once(), second.once())
    await world.settle()
    await asyncio.gather(world.router.once(), second.once())
    assert len(await world.runs()) == 20


async def test_events_become_runs_in_the_order_of_the_journal(world: World) -> None:
    world.react(reaction("stock"))
    told = [await world.tell(key=f"k{number}") for number in range(250)]
    while await world.router.once():
        pass
    assert [run.event_id for run in await world.runs()] == told
    await world.settle()


async def test_what_nobody_listens_to_is_passed_by(world: World) -> None:
    world.react(reaction("stock"))
    for number in range(5):
        await world.tell(key=f"n{number}", type="something.else")
    await world.tell(key="x")
    await world.settle()
    assert len(await world.runs()) == 1
    world.react(reaction("late", on=("something.else",)))
    await world.settle()
    assert len(await world.runs()) == 1


async def newest(world: World, count: int = 1) -> list[Fresh]:
    """The newest events as they are handed over, the oldest of them first."""
    return [as_handed(one) for one in (await world.events())[-count:]]


def as_handed(one: Event) -> Fresh:
    return Fresh(one.seq, one.type, lambda: one)


@pytest.mark.parametrize("handed", [[0], [0, 1, 2], [2], [0, 2], [1], []])
async def test_events_are_routed_once_and_in_order_whichever_of_them_are_handed_over(
    world: World, handed: list[int]
) -> None:
    world.react(reaction("stock", step("put", name="{{ event.key }}")))
    await world.tell(key="before")
    await world.settle()
    for number in range(3):
        await world.tell(key=f"k{number}")
    told = await newest(world, 3)
    world.router.hand_over([told[number] for number in handed])
    await world.settle()
    world.router.hand_over([told[number] for number in handed])  # late: they were routed long ago
    await world.tell(key="after")
    world.router.hand_over(await newest(world))
    await world.settle()
    names = [asked["name"] for asked in world.shop.asked("shop.put")]
    assert names == ["before", "k0", "k1", "k2", "after"]


async def test_what_is_handed_over_need_not_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.react(reaction("stock"))
    await world.tell()
    await world.settle()
    await world.tell()
    world.router.hand_over(await newest(world))
    monkeypatch.setattr(world.router, "_pass", None)
    assert not await world.router.once()  # nobody hands over but rings too: there is no need to look for more
    assert len(await world.runs()) == 2
    monkeypatch.undo()
    await world.settle()


async def test_a_router_whose_cursor_was_moved_by_another_looks_again(world: World) -> None:
    world.react(reaction("stock"))
    await world.tell()
    await world.settle()
    _, second, _ = world.build("there")
    second.rules = world.router.rules
    await world.tell()
    world.router.hand_over(await newest(world))
    await second.once()
    await world.settle()
    await world.tell()
    world.router.hand_over(await newest(world))
    await world.settle()
    assert len(await world.runs()) == 3


async def test_events_that_nobody_listens_to_are_passed_by_together(world: World, journal: Journal) -> None:
    world.react(reaction("stock"))
    await world.tell()
    await world.settle()
    standing, rang = await journal.read(events.cursor), Bell()
    world.router._bell = rang
    for number in range(3):
        await world.tell(type="nobody.cares", key=f"n{number}")
        world.router.hand_over(await newest(world))
    assert not rang._event.is_set()  # they wait for more of them
    await world.tell()
    world.router.hand_over(await newest(world))
    assert rang._event.is_set()
    await world.settle()
    assert await journal.read(events.cursor) == standing + 4
    assert len(await world.runs()) == 2


async def test_a_reload_sees_what_was_handed_over_with_its_own_eyes(world: World) -> None:
    world.react(reaction("stock"))
    await world.tell()
    await world.settle()
    await world.tell(type="nobody.cares", key="n")
    world.router.hand_over(await newest(world))
    world.react(reaction("late", on=("nobody.cares",)))
    await world.settle()
    assert [run.reaction for run in await world.runs()] == ["stock", "late"]


@given(
    st.lists(st.lists(st.integers(1, 12), max_size=4), max_size=4),
    st.integers(0, 12),
    st.integers(1, 5),
)
def test_what_is_taken_begins_behind_the_cursor_and_leaves_none_out(
    batches: list[list[int]], seq: int, most: int
) -> None:
    handed = Handed(Rules([]))
    for numbers in batches:
        handed.add([as_handed(event(number)) for number in sorted(set(numbers))])
    held = list(handed.numbers)
    found = handed.take(seq, most)
    assert held == sorted(set(held))
    if found is None:
        assert seq + 1 not in held or not handed.numbers
        assert handed.numbers == []
    else:
        assert list(found.numbers) == list(range(seq + 1, found.last + 1))
        assert len(found.numbers) <= most
        assert handed.numbers == [number for number in held if number > found.last]


def event(number: int) -> Event:
    """An event with that number."""
    return Event(number, f"e{number}", "emit", "x", "", 0, 0, f"k{number}", f"e{number}", 0)


async def test_a_run_that_was_begun_too_early_does_nothing_once_it_is_claimed(world: World) -> None:
    world.react(reaction("stock"))
    await world.react_to()
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.router.once()
    await world.calls(2)
    await world.journal.write(
        lambda connection: runs.release_all(connection, world.clock.now() - times.SECOND)
    )
    slow = world.worker._courses._last_in = asyncio.Event()  # whatever is begun now waits for its turn
    await world.tell()
    await world.router.once()
    newest = (await world.runs())[-1]
    assert newest.status is RunStatus.PENDING
    assert newest.id in world.worker._in_hand
    await world.worker.once()
    slow.set()
    world.shop.gate.set()
    await world.settle()
    steps = [await world.steps(run) for run in await world.runs()]
    assert [len(world.shop.calls), len(steps)] == [4, 3]  # the one whose lease was taken away called twice
    assert [step.attempts for (step,) in steps] == [1, 2, 1]
    assert (world.worker._in_hand, world.worker._courses._in_hand) == ({}, {})
