"""One question to a service for a step: the call itself, the note before it, the look for what a lost one made.

Called by ``calling`` and ``doubting``. What comes back wrong is a failure of the two kinds that ``contract.errors``
knows, its text blanked; :class:`~daemon.journal.database.LostLease` where another node has the run meanwhile.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from daemon.contract import errors, given_files, http, own_paths, sending
from daemon.contract.declare import Action, Call, Done
from daemon.contract.services import Services
from daemon.journal.database import LostLease
from daemon.model import ids, jsons, times
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt, Step
from daemon.model.times import Clock
from daemon.running import outcome
from daemon.running.circuits import Circuits, Ticket
from daemon.running.hand import Course, Planned

T = TypeVar("T")

LOOKS_FOR = 1 * times.MINUTE  # that a look may take where the reaction's timeout leaves less


class Asker:
    """Speaks for steps. *services* gives the present clients (a reload replaces them)."""

    def __init__(self, clock: Clock, services: Callable[[], Services], circuits: Circuits) -> None:
        self._clock = clock
        self._services = services
        self._circuits = circuits

    async def call(
        self, course: Course, planned: Planned, step: Step, now: int, ticket: Ticket | None
    ) -> Done[Any]:
        """Make the call of *step*, whose intent was written at *now*."""
        told = self._told(course, step, now, planned.step.sent_at)
        patience = course.reaction.timeout - course.run.elapsed(now)
        written = course.reaction.do[step.position].parameters
        with own_paths.said(_own_paths(planned.action, written)):
            return await self._ask(
                course,
                step,
                ticket,
                patience,
                outcome.overdue(course.reaction),
                lambda client: planned.action.call(client, planned.parameters, told),
            )

    async def look(self, course: Course, planned: Planned, ticket: Ticket | None) -> Done[Any] | None:
        """What an earlier call of the step made, None where it took no effect; :class:`~errors.Unclear`.

        It has a minute at least: a run that has no time left still finds out what it did.
        """
        step, probe, now = planned.step, planned.action.probe, self._clock.now()
        if probe is None:
            raise errors.Unclear("it cannot be looked up: the action has no probe any more")
        told = self._told(course, step, now, step.sent_at)
        patience = max(course.reaction.timeout - course.run.elapsed(now), LOOKS_FOR)
        return await self._ask(
            course,
            step,
            ticket and ticket.for_reading(),
            patience,
            "the look took too long",
            lambda client: probe.look(client, planned.parameters, told, step.before),
        )

    async def note(self, course: Course, planned: Planned, ticket: Ticket | None) -> JsonObject | None:
        """What is there before the call, for a later look; None for an action that needs no note."""
        probe = planned.action.probe
        note = probe.note if probe is not None else None
        if note is None:
            return None
        patience = course.reaction.timeout - course.run.elapsed(self._clock.now())
        noted: JsonObject = await self._ask(
            course,
            planned.step,
            ticket and ticket.for_reading(),
            patience,
            outcome.overdue(course.reaction),
            lambda client: note(client, planned.parameters),
        )
        return jsons.as_object(self._services().blanker.value(noted))

    def longest_call(self, step: Step) -> int:
        """How long the answer to a request of *step* is waited for, in microseconds."""
        account = self._services().accounts.get(step.account or "")
        return account.timeout if account is not None else http.TIMEOUT

    def _told(self, course: Course, step: Step, now: int, first_sent_at: int | None) -> Call:
        services = self._services()
        return Call(
            run_id=step.run_id,
            step_id=step.id,
            marker=ids.digest(step.run_id, step.id)[:12] if course.reaction.markers else "",
            now=now,
            first_sent_at=first_sent_at,
            callback_url=lambda hook: services.callback_url(step.account or "", hook),
            so_far=step.before if step.doubt is not Doubt.PROBED else None,
        )

    async def _ask(
        self,
        course: Course,
        step: Step,
        ticket: Ticket | None,
        patience: int,
        overdue: str,
        question: Callable[[Any], Awaitable[T]],
    ) -> T:
        services = self._services()
        client = services.client(step.account)
        with sending.Sending(course.holds) as sent:
            try:
                async with asyncio.timeout(max(0, patience) / times.SECOND):
                    async with self._circuits.counted(ticket) if ticket else contextlib.nullcontext():
                        return await _answered(question(client), sent)
            except TimeoutError:
                raise errors.TemporaryError(overdue, in_doubt=True) from None
            except sending.TooLate:
                raise LostLease(step.run_id) from None
            except (errors.ServiceError, errors.Unclear) as failed:
                failed.text = services.blanker.text(failed.text)  # it may quote what was sent
                if isinstance(failed, errors.ServiceError):
                    failed.went_out = sent.went_out
                    if failed.so_far is not None:
                        failed.so_far = jsons.as_object(services.blanker.value(failed.so_far))
                raise


async def _answered(asked: Awaitable[T], sent: sending.Sending) -> T:
    """What *asked* gives. A strange answer to what may have changed something is a lost one, also for the account."""
    try:
        return await asked
    except errors.StrangeAnswer as strange:
        if not sent.went_out:
            raise
        raise errors.TemporaryError(strange.text, status=strange.status, in_doubt=True) from None


def _own_paths(action: Action, written: JsonObject) -> own_paths.OwnPaths:
    """The paths of files to send, and of those to write, that the operator wrote for *action*."""
    sent = [text for _, text in given_files.paths(action.parameters, written)]
    places = [written.get(name) for name in action.writes_to]
    return own_paths.of([*sent, *(place for place in places if isinstance(place, str))])
