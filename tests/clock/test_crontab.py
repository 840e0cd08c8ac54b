"""What cron texts mean, and how wrong ones are answered."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.clock import crontab

EVERY_WEEKDAY = frozenset(range(7))


def test_fields_become_sets() -> None:
    parsed = crontab.parse_cron("5,10-12 8-18/5 1 jan,MAR mon-fri")
    assert parsed.minutes == tuple(h * 60 + m for h in (8, 13, 18) for m in (5, 10, 11, 12))
    assert parsed.days == {1}
    assert parsed.months == {1, 3}
    assert parsed.weekdays == {1, 2, 3, 4, 5}
    assert parsed.either
    assert parsed.fixed


@pytest.mark.parametrize(
    "text, weekdays",
    [
        ("0", {0}),
        ("7", {0}),
        ("sun", {0}),
        ("5-7", {5, 6, 0}),
        ("FRI-SUN", {5, 6, 0}),
        ("0-7", set(range(7))),
        ("*/2", {0, 2, 4, 6}),
        ("*", set(range(7))),
        ("1/2", {1, 3, 5}),
        ("MON,wed", {1, 3}),
    ],
)
def test_zero_and_seven_are_sunday(text: str, weekdays: set[int]) -> None:
    assert crontab.parse_cron(f"0 0 * * {text}").weekdays == weekdays


@pytest.mark.parametrize(
    "text, minutes",
    [("*/20", (0, 20, 40)), ("5/20", (5, 25, 45)), ("10-30/10", (10, 20, 30)), ("59,0", (0, 59))],
)
def test_steps_ranges_and_lists(text: str, minutes: tuple[int, ...]) -> None:
    assert crontab.parse_cron(f"{text} 0 * * *").minutes == minutes


@pytest.mark.parametrize(
    "text, either",
    [
        ("0 0 13 * FRI", True),
        ("0 0 13 * *", False),
        ("0 0 * * FRI", False),
        ("0 0 */2 * MON", False),
        ("0 0 1 * */2", False),
    ],
)
def test_a_field_that_begins_with_a_star_is_not_restricted(text: str, either: bool) -> None:
    assert crontab.parse_cron(text).either is either


@pytest.mark.parametrize(
    "text, fixed",
    [("30 2 * * *", True), ("0 1-5 * * *", True), ("*/10 2 * * *", False), ("30 * * * *", False)],
)
def test_patterns_are_told_from_fixed_times(text: str, fixed: bool) -> None:
    assert crontab.parse_cron(text).fixed is fixed


@pytest.mark.parametrize(
    "nickname, text",
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@Hourly", "0 * * * *"),
    ],
)
def test_nicknames(nickname: str, text: str) -> None:
    assert crontab.parse_cron(nickname) == crontab.parse_cron(text)


@pytest.mark.parametrize(
    "text, message",
    [
        ("61 * * * *", "minute 61 is out of range 0-59"),
        ("* 24 * * *", "hour 24 is out of range 0-23"),
        ("* * 0 * *", "day 0 is out of range 1-31"),
        ("* * * 13 *", "month 13 is out of range 1-12"),
        ("* * * * 8", "weekday 8 is out of range 0-7"),
        ("* * * foo *", "month 'foo' is not a number 1-12 or a name JAN-DEC"),
        ("* * * * ?", "weekday '?' is not a number 0-7 or a name SUN-SAT"),
        ("* * L * *", "day 'L' is not a number 1-31"),
        ("30-10 * * * *", "minute range '30-10' ends before it begins"),
        ("*/0 * * * *", "minute step '0' is not a whole number above zero"),
        ("*/ * * * *", "minute step '' is not a whole number above zero"),
        ("1,,2 * * * *", "minute '' is not a number 0-59"),
        ("-1 * * * *", "minute '' is not a number 0-59"),
        ("* * * *", "cron has five fields (minute hour day month weekday), this has 4"),
        ("0 * * * * *", "cron has five fields (minute hour day month weekday), this has 6"),
        ("", "cron has five fields (minute hour day month weekday), this has 0"),
        ("0 0 30 2 *", "no month given has a day 30, so this never fires"),
        ("0 0 31 4,6 *", "no month given has a day 31, so this never fires"),
        ("@reboot", "@reboot is no time; a schedule needs one"),
        ("@fortnightly", "'@fortnightly' is not one of @yearly"),
        ("٣ * * * *", "minute '٣' is not a number 0-59"),
    ],
)
def test_wrong_texts_are_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        crontab.parse_cron(text)


def test_an_impossible_day_beside_a_weekday_still_fires() -> None:
    assert crontab.parse_cron("0 0 31 2 MON").either


@given(st.text(alphabet="0123456789*/-, @LWmonFRI#?", max_size=24))
def test_any_text_is_parsed_or_refused_with_a_reason(text: str) -> None:
    try:
        parsed = crontab.parse_cron(text)
    except ValueError as wrong:
        reason = str(wrong)
    else:
        reason = ""
        assert parsed.minutes
        assert parsed.weekdays <= EVERY_WEEKDAY
    assert "\n" not in reason
