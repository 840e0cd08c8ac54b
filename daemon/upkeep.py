"""Upkeep: what is older than the retention goes, in small slices, so that nothing else ever waits for it.

A loop of ``app``; the slices are ``journal.retention``'s.
"""

from functools import partial

import structlog

from daemon.journal import retention
from daemon.journal.database import Journal
from daemon.model.times import MINUTE, Clock

ROUND = 10 * MINUTE  # from the end of one round to the next

log = structlog.get_logger()


class Upkeep:
    """Keeps events and ended runs for *events* and *runs* microseconds."""

    def __init__(self, journal: Journal, clock: Clock, events: int, runs: int) -> None:
        self._journal = journal
        self._clock = clock
        self._events, self._runs = events, runs
        self._next_at = 0
        self._behind_run, self._behind_event = "", 0
        self._runs_done = False
        self._pruned = 0

    def keep(self, events: int, runs: int) -> None:
        """Take other durations (a reload)."""
        self._events, self._runs = events, runs

    async def once(self) -> bool:
        """One slice; whether the round goes on."""
        now = self._clock.now()
        if now < self._next_at:
            return False
        if not self._runs_done:
            await self._prune_runs(now)
            return True
        await self._prune_events(now)
        if self._behind_event:
            return True
        await self._end_round(now)
        return False

    async def _prune_runs(self, now: int) -> None:
        slice_ = partial(retention.prune_runs, before=now - self._runs, behind=self._behind_run)
        gone, self._behind_run = await self._journal.write(slice_)
        self._pruned += gone
        self._runs_done = not self._behind_run

    async def _prune_events(self, now: int) -> None:
        slice_ = partial(retention.prune_events, before=now - self._events, behind=self._behind_event)
        gone, self._behind_event = await self._journal.write(slice_)
        self._pruned += gone

    async def _end_round(self, now: int) -> None:
        if self._pruned:
            await self._journal.write(retention.prune_reactions)
            await self._journal.write(retention.give_back)
            log.info("journal.pruned", rows=self._pruned)
        self._pruned, self._runs_done = 0, False
        self._next_at = now + ROUND
