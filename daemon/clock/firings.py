"""The instants of a schedule, forward and back. Pure: *after* and *now* are given.

The intake's schedules and watches call :func:`next_firing` and :func:`missed`; the config's check calls
:func:`parse_zone` and :func:`local_instant`.

What happens when a zone changes its clocks, for a cron in local time:

* A *fixed* local time (neither minute nor hour begins with ``*``) that the change skips fires at the first
  instant after the gap (02:30 becomes 03:00), or not at all with ``gap = "skip"``. Several such times skipped
  together fire once. One that happens twice fires the first time only.
* A *pattern* (minute or hour begins with ``*``) goes on in elapsed time: it fires in both of the repeated
  hours, and through the gap at whatever matching local times exist.
"""

import difflib
import zoneinfo
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from daemon.clock import crontab
from daemon.model import times

Gap = Literal["after", "skip"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are compared with a local epoch, then moved by their offset
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """crontab(5)'s *text* in the local time of *timezone*; *gap* is for fixed times that DST skips."""

    text: str
    timezone: str = "UTC"
    gap: Gap = "after"


@dataclass(frozen=True, slots=True)
class Every:
    """Each *duration* microseconds, aligned to the epoch, so that restarts and nodes agree."""

    duration: int

    def __post_init__(self) -> None:
        if self.duration <= 0:
            raise ValueError("an interval is longer than nothing")


@dataclass(frozen=True, slots=True)
class At:
    """Once, at *instant*. A schedule never fired before begins its count at -1, so a past one fires once."""

    instant: int


Spec = Cron | Every | At


def next_firing(spec: Spec, after: int) -> int | None:
    """The first instant of *spec* that is later than *after*; None when there is none (an ``At`` gone by)."""
    match spec:
        case Every(duration):
            return (after // duration + 1) * duration
        case At(instant):
            return instant if instant > after else None
        case Cron():
            return _next_of_cron(spec, after)


def missed(spec: Spec, after: int, now: int) -> int | None:
    """The latest instant of *spec* in (*after*, *now*], or None. Counts back: a year is cheap."""
    match spec:
        case Every(duration):
            latest: int | None = now // duration * duration
        case At(instant):
            latest = instant if instant <= now else None
        case Cron():
            latest = _last_of_cron(spec, after, now)
    return latest if latest is not None and latest > after else None


@lru_cache(maxsize=1024)
def parse_zone(name: str) -> ZoneInfo:
    """The IANA time zone *name*; :class:`ValueError` with the nearest names for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        near = _nearest_zones(name)
        hint = f"; did you mean {' or '.join(near)}?" if near else ", as in Europe/Berlin"
        raise ValueError(f"{name[:40]!r} is not a time zone{hint}") from None


def _nearest_zones(name: str) -> list[str]:
    spellings: dict[str, str] = {}
    for known in sorted(zoneinfo.available_timezones()):
        spellings[known.casefold()] = known
        spellings.setdefault(known.rpartition("/")[2].casefold(), known)
    wanted = name.strip().replace(" ", "_").casefold()
    found = difflib.get_close_matches(wanted[:40], spellings, n=2, cutoff=0.75)
    return list(dict.fromkeys(spellings[near] for near in found))


def local_instant(local: datetime, timezone: str, gap: Gap = "after") -> int | None:
    """The instant at which clocks in *timezone* show the naive *local*, the first if they do so twice.

    A time that DST skips becomes the end of the gap, or None with ``gap="skip"``. A datetime that carries
    its own offset is taken as it is.
    """
    if local.tzinfo is not None:
        return times.from_datetime(local)
    zone = parse_zone(timezone)
    if not _exists(local, zone):
        return _end_of_gap(local, zone) if gap == "after" else None
    return _instant(local, zone, fold=0)


def _next_of_cron(spec: Cron, after: int) -> int | None:
    parsed, zone = crontab.parse_cron(spec.text), parse_zone(spec.timezone)
    for day in crontab.days_onward(parsed, _local_date(after, zone) - _DAY):
        found = [first for first in _nexts_near(spec, parsed, zone, day, after) if first is not None]
        if found:
            return min(found)
    return None


def _nexts_near(
    spec: Cron, parsed: crontab.Crontab, zone: ZoneInfo, day: date, after: int
) -> Iterator[int | None]:
    """The next instant of *day*, and of the day after where clocks set back over midnight mix the two."""
    yield _around(spec, parsed, zone, day, after)[1]
    if not _is_calm(day, zone) and crontab.matches_day(parsed, day + _DAY):
        yield _around(spec, parsed, zone, day + _DAY, after)[1]


def _last_of_cron(spec: Cron, after: int, now: int) -> int | None:
    parsed, zone = crontab.parse_cron(spec.text), parse_zone(spec.timezone)
    floor = _local_date(after, zone) - _DAY
    for day in crontab.days_back(parsed, _local_date(now, zone) + _DAY, floor):
        found = [_around(spec, parsed, zone, day, now)[0]]
        if not _is_calm(day - _DAY, zone) and crontab.matches_day(parsed, day - _DAY):
            found.append(_around(spec, parsed, zone, day - _DAY, now)[0])
        instants = [latest for latest in found if latest is not None]
        if instants:
            return max(instants)
    return None


def _around(
    spec: Cron, parsed: crontab.Crontab, zone: ZoneInfo, day: date, instant: int
) -> tuple[int | None, int | None]:
    """Of the firings of *day*: the last one not later than *instant*, and the first one later."""
    if _is_calm(day, zone):
        midnight = _instant(_midnight(day), zone, fold=0)
        place = bisect_right(parsed.minutes, (instant - midnight) // times.MINUTE)
        beside = parsed.minutes[max(0, place - 1) : place + 1]
        firings = [midnight + minute * times.MINUTE for minute in beside]
    else:
        firings = sorted(set(_turning(spec, parsed, zone, day)))
    cut = bisect_right(firings, instant)
    return (firings[cut - 1] if cut else None), (firings[cut] if cut < len(firings) else None)


def _turning(spec: Cron, parsed: crontab.Crontab, zone: ZoneInfo, day: date) -> Iterator[int]:
    """Every firing of a day on which clocks are changed."""
    for minute in parsed.minutes:
        local = _midnight(day) + minute * _MINUTE
        if _exists(local, zone):
            yield _instant(local, zone, fold=0)
            if not parsed.fixed:
                yield _instant(local, zone, fold=1)
        elif parsed.fixed and spec.gap == "after":
            yield _end_of_gap(local, zone)


def _is_calm(day: date, zone: ZoneInfo) -> bool:
    """Whether the clocks go evenly through the whole of *day* and over both its midnights."""
    edges = (_midnight(day), _midnight(day + _DAY))
    return len({_offset(edge, zone, fold=fold) for edge in edges for fold in (0, 1)}) == 1


def _exists(local: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in *zone* ever show *local*."""
    shown = times.to_datetime(_instant(local, zone, fold=0)).astimezone(zone)
    return shown.replace(tzinfo=None, fold=0) == local


def _end_of_gap(local: datetime, zone: ZoneInfo) -> int:
    """The first instant after the gap around *local*; gaps end on whole minutes, none exceeds a day."""
    while not _exists(local, zone):
        local = local.replace(second=0, microsecond=0) + _MINUTE
    return _instant(local, zone, fold=0)


def _instant(local: datetime, zone: ZoneInfo, *, fold: int) -> int:
    return (local - _EPOCH - _offset(local, zone, fold=fold)) // timedelta(microseconds=1)


def _offset(local: datetime, zone: ZoneInfo, *, fold: int) -> timedelta:
    return local.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _local_date(instant: int, zone: ZoneInfo) -> date:
    return times.to_datetime(instant).astimezone(zone).date()
