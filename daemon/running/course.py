"""One run in hand: its steps in order, each with an intent committed before the call and an outcome after.

``worker`` starts it. What is decided (``retry``, ``doubt``) is pure; what is written stands in ``outcome``.
An outcome rides in the same commit as the next step's intent, so a run of three steps costs four commits.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from pydantic import BaseModel

from daemon import expressions, metrics
from daemon.contract import errors
from daemon.contract.declare import Action, Call, Done
from daemon.contract.services import Services
from daemon.journal import events, runs, state, steps
from daemon.journal.database import Connection, Journal, JournalUnavailable, LostLease
from daemon.model import ids, jsons, scope, times
from daemon.model.events import DEEPEST, Event
from daemon.model.jsons import Json, JsonObject
from daemon.model.reactions import Do, Reaction
from daemon.model.runs import Doubt, Run, RunStatus, Step, StepStatus
from daemon.model.scope import Scope, StateNeeded
from daemon.model.times import Clock
from daemon.running import doubt, outcome, parameters, retry
from daemon.running.outcome import Write
from daemon.running.parameters import UnfitParameters

LONGEST_QUEUE = 32  # runs that may wait for a place at one account; more step aside
AFTER_OUTAGE = 1.0  # seconds until a commit is tried again

log = structlog.get_logger()


class Vanished(Exception):
    """The run's event or definition is not in the journal any more."""


@dataclass(slots=True)
class Course:
    """A run and what it has so far. *carried* is what the next commit writes besides its own."""

    run: Run
    event: Event
    reaction: Reaction
    steps: dict[int, Step]
    known: dict[str, Json] = field(default_factory=dict)
    carried: list[Write] = field(default_factory=list)

    def results(self) -> JsonObject:
        """``steps.ID`` as templates see it: a skipped step is none."""
        return {step.id: step.response for step in self.steps.values() if step.status in outcome.ENDED_WELL}

    def scope(self, now: int) -> Scope:
        """What the templates of this run see."""
        more: dict[str, Any] = {"steps": self.results(), "run": scope.of_run(self.run)}
        if self.run.item_key:
            more["item"] = self.run.item
        return scope.build(self.event, now, self.known, **more)


class Courses:
    """Takes runs through their steps. *services* gives the present ones (a reload replaces them)."""

    def __init__(self, journal: Journal, clock: Clock, services: Callable[[], Services]) -> None:
        self._journal = journal
        self._clock = clock
        self._services = services
        self._definitions: dict[str, Reaction] = {}

    async def take(self, run: Run, born_of: Event | None = None) -> None:
        """Take *run* as far as it goes now. :class:`~daemon.journal.database.LostLease` when another has
        it. *born_of* is the event of a run that was made just now: it has no steps yet, and nothing need be read.
        """
        with structlog.contextvars.bound_contextvars(trace=run.trace, run=run.id, reaction=run.reaction):
            try:
                course = await self._load(run, born_of)
            except Vanished as gone:
                await self._commit(None, outcome.die(run, str(gone), self._clock.now()))
                _count(run, RunStatus.DEAD)
                return
            try:
                await self._walk(course)
            except (LostLease, JournalUnavailable):
                raise
            except Exception as bug:
                log.exception("run.broke")
                await self._commit(
                    None, outcome.die(course.run, _describe(bug), self._clock.now(), course.event.type)
                )
                _count(course.run, RunStatus.DEAD)

    async def _load(self, run: Run, event: Event | None) -> Course:
        found: list[Step] = []
        if event is None:
            event, found = await self._journal.read(
                lambda connection: (events.get(connection, run.event_id), steps.of_run(connection, run.id))
            )
        definition = self._definitions.get(run.digest)
        if definition is None:
            definition = await self._journal.read(lambda connection: runs.reaction(connection, run.digest))
        if event is None or definition is None:
            raise Vanished("its event or the definition it began with is not in the journal any more")
        self._definitions[run.digest] = definition
        return Course(run, event, definition, {step.position: step for step in found})

    async def _walk(self, course: Course) -> None:
        if course.run.depth > DEEPEST:
            await self._end_loop(course)
            return
        for position, do in enumerate(course.reaction.do):
            step = course.steps.get(position)
            if step is not None and step.status in outcome.ENDED_WELL:
                continue
            if not await self._step(course, position, do, step):
                return
        await self._commit(course, outcome.succeed(course.run, self._clock.now()))
        _count(course.run, RunStatus.SUCCEEDED)
        log.info("run.succeeded")

    # One step: True when the run goes on behind it

    async def _step(self, course: Course, position: int, do: Do, step: Step | None) -> bool:
        if step is not None and step.status is StepStatus.FAILED:
            return await self._die(course, step, step.error or "the step failed")
        if step is not None and step.status is StepStatus.WAITING:
            return await self._die(course, step, "the remote work did not reach its final state in time")
        try:
            planned = await self._evaluated(course, lambda seen: self._plan(course, position, do, step, seen))
        except (UnfitParameters, expressions.ExpressionError) as unfit:
            broken = step or outcome.new_step(course.run, position, do, Doubt.REPEATABLE, None)
            return await self._die(course, broken, str(unfit))
        if planned is None:
            skipped = outcome.new_step(course.run, position, do, Doubt.REPEATABLE, None)
            self._note(course, replace(skipped, status=StepStatus.SKIPPED, finished_at=self._clock.now()))
            return True
        if step is not None and step.status is StepStatus.RUNNING:
            road = doubt.choose_road(planned.step.doubt, course.reaction.on_doubt)
            if road is doubt.Road.HOLD:
                return await self._hold(course, step, "the process ended after the request was begun")
        return await self._attempt(course, planned)

    async def _evaluated(
        self, course: Course, evaluate: "Callable[[Scope], Planned | None]"
    ) -> "Planned | None":
        """*evaluate* with every state key it asks for read from the journal."""
        now = self._clock.now()
        while True:
            try:
                return evaluate(course.scope(now))
            except StateNeeded as needed:
                course.known[needed.key] = await self._journal.read(partial(state.value, key=needed.key))

    def _plan(
        self, course: Course, position: int, do: Do, step: Step | None, seen: Scope
    ) -> "Planned | None":
        """The call to make, or None where the step's condition is false. A step begun earlier keeps its
        request.
        """
        services = self._services()
        if step is None and do.condition and not expressions.compile_condition(do.condition).holds(seen):
            return None
        action = services.catalog.actions.get(do.action)
        if action is None:
            raise UnfitParameters(f"the action {do.action} does not exist any more")
        request = step.request if step is not None else None
        if request is None:
            request = parameters.render(action, do.parameters, seen)
        elif parameters.was_blanked(request):
            request = parameters.restore(request, parameters.render(action, do.parameters, seen))
        given = parameters.resolve(action, request, seen, services)
        if step is None or step.request is None:
            stored = parameters.to_store(action, request, services.blanker)
            step = outcome.new_step(course.run, position, do, action.doubt_for(given), stored)
        return Planned(action, given, step)

    async def _attempt(self, course: Course, planned: "Planned") -> bool:
        """Take a place at the account first: what was never sent is in nobody's doubt, and a long queue at one
        account holds up no other.
        """
        lane = self._services().lanes.get(planned.step.account or "")
        if lane is None:
            return await self._send(course, planned)
        if lane.waiting >= LONGEST_QUEUE:
            now = self._clock.now()
            aside = retry.step_aside(now - course.run.created_at, random.random())  # noqa: S311 - jitter
            await self._commit(course, outcome.step_aside(course.run, now, now + aside))
            return False
        async with lane.place():
            return await self._send(course, planned)

    async def _send(self, course: Course, planned: "Planned") -> bool:
        """Commit the intent, call, and write what came of it."""
        now = self._clock.now()
        remaining = course.reaction.timeout - course.run.elapsed(now)
        if remaining <= 0:
            return await self._die(course, planned.step, outcome.overdue(course.reaction))
        first_sent_at = planned.step.sent_at
        step = replace(
            planned.step,
            status=StepStatus.RUNNING,
            attempts=planned.step.attempts + 1,
            sent_at=first_sent_at if first_sent_at is not None else now,
        )
        course.run = replace(course.run, attempts=course.run.attempts + 1)
        course.steps[step.position] = step
        await self._commit(course, outcome.intend(course.run, step))
        try:
            async with asyncio.timeout(remaining / times.SECOND):
                done = await self._call(planned, step, first_sent_at, now)
        except errors.TemporaryError as failed:
            return await self._after_failure(course, step, failed)
        except errors.PermanentError as failed:
            return await self._die(
                course, outcome.failed_attempt(step, self._clock.now(), failed), failed.text
            )
        except TimeoutError:
            lost = errors.TemporaryError(outcome.overdue(course.reaction), in_doubt=True)
            return await self._after_failure(course, step, lost)
        except Exception as bug:
            log.exception("step.broke", step=step.id, action=step.action)
            return await self._die(course, step, _describe(bug))
        return await self._after_success(course, planned, step, done)

    async def _call(self, planned: "Planned", step: Step, first_sent_at: int | None, now: int) -> Done[Any]:
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

    async def _after_failure(self, course: Course, step: Step, failed: errors.TemporaryError) -> bool:
        now = self._clock.now()
        step = outcome.failed_attempt(step, now, failed)
        if failed.in_doubt and doubt.choose_road(step.doubt, course.reaction.on_doubt) is doubt.Road.HOLD:
            return await self._hold(course, step, failed.text)
        delay = retry.next_delay(course.reaction.retry, step.attempts, failed.retry_after, random.random())  # noqa: S311 - jitter
        if delay is None:
            return await self._die(course, step, f"{failed.text} (after {step.attempts} attempts)")
        asked = failed.retry_after is not None  # a pause that the service asked for is not the run's own time
        if not asked and course.run.elapsed(now) + delay >= course.reaction.timeout:
            return await self._die(course, step, f"{failed.text} ({outcome.overdue(course.reaction)})")
        later = outcome.retry_later(course.run, step, now, now + delay, failed.text, counts=not asked)
        await self._commit(course, later)
        # One line when a step begins to fail, not one for each retry.
        (log.warning if step.attempts == 1 else log.debug)("step.failed", step=step.id, error=failed.text)
        return False

    async def _after_success(self, course: Course, planned: "Planned", step: Step, done: Done[Any]) -> bool:
        now, services = self._clock.now(), self._services()
        waits = parameters.wants_to_wait(planned.action, planned.parameters)
        if waits and done.follow is not None:
            patience = parameters.patience(planned.parameters)
            await self._commit(course, outcome.wait(course.run, step, done, services, now, now + patience))
            log.info("run.waiting", step=step.id, work=done.follow.id)
            return False
        result = done.facts[-1].data if waits and done.facts else _plain(done.result)
        response = jsons.bound(services.blanker.value(result), services.max_payload)
        step = replace(step, status=StepStatus.SUCCEEDED, response=response, error=None, finished_at=now)
        if done.facts and course.run.depth >= DEEPEST:
            return await self._die(course, step, await self._cycle(course))
        course.steps[step.position] = step
        course.carried += outcome.finish_step(course.run, step, done, services, now)
        if done.state:
            course.known.clear()  # what was read may be what was just written
            await self._commit(course, outcome.hold_on(course.run))
        return True

    async def _end_loop(self, course: Course) -> None:
        """End a run whose chain grew through a service: what a poll tells of it is as deep as it comes."""
        error = await self._cycle(course)
        await self._commit(course, outcome.die(course.run, error, self._clock.now(), course.event.type))
        _count(course.run, RunStatus.DEAD)
        log.warning("run.died", error=error)

    async def _cycle(self, course: Course) -> str:
        path = await self._journal.read(lambda connection: outcome.causes(connection, course.event))
        return "the chain of causes is too deep: " + " -> ".join((*path, course.run.reaction))

    def _note(self, course: Course, step: Step) -> None:
        course.steps[step.position] = step
        course.carried.append(lambda connection: steps.put(connection, step))

    async def _die(self, course: Course, step: Step, error: str) -> bool:
        now = self._clock.now()
        text = self._services().blanker.text(error)
        ended = replace(step, status=StepStatus.FAILED, error=text, finished_at=now)
        self._note(course, ended)
        await self._commit(course, outcome.die(course.run, f"step {step.id}: {text}", now, course.event.type))
        _count(course.run, RunStatus.DEAD)
        log.warning("run.died", step=step.id, error=text)
        return False

    async def _hold(self, course: Course, step: Step, error: str) -> bool:
        now = self._clock.now()
        text = self._services().blanker.text(error)
        held = replace(step, status=StepStatus.IN_DOUBT, error=text)
        self._note(course, held)
        await self._commit(
            course, outcome.hold(course.run, f"step {step.id}: {text}", now, course.event.type)
        )
        _count(course.run, RunStatus.IN_DOUBT)
        log.warning("run.held_in_doubt", step=step.id, error=text)
        return False

    async def _commit(self, course: Course | None, last: Write) -> None:
        """Write what is carried and *last*, which stands under the run's fence, in one transaction."""
        carried = list(course.carried) if course is not None else []

        def write(connection: Connection) -> None:
            for one in (*carried, last):
                one(connection)

        await self._insist(write)
        if course is not None:
            course.carried.clear()

    async def _insist(self, write: Write) -> None:
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


@dataclass(frozen=True, slots=True)
class Planned:
    """A call about to be made."""

    action: Action
    parameters: BaseModel
    step: Step


def _count(run: Run, status: RunStatus) -> None:
    metrics.runs.labels(run.reaction, status.value).inc()


def _describe(bug: Exception) -> str:
    return f"a bug in Pointsman: {type(bug).__name__}; the log has the traceback"


def _plain(result: Any) -> JsonObject:
    """A result model as plain JSON data, the vendor's names kept."""
    plain: JsonObject = result.model_dump(mode="json", by_alias=True)
    return plain
