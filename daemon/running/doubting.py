"""The roads of a doubtful call: its turn at a remote object, the note before it, the look for what it made.

Called by ``calling``. What a probe counts (rows, documents, messages) is counted while no other run of the account
changes it: the run has the object for itself from the note to the outcome, also while it backs off.
"""

import random
from dataclasses import dataclass, replace
from typing import Any

import structlog

from daemon.contract import errors
from daemon.contract.declare import Done
from daemon.journal.database import LostLease
from daemon.model.runs import Doubt, Step, StepStatus
from daemon.model.times import Clock
from daemon.running import doubt, outcome, retry, scribe
from daemon.running.asking import Asker
from daemon.running.circuits import Circuits, Ticket
from daemon.running.hand import Course, Planned
from daemon.running.scribe import Scribe

FEWEST_LOOKS = 12  # that are tried, however few attempts the reaction allows: a look changes nothing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look found: *done* is to be adopted. Not *clear*: the run stands still, to look again or to be held."""

    done: Done[Any] | None = None
    clear: bool = True


UNSEEN = Sight(clear=False)


class Doubts:
    """Looks before a doubtful call is made again."""

    def __init__(self, asker: Asker, scribe: Scribe, clock: Clock, circuits: Circuits) -> None:
        self._asker = asker
        self._scribe = scribe
        self._clock = clock
        self._circuits = circuits

    async def take_turn(self, course: Course, planned: Planned) -> bool:
        """Have the call's object for this run alone; False where another run has it: this one waits in line."""
        key = lock_key(planned)
        if not key or (course.run.locked and course.run.lock_key == key):
            return True
        now = self._clock.now()
        course.run = await self._scribe.commit(course, outcome.stand_in_line(course.run, key, now))
        if not course.run.locked:
            log.debug("run.in_line", step=planned.step.id, lock=key)
        return course.run.locked

    async def look(self, course: Course, planned: Planned, ticket: Ticket | None) -> Sight:
        """What the doubtful call made."""
        step = planned.step
        try:
            done = await self._asker.look(course, planned, ticket)
        except errors.TemporaryError as failed:
            return await self._look_again(course, step, failed, ticket)
        except (errors.PermanentError, errors.Unclear) as unclear:
            await self._scribe.hold(course, step, unclear.text)
            return UNSEEN
        except LostLease:
            raise
        except Exception as bug:
            log.exception("look.broke", step=step.id, action=step.action)
            await self._scribe.hold(course, step, scribe.describe_bug(bug))
            return UNSEEN
        now = self._clock.now()
        settles_at = doubt.settles_at(step, now, self._asker.longest_call(step))
        if done is None and settles_at is not None:
            await self._wait(course, step, settles_at, step.error or "its effect is looked for")
            return UNSEEN
        log.info("step.looked_for", step=step.id, found=done is not None)
        return Sight(done)

    async def look_later(self, course: Course, step: Step, failed: errors.TemporaryError) -> bool:
        """The call of *step* ended in doubt: look after a pause, whatever time and attempts are left. False."""
        pause = retry.pause(course.reaction.retry, step.attempts, failed.retry_after, random.random())  # noqa: S311 - jitter
        await self._wait(course, step, self._clock.now() + pause, failed.text, failed)
        # One line when a step begins to fail, not one for each retry.
        (log.warning if step.attempts == 1 else log.debug)("step.in_doubt", step=step.id, error=failed.text)
        return False

    async def _look_again(
        self, course: Course, step: Step, failed: errors.TemporaryError, ticket: Ticket | None
    ) -> Sight:
        """A look that failed is no answer: it is tried again as a call would be, and held when that is too much."""
        if ticket is not None and self._circuits.is_excused(ticket, failed):
            waiting = replace(step, status=StepStatus.PENDING)
            await self._scribe.park(course, ticket.account, failed.text, waiting)
            return UNSEEN
        now, looks = self._clock.now(), step.looks + 1
        text = f"looking for what it did: {failed.text}"
        step = replace(outcome.failed_look(step, now, text, failed.status), looks=looks)
        allowed = replace(course.reaction.retry, attempts=max(FEWEST_LOOKS, course.reaction.retry.attempts))
        delay = retry.next_delay(allowed, looks, failed.retry_after, random.random())  # noqa: S311 - jitter
        if delay is None:
            await self._scribe.hold(course, step, f"{text} (after {looks} looks)")
        else:
            await self._wait(course, step, now + delay, text, failed)
        return UNSEEN

    async def _wait(
        self, course: Course, step: Step, due_at: int, error: str, failed: errors.TemporaryError | None = None
    ) -> None:
        """Back off with the doubt kept in the journal. A pause that the service asked for is not the run's own time."""
        now = self._clock.now()
        counts = failed is None or failed.retry_after is None
        doubted_at = min(step.doubted_at if step.doubted_at is not None else now, now)
        step = replace(step, doubted_at=doubted_at, status=StepStatus.PENDING)
        await self._scribe.commit(
            course, outcome.retry_later(course.run, step, now, due_at, error, counts=counts)
        )


def lock_key(planned: Planned) -> str:
    """What the call must have for its run alone: the account and the object's own name; "" for nothing."""
    probe, step = planned.action.probe, planned.step
    if step.doubt is not Doubt.PROBED or probe is None or probe.lock is None:
        return ""
    name = probe.lock(planned.parameters)
    return f"{step.account} {name}" if name else ""


def is_looked_for(step: Step) -> bool:
    """Whether the next thing to do about *step* is a look."""
    return step.doubted_at is not None and step.doubt is Doubt.PROBED


def needs_note(planned: Planned) -> bool:
    """Whether what is there is to be noted before the call."""
    probe = planned.action.probe
    return planned.step.doubt is Doubt.PROBED and probe is not None and probe.note is not None
