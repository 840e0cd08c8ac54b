"""Writes what came of a run in hand, in one commit each time, and tells of how it ended.

``course`` and ``calling`` decide; what each end writes stands in ``outcome``. A journal that cannot be written
is waited out here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import structlog

from daemon import metrics
from daemon.contract.declare import Action
from daemon.contract.services import Services
from daemon.journal import steps
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.journal.progress import Progress
from daemon.model.runs import Doubt, Run, RunStatus, Step, StepStatus
from daemon.model.times import Clock
from daemon.running import outcome, parking
from daemon.running.hand import Course

T = TypeVar("T")

AFTER_OUTAGE = 1.0  # seconds until a commit is tried again

log = structlog.get_logger()


class Scribe:
    """*services* gives the present ones, for their blanker and what they know of actions. *ring* wakes the workers."""

    def __init__(
        self, journal: Journal, clock: Clock, services: Callable[[], Services], ring: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._services = services
        self._ring = ring

    async def commit(self, course: Course | None, last: Callable[[Connection], T]) -> T:
        """Write what is carried and *last*, which stands under the run's fence, in one transaction; what *last* gives.

        :class:`~daemon.journal.database.LostLease` when another has the run.
        """
        told = await self._insist(_whole(course, last))
        if course is not None:
            course.ended.clear()
            course.carried.clear()
            if course.passing_on:  # whoever stood in line is due now
                course.passing_on = False
                self._ring()
        return told

    async def _insist(self, write: Callable[[Connection], T]) -> T:
        """Commit, waiting out a journal that cannot be written: an outcome that is known must not become a doubt.

        Should another node take the run meanwhile, the fence says so (``LostLease``).
        """
        told = False
        while True:
            try:
                return await self._journal.write(write)
            except JournalUnavailable as broken:
                if not told:
                    log.error("run.waits_for_journal", error=str(broken))
                told = True
                await asyncio.sleep(AFTER_OUTAGE)

    def note(self, course: Course, step: Step) -> None:
        """Let the next commit write *step*."""
        course.steps[step.position] = step
        course.ended.append(step)

    async def succeed(self, course: Course) -> None:
        """Every step is done: so is the run."""
        await self.commit(course, outcome.succeed(course.run, self._clock.now()))
        _count(course.run, RunStatus.SUCCEEDED)
        log.info("run.succeeded")

    async def end(self, run: Run, error: str, event_type: str = "") -> None:
        """The run is dead of *error*, which is no step's; what is carried is forgotten."""
        await self.commit(None, outcome.die(run, error, self._clock.now(), event_type))
        _count(run, RunStatus.DEAD)

    async def die(self, course: Course, step: Step, error: str) -> bool:
        """The run is dead of *step*. False: it does not go on."""
        now = self._clock.now()
        text = self._services().blanker.text(error)
        self.note(course, replace(step, status=StepStatus.FAILED, error=text, finished_at=now))
        await self.commit(course, outcome.die(course.run, f"step {step.id}: {text}", now, course.event.type))
        _count(course.run, RunStatus.DEAD)
        log.warning("run.died", step=step.id, error=text)
        return False

    async def end_loop(self, course: Course) -> None:
        """End a run whose chain grew through a service: what a poll tells of it is as deep as it comes."""
        error = await self.cycle(course)
        await self.end(course.run, error, course.event.type)
        log.warning("run.died", error=error)

    async def cycle(self, course: Course) -> str:
        """The words for a chain that is too deep, with the cycle spelled out."""
        path = await self._journal.read(lambda connection: outcome.causes(connection, course.event))
        return "the chain of causes is too deep: " + " -> ".join((*path, course.run.reaction))

    async def hold(self, course: Course, step: Step, error: str) -> bool:
        """The run is held in doubt over *step*, for a person. False: it does not go on."""
        now, services = self._clock.now(), self._services()
        text = services.blanker.text(error)
        doubted_at = step.doubted_at if step.doubted_at is not None else now
        held = replace(step, status=StepStatus.IN_DOUBT, error=text, doubted_at=doubted_at)
        self.note(course, held)
        check = what_to_check(services.catalog.actions.get(step.action), step.doubt)
        await self.commit(course, outcome.hold(course.run, held, check, now, course.event.type))
        _count(course.run, RunStatus.IN_DOUBT)
        log.warning("run.held_in_doubt", step=step.id, error=text)
        return False

    async def park(self, course: Course, account: str, error: str, step: Step | None = None) -> bool:
        """Let the run wait for *account*; *step* is one that was called in vain. False: it does not go on."""
        await self.commit(course, parking.park(course.run, step, account, error, self._clock.now()))
        log.debug("run.parked", account=account)
        return False


def _whole(course: Course | None, last: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """*last*, behind what *course* carries as it is now."""
    if course is None:
        return last
    ended, carried = tuple(course.ended), tuple(course.carried)
    if isinstance(last, Progress) and not carried:
        whole = {step.position: step for step in (*ended, *last.steps)}
        more: Any = Progress(last.run, tuple(whole.values()), last.finished_at)
        return more  # type: ignore[no-any-return]  # it gives what *last* gives

    def write(connection: Connection) -> T:
        for step in ended:
            steps.put(connection, step)
        for one in carried:
            one(connection)
        return last(connection)

    return write


def _count(run: Run, status: RunStatus) -> None:
    _runs(run.reaction, status.value).inc()


_runs = cache(metrics.runs.labels)  # to look it up by its labels costs more than to count


def what_to_check(action: Action | None, doubt: Doubt) -> str:
    """What a person looks at to tell whether a call of *action*, which was in this *doubt*, took effect."""
    if action is None:
        return "whether it took effect; the action does not exist any more"
    if action.probe is not None and doubt is Doubt.PROBED:
        return action.probe.about
    unmarked = action.probe is not None and action.doubt_of is None
    why = "it carries no mark: its reaction has `markers = false`" if unmarked else action.why
    return f"whether it took effect; it cannot be looked up ({why})"


def describe_bug(bug: Exception) -> str:
    """The words for a failure that is our own."""
    return f"a bug in Pointsman: {type(bug).__name__}; the log has the traceback"
