"""Schedules on a virtual clock: real changes of real clocks, restarts, missed moments, two nodes."""

import asyncio

import pytest

from daemon.contract import configured
from daemon.intake.schedules import Schedules
from daemon.journal import events
from daemon.journal.bell import Bell
from daemon.model import times
from daemon.model.times import DAY, HOUR, MINUTE, SECOND
from tests import clocks


class Wakes:
    """Remembers the last wake that was asked for."""

    def __init__(self) -> None:
        self.instant: int | None = None

    def at(self, _name, instant, _callback) -> None:
        """Keep *instant*."""
        self.instant = instant


class Node:
    """One daemon's schedules over a journal that others may share."""

    def __init__(self, journal, clock: clocks.VirtualClock) -> None:
        self.journal, self.clock, self.wakes = journal, clock, Wakes()
        self.router = Bell()
        self.schedules = Schedules(journal, clock, self.wakes, Bell(), self.router)

    async def start(self, *given: configured.Schedule) -> "Node":
        """Take *given*, as at the daemon's start."""
        await self.schedules.configure(given)
        return self

    async def until(self, instant: int, step: int = 2 * MINUTE) -> list[str]:
        """Live to *instant*, looking each *step*; what was fired meanwhile."""
        before = await self.journal.read(events.newest_seq)
        while self.clock.now() < instant:
            self.clock.set(min(instant, self.clock.now() + step))
            await self.schedules.once()
        return await self.fired(before)

    async def fired(self, before: int = 0) -> list[str]:
        """Which moments were fired behind the number *before*."""
        found = await self.journal.read(lambda connection: events.after(connection, before, 1_000))
        return [one.data["scheduled_for"] for one in found]


def at(text: str) -> int:
    """The instant of an RFC 3339 text."""
    return times.parse_rfc3339(text)


def schedule(name: str = "nightly", **values) -> configured.Schedule:
    """A schedule; by default nightly at two."""
    given = {"cron": None, "every": None, "at": None, "timezone": "UTC", "misfire": "run", "gap": "after"}
    if not {"every", "at"} & set(values):
        given["cron"] = "0 2 * * *"
    return configured.Schedule(**{"name": name, **given, **values})


@pytest.fixture
def clock():
    return clocks.VirtualClock(at("2026-01-10T12:00:30Z"))


async def test_a_firing_is_an_event_with_the_schedules_data(journal, clock):
    node = await Node(journal, clock).start(schedule(data={"depth": 3}))
    assert await node.until(at("2026-01-11T01:59:59Z"), HOUR) == []
    assert node.wakes.instant == at("2026-01-11T02:00:00Z")
    assert await node.until(at("2026-01-11T03:00:00Z"), 10 * MINUTE) == ["2026-01-11T02:00:00Z"]
    told = (await journal.read(lambda connection: events.after(connection, 0, 10)))[0]
    assert (told.type, told.source, told.subject) == ("schedule.fired", "schedule", "nightly")
    assert told.data == {"depth": 3, "scheduled_for": "2026-01-11T02:00:00Z"}
    async with asyncio.timeout(1):
        await node.router.heard()


@pytest.mark.parametrize(
    "day, values, fired",
    [
        # Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00
        ("2026-03-29", {"cron": "30 2 * * *"}, ["2026-03-29T01:00:00Z"]),
        ("2026-03-29", {"cron": "30 2 * * *", "gap": "skip"}, []),
        ("2026-03-29", {"cron": "30 1 * * *"}, ["2026-03-29T00:30:00Z"]),
        ("2026-10-25", {"cron": "30 2 * * *"}, ["2026-10-25T00:30:00Z"]),
        ("2026-10-25", {"cron": "0 3 * * *"}, ["2026-10-25T02:00:00Z"]),
        ("2026-10-25", {"cron": "30 2 * * sun"}, ["2026-10-25T00:30:00Z"]),
    ],
)
async def test_a_changed_clock_fires_a_local_time_once(journal, clock, day, values, fired):
    clock.set(at(f"{day}T00:00:00Z") - 30 * MINUTE)
    node = await Node(journal, clock).start(schedule(timezone="Europe/Berlin", **values))
    assert await node.until(at(f"{day}T04:00:00Z"), 10 * MINUTE) == fired


async def test_a_pattern_goes_on_in_elapsed_time(journal, clock):
    clock.set(at("2026-10-24T23:30:00Z"))
    node = await Node(journal, clock).start(schedule(timezone="Europe/Berlin", cron="0 * * * *"))
    fired = await node.until(at("2026-10-25T03:30:00Z"), 10 * MINUTE)
    assert fired == [f"2026-10-25T0{hour}:00:00Z" for hour in range(4)]


async def test_a_restart_neither_repeats_nor_loses(journal, clock):
    every = schedule("often", every=15 * MINUTE)
    fired = []
    for _ in range(12):
        node = await Node(journal, clock).start(every)
        fired += await node.until(clock.now() + 10 * MINUTE, 5 * MINUTE)
    assert fired == [times.rfc3339(at("2026-01-10T12:15:00Z") + n * 15 * MINUTE) for n in range(8)]


@pytest.mark.parametrize("misfire, fired", [("run", ["2026-01-13T02:00:00Z"]), ("skip", [])])
async def test_what_was_missed_while_down_fires_once_or_not_at_all(journal, clock, misfire, fired):
    nightly = schedule(misfire=misfire)
    await Node(journal, clock).start(nightly)
    clock.set(at("2026-01-13T06:00:00Z"))
    node = await Node(journal, clock).start(nightly)
    assert await node.until(clock.now() + 2 * HOUR, 10 * MINUTE) == fired
    assert await node.until(at("2026-01-14T03:00:00Z"), HOUR) == ["2026-01-14T02:00:00Z"]


async def test_even_a_short_absence_counts_as_missed(journal, clock):
    often = schedule(every=10 * SECOND, misfire="skip")
    node = await Node(journal, clock).start(often)
    assert await node.until(clock.now() + 10 * SECOND, SECOND) == ["2026-01-10T12:00:40Z"]
    clock.set(clock.now() + HOUR + 5 * SECOND)
    again = await Node(journal, clock).start(often)
    assert await again.until(clock.now() + 10 * SECOND, SECOND) == ["2026-01-10T13:00:50Z"]


async def test_a_loop_that_is_a_little_late_missed_nothing(journal, clock):
    node = await Node(journal, clock).start(schedule(misfire="skip"))
    assert await node.until(at("2026-01-11T02:00:30Z"), DAY) == ["2026-01-11T02:00:00Z"]
    assert await node.until(at("2026-01-12T04:00:00Z"), 2 * DAY) == []  # the machine slept


async def test_an_interval_goes_on_when_the_clock_is_set(journal, clock):
    node = await Node(journal, clock).start(schedule("often", every=10 * MINUTE), schedule("daily"))
    assert len(await node.until(at("2026-01-10T13:00:30Z"))) == 6
    clock.set(clock.now() - HOUR)
    told = await node.until(at("2026-01-10T13:00:30Z"))
    assert told == [f"2026-01-10T12:{n}0:00Z" for n in range(1, 6)] + ["2026-01-10T13:00:00Z"]
    clock.set(clock.now() + HOUR)
    assert await node.until(at("2026-01-10T14:11:00Z")) == ["2026-01-10T14:00:00Z", "2026-01-10T14:10:00Z"]


async def test_a_daily_moment_that_comes_twice_fires_once(journal, clock):
    node = await Node(journal, clock).start(schedule())
    assert await node.until(at("2026-01-11T02:10:00Z"), HOUR) == ["2026-01-11T02:00:00Z"]
    clock.set(clock.now() - HOUR)
    assert await node.until(at("2026-01-11T20:00:00Z"), HOUR) == []


async def test_a_node_that_is_a_little_behind_fires_nothing_twice(journal, clock):
    often = schedule("often", every=10 * MINUTE)
    node = await Node(journal, clock).start(often)
    behind = clocks.VirtualClock(clock.now())
    other = await Node(journal, behind).start(often)
    for _ in range(60):
        clock.set(clock.now() + MINUTE)
        behind.set(clock.now() - 20 * SECOND)
        await node.schedules.once()
        await other.schedules.once()
    told = await node.fired()
    assert (len(told), len(set(told))) == (6, 6)


async def test_an_instant_fires_once_also_when_it_is_past(journal, clock):
    past, future = schedule("past", at=at("2025-12-24T18:00:00Z")), schedule("next", at=clock.now() + HOUR)
    for _ in range(3):
        node = await Node(journal, clock).start(past, future)
        await node.until(clock.now() + 40 * MINUTE, 10 * MINUTE)
    assert await node.fired() == ["2025-12-24T18:00:00Z", "2026-01-10T13:00:30Z"]


async def test_a_changed_schedule_begins_anew_and_a_dropped_one_ends(journal, clock):
    node = await Node(journal, clock).start(schedule("a", every=HOUR), schedule("b", every=HOUR))
    await node.start(schedule("a", every=6 * MINUTE))
    assert await node.until(at("2026-01-10T12:15:00Z")) == ["2026-01-10T12:06:00Z", "2026-01-10T12:12:00Z"]
    await node.start(schedule("a", every=6 * MINUTE, data={"new": 1}))
    assert await node.until(at("2026-01-10T12:22:00Z")) == ["2026-01-10T12:18:00Z"]
    await node.start()
    assert await node.until(at("2026-01-10T15:00:00Z"), HOUR) == []


async def test_two_nodes_fire_a_moment_once(journal, clock):
    one, two = Node(journal, clock), Node(journal, clock)
    await asyncio.gather(one.start(schedule(every=MINUTE)), two.start(schedule(every=MINUTE)))
    for _ in range(10):
        clock.set(clock.now() + MINUTE)
        await asyncio.gather(one.schedules.once(), two.schedules.once())
    assert await one.fired() == [f"2026-01-10T12:{minute:02d}:00Z" for minute in range(1, 11)]


async def test_a_schedule_of_another_nodes_config_is_left_to_that_node(journal, clock):
    await Node(journal, clock).start(schedule(every=MINUTE))
    stranger = Node(journal, clock)
    clock.set(clock.now() + HOUR)
    assert await stranger.schedules.once() is False
    assert await stranger.fired() == []
