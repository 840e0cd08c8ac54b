"""Watches and schedules, over failures and restarts."""

import time

import pytest

from daemon.model import times
from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step
from tests.sandbox.calling import Caller

WATCH = """
[[watch]]
name = "sources"
service = "popily"
resource = "sources"
every = "1h"
"""
WEEK = 7 * times.DAY
SOURCE = {"url": "http://data.invalid/orders.csv", "title": "Orders"}


async def polled(daemon: Daemon) -> None:
    """Have the watch polled once more, and wait for it."""
    assert daemon.change("UPDATE watches SET due_at = 0 WHERE name = 'sources'") == 1

    def again() -> bool:
        (now,) = daemon.rows("SELECT due_at FROM watches WHERE name = 'sources'")
        return bool(now["due_at"] > 0)  # which is written with what the poll found

    await waiting.wait_for(again, PATIENCE, "another poll")


async def test_a_watch_takes_what_is_and_tells_what_changes_once(daemon: Daemon) -> None:
    caller = Caller(daemon.session, daemon.sandbox)
    made = await caller.call("popily", "POST", "/sources/", json=SOURCE)
    source_id = made.body["id"]
    daemon.sandbox.popily.courses[source_id]["fixed"] = "calculating"
    daemon.configure(WATCH, reaction("told", "popily.source.*", step("state.set", 'key = "n", value = 1')))
    await daemon.start()
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM watches WHERE polled_at > 0"), PATIENCE)
    assert daemon.events("popily.*") == []
    daemon.sandbox.popily.courses[source_id]["fixed"] = "finished"
    await polled(daemon)
    told = [(event["type"], event["subject"]) for event in daemon.events("popily.*")]
    assert ("popily.source.finished", str(source_id)) in told
    await daemon.restart()
    await polled(daemon)
    await polled(daemon)
    assert [(event["type"], event["subject"]) for event in daemon.events("popily.*")] == told
    await caller.call("popily", "POST", "/sources/", json=SOURCE)
    await polled(daemon)
    assert [event["type"] for event in daemon.events("popily.*")][len(told) :] == ["popily.source.added"]


async def test_a_watch_that_fails_says_so_once_and_when_it_is_well_again(daemon: Daemon) -> None:
    daemon.configure(WATCH)
    await daemon.start()
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM watches WHERE polled_at > 0"), PATIENCE)
    daemon.sandbox.faults.add(faults.Fault("popily", "status", status=503, times=None))
    for _ in range(4):
        await polled(daemon)
    (failing,) = daemon.events("pointsman.watch.failing")
    assert (failing["subject"], failing["data"]["failures"]) == ("sources", 3)
    assert "503" in failing["data"]["error"]
    daemon.sandbox.faults.remove()
    await polled(daemon)
    await polled(daemon)
    (recovered,) = daemon.events("pointsman.watch.recovered")
    assert (recovered["subject"], recovered["data"]["failures"]) == ("sources", 4)
    assert recovered["data"]["since"] == failing["data"]["since"]


def schedule(name: str, misfire: str, every: str = "7d") -> str:
    """A ``[[schedule]]``."""
    return (
        f'\n[[schedule]]\nname = "{name}"\nevery = "{every}"\nmisfire = "{misfire}"\ndata = {{ depth = 3 }}\n'
    )


async def test_missed_firings_give_one_or_none_after_a_restart(daemon: Daemon) -> None:
    runs = reaction("run", "schedule.fired", step("state.set", 'key = "{{ event.subject }}", value = 1'))
    daemon.configure(schedule("late", "run"), schedule("lax", "skip"), schedule("due", "skip"), runs)
    await daemon.start()
    await daemon.kill()
    now = time.time_ns() // 1_000
    latest = now // WEEK * WEEK
    daemon.change("UPDATE schedules SET next_at = ? WHERE name <> 'due'", latest - 5 * WEEK)
    (before,) = daemon.rows("SELECT next_at FROM schedules WHERE name = 'due'")
    await daemon.start()
    (fired,) = await daemon.until_events("schedule.fired")
    assert (fired["subject"], fired["source"]) == ("late", "schedule")
    assert fired["data"] == {"depth": 3, "scheduled_for": times.rfc3339(latest)}
    (run,) = await daemon.until_runs("run", "succeeded")
    await daemon.restart()
    coming = {row["name"]: row["next_at"] for row in daemon.rows("SELECT * FROM schedules")}
    assert coming == {"late": latest + WEEK, "lax": latest + WEEK, "due": before["next_at"]}
    assert [event["id"] for event in daemon.events("schedule.fired")] == [fired["id"]]
    assert [one["id"] for one in daemon.runs("run")] == [run["id"]]


async def test_a_schedule_goes_on_over_kills_without_a_double(daemon: Daemon) -> None:
    daemon.configure(schedule("pulse", "run", "1s"))
    await daemon.start()
    await daemon.until_events("schedule.fired", 2)
    await daemon.restart()
    found = await daemon.until_events("schedule.fired", 5)
    moments = [event["data"]["scheduled_for"] for event in found]
    assert len(set(moments)) == len(moments)
    assert moments == sorted(moments)
    instants = [times.parse_rfc3339(moment) for moment in moments]
    assert {instant % times.SECOND for instant in instants} == {0}


@pytest.mark.parametrize("at, count", [("2026-01-01T09:00:00", 1), ("2099-01-01T09:00:00", 0)])
async def test_one_moment_fires_once_for_ever(daemon: Daemon, at: str, count: int) -> None:
    daemon.configure(f'[[schedule]]\nname = "once"\nat = {at}\n', schedule("pulse", "run", "1s"))
    await daemon.start()
    await daemon.until_events("schedule.fired", count + 1)
    await daemon.restart()
    known = len(daemon.events("schedule.fired"))
    await daemon.until_events("schedule.fired", known + 1)
    assert len([event for event in daemon.events("schedule.fired") if event["subject"] == "once"]) == count
