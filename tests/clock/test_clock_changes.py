"""Firings on the days on which real zones change their clocks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import clock
from daemon.clock.firings import Gap
from daemon.model import times

BERLIN_SPRING, BERLIN_AUTUMN = "2026-03-29", "2026-10-25"  # 02:00 -> 03:00, 03:00 -> 02:00
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Havana",  # at midnight
    "America/Sao_Paulo",  # at midnight, until 2019
    "Africa/Cairo",
    "America/St_Johns",  # at one minute past midnight, until 2011
    "Pacific/Apia",  # lost a whole day, 2011-12-30
    "Africa/Casablanca",
    "Asia/Kolkata",
]


def at(text: str) -> int:
    return times.parse_rfc3339(text)


def local_firings(text: str, zone: str, start: str, end: str, gap: Gap = "after") -> list[str]:
    """Local time and offset of each firing from *start* on and before *end* (both with their offset)."""
    shown: list[str] = []
    now = at(start) - 1
    while True:
        now = clock.next_firing(clock.Cron(text, zone, gap), now) or 0
        if not 0 < now < at(end):
            return shown
        shown.append(times.to_datetime(now).astimezone(clock.parse_zone(zone)).strftime("%H:%M%z"))


def berlin_spring(text: str, gap: Gap = "after") -> list[str]:
    return local_firings(
        text, "Europe/Berlin", f"{BERLIN_SPRING}T00:00+01:00", f"{BERLIN_SPRING}T05:00+02:00", gap
    )


def berlin_autumn(text: str) -> list[str]:
    return local_firings(
        text, "Europe/Berlin", f"{BERLIN_AUTUMN}T00:00+02:00", f"{BERLIN_AUTUMN}T05:00+01:00"
    )


def test_a_fixed_time_in_the_gap_fires_when_it_ends() -> None:
    assert berlin_spring("30 2 * * *") == ["03:00+0200"]
    assert berlin_spring("0 2 * * *") == ["03:00+0200"]
    assert berlin_spring("15,45 2 * * *") == ["03:00+0200"]
    assert berlin_spring("30 1-4 * * *") == ["01:30+0100", "03:00+0200", "03:30+0200", "04:30+0200"]
    assert berlin_spring("0 2,3 * * *") == ["03:00+0200"]


def test_a_fixed_time_in_the_gap_may_be_skipped() -> None:
    assert berlin_spring("30 2 * * *", "skip") == []
    assert berlin_spring("30 1-4 * * *", "skip") == ["01:30+0100", "03:30+0200", "04:30+0200"]


def test_a_fixed_time_that_happens_twice_fires_first() -> None:
    assert berlin_autumn("30 2 * * *") == ["02:30+0200"]
    assert berlin_autumn("0 1-4 * * *") == ["01:00+0200", "02:00+0200", "03:00+0100", "04:00+0100"]


def test_after_the_second_half_past_two_comes_tomorrow() -> None:
    spec = clock.Cron("30 2 * * *", "Europe/Berlin")
    between = at(f"{BERLIN_AUTUMN}T02:15+01:00")
    assert clock.next_firing(spec, between) == at("2026-10-26T02:30+01:00")
    assert clock.missed(spec, at("2026-10-25T00:00+02:00"), between) == at(f"{BERLIN_AUTUMN}T02:30+02:00")


@pytest.mark.parametrize("gap", ["after", "skip"])
def test_patterns_go_on_in_elapsed_time(gap: Gap) -> None:
    assert berlin_spring("30 * * * *", gap) == ["00:30+0100", "01:30+0100", "03:30+0200", "04:30+0200"]
    assert berlin_spring("0 */2 * * *", gap) == ["00:00+0100", "04:00+0200"]
    assert berlin_spring("*/30 1-3 * * *", gap) == ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"]
    assert berlin_autumn("0 */2 * * *") == ["00:00+0200", "02:00+0200", "02:00+0100", "04:00+0100"]
    assert berlin_autumn("*/30 2 * * *") == ["02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100"]


def changes(zone: str, year: str) -> list[int]:
    """The instants, a day early, at which *zone* is about to change its clocks in *year*."""
    start, known = at(f"{year}-01-01"), clock.parse_zone(zone)
    days = [start + number * times.DAY for number in range(-1, 364)]
    offsets = [times.to_datetime(day).astimezone(known).utcoffset() for day in days]
    return [day for day, (one, other) in zip(days, pairwise(offsets), strict=False) if one != other]


@pytest.mark.parametrize("zone", ZONES[:-1])
def test_every_ten_minutes_is_every_ten_minutes_through_a_change(zone: str) -> None:
    year = "2026" if zone == "Africa/Cairo" else "2011"  # each has changes in its year
    spec, found = clock.Cron("*/10 * * * *", zone), changes(zone, year)
    for change in found:
        firings = [change]
        while firings[-1] < change + times.DAY + 3 * times.HOUR:  # it comes within the day
            firings.append(clock.next_firing(spec, firings[-1]) or 0)
        assert {other - one for one, other in pairwise(firings[1:])} == {10 * times.MINUTE}
    assert found


def test_new_york() -> None:
    zone = "America/New_York"
    spring = ("2026-03-08T00:00-05:00", "2026-03-08T05:00-04:00")
    autumn = ("2026-11-01T00:00-04:00", "2026-11-01T04:00-05:00")
    assert local_firings("30 2 * * *", zone, *spring) == ["03:00-0400"]
    assert local_firings("30 2 * * *", zone, *spring, gap="skip") == []
    assert local_firings("30 1 * * *", zone, *autumn) == ["01:30-0400"]
    assert local_firings("30 * * * *", zone, *autumn) == [
        "00:30-0400",
        "01:30-0400",
        "01:30-0500",
        "02:30-0500",
        "03:30-0500",
    ]


def test_lord_howe_changes_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    spring = ("2026-10-04T01:00+10:30", "2026-10-04T04:00+11:00")  # 02:00 -> 02:30
    autumn = ("2026-04-05T01:00+11:00", "2026-04-05T03:00+10:30")  # 02:00 -> 01:30
    assert local_firings("15 2 * * *", zone, *spring) == ["02:30+1100"]
    assert local_firings("15,30 2 * * *", zone, *spring) == ["02:30+1100"]
    assert local_firings("45 2 * * *", zone, *spring) == ["02:45+1100"]
    assert local_firings("*/15 * * * *", zone, *spring)[:6] == [
        "01:00+1030",
        "01:15+1030",
        "01:30+1030",
        "01:45+1030",
        "02:30+1100",
        "02:45+1100",
    ]
    assert local_firings("45 1 * * *", zone, *autumn) == ["01:45+1100"]
    assert local_firings("45 * * * *", zone, *autumn) == ["01:45+1100", "01:45+1030", "02:45+1030"]


def test_a_zone_without_changes() -> None:
    found = local_firings("30 2 * * *", "Asia/Kolkata", "2026-03-28T00:00Z", "2026-03-31T00:00Z")
    assert found == ["02:30+0530"] * 3


def test_midnight_itself_may_not_exist() -> None:
    spring = ("2026-04-23T12:00+02:00", "2026-04-25T12:00+03:00")  # Cairo, the 24th: 00:00 -> 01:00
    assert local_firings("0 0 * * *", "Africa/Cairo", *spring) == ["01:00+0300", "00:00+0300"]
    assert local_firings("0 0 * * *", "Africa/Cairo", *spring, gap="skip") == ["00:00+0300"]


def test_a_day_may_not_exist() -> None:
    without_30th = ("2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00")
    assert local_firings("0 9 * * *", "Pacific/Apia", *without_30th) == [
        "09:00-1000",
        "00:00+1400",
        "09:00+1400",
    ]
    assert local_firings("0 9 30 * *", "Pacific/Apia", *without_30th, gap="skip") == []


def test_clocks_set_back_over_midnight_keep_the_order() -> None:
    # St. John's, 2010-11-07: 00:01 -> 23:01 of the 6th, so midnight comes twice.
    around = ("2010-11-06T23:00-02:30", "2010-11-07T01:00-03:30")
    assert local_firings("*/30 * * * *", "America/St_Johns", *around) == [
        "23:00-0230",
        "23:30-0230",
        "00:00-0230",
        "23:30-0330",
        "00:00-0330",
        "00:30-0330",
    ]


def test_a_local_datetime_in_the_gap() -> None:
    local = times.to_datetime(at("2026-03-29T02:30Z")).replace(tzinfo=None)
    assert clock.local_instant(local, "Europe/Berlin") == at("2026-03-29T03:00+02:00")
    assert clock.local_instant(local, "Europe/Berlin", "skip") is None


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["0 0 * * *", "30 2 * * *", "*/7 * * * *", "59 23 * * *", "0 */3 * * *", "5 0-2 * * *"]),
    st.integers(at("2009-01-01"), at("2030-01-01")),
    st.sampled_from(["after", "skip"]),
)
def test_forward_and_back_agree_in_every_zone(zone: str, text: str, after: int, gap: Gap) -> None:
    spec = clock.Cron(text, zone, gap)
    firings = [after]
    for _ in range(6):
        firings.append(clock.next_firing(spec, firings[-1]) or 0)
    assert all(one < other for one, other in pairwise(firings))
    for before, latest in pairwise(firings[1:]):
        assert clock.missed(spec, before - 1, latest - 1) == before
        assert clock.missed(spec, before, latest) == latest
