"""Firings forward and back, where the zone's clocks go evenly."""

import re
from datetime import UTC, date, datetime

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from daemon import clock
from daemon.clock import crontab
from daemon.model import times

FROM = times.parse_rfc3339("2024-01-01")
TO = times.parse_rfc3339("2030-01-01")

instants = st.integers(FROM, TO)


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.integers(low, high)
    spans = st.tuples(values, values).filter(lambda pair: pair[0] < pair[1]).map("{0[0]}-{0[1]}".format)
    steps = st.tuples(st.one_of(st.just("*"), spans), st.integers(1, high)).map(lambda p: f"{p[0]}/{p[1]}")
    one = st.one_of(st.just("*"), values.map(str), spans, steps)
    return st.one_of(one, st.lists(one, min_size=2, max_size=3).map(",".join))


crons = st.tuples(fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12), fields(0, 7)).map(" ".join)
specs = st.one_of(
    crons.map(clock.Cron),
    st.integers(1, 3 * times.DAY).map(clock.Every),
    instants.map(clock.At),
)


def at(text: str) -> int:
    return times.parse_rfc3339(text)


@given(specs, instants)
def test_the_next_firing_is_later_and_nothing_lies_between(spec: clock.Spec, after: int) -> None:
    following = clock.next_firing(spec, after)
    if following is None:
        assert isinstance(spec, clock.At)
        return
    assert following > after
    assert clock.missed(spec, after, following - 1) is None
    assert clock.missed(spec, after, following) == following


@given(specs, instants, instants)
def test_the_next_firing_never_goes_back(spec: clock.Spec, one: int, other: int) -> None:
    first = clock.next_firing(spec, min(one, other))
    second = clock.next_firing(spec, max(one, other))
    assert second is None or (first is not None and first <= second)


@given(crons, instants)
@settings(max_examples=40)
def test_cron_is_what_a_scan_of_every_minute_finds(text: str, after: int) -> None:
    parsed = crontab.parse_cron(text)
    minute = after // times.MINUTE * times.MINUTE
    found = None
    for _ in range(3 * 24 * 60):
        minute += times.MINUTE
        shown = times.to_datetime(minute)
        if shown.hour * 60 + shown.minute in parsed.minutes and crontab.matches_day(parsed, shown.date()):
            found = minute
            break
    following = clock.next_firing(clock.Cron(text), after)
    assert following == found if found else following is not None and following > minute


@given(crons, instants)
@settings(max_examples=40)
def test_cron_agrees_with_another_reading_of_crontab(text: str, after: int) -> None:
    assume("/" not in text.split()[4])  # the other one lets a weekday's step reach 7
    expected = next(CronSim(text, times.to_datetime(after)))
    assert clock.next_firing(clock.Cron(text), after) == times.from_datetime(expected)


@given(specs, instants, st.integers(0, 40))
def test_missed_is_the_last_of_all_firings_meanwhile(spec: clock.Spec, after: int, steps: int) -> None:
    last, now = None, after
    for _ in range(steps):
        following = clock.next_firing(spec, now)
        if following is None:
            break
        last = now = following
    assert clock.missed(spec, after, now) == last


def test_a_year_of_minutes_is_not_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[date] = []
    judge = crontab.matches_day

    def counted(parsed: crontab.Crontab, day: date) -> bool:
        asked.append(day)
        return judge(parsed, day)

    monkeypatch.setattr(crontab, "matches_day", counted)
    now = at("2026-11-22T09:00:30Z")
    spec = clock.Cron("* * * * *", "Europe/Berlin")
    assert clock.missed(spec, now - 365 * times.DAY, now) == at("2026-11-22T09:00:00Z")
    assert len(asked) < 10


def test_every_is_aligned_to_the_epoch() -> None:
    spec = clock.Every(15 * times.MINUTE)
    assert clock.next_firing(spec, at("2026-11-22T09:07:12Z")) == at("2026-11-22T09:15:00Z")
    assert clock.next_firing(spec, at("2026-11-22T09:15:00Z")) == at("2026-11-22T09:30:00Z")
    assert clock.missed(spec, at("2026-11-22T09:00:00Z"), at("2026-11-22T09:14:00Z")) is None


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        clock.Every(0)


def test_an_instant_gone_by_fires_once_for_a_schedule_that_never_did() -> None:
    spec = clock.At(at("2026-01-01"))
    assert clock.next_firing(spec, -1) == spec.instant
    assert clock.missed(spec, -1, at("2026-06-01")) == spec.instant
    assert clock.next_firing(spec, spec.instant) is None
    assert clock.missed(spec, spec.instant, at("2026-06-01")) is None


def test_the_rarest_day_is_found() -> None:
    leap_day_and_sunday = clock.Cron("0 0 29 2 */7")  # the star makes both necessary
    assert clock.next_firing(leap_day_and_sunday, at("2026-01-01")) == at("2032-02-29")
    assert clock.next_firing(clock.Cron("0 0 29 2 *"), at("2097-01-01")) == at("2104-02-29")
    assert clock.missed(leap_day_and_sunday, at("2000-01-01"), at("2026-01-01")) == at("2004-02-29")


def test_day_and_weekday_mean_either() -> None:
    spec = clock.Cron("0 0 13 * FRI")
    seen, now = [], at("2026-11-01")
    for _ in range(5):
        now = clock.next_firing(spec, now) or 0
        seen.append(times.to_datetime(now).day)
    assert seen == [6, 13, 20, 27, 4]


def test_local_datetimes_become_instants() -> None:
    local = datetime(2026, 12, 1, 9, 0)  # noqa: DTZ001 - this is what TOML gives for a local time
    assert clock.local_instant(local, "Europe/Berlin") == at("2026-12-01T08:00:00Z")
    assert clock.local_instant(local.replace(tzinfo=UTC), "Europe/Berlin") == at("2026-12-01T09:00:00Z")


@pytest.mark.parametrize(
    "name, meant",
    [
        ("Europe/Berlim", "'Europe/Berlim' is not a time zone; did you mean Europe/Berlin"),
        ("new york", "'new york' is not a time zone; did you mean America/New_York?"),
        ("../../etc/passwd", "'../../etc/passwd' is not a time zone, as in Europe/Berlin"),
        ("Europe", "'Europe' is not a time zone"),
        ("", "'' is not a time zone, as in Europe/Berlin"),
        ("a\0b", "'a\\x00b' is not a time zone"),
    ],
)
def test_unknown_zones_are_answered_with_near_ones(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(meant)):
        clock.parse_zone(name)


@given(st.text(max_size=20))
def test_any_zone_name_is_known_or_refused(name: str) -> None:
    try:
        answer = clock.parse_zone(name).key
    except ValueError as wrong:
        answer = str(wrong)
    assert answer == name or "is not a time zone" in answer
