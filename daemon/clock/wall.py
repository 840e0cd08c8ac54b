"""The clocks the daemon runs on. ``app`` makes one and hands it to every loop.

Leases and socket timeouts stay on real time; what follows from a schedule or an interval follows this clock.
"""

import asyncio
import time
from typing import Protocol

from daemon.model import times

NANOSECONDS = 1_000  # in a microsecond
SET_BY = 10 * times.SECOND  # at least, where somebody set the clock; less is how clocks are kept right


class TimedClock(times.Clock, Protocol):
    """A clock that also knows how far off an instant is in real time."""

    def until(self, instant: int) -> float:
        """Real seconds until this clock shows *instant*; 0 for one that has passed."""
        ...


class WallClock:
    """The machine's own time. *correction* is what is added to it where it is known to be wrong."""

    __slots__ = ("_ahead", "correction")

    def __init__(self) -> None:
        self.correction = 0
        self._ahead = self._from_steady()

    def now(self) -> int:
        """The instant, in microseconds since the epoch."""
        return time.time_ns() // NANOSECONDS + self.correction

    def jumped(self) -> int:
        """Microseconds by which somebody set the machine's clock since this was asked before; 0 where nobody did."""
        before, self._ahead = self._ahead, self._from_steady()
        moved = self._ahead - before
        return moved if abs(moved) >= SET_BY else 0

    @staticmethod
    def _from_steady() -> int:
        return time.time_ns() // NANOSECONDS - times.steady()

    async def sleep(self, duration: int) -> None:
        """Wait for *duration* microseconds; nothing or less only lets other tasks go first."""
        await asyncio.sleep(max(0, duration) / times.SECOND)

    def until(self, instant: int) -> float:
        """Real seconds until *instant*; 0 for one that has passed."""
        return max(0, instant - self.now()) / times.SECOND


class FastClock:
    """A clock that begins at *start* and goes *speed* times as fast as real time, steadily.

    With *held* it shows *start* until :meth:`go`: whatever is built on it meanwhile may take as long as it likes.
    """

    __slots__ = ("_began", "_speed", "_start")

    def __init__(self, start: int, speed: float, *, held: bool = False) -> None:
        if not speed > 0:
            raise ValueError("a clock's speed is above zero")
        self._start = start
        self._speed = speed
        self._began = None if held else time.monotonic_ns()

    def go(self) -> None:
        """Let a held clock go; one that goes already is left alone."""
        if self._began is None:
            self._began = time.monotonic_ns()

    def now(self) -> int:
        """The instant, in microseconds since the epoch."""
        if self._began is None:
            return self._start
        elapsed = (time.monotonic_ns() - self._began) // NANOSECONDS
        return self._start + int(elapsed * self._speed)

    async def sleep(self, duration: int) -> None:
        """Wait for *duration* microseconds of this clock's time."""
        await asyncio.sleep(max(0, duration) / times.SECOND / self._speed)

    def until(self, instant: int) -> float:
        """Real seconds until this clock shows *instant*; 0 for one that has passed."""
        return max(0, instant - self.now()) / times.SECOND / self._speed
