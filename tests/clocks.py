"""A clock that moves only when a test moves it.

Implements :class:`daemon.model.times.Clock`; tests of everything that waits take it as a parameter.
"""

import asyncio
import heapq
import itertools

from daemon.model import times

START = 1_764_547_200 * times.SECOND  # 2025-12-01T00:00:00Z
TURNS = 20  # of the loop, after each sleeper that is woken: enough for a chain of plain awaits


class VirtualClock:
    """Time as a number: :meth:`advance` moves it and wakes, in order, whoever sleeps past that point."""

    def __init__(self, start: int = START) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        """The instant, in microseconds since the epoch."""
        return self._now

    async def sleep(self, duration: int) -> None:
        """Wait until the clock has been advanced by *duration* microseconds."""
        if duration <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + duration, next(self._order), woken))
        await woken

    @property
    def sleepers(self) -> int:
        """How many tasks are asleep on this clock: something to wait for before advancing."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, duration: int) -> None:
        """Move *duration* microseconds on; each sleeper wakes at its own instant and runs before the next."""
        target = self._now + duration
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due_at, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # the task was cancelled in its sleep
                continue
            self._now = max(self._now, due_at)
            woken.set_result(None)
            await settle()
        self._now = target
        await settle()

    def set(self, instant: int) -> None:
        """Jump to *instant*, forwards or backwards, waking nobody: what a corrected wall clock does."""
        self._now = instant


async def settle(turns: int = TURNS) -> None:
    """Let every task that can run without the outside world do so."""
    for _ in range(turns):
        await asyncio.sleep(0)
