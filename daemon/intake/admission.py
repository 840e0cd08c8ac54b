"""Admission: arrivals of many requests are written in one commit, and each is answered only after it.

The commit forms itself (see ``journal.database.Batches``): one loop turn after the first arrival it begins,
and what comes meanwhile is the next one. Used by ``webhooks``; ``arrivals`` says what each kind of arrival
writes.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daemon import metrics
from daemon.intake import arrivals
from daemon.intake.arrivals import Arrival
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal
from daemon.journal.events import Admitted
from daemon.model.times import Clock

LARGEST_BATCH = 256  # arrivals to one transaction
LONGEST_BACKLOG = 4_000  # arrivals that may wait; more are asked to come again later


class Backlog(Exception):
    """More arrivals wait than the journal can take soon. Nothing was recorded."""


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    future: "asyncio.Future[Admitted]"


class Admission:
    """The one way of callbacks into the journal."""

    def __init__(self, journal: Journal, clock: Clock, router: Bell, watches: Bell) -> None:
        self._journal = journal
        self._clock = clock
        self._router = router
        self._watches = watches
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def admit(self, arrival: Arrival) -> Admitted:
        """Record *arrival* durably. :class:`Backlog` or ``JournalUnavailable`` where that cannot be."""
        if len(self._waiting) >= LONGEST_BACKLOG:
            raise Backlog
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Admitted] = loop.create_future()
        self._waiting.append(_Waiting(arrival, future))
        if self._task is None:
            self._task = loop.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                metrics.admission_batch.observe(len(batch))
                await self._commit(batch)
        finally:
            self._task = None

    async def _commit(self, batch: list[_Waiting]) -> None:
        arrived = [one.arrival for one in batch]
        try:
            admitted = await self._journal.write(_writer(arrived, self._clock.now()))
        except Exception as broken:  # whatever broke the commit is each request's outcome
            for one in batch:
                if not one.future.done():
                    one.future.set_exception(broken)
            return
        for one, outcome in zip(batch, admitted, strict=True):
            if not one.future.done():
                one.future.set_result(outcome)
        self._router.ring()
        if any(one.claim is not None for one in arrived):
            self._watches.ring()


def _writer(arrived: Sequence[Arrival], now: int) -> Callable[[Connection], list[Admitted]]:
    return lambda connection: arrivals.record(connection, arrived, now)
