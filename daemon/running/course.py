"""One run in hand: its steps in order, each with an intent committed before the call and an outcome after.

``worker`` starts it; ``planning`` finds the next call, ``calling`` makes it. A run of three steps costs four
commits: an outcome rides in the same one as the next step's intent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from daemon import expressions
from daemon.contract.services import Services
from daemon.journal import definitions, events, state, steps
from daemon.journal.database import Journal, JournalUnavailable, LostLease
from daemon.model import reactions as rules
from daemon.model.events import DEEPEST, Event
from daemon.model.reactions import Do, Reaction
from daemon.model.runs import Doubt, Run, Step, StepStatus
from daemon.model.scope import Scope, StateNeeded
from daemon.model.times import Clock
from daemon.running import doubt, hand, outcome, parking, planning, scribe
from daemon.running.calling import Caller
from daemon.running.circuits import Bells, Circuits
from daemon.running.hand import Course, Planned
from daemon.running.parameters import UnfitParameters
from daemon.running.scribe import Scribe

INTERRUPTED = "the process ended after the request was begun"
UNKNOWN = "an earlier request of this step may have taken effect"

log = structlog.get_logger()


class Vanished(Exception):
    """The run's event or definition is not in the journal any more."""


class Courses:
    """Takes runs through their steps. *services* gives the present ones (a reload replaces them), *ring* wakes the
    workers for a run whose turn at a remote object has come.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        services: Callable[[], Services],
        circuits: Circuits | None = None,
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._services = services
        self._scribe = Scribe(journal, clock, services, ring)
        self._circuits = circuits or Circuits(journal, clock, services, Bells())
        self._caller = Caller(self._scribe, clock, services, self._circuits)
        self._definitions: dict[str, Reaction] = {}
        self._last_in: asyncio.Event | None = None
        self._in_hand: dict[str, Course] = {}

    def know(self, reaction: Reaction) -> None:
        """Remember the definition of runs that are only being made, as the journal will give it back."""
        if reaction.digest not in self._definitions:
            self._definitions[reaction.digest] = rules.from_json(rules.to_json(reaction))

    async def take(
        self,
        run: Run,
        event: Event | None = None,
        holds: Callable[[], Awaitable[bool]] = hand.hold_for_ever,
        begun: Sequence[Step] = (),
    ) -> bool:
        """Take *run* as far as it goes now; whether it is done. :class:`~daemon.journal.database.LostLease` when
        another has it. With *event*, its event, nothing need be read: *begun* are the steps it has. *holds* tells
        whether the run is this node's still.
        """
        succeeded = False
        with structlog.contextvars.bound_contextvars(trace=run.trace, run=run.id, reaction=run.reaction):
            try:
                course = await self._load_in_turn(run, event, begun)
                course.holds = holds
            except Vanished as gone:
                await self._scribe.end(run, str(gone))
                return False
            self._in_hand[run.id] = course
            try:
                succeeded = await self._walk(course)
            except (LostLease, JournalUnavailable):
                raise
            except Exception as bug:
                log.exception("run.broke")
                await self._scribe.end(course.run, scribe.describe_bug(bug), course.event.type)
            finally:
                if self._in_hand.get(run.id) is course:  # else it was begun too early, and claimed since
                    del self._in_hand[run.id]
            await self._circuits.leave(run.id)
            return succeeded

    def carry(self, by: int) -> None:
        """The clock was set by *by* microseconds: what is in hand has not taken the longer for it."""
        for course in self._in_hand.values():
            since = course.run.counting_since
            course.run = replace(course.run, counting_since=since + by if since is not None else None)

    async def _load_in_turn(self, run: Run, event: Event | None, begun: Sequence[Step]) -> Course:
        """Load *run*. Runs begin in the order in which they came, however long each takes to load: that is the order in
        which they stand in the lines for remote objects and for places.
        """
        if (
            event is not None
            and run.digest in self._definitions
            and (self._last_in is None or self._last_in.is_set())
        ):
            return await self._load(run, event, begun)  # nothing to be read, nobody to be waited for
        before, self._last_in = self._last_in, asyncio.Event()
        mine = self._last_in
        try:
            course = await self._load(run, event, begun)
            if before is not None:
                await before.wait()
            return course
        finally:
            mine.set()

    async def _load(self, run: Run, event: Event | None, begun: Sequence[Step]) -> Course:
        if event is None:
            event, begun = await self._journal.read(
                lambda connection: (events.get(connection, run.event_id), steps.of_run(connection, run.id))
            )
        definition = self._definitions.get(run.digest)
        if definition is None:
            definition = await self._journal.read(lambda connection: definitions.get(connection, run.digest))
        if event is None or definition is None:
            raise Vanished("its event or the definition it began with is not in the journal any more")
        self._definitions[run.digest] = definition
        return Course(run, event, definition, {step.position: step for step in begun})

    async def _walk(self, course: Course) -> bool:
        if course.run.depth > DEEPEST:
            await self._scribe.end_loop(course)
            return False
        for position, do in enumerate(course.reaction.do):
            step = course.steps.get(position)
            if step is not None and step.status in outcome.ENDED_WELL:
                continue
            if not await self._step(course, position, do, step):
                return False
        await self._scribe.succeed(course)
        return True

    async def _step(self, course: Course, position: int, do: Do, step: Step | None) -> bool:
        """One step: True when the run goes on behind it."""
        if step is not None and step.status is StepStatus.FAILED:
            return await self._scribe.die(course, step, step.error or "the step failed")
        if step is not None and step.status is StepStatus.WAITING:
            if await self._journal.read(partial(parking.is_out_of_sight, step=step)):
                await self._scribe.commit(course, parking.wait_on(course.run, step, self._clock.now()))
                return False
            # What the call made is there still: a later retry looks for it, and waits for that.
            outlasted = replace(step, doubted_at=step.sent_at)
            return await self._scribe.die(
                course, outlasted, "the remote work did not reach its final state in time"
            )
        try:
            planned = await self._planned(course, position, do, step)
        except (UnfitParameters, expressions.ExpressionError) as unfit:
            broken = step or outcome.new_step(course.run, position, do, Doubt.REPEATABLE, None)
            told = planning.tell_cuts(do, course.scope(self._clock.now()))
            return await self._scribe.die(course, broken, f"{unfit}{told}")
        if planned is None:
            skipped = outcome.new_step(course.run, position, do, Doubt.REPEATABLE, None)
            ended = replace(skipped, status=StepStatus.SKIPPED, finished_at=self._clock.now())
            self._scribe.note(course, ended)
            return True
        if step is not None and step.doubted_at is not None:
            road = doubt.choose_road(step.doubt, course.reaction.on_doubt)
            if road is doubt.Road.HOLD:
                said = INTERRUPTED if step.status is StepStatus.RUNNING else step.error or UNKNOWN
                return await self._scribe.hold(course, step, said)
        return await self._caller.attempt(course, planned)

    async def _planned(self, course: Course, position: int, do: Do, step: Step | None) -> Planned | None:
        """The next call, with every state key that its templates ask for read from the journal."""
        now = self._clock.now()
        while True:
            seen: Scope = course.scope(now)
            try:
                return planning.plan(course, position, do, step, seen, self._services())
            except StateNeeded as needed:
                course.known[needed.key] = await self._journal.read(partial(state.value, key=needed.key))
