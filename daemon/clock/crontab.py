"""What a cron text means: crontab(5)'s five fields, read into sets. Pure.

The config's check calls :func:`parse_cron`; ``firings`` turns the sets into instants.

Where crontab(5) and its implementations leave a choice, this is the one made here:

* Day and weekday both restricted mean *either*. As in Vixie cron and its heirs, a field that begins with
  ``*`` is not restricted, ``*/2`` too: ``0 0 */2 * MON`` means the odd days that are Mondays.
* ``A/N`` means from A to the field's end in steps of N, as in cronie.
* Names work in ranges and lists too, and Sunday may end a range of weekdays: ``FRI-SUN``.
* Minute or hour beginning with ``*`` makes a pattern that goes on in elapsed time when the clock is
  changed; any other text is a *fixed* local time.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

YEARS_AHEAD = 50  # 29 February on a given weekday comes back within 40
LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def last(self) -> int:
        """Where ``*`` and ``A/N`` end: Sunday is counted once."""
        return 6 if self.name == "weekday" else self.high


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("weekday", 0, 7, WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Crontab:
    """A parsed cron text: local minutes of the day, and the days they hold on."""

    minutes: tuple[int, ...]  # of the day, 0..1439, ascending
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Sunday is 0
    either: bool  # a day matches by its number or by its weekday
    fixed: bool  # a fixed local time, not a pattern of minutes or hours


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Crontab:
    """What *text* means; :class:`ValueError` says which field is wrong, how, and what it may be."""
    fields = _expand(text).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"cron has five fields (minute hour day month weekday), this has {len(fields)}")
    minutes, hours, days, months, weekdays = (_read(*pair) for pair in zip(_FIELDS, fields, strict=True))
    parsed = Crontab(
        minutes=tuple(hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset(weekday % 7 for weekday in weekdays),
        either=not fields[2].startswith("*") and not fields[4].startswith("*"),
        fixed=not fields[0].startswith("*") and not fields[1].startswith("*"),
    )
    if not parsed.either and not _has_a_day(parsed):
        raise ValueError(f"no month given has a day {min(days)}, so this never fires")
    return parsed


def _expand(text: str) -> str:
    word = text.strip().lower()
    if not word.startswith("@"):
        return text
    if word == "@reboot":
        raise ValueError("@reboot is no time; a schedule needs one")
    if word not in NICKNAMES:
        raise ValueError(f"{word[:20]!r} is not one of {' '.join(NICKNAMES)}")
    return NICKNAMES[word]


def _read(field: _Field, text: str) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _read_part(field, part))


def _read_part(field: _Field, text: str) -> range:
    span, slash, step = text.partition("/")
    first, last = _read_span(field, span, stepped=bool(slash))
    if not slash:
        return range(first, last + 1)
    if _NUMBER.fullmatch(step) is None or int(step) == 0:
        raise ValueError(f"{field.name} step {step[:20]!r} is not a whole number above zero")
    return range(first, last + 1, int(step))


def _read_span(field: _Field, text: str, *, stepped: bool) -> tuple[int, int]:
    if text == "*":
        return field.low, field.last
    start, dash, end = text.partition("-")
    first = _read_value(field, start)
    if not dash:
        return first, field.last if stepped and first <= field.last else first
    last = _read_value(field, end)
    if field.name == "weekday" and last == 0 < first:
        last = 7
    if last < first:
        raise ValueError(f"{field.name} range {text[:20]!r} ends before it begins")
    return first, last


def _read_value(field: _Field, text: str) -> int:
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    if _NUMBER.fullmatch(text) is None:
        names = f" or a name {field.names[0]}-{field.names[-1]}" if field.names else ""
        raise ValueError(f"{field.name} {text[:20]!r} is not a number {field.low}-{field.high}{names}")
    value = int(text)
    if not field.low <= value <= field.high:
        raise ValueError(f"{field.name} {value} is out of range {field.low}-{field.high}")
    return value


def _has_a_day(crontab: Crontab) -> bool:
    return any(min(crontab.days) <= LONGEST_MONTH[month - 1] for month in crontab.months)


def matches_day(crontab: Crontab, day: date) -> bool:
    """Whether *crontab*'s minutes hold on *day*."""
    if day.month not in crontab.months:
        return False
    by_number = day.day in crontab.days
    by_weekday = day.isoweekday() % 7 in crontab.weekdays
    return (by_number or by_weekday) if crontab.either else (by_number and by_weekday)


def days_onward(crontab: Crontab, start: date) -> Iterator[date]:
    """The matching days from *start* on, ascending, for fifty years; months without any are leapt over."""
    year, month = start.year, start.month
    while year <= min(start.year + YEARS_AHEAD, date.max.year - 1):
        if month in crontab.months:
            for number in range(1, calendar.monthrange(year, month)[1] + 1):
                day = date(year, month, number)
                if day >= start and matches_day(crontab, day):
                    yield day
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def days_back(crontab: Crontab, start: date, floor: date) -> Iterator[date]:
    """The matching days from *start* down to *floor*, descending."""
    day = start
    while day >= floor:
        if day.month not in crontab.months:
            day = day.replace(day=1)
        elif matches_day(crontab, day):
            yield day
        day -= timedelta(days=1)
