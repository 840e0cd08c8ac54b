"""Instants and durations as the journal keeps them.

An *instant* is an ``int``: microseconds since the epoch, UTC. A *duration* is an ``int`` of
microseconds too. Text forms are for people and for JSON only. Pure; used by every room.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

UNITS = {"ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(\d{1,12})(ms|s|m|h|d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
EARLIEST, LATEST = ((when - _EPOCH) // timedelta(microseconds=1) for when in (_FIRST, _LAST))


class Clock(Protocol):
    """Where the time comes from: the wall's, or a faster one in ``demo`` and tests."""

    def now(self) -> int:
        """The instant, in microseconds since the epoch."""
        ...

    async def sleep(self, duration: int) -> None:
        """Wait for *duration* microseconds of this clock's time."""
        ...


def steady() -> int:
    """Microseconds of a clock that nobody sets and that goes on while the machine, or this process, stands still."""
    # Linux's monotonic clock stops while the machine sleeps; where there is no better one it has to do.
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000


def parse_duration(text: str) -> int:
    """Microseconds for ``"500ms" "30s" "15m" "2h" "7d"``; :class:`ValueError` for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError('a duration is a whole number and one of ms s m h d, as in "30s"')
    return int(found[1]) * UNITS[found[2]]


def format_duration(duration: int) -> str:
    """The shortest exact text for *duration*, as a config would have it: ``"90s"``, ``"2h"``."""
    for unit in ("d", "h", "m", "s", "ms"):
        if duration % UNITS[unit] == 0 and (duration or unit == "s"):
            return f"{duration // UNITS[unit]}{unit}"
    return f"{duration / SECOND:g}s"


def to_datetime(instant: int) -> datetime:
    """An aware UTC datetime for *instant*, exact to the microsecond; beyond the years 1 to 9999 the nearest."""
    try:
        return _EPOCH + timedelta(microseconds=instant)
    except OverflowError:
        return _LAST if instant > 0 else _FIRST


def from_datetime(when: datetime) -> int:
    """The instant of an aware datetime; :class:`ValueError` for a naive one."""
    if when.tzinfo is None:
        raise ValueError("a datetime without a zone names no instant")
    return (when - _EPOCH) // timedelta(microseconds=1)


def rfc3339(instant: int) -> str:
    """``2026-12-01T09:00:00Z``; fractions only when there are any."""
    when = to_datetime(instant)
    text = when.replace(microsecond=0, tzinfo=None).isoformat()
    fraction = f"{when.microsecond:06d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def parse_rfc3339(text: str) -> int:
    """The instant of an RFC 3339 text; a text without a zone is UTC. :class:`ValueError` otherwise, and for what is in
    no year from 1 to 9999 in UTC.
    """
    when = datetime.fromisoformat(text)
    instant = from_datetime(when if when.tzinfo else when.replace(tzinfo=UTC))
    if not EARLIEST <= instant <= LATEST:
        raise ValueError("there is no such year in UTC")
    return instant
