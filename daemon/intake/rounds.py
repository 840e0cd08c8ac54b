"""Rounds: polls that found nothing new are written together, as many as ended while the last commit was under way.

Most polls of most days end here. Used by ``watches``; nothing comes behind it.
"""

import asyncio
from functools import partial

from daemon.journal import rounds
from daemon.journal.database import Journal
from daemon.journal.rounds import Rest

LARGEST = 512  # rows to one transaction

Waiting = tuple[Rest, "asyncio.Future[None]"]


class Rounds:
    """The way of quiet polls into the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def settle(self, rest: Rest) -> None:
        """Move the row of *rest* on, durably; errors as with ``Journal.write``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((rest, future))
        if self._task is None:
            self._task = loop.create_task(self._drain())
        await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._commit(batch)
        finally:
            self._task = None

    async def _commit(self, batch: list[Waiting]) -> None:
        broken: Exception | None = None
        try:
            await self._journal.write(partial(rounds.settle, rested=[rest for rest, _ in batch]))
        except Exception as raised:  # whatever broke the commit is each poll's outcome
            broken = raised
        for _, future in batch:
            if not future.done() and broken is None:
                future.set_result(None)
            elif not future.done() and broken is not None:
                future.set_exception(broken)
