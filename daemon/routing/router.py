"""The router: reads new events in the journal's order and writes the runs they ask for, with "routed", in one
transaction.

Before it stand ``intake`` and whoever emits; behind it ``running``'s workers, to whom a run is handed in
memory when one is free (born claimed), and who otherwise find it as a row.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Protocol

import structlog

from daemon import metrics
from daemon.contract import own_events
from daemon.journal import events, runs, state, turn
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal
from daemon.journal.runs import Lease, NewRun
from daemon.model import ids
from daemon.model.events import Event, Fresh
from daemon.model.jsons import Json
from daemon.model.reactions import Reaction
from daemon.model.runs import Run, RunStatus
from daemon.model.scope import StateNeeded
from daemon.model.times import Clock
from daemon.routing import matching
from daemon.routing.handed import Found, Handed
from daemon.routing.matching import Rules, Wish

AT_ONCE = 16  # runs that are begun while they are being written
BATCH = 200  # events to one transaction
MOST_RUNS = 10_000  # after so many the transaction takes no further event
DEFINED_FOR = 10.0  # seconds; no run is kept for less
PASS_BY = 0.25  # seconds after a round in which events that nobody listens to may wait for more of them
MOST_WAITING = 4_000  # of those; with so many the next round does not wait
REST = 0.003  # seconds after a round: a round costs a commit, whether it carries one event or many

NOTHING_UNWRITTEN: Mapping[str, Reaction] = {}

log = structlog.get_logger()


class Crew(Protocol):
    """The workers, as the router knows them."""

    node: str

    def free(self) -> int:
        """How many more runs can be taken in hand."""
        ...

    def take(
        self,
        claimed: Sequence[Run],
        born_of: Mapping[str, Event],
        unwritten: Mapping[str, Reaction] = NOTHING_UNWRITTEN,
    ) -> None:
        """Begin *claimed* at once; their events are in *born_of*, by id. *unwritten* are the reactions, by digest, of
        runs that are only being written."""
        ...

    async def lease(self) -> Lease:
        """A lease that begins now."""
        ...


class Router:
    """Routes events to *rules*. ``rules`` may be replaced between rounds (a reload)."""

    def __init__(
        self, journal: Journal, clock: Clock, rules: Rules, crew: Crew, bell: Bell, workers: Bell
    ) -> None:
        self.rules = rules
        self._journal = journal
        self._clock = clock
        self._crew = crew
        self._bell = bell
        self._workers = workers
        self._seq: int | None = None  # where the cursor stands, as far as is known
        self._handed = Handed(rules)
        self._passing_until = 0.0
        self._defined = Defined()
        self._behind = True  # whether older work was due at the last look

    def hand_over(self, fresh: Sequence[Fresh]) -> None:
        """Events that were just recorded, in the journal's order; none where only so much is known that there are some.
        The router is woken, unless there is nothing among them that could not wait."""
        if self._handed.rules is not self.rules:
            self._handed = Handed(self.rules)
        if len(self._handed.numbers) <= MOST_WAITING:
            self._handed.add(fresh)
        if not fresh or not self._may_wait():
            self._bell.ring()

    def _may_wait(self) -> bool:
        """Whether what was handed over may wait: nobody listens to it, to pass it by costs a commit, and there may soon
        be more."""
        handed = self._handed
        few = not handed.wanted and 0 < len(handed.numbers) < MOST_WAITING
        return few and time.monotonic() < self._passing_until

    async def once(self) -> bool:
        """Route one batch; whether there may be another."""
        handed = self._take_handed()
        found = handed if handed is not None else await self._journal.write(self._pass, single=True)
        self._seq = None  # until it is known where the cursor stands behind this round
        if found.passed or not found.types:
            self._seq = found.last
        if not found.types:
            return False
        if found.passed:
            metrics.count_events(found.types)
        else:
            now = self._clock.now()
            made: list[NewRun] = []
            for event in found.events:
                made += await self._plan(event, now)
                if len(made) >= MOST_RUNS:
                    found = found.up_to(event.seq)
                    break
            await self._write(found, made, now)
        if len(found.types) < BATCH:
            await asyncio.sleep(REST)
        # Whoever records without handing over rings the bell.
        more = bool(self._handed.numbers) and not self._may_wait()
        return handed is None or self._seq is None or more

    def _take_handed(self) -> Found | None:
        """The batch that was handed over, where it begins right behind the cursor."""
        self._passing_until = time.monotonic() + PASS_BY
        if self._seq is None or self._handed.rules is not self.rules:
            self._handed = Handed(self.rules)  # read anew, and seen with the eyes of the rules of now
        return self._handed.take(self._seq or 0, BATCH if self._handed.wanted else MOST_WAITING)

    def _pass(self, connection: Connection) -> Found:
        """The next batch, passed by at once where no reaction listens to any of it; else only events that some
        reaction listens to are read whole. Under load this rides in a commit that is under way anyhow.
        """
        seq = events.cursor(connection)
        given = events.types_after(connection, seq, BATCH)
        numbers, types = [number for number, _ in given], [type for _, type in given]
        last = numbers[-1] if numbers else seq
        wanted = [number for number, type in given if self.rules.for_type(type)]
        if wanted:
            return Found(seq, last, numbers, types, events.numbered(connection, wanted))
        passed = bool(given) and events.move_cursor(connection, seq, last)
        return Found(seq, last, numbers, types, [], passed)

    async def _plan(self, event: Event, now: int) -> list[NewRun]:
        known: dict[str, Json] = {}
        while True:
            try:
                return [new_run(event, wish, now) for wish in matching.wishes(self.rules, event, now, known)]
            except StateNeeded as needed:
                known[needed.key] = await self._journal.read(partial(state.value, key=needed.key))

    async def _write(self, found: Found, made: list[NewRun], now: int) -> None:
        lease = await self._crew.lease() if made else None
        free, born_of = self._crew.free(), {event.id: event for event in found.events}
        defined = self._defined.lasting(time.monotonic())

        def write(connection: Connection) -> list[Run] | None:
            if not made:
                return [] if events.move_cursor(connection, found.seq, found.last) else None
            mine = turn.take(connection, found.seq, found.last, now)
            if not mine.moved:
                return None  # another node routed these
            hands = free if mine.oldest_due is None else 0
            born = [lease if n < hands else None for n in range(len(made))]
            new = runs.make(connection, made, now, born, defined)
            tell_dead(connection, new, found.events, now)
            return new

        writing = asyncio.ensure_future(self._journal.write(write, single=not made))
        begun = self._begin(made, born_of, now, lease) if lease is not None and len(made) <= free else set()
        new = await writing
        if new is not None:  # every event passes here once, whoever recorded it
            self._seq = found.last
            metrics.count_events(found.types)
        if new:
            self._defined.note({run.digest for run in new}, time.monotonic())
            self._behind = any(run.node is None and run.error is None for run in new)
            claimed = [run for run in new if run.node is not None and run.id not in begun]
            self._crew.take(claimed, born_of)
            if self._behind:
                self._workers.ring()
            _tell(new)

    def _begin(
        self, made: Sequence[NewRun], born_of: Mapping[str, Event], now: int, lease: Lease
    ) -> set[str]:
        """Begin the runs while they are being written, so that their first intents ride in the same commit; the ids of
        those that were begun.

        Whatever they write stands behind their making and under the fence that they are made with. Should they not be
        made, or not be born claimed (older work is due, another node was faster), it is refused, and they have not
        said a word to anybody.
        """
        if self._behind or len(made) > AT_ONCE:
            return set()
        claimed = [runs.born(new, now, lease) for new in made if new.error is None]
        self._crew.take(claimed, born_of, {new.reaction.digest: new.reaction for new in made})
        return {run.id for run in claimed}


class Defined:
    """Digests of reactions that runs were made of a moment ago: while those runs stand, so do the definitions."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def note(self, digests: Collection[str], now: float) -> None:
        """Runs with *digests* were committed before *now*."""
        self._seen |= dict.fromkeys(digests, now)

    def lasting(self, now: float) -> Collection[str]:
        """The digests whose definitions are there for certain."""
        self._seen = {digest: at for digest, at in self._seen.items() if now - at < DEFINED_FOR}
        return self._seen.keys()


def new_run(event: Event, wish: Wish, now: int, replay: int = 0) -> NewRun:
    """The run that *wish* of *event* is made into."""
    return NewRun(
        reaction=wish.reaction,
        event_id=event.id,
        trace=event.trace,
        depth=event.depth,
        item_key=wish.item_key,
        item=wish.item,
        replay=replay,
        error=wish.error,
        id=ids.uuid7(now),
    )


def tell_dead(connection: Connection, new: Sequence[Run], of: Sequence[Event], now: int) -> None:
    """Record ``pointsman.run.dead`` for runs that were dead as they were made, *of* these events."""
    types = {event.id: event.type for event in of}
    for run in new:
        lineage = own_events.descend_to_tell(run, types[run.event_id])
        if run.error is not None and lineage is not None:
            fact = own_events.about_run(run, RunStatus.DEAD, run.error)
            events.emit(connection, [fact], "pointsman", now, lineage)


def _tell(new: Sequence[Run]) -> None:
    for run in new:
        if run.error is not None:
            metrics.runs.labels(run.reaction, RunStatus.DEAD.value).inc()
            log.warning("run.died", run=run.id, reaction=run.reaction, trace=run.trace, error=run.error)
        else:
            log.debug("run.made", run=run.id, reaction=run.reaction, trace=run.trace)
