"""One call of a run: its intent committed before it, what came of it after.

Called by ``course`` for each step. What is decided (``retry``, ``doubt``) is pure; what is written stands in
``outcome`` and goes through ``scribe``; ``circuits`` keeps calls from an account that is down, ``doubting`` looks
before a call whose effect is not known is made again. An outcome rides in the same commit as the next step's intent.
"""

import random
from collections.abc import Callable
from typing import Any

import structlog

from daemon.contract import errors
from daemon.contract.circuit import Shut
from daemon.contract.declare import Done
from daemon.contract.services import Services
from daemon.journal.database import LostLease
from daemon.model import jsons, records
from daemon.model.events import DEEPEST
from daemon.model.jsons import JsonObject
from daemon.model.runs import Step, StepStatus
from daemon.model.times import Clock
from daemon.running import doubt, doubting, outcome, parameters, parking, retry, scribe
from daemon.running.asking import Asker
from daemon.running.circuits import Circuits, Ticket
from daemon.running.doubting import Doubts
from daemon.running.hand import Course, Planned
from daemon.running.scribe import Scribe

LONGEST_QUEUE = 32  # runs that may wait for a place at one account; more step aside

log = structlog.get_logger()


class Caller:
    """Makes calls. *services* gives the present ones (a reload replaces them)."""

    def __init__(
        self, scribe: Scribe, clock: Clock, services: Callable[[], Services], circuits: Circuits
    ) -> None:
        self._scribe = scribe
        self._clock = clock
        self._services = services
        self._circuits = circuits
        self._asker = Asker(clock, services, circuits)
        self._doubts = Doubts(self._asker, scribe, clock, circuits)

    async def attempt(self, course: Course, planned: Planned) -> bool:
        """Make the call, or park the run where its account is down or wants to be left alone."""
        account = planned.step.account
        if account is None:
            return await self._proceed(course, planned, None)
        try:
            await self._circuits.enter(account, course.run.id)
            return await self._in_turn(course, planned, account)
        except Shut as shut:
            return await self._scribe.park(course, account, shut.text)

    async def _in_turn(self, course: Course, planned: Planned, account: str) -> bool:
        """Have the object that the call counts for this run alone, then take a place at the account: what was never
        sent is in nobody's doubt, and a long queue at one account holds up no other. :class:`Shut` where the account
        went down meanwhile.
        """
        if not await self._doubts.take_turn(course, planned):
            return False
        lane = self._services().lanes.get(account)
        if lane is None:
            ticket = await self._circuits.enter(account, course.run.id)
            return await self._proceed(course, planned, ticket)
        if lane.waiting >= LONGEST_QUEUE:
            now = self._clock.now()
            aside = retry.step_aside(now - course.run.created_at, random.random())  # noqa: S311 - jitter
            await self._scribe.commit(course, outcome.step_aside(course.run, now, now + aside))
            return False
        if lane.full and (
            course.ended or course.carried
        ):  # what is known already is not to become a doubt in a queue
            await self._scribe.commit(course, outcome.hold_on(course.run))
        async with lane.place():
            ticket = await self._circuits.enter(account, course.run.id)
            return await self._proceed(course, planned, ticket)

    async def _proceed(self, course: Course, planned: Planned, ticket: Ticket | None) -> bool:
        """Look first where an earlier call may have taken effect, note what is there where a look will need it."""
        if not doubting.is_looked_for(planned.step):
            return await self._note(course, planned, ticket)
        sight = await self._doubts.look(course, planned, ticket)
        if not sight.clear:
            return False
        if sight.done is not None:
            return await self._after_success(course, planned, planned.step, sight.done)
        step = records.changed(planned.step, doubted_at=None, looks=0)
        if step.attempts >= course.reaction.retry.attempts:
            said = outcome.out_of_attempts(step, step.error or "it took no effect")
            return await self._scribe.die(course, step, said)
        return await self._send(course, records.changed(planned, step=step), ticket)

    async def _note(self, course: Course, planned: Planned, ticket: Ticket | None) -> bool:
        """Ask for what is there now, if a look would need to know, then make the call."""
        step = planned.step
        if not doubting.needs_note(planned):
            return await self._send(course, planned, ticket)
        try:
            before = await self._asker.note(course, planned, ticket)
        except errors.TemporaryError as failed:
            failed.in_doubt = failed.went_out = False  # nothing was changed
            course.run = records.changed(course.run, attempts=course.run.attempts + 1)
            tried = records.changed(step, attempts=step.attempts + 1)
            return await self._after_failure(course, tried, failed, ticket)
        except errors.PermanentError as failed:
            tried = outcome.failed_attempt(step, self._clock.now(), failed)
            return await self._scribe.die(course, records.changed(tried, doubted_at=None), failed.text)
        return await self._send(
            course, records.changed(planned, step=records.changed(step, before=before)), ticket
        )

    async def _send(self, course: Course, planned: Planned, ticket: Ticket | None) -> bool:
        """Commit the intent, call, and write what came of it."""
        now = self._clock.now()
        if course.run.elapsed(now) >= course.reaction.timeout:
            return await self._scribe.die(course, planned.step, outcome.overdue(course.reaction))
        first_sent_at = planned.step.sent_at
        step = records.changed(
            planned.step,
            status=StepStatus.RUNNING,
            attempts=planned.step.attempts + 1,
            sent_at=first_sent_at if first_sent_at is not None else now,
            doubted_at=now,
        )
        course.run = records.changed(course.run, attempts=course.run.attempts + 1)
        course.steps[step.position] = step
        await self._scribe.commit(course, outcome.intend(course.run, step))
        try:
            done = await self._asker.call(course, planned, step, now, ticket)
        except errors.TemporaryError as failed:
            return await self._after_failure(course, step, failed, ticket)
        except errors.PermanentError as failed:
            tried = outcome.failed_attempt(step, self._clock.now(), failed)
            return await self._scribe.die(course, tried, failed.text)
        except LostLease:
            raise
        except Exception as bug:
            log.exception("step.broke", step=step.id, action=step.action)
            return await self._scribe.die(course, step, scribe.describe_bug(bug))
        return await self._after_success(course, planned, step, done)

    async def _after_failure(
        self, course: Course, step: Step, failed: errors.TemporaryError, ticket: Ticket | None
    ) -> bool:
        now = self._clock.now()
        step = outcome.failed_attempt(step, now, failed)
        road = (
            doubt.choose_road(step.doubt, course.reaction.on_doubt) if step.doubted_at is not None else None
        )
        if road is doubt.Road.HOLD:
            return await self._scribe.hold(course, step, failed.text)
        if ticket is not None and self._circuits.is_excused(ticket, failed):
            course.run = records.changed(course.run, attempts=course.run.attempts - 1)
            return await self._scribe.park(course, ticket.account, failed.text, parking.unspent(step))
        if road is doubt.Road.LOOK:
            return await self._doubts.look_later(course, step, failed)
        delay = retry.next_delay(course.reaction.retry, step.attempts, failed.retry_after, random.random())  # noqa: S311 - jitter
        if delay is None:
            return await self._scribe.die(course, step, outcome.out_of_attempts(step, failed.text))
        asked = failed.retry_after is not None  # a pause that the service asked for is not the run's own time
        if not asked and course.run.elapsed(now) + delay >= course.reaction.timeout:
            return await self._scribe.die(course, step, outcome.out_of_time(course.reaction, failed.text))
        later = outcome.retry_later(course.run, step, now, now + delay, failed.text, counts=not asked)
        await self._scribe.commit(course, later)
        # One line when a step begins to fail, not one for each retry.
        (log.warning if step.attempts == 1 else log.debug)("step.failed", step=step.id, error=failed.text)
        return False

    async def _after_success(self, course: Course, planned: Planned, step: Step, done: Done[Any]) -> bool:
        now, services = self._clock.now(), self._services()
        waits = parameters.wants_to_wait(planned.action, planned.parameters)
        if waits and done.follow is not None:
            patience = parameters.patience(planned.parameters)
            await self._scribe.commit(
                course, outcome.wait(course.run, step, done, services, now, now + patience)
            )
            log.info("run.waiting", step=step.id, work=done.follow.id)
            return False
        result = done.facts[-1].data if waits and done.facts else _plain(done.result)
        response = jsons.bound(services.blanker.value(result), services.max_payload)
        if done.facts and course.run.depth >= DEEPEST:
            return await self._scribe.die(course, step, await self._scribe.cycle(course))
        step = records.changed(
            step,
            status=StepStatus.SUCCEEDED,
            response=response,
            finished_at=now,
            error=None,
            doubted_at=None,
            looks=0,
        )
        course.steps[step.position] = step
        course.ended.append(step)
        course.carried += outcome.leave(course.run, step, done, services, now)
        if course.run.lock_key is not None:
            course.passing_on |= course.run.locked
            course.run = records.changed(course.run, lock_key=None, locked=False)
        if done.state:
            course.known.clear()  # what was read may be what was just written
            await self._scribe.commit(course, outcome.hold_on(course.run))
        return True


def _plain(result: Any) -> JsonObject:
    """A result model as plain JSON data, the vendor's names kept."""
    plain: JsonObject = result.model_dump(mode="json", by_alias=True)
    return plain
