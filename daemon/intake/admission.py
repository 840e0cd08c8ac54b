"""Admission: arrivals of many requests are written in one commit, and each is answered only after it.

The commit forms itself, without a timer: it begins with the first turn of the loop that brings no further arrival,
and what comes while it is under way is the next one. Used by ``webhooks``; ``arrivals`` says what each kind of arrival
writes.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from daemon import metrics
from daemon.intake import arrivals, telling
from daemon.intake.arrivals import Arrival
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.journal.events import Admitted
from daemon.model.events import Fresh
from daemon.model.times import Clock

LARGEST_BATCH = 256  # arrivals to one transaction
# Arrivals that do not wait for more, by the journal's dialect: a server writes while we read. Of many connections half
# are read while half are written.
WORTH_A_COMMIT = {"sqlite": 16, "postgresql": 8}
LONGEST_BACKLOG = 4_000  # arrivals that may wait; more are asked to come again later

log = structlog.get_logger()


class Backlog(Exception):
    """More arrivals wait than the journal can take soon. Nothing was recorded."""


class NotAdmitted(Exception):
    """The arrival could not be written, by a mistake of ours. Nothing was recorded."""


Told = Callable[[Admitted | Exception], None]
"""Called once, when the commit has ended: with what became of the arrival, or with why it was not recorded."""


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    told: Told


class Admission:
    """The one way of callbacks into the journal. *hand_over* is told of each commit, with its events where all were
    new: the router need not read them back then. *look* is told that a callback wants to be read back."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        hand_over: Callable[[Sequence[Fresh]], None],
        look: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._hand_over = hand_over
        self._look = look
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def admit(self, arrival: Arrival) -> Admitted:
        """Record *arrival* durably. :class:`Backlog`, :class:`NotAdmitted` or ``JournalUnavailable`` where that
        cannot be.
        """
        future: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()
        self.hand_in(arrival, partial(_settle, future))
        return await future

    def hand_in(self, arrival: Arrival, told: Told) -> None:
        """Queue *arrival*; *told* hears of its commit. :class:`Backlog`."""
        if len(self._waiting) >= LONGEST_BACKLOG:
            raise Backlog
        self._waiting.append(_Waiting(arrival, told))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        least = enough = WORTH_A_COMMIT[self._journal.dialect]
        try:
            while self._waiting:
                await self._gather(enough)
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                enough = max(least, len(batch) // 2)
                metrics.admission_batch.observe(len(batch))
                await self._commit(batch)
        finally:
            self._task = None

    async def _gather(self, enough: int) -> None:
        """Wait for *enough* arrivals, but only as long as each turn of the loop brings one: what is about to be read
        from its socket shares this commit, whose cost is nearly the same for one as for many.
        """
        seen = 0
        while seen < len(self._waiting) < enough:
            seen = len(self._waiting)
            await asyncio.sleep(0)

    async def _commit(self, batch: list[_Waiting]) -> None:
        arrived = [one.arrival for one in batch]
        try:
            writing = _writer(arrived, self._clock.now())
            # Facts are one statement; what a claim means depends on what else is remembered.
            admitted = await self._journal.write(writing, single=all(one.claim is None for one in arrived))
        except JournalUnavailable as broken:
            _refuse(batch, broken)
        except Exception as bug:
            await self._commit_apart(batch, bug)
        else:
            self._hand_over(admitted.fresh)
            telling.tell_warnings(admitted.warned)
            self._settle(batch, admitted.outcomes)

    async def _commit_apart(self, batch: list[_Waiting], bug: Exception) -> None:
        """One arrival that cannot be written is its own misfortune, not that of those beside it."""
        if len(batch) > 1:
            for one in batch:
                await self._commit([one])
            return
        log.error("callback.broke", exc_info=bug)
        _refuse(batch, NotAdmitted(type(bug).__name__))

    def _settle(self, batch: list[_Waiting], admitted: Sequence[Admitted]) -> None:
        bound = log.bind()  # once for the batch: it costs more than a line that is not written
        for one, outcome in zip(batch, admitted, strict=True):
            if not outcome.duplicate:  # an event that begins a trace gives it its name
                bound.debug("callback.admitted", trace=outcome.id)
            one.told(outcome)
        if any(one.arrival.claim is not None and one.arrival.claim.readback for one in batch):
            self._look()


def _refuse(batch: list[_Waiting], why: Exception) -> None:
    for one in batch:
        one.told(why)


def _settle(future: "asyncio.Future[Admitted]", outcome: Admitted | Exception) -> None:
    if future.done():  # the request was cancelled; its event stands nevertheless
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _writer(arrived: Sequence[Arrival], now: int) -> Callable[[Connection], arrivals.Recorded]:
    return lambda connection: arrivals.record(connection, arrived, now)
