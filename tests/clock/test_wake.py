"""Clocks and wakes, on the real event loop."""

import asyncio
import subprocess
import sys
import time

import pytest

from daemon import clock
from daemon.model import times

START = times.parse_rfc3339("2026-11-22T09:00:00Z")
DEADLINE_SECONDS = 10


class Bell:
    """Remembers when it rang, and lets a test wait for it."""

    def __init__(self, by: clock.TimedClock) -> None:
        self.rung_at: list[int] = []
        self._by = by
        self._event = asyncio.Event()

    def ring(self) -> None:
        self.rung_at.append(self._by.now())
        self._event.set()

    async def ring_slowly(self) -> None:
        await asyncio.sleep(0)
        self.ring()

    async def heard(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._event.wait()
        self._event.clear()


def test_the_wall_clock_shows_the_time_and_what_is_left() -> None:
    wall = clock.WallClock()
    assert abs(wall.now() - time.time_ns() // 1000) < times.SECOND
    assert 8 < wall.until(wall.now() + 9 * times.SECOND) <= 9
    assert wall.until(wall.now() - times.DAY) == 0


def test_the_fast_clock_goes_faster() -> None:
    fast = clock.FastClock(START, speed=1000)
    assert 0 <= fast.now() - START < 3600 * times.SECOND
    assert fast.until(START - 1) == 0
    assert fast.until(fast.now() + times.DAY) == pytest.approx(86.4, abs=0.5)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_clock_that_stands_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        clock.FastClock(START, speed)


def test_a_held_clock_stands_until_it_is_let_go() -> None:
    fast = clock.FastClock(START, speed=1_000_000, held=True)
    time.sleep(0.01)
    assert (fast.now(), fast.until(START)) == (START, 0)
    fast.go()
    time.sleep(0.01)
    moved = fast.now()
    fast.go()
    assert fast.now() >= moved > START


async def test_sleeping_follows_the_clock() -> None:
    fast = clock.FastClock(START, speed=100_000)
    before, began = fast.now(), time.monotonic()
    await fast.sleep(times.HOUR)
    assert fast.now() - before >= times.HOUR
    assert time.monotonic() - began < DEADLINE_SECONDS
    await clock.WallClock().sleep(-5)


@pytest.mark.parametrize("by", [clock.WallClock(), clock.FastClock(START, 50)])
async def test_a_wake_is_never_early(by: clock.TimedClock) -> None:
    wakes, bell = clock.Wakes(by), Bell(by)
    wakes.start()
    due = by.now() + 60 * times.MILLISECOND
    wakes.at("due", due, bell.ring)
    await bell.heard()
    wakes.stop()
    assert bell.rung_at[0] >= due


async def test_wakes_asked_for_before_the_start_and_in_the_past_come() -> None:
    fast = clock.FastClock(START, 50)
    wakes, bell = clock.Wakes(fast), Bell(fast)
    wakes.at("early", START - times.DAY, bell.ring_slowly)
    wakes.start()
    await bell.heard()
    wakes.stop()
    assert len(bell.rung_at) == 1


async def test_wakes_asked_for_after_the_end_do_not_come() -> None:
    fast = clock.FastClock(START, 50)
    wakes, bell = clock.Wakes(fast), Bell(fast)
    wakes.start()
    wakes.stop()
    wakes.at("late", START - times.DAY, bell.ring)
    await asyncio.sleep(0)
    assert bell.rung_at == []


async def test_a_name_has_one_wake_and_it_can_be_cancelled() -> None:
    fast = clock.FastClock(START, 1000)
    wakes, replaced, cancelled, last = clock.Wakes(fast), Bell(fast), Bell(fast), Bell(fast)
    wakes.start()
    wakes.at("one", fast.now() + times.MINUTE, replaced.ring)
    wakes.at("one", fast.now() + times.MINUTE, last.ring)
    wakes.at("two", fast.now() + times.MINUTE, cancelled.ring)
    wakes.cancel("two")
    wakes.cancel("never there")
    await last.heard()
    await asyncio.sleep(0)
    wakes.stop()
    wakes.stop()
    assert (len(last.rung_at), replaced.rung_at, cancelled.rung_at) == (1, [], [])


async def test_a_callback_may_ask_for_the_next_wake_of_its_own_name() -> None:
    fast = clock.FastClock(START, 1000)
    wakes, bell = clock.Wakes(fast), Bell(fast)

    async def again() -> None:
        if len(bell.rung_at) < 3:
            wakes.at("again", fast.now(), again)
            await asyncio.sleep(0.01)  # still running while its successor is due
        bell.ring()

    wakes.start()
    wakes.at("again", fast.now(), again)
    while len(bell.rung_at) < 4:
        await bell.heard()
    wakes.stop()
    assert len(bell.rung_at) >= 4


async def test_a_failing_callback_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    wall = clock.WallClock()
    wakes, bell = clock.Wakes(wall), Bell(wall)

    def fail() -> None:
        raise RuntimeError("a bug of ours")

    wakes.start()
    wakes.at("bad", wall.now(), fail)
    wakes.at("good", wall.now() + 20 * times.MILLISECOND, bell.ring)
    await bell.heard()
    wakes.stop()
    assert "a bug of ours" in caplog.text
    assert {record.levelname for record in caplog.records if record.name.startswith("apscheduler")} == {
        "ERROR"
    }


def test_a_clock_without_wakes_does_not_import_apscheduler() -> None:
    program = """
import sys
from daemon import clock
wakes = clock.Wakes(clock.WallClock())
wakes.start()
wakes.cancel("never there")
wakes.stop()
print("apscheduler" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
