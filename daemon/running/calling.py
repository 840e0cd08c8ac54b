"""One call of a run: its intent committed before it, what came of it after.

Called by ``course`` for each step. What is decided (``retry``, ``doubt``) is pure; what is written stands in
``outcome`` and goes through ``scribe``. An outcome rides in the same commit as the next step's intent.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from daemon.contract import errors
from daemon.contract.circuit import Shut
from daemon.contract.declare import Call, Done
from daemon.contract.services import Services
from daemon.model import ids, jsons, times
from daemon.model.events import DEEPEST
from daemon.model.jsons import JsonObject
from daemon.model.runs import Step, StepStatus
from daemon.model.times import Clock
from daemon.running import doubt, outcome, parameters, parking, retry, scribe
from daemon.running.circuits import Circuits, Ticket
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

    async def attempt(self, course: Course, planned: Planned) -> bool:
        """Make the call, or park the run where its account is down or wants to be left alone."""
        account = planned.step.account
        if account is None:
            return await self._send(course, planned, None)
        try:
            await self._circuits.enter(account, course.run.id)
            return await self._in_turn(course, planned, account)
        except Shut as shut:
            return await self._park(course, account, shut.text)

    async def _in_turn(self, course: Course, planned: Planned, account: str) -> bool:
        """Take a place at the account first: what was never sent is in nobody's doubt, and a long queue at one
        account holds up no other. :class:`Shut` where the account went down meanwhile.
        """
        lane = self._services().lanes.get(account)
        if lane is None:
            ticket = await self._circuits.enter(account, course.run.id)
            return await self._send(course, planned, ticket)
        if lane.waiting >= LONGEST_QUEUE:
            now = self._clock.now()
            aside = retry.step_aside(now - course.run.created_at, random.random())  # noqa: S311 - jitter
            await self._scribe.commit(course, outcome.step_aside(course.run, now, now + aside))
            return False
        async with lane.place():
            ticket = await self._circuits.enter(account, course.run.id)
            return await self._send(course, planned, ticket)

    async def _park(self, course: Course, account: str, error: str, step: Step | None = None) -> bool:
        """Let the run wait for *account*; *step* is one that was called in vain."""
        await self._scribe.commit(course, parking.park(course.run, step, account, error, self._clock.now()))
        log.debug("run.parked", account=account)
        return False

    async def _send(self, course: Course, planned: Planned, ticket: Ticket | None) -> bool:
        """Commit the intent, call, and write what came of it."""
        now = self._clock.now()
        remaining = course.reaction.timeout - course.run.elapsed(now)
        if remaining <= 0:
            return await self._scribe.die(course, planned.step, outcome.overdue(course.reaction))
        first_sent_at = planned.step.sent_at
        step = replace(
            planned.step,
            status=StepStatus.RUNNING,
            attempts=planned.step.attempts + 1,
            sent_at=first_sent_at if first_sent_at is not None else now,
        )
        course.run = replace(course.run, attempts=course.run.attempts + 1)
        course.steps[step.position] = step
        await self._scribe.commit(course, outcome.intend(course.run, step))
        try:
            async with asyncio.timeout(remaining / times.SECOND):
                async with self._circuits.counted(ticket) if ticket else contextlib.nullcontext():
                    done = await self._call(planned, step, first_sent_at, now)
        except errors.TemporaryError as failed:
            return await self._after_failure(course, step, failed, ticket)
        except errors.PermanentError as failed:
            return await self._scribe.die(
                course, outcome.failed_attempt(step, self._clock.now(), failed), failed.text
            )
        except TimeoutError:
            lost = errors.TemporaryError(outcome.overdue(course.reaction), in_doubt=True)
            return await self._after_failure(course, step, lost, None)
        except Exception as bug:
            log.exception("step.broke", step=step.id, action=step.action)
            return await self._scribe.die(course, step, scribe.describe_bug(bug))
        return await self._after_success(course, planned, step, done)

    async def _call(self, planned: Planned, step: Step, first_sent_at: int | None, now: int) -> Done[Any]:
        services = self._services()
        client = services.client(step.account)
        call = Call(
            run_id=step.run_id,
            step_id=step.id,
            marker=ids.digest(step.run_id, step.id)[:12],
            now=now,
            first_sent_at=first_sent_at,
            callback_url=lambda hook: services.callback_url(step.account or "", hook),
        )
        try:
            return await planned.action.call(client, planned.parameters, call)
        except errors.ServiceError as failed:
            failed.text = services.blanker.text(failed.text)  # it may quote what was sent
            raise

    async def _after_failure(
        self, course: Course, step: Step, failed: errors.TemporaryError, ticket: Ticket | None
    ) -> bool:
        now = self._clock.now()
        step = outcome.failed_attempt(step, now, failed)
        if failed.in_doubt and doubt.choose_road(step.doubt, course.reaction.on_doubt) is doubt.Road.HOLD:
            return await self._scribe.hold(course, step, failed.text)
        if ticket is not None and self._circuits.is_excused(ticket, failed):
            course.run = replace(course.run, attempts=course.run.attempts - 1)
            return await self._park(course, ticket.account, failed.text, parking.unspent(step))
        delay = retry.next_delay(course.reaction.retry, step.attempts, failed.retry_after, random.random())  # noqa: S311 - jitter
        if delay is None:
            return await self._scribe.die(course, step, f"{failed.text} (after {step.attempts} attempts)")
        asked = failed.retry_after is not None  # a pause that the service asked for is not the run's own time
        if not asked and course.run.elapsed(now) + delay >= course.reaction.timeout:
            return await self._scribe.die(course, step, f"{failed.text} ({outcome.overdue(course.reaction)})")
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
        step = replace(step, status=StepStatus.SUCCEEDED, response=response, error=None, finished_at=now)
        if done.facts and course.run.depth >= DEEPEST:
            return await self._scribe.die(course, step, await self._scribe.cycle(course))
        course.steps[step.position] = step
        course.carried += outcome.finish_step(course.run, step, done, services, now)
        if done.state:
            course.known.clear()  # what was read may be what was just written
            await self._scribe.commit(course, outcome.hold_on(course.run))
        return True


def _plain(result: Any) -> JsonObject:
    """A result model as plain JSON data, the vendor's names kept."""
    plain: JsonObject = result.model_dump(mode="json", by_alias=True)
    return plain
