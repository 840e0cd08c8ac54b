"""Who is in charge of what is called about: pure decisions, then a watcher over a service that calls twelve times."""

from dataclasses import replace

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from daemon.contract import declare
from daemon.intake import takeover
from daemon.intake.takeover import Heard
from daemon.journal import calls, watches
from daemon.model import calling, times
from tests.intake import remotes
from tests.intake.test_hints import Callers

MINUTE, HOUR, DAY = times.MINUTE, times.HOUR, times.DAY
BUDGET = declare.Budget("things", 12, 15 * MINUTE, HOUR, lambda _id: {})
HOOK = replace(remotes.HOOK, budget=BUDGET)
PATIENCE = takeover.patience(BUDGET)

heards = st.builds(
    Heard, st.integers(0, 20), st.booleans(), st.booleans(), st.sampled_from([None, True, False])
)


@given(st.lists(st.tuples(heards, st.integers(1, 3 * DAY)), min_size=1, max_size=12), st.floats(0, 1))
def test_whoever_is_in_charge_there_is_a_next_look_within_a_day(told, chance):
    known, now, called_at = None, 0, None
    for heard, pause in told:
        now += pause
        called_at = now if heard.called else called_at
        known = takeover.decide(known, BUDGET, heard, now)
        next_at = takeover.next_look(known, BUDGET, called_at, now, chance)
        assert now + MINUTE <= next_at <= now + DAY + DAY // 10
        assert (known.because is None) == (known.in_charge == calling.CALLBACK)
        if heard.used >= 9 or heard.hook is False:
            assert known.in_charge == calling.POLL
        if heard.called:
            assert known.unheard_since is None


def test_a_rise_that_no_callback_tells_in_time_is_polled_for_until_one_comes():
    known = takeover.decide(None, BUDGET, Heard(1, True, True), 0)
    rose = takeover.decide(known, BUDGET, Heard(1, False, True), HOUR)
    assert (rose.in_charge, takeover.next_look(rose, BUDGET, 0, HOUR, 0.5)) == ("callback", HOUR + PATIENCE)
    quiet = takeover.decide(rose, BUDGET, Heard(1, False, False), HOUR + PATIENCE)
    assert (quiet.in_charge, quiet.because) == ("poll", "quiet")
    again = takeover.decide(quiet, BUDGET, Heard(2, True, True), 3 * HOUR)
    assert (again.in_charge, again.because) == ("callback", None)


def test_what_does_not_rise_is_polled_less_and_less():
    known = takeover.decide(None, BUDGET, Heard(12, True, True), 0)
    looks = [takeover.next_look(known, BUDGET, 0, age, 0.5) - age for age in (0, 4 * HOUR, DAY, 30 * DAY)]
    assert looks == [15 * MINUTE, HOUR, 6 * HOUR, 6 * HOUR]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30))
def test_each_share_of_a_budget_is_crossed_once_however_the_calls_come(first, more, budget):
    whole = calling.crossed(0, first + more, budget)
    assert calling.crossed(0, first, budget) + calling.crossed(first, first + more, budget) == whole
    assert (calling.warning(first, budget) is None) == (first * 2 < budget)


def test_a_call_without_news_counts_unless_it_comes_too_soon():
    assert takeover.counts(BUDGET, None, 0)
    assert takeover.counts(BUDGET, 0, HOUR // 2)
    assert not takeover.counts(BUDGET, 0, HOUR // 2 - 1)


def test_what_an_earlier_version_remembered_of_calls_is_read():
    known = calling.Calling(12, 0, hook=True)
    assert calling.from_json({**calling.to_json(known), "said": "a fingerprint"}) == known


# With a watcher


@pytest.fixture
def world(journal):
    return remotes.watched(journal, hook=HOOK)


@pytest.fixture
def callers(world):
    return Callers(world, HOOK)


async def memory(world) -> watches.Memory:
    found = await world.journal.read(lambda c: watches.recall(c, remotes.ACCOUNT, "things", ["a"]))
    return found["a"]


async def going(world) -> tuple[str, str | None, int]:
    """Who is in charge of thing *a*, why, and how often it was called about."""
    found = await memory(world)
    assert found.calling is not None
    return found.calling.in_charge, found.calling.because, found.callbacks


async def numbers(world, after: int) -> list[int]:
    return [one.data["n"] for one in await world.poll(after) if one.type == "shelf.thing.changed"]


async def test_after_the_dozen_polling_carries_on_and_nothing_is_told_twice(world, callers):
    told, warned = [], []
    with structlog.testing.capture_logs() as lines:
        for n in range(1, 13):
            world.remote.things = {"a": (n, "new")}
            await callers.call("a", n)
            told += await numbers(world, HOUR)
            warned.append([one["percent"] for one in lines if one["event"] == "callbacks.budget_used"])
    assert told == list(range(1, 13))
    assert (warned[4], warned[5], warned[7], warned[8]) == ([], [50], [50], [50, 75])
    assert (warned[10], warned[11]) == ([50, 75], [50, 75, 100])
    assert await going(world) == ("poll", "budget", 12)
    (row,) = await callers.rows()
    assert row.due_at == pytest.approx(world.clock.now() + 15 * MINUTE, abs=MINUTE)
    world.remote.things = {"a": (13, "new")}
    assert await numbers(world, 16 * MINUTE) == [13]
    assert await numbers(world, 16 * MINUTE) == []


async def test_who_is_in_charge_changes_at_three_quarters(world, callers):
    for n in range(1, 10):
        world.remote.things = {"a": (n, "new")}
        await callers.call("a", n)
        await world.poll(HOUR)
        assert await going(world) == ("poll" if n == 9 else "callback", "budget" if n == 9 else None, n)


async def test_a_hook_that_goes_quiet_while_things_rise_is_taken_over_and_given_back(world, callers):
    world.remote.things = {"a": (1, "new")}
    await callers.call("a", 1)
    await world.poll()
    world.remote.things = {"a": (2, "new")}
    assert await numbers(world, 3 * HOUR) == [2]  # nobody called: the look that is made now and then tells it
    assert await going(world) == ("callback", None, 1)
    assert await numbers(world, PATIENCE + MINUTE) == []
    assert await going(world) == ("poll", "quiet", 1)
    world.remote.things = {"a": (3, "new")}
    assert await numbers(world, 2 * HOUR) == [3]
    world.remote.things = {"a": (4, "new")}
    await callers.call("a", 4)
    assert await numbers(world, watches.PAUSE) == [4]
    assert await going(world) == ("callback", None, 2)


async def test_a_hook_that_is_switched_off_is_taken_over(world, callers):
    world.remote.things, world.remote.hooks = {"a": (1, "new")}, {"a": True}
    await callers.call("a", 1)
    await world.poll()
    assert await going(world) == ("callback", None, 1)
    world.remote.hooks = {"a": False}
    await world.poll(3 * HOUR)
    assert await going(world) == ("poll", "off", 1)


async def test_a_callback_that_a_poll_was_faster_than_is_counted_all_the_same(world, callers):
    world.remote.things = {"a": (1, "new")}
    first = await callers.call("a", 1)
    told = await world.poll()
    world.remote.things = {"a": (2, "new")}
    (rise,) = await world.poll(3 * HOUR)
    assert await callers.call("a", 2) == rise.id  # nothing new
    assert await callers.call("a", 2) == rise.id  # the same call once more
    assert (await going(world), (await memory(world)).called_at) == (
        ("callback", None, 2),
        world.clock.now(),
    )
    assert (await callers.hint(first)).became == told[0].id
    assert await numbers(world, PATIENCE + HOUR) == []
    assert (await going(world))[0] == "callback"


async def test_invented_callbacks_use_nothing_up(world, callers):
    world.remote.things = {"a": (1, "new")}
    await callers.call("a", 1)
    await world.poll()
    for n in range(100, 130):
        await callers.call("a", n)
        await world.poll(HOUR)
    assert await going(world) == ("callback", None, 1)


@pytest.mark.parametrize("readback", [True, False])
async def test_old_callbacks_that_come_without_end_use_up_next_to_nothing(world, callers, readback):
    world.remote.things = {"a": (3, "new")}
    first = await callers.call("a", 3, readback=readback)
    await world.poll()
    with structlog.testing.capture_logs() as lines:
        told = [await callers.call("a", 1 + n % 2, readback=readback) for n in range(14)]
    newest = (await memory(world)).event_id
    assert (set(told), newest == first) == ({newest}, not readback)
    assert await going(world) == ("callback", None, 1)
    assert [one for one in lines if one["event"] == "callbacks.budget_used"] == []
    world.clock.set(world.clock.now() + HOUR // 2)
    await callers.call("a", 1, readback=readback)
    await callers.call("a", 2, readback=readback)
    assert await going(world) == ("callback", None, 2)


async def test_trusted_callbacks_are_counted_and_get_a_row_of_their_own(world, callers):
    world.remote.things = {"a": (1, "new")}
    await callers.call("a", 1, readback=False)
    assert await callers.rows() == []
    await world.poll(6 * MINUTE)
    (row,) = await callers.rows()
    assert (row.name, row.options, row.announce) == ("hint:shelf:things:a", {}, False)
    for n in range(2, 10):
        await callers.call("a", n, readback=False)
    assert await going(world) == ("poll", "budget", 9)
    world.remote.things = {"a": (10, "new")}
    assert await numbers(world, HOUR) == [10]


async def test_a_thing_that_is_gone_is_looked_at_no_more(world, callers):
    world.remote.things = {"a": (1, "new")}
    await callers.call("a", 1)
    await world.poll()
    world.remote.things = {}
    assert [one.type for one in await world.poll(3 * HOUR)] == ["shelf.thing.removed"]
    await world.poll(HOUR)
    assert await callers.rows() == []
    assert await world.journal.read(lambda c: calls.heard(c)) == {}
