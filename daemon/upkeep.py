"""Upkeep: forgets what is older than the retention says, slice by slice, so that nothing else ever waits long.

``app`` builds one :class:`Upkeep` and keeps it going beside the other loops; what a slice may delete stands in
``journal.retention``. Every slice is a hand-off of its own, with a pause behind it for whoever else writes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from daemon.journal import retention
from daemon.journal.database import Connection, Journal
from daemon.model import times

EVERY = 10 * times.MINUTE  # from the end of one round to the next
SHORTEST = 1 * times.MINUTE  # that a finished run is kept
PAUSE = 50 * times.MILLISECOND  # between two slices

log = structlog.get_logger()


@dataclass(slots=True)
class Stage:
    """A part of a round. *prune* deletes one slice *behind* a place; how many rows went, and the next place.

    A place that is empty (``""`` or 0) is the beginning, and the end.
    """

    name: str
    prune: Callable[..., tuple[int, Any]]
    behind: Any
    gone: int = 0

    async def take_slice(self, journal: Journal) -> bool:
        """Delete the next slice; whether there is another one."""
        gone, self.behind = await journal.write(partial(self.prune, behind=self.behind))
        self.gone += gone
        return bool(self.behind)


class Upkeep:
    """Prunes events and runs older than *keep_events* and *keep_runs* (microseconds) on *clock*."""

    def __init__(self, journal: Journal, clock: times.Clock, keep_events: int, keep_runs: int) -> None:
        self._journal = journal
        self._clock = clock
        self._stages: list[Stage] = []
        self._begun: list[Stage] = []
        self._next_at = 0
        self.keep(keep_events, keep_runs)

    def keep(self, keep_events: int, keep_runs: int) -> None:
        """Let these retentions count, from the next round on; it begins as soon as none is under way."""
        self._keep_events, self._keep_runs = keep_events, keep_runs
        self._next_at = 0

    async def once(self) -> bool:
        """One slice, if a round is due or under way; whether to go on at once.

        A slice that fails is tried again by the next call.
        """
        if not self._stages:
            if self._clock.now() < self._next_at:
                return False
            self._begin(self._clock.now())
        if not await self._stages[0].take_slice(self._journal):
            self._stages.pop(0)
        if self._stages:
            await self._clock.sleep(PAUSE)
            return True
        self._end(self._clock.now())
        return False

    def _begin(self, now: int) -> None:
        """Runs go first, since events stay as long as they have one; the file shrinks last."""
        # The router leans on the definitions of the last seconds' runs (``routing.router``): no run goes so soon.
        runs_before, events_before = now - max(self._keep_runs, SHORTEST), now - self._keep_events
        self._next_at = now + EVERY
        self._begun = [
            Stage("runs", partial(retention.prune_runs, before=runs_before), ""),
            Stage("events", partial(retention.prune_events, before=events_before), 0),
            Stage("reactions", partial(_prune_reactions, before=runs_before), 0),
            Stage("pages", _give_back, 0),
        ]
        self._stages = list(self._begun)

    def _end(self, now: int) -> None:
        if self._next_at:  # unless other retentions were asked for meanwhile
            self._next_at = now + EVERY
        gone = {stage.name: stage.gone for stage in self._begun if stage.gone}
        if gone:
            log.info("journal.pruned", **gone)


def _prune_reactions(connection: Connection, behind: int, before: int) -> tuple[int, int]:
    return retention.prune_reactions(connection, before), 0


def _give_back(connection: Connection, behind: int) -> tuple[int, int]:
    return 0, retention.give_back(connection)
