"""The wall clock: whoever sets it is noticed, whoever keeps it right is not."""

import time

import pytest

from daemon import clock
from daemon.clock import wall
from daemon.model import times


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The machine's two clocks, in microseconds, as the test sets them."""
    shown = {"wall": 1_764_547_200 * times.SECOND, "steady": 5 * times.SECOND}
    monkeypatch.setattr(time, "time_ns", lambda: shown["wall"] * 1_000)
    monkeypatch.setattr(times, "steady", lambda: shown["steady"])
    return shown


@pytest.mark.parametrize("by", [times.HOUR, -times.HOUR, wall.SET_BY, -wall.SET_BY])
def test_a_clock_that_is_set_is_noticed_once(machine: dict[str, int], by: int) -> None:
    shown = clock.WallClock()
    machine["wall"] += by + times.SECOND
    machine["steady"] += times.SECOND
    assert shown.jumped() == by
    assert shown.jumped() == 0
    assert shown.now() == machine["wall"]


def test_time_that_passes_is_no_jump(machine: dict[str, int]) -> None:
    shown = clock.WallClock()
    for _ in range(100):  # a machine that slept for a day each time, and a clock that is kept right
        machine["wall"] += times.DAY + times.SECOND
        machine["steady"] += times.DAY
        assert shown.jumped() == 0


def test_a_correction_is_added(machine: dict[str, int]) -> None:
    shown = clock.WallClock()
    shown.correction = -times.HOUR
    assert shown.now() == machine["wall"] - times.HOUR
    assert clock.WallClock().until(machine["wall"] + times.SECOND) == 1.0


def test_the_steady_clock_goes_on() -> None:
    first = times.steady()
    assert first <= times.steady()
    assert abs(times.steady() - first) < times.MINUTE
