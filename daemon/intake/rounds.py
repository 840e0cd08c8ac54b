"""Rounds: polls that found nothing new are written together, as many as ended within a moment.

Most polls of most days end here. Used by ``watches``; nothing comes behind it.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from daemon.journal import rounds
from daemon.journal.bell import AFTER_TROUBLE
from daemon.journal.database import Journal, JournalUnavailable
from daemon.journal.rounds import Rest

LARGEST = 512  # rows to one transaction
GATHER = 0.05  # seconds in which a commit is let come together: nobody waits for it

log = structlog.get_logger()


class Rounds:
    """The way of quiet polls into the journal. *rested* is told of those whose rows have moved on; until then a row is
    still being polled.
    """

    def __init__(self, journal: Journal, rested: Callable[[Sequence[Rest]], None]) -> None:
        self._journal = journal
        self._rested = rested
        self._waiting: list[Rest] = []
        self._task: asyncio.Task[None] | None = None

    def settle(self, rest: Rest) -> None:
        """Let the row of *rest* move on with the next commit."""
        self._waiting.append(rest)
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="rounds")

    async def finish(self) -> None:
        """Write what waits, as far as the journal can be written now."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting:
            await self._journal.write(partial(rounds.settle, rested=self._waiting))
            self._let_go(len(self._waiting))

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER)
                await self._commit(self._waiting[:LARGEST])
        finally:
            self._task = None

    async def _commit(self, batch: Sequence[Rest]) -> None:
        """Write *batch*. What the journal cannot take now stays for the next time: it is as good as new."""
        try:
            await self._journal.write(partial(rounds.settle, rested=batch))
        except JournalUnavailable as broken:
            log.warning("round.delayed", rows=len(batch), error=str(broken))
            await asyncio.sleep(AFTER_TROUBLE)
            return
        except Exception:
            log.exception("round.broke", rows=len(batch))  # a mistake of ours: those rows are polled again
            await asyncio.sleep(AFTER_TROUBLE)
        self._let_go(len(batch))

    def _let_go(self, count: int) -> None:
        done = self._waiting[:count]
        del self._waiting[:count]
        self._rested(done)
