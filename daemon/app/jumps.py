"""The machine's clock is set, forwards or back: nothing comes due at once for it, and nothing waits the longer.

A loop of ``house``. On SQLite the machine's clock is the only one, so it is believed, and what waits is moved along.
Nodes of one PostgreSQL share its clock: a node that alone has another time keeps its own pace until it is right again.
"""

from collections.abc import Callable
from functools import partial

import structlog

from daemon.clock import WallClock
from daemon.journal import shifting
from daemon.journal.database import Journal
from daemon.model.times import SECOND

log = structlog.get_logger()


class Jumps:
    """Watches *clock*. *carry* moves along what is in hand, by microseconds."""

    def __init__(self, journal: Journal, clock: WallClock, carry: Callable[[int], None]) -> None:
        self._journal = journal
        self._clock = clock
        self._carry = carry
        self._moved = 0

    async def once(self) -> bool:
        """Move along what waits, if the clock was set. A journal that cannot be written has it done later."""
        self._moved += self._clock.jumped()
        if not self._moved:
            return False
        server_now = await self._journal.read(shifting.server_now)
        kept = self._clock.now() - self._moved  # what it would show had nobody set it
        told = self._clock.now() - self._clock.correction
        if server_now is not None and abs(server_now - kept) <= abs(server_now - told):
            self._clock.correction -= self._moved
            log.error("clock.disagrees", by_seconds=self._moved / SECOND)
        elif by := told - kept:
            await self._journal.write(partial(shifting.shift, by=by, now=told))
            self._carry(by)
            self._clock.correction = 0
            log.warning("clock.was_set", by_seconds=by / SECOND)
        self._moved = 0
        return False
