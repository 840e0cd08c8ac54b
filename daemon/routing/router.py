"""The router: reads new events in the journal's order and writes the runs they ask for, with "routed", in one
transaction.

Before it stand ``intake`` and whoever emits; behind it ``running``'s workers, to whom a run is handed in
memory when one is free (born claimed), and who otherwise find it as a row.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import structlog

from daemon import metrics
from daemon.contract import own_events
from daemon.journal import events, runs, state
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal
from daemon.journal.runs import Lease, NewRun
from daemon.model import ids
from daemon.model.events import Event
from daemon.model.jsons import Json
from daemon.model.reactions import Reaction
from daemon.model.runs import Run, RunStatus
from daemon.model.scope import StateNeeded
from daemon.model.times import Clock
from daemon.routing import matching
from daemon.routing.matching import Rules, Wish

AT_ONCE = 16  # runs that are begun while they are being written
BATCH = 200  # events to one transaction
MOST_RUNS = 10_000  # after so many the transaction takes no further event
DEFINED_FOR = 10.0  # seconds; no run is kept for less
PASS_BY = 0.25  # seconds after a round in which events that nobody listens to may wait for more of them
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
        self._handed: list[Event] = []
        self._passing_until = 0.0
        self._defined = Defined()
        self._behind = True  # whether older work was due at the last look

    def hand_over(self, fresh: Sequence[Event]) -> None:
        """Events that were just recorded, in the journal's order. It spares reading them, and is no more than that."""
        if len(self._handed) < 2 * BATCH:
            self._handed += fresh

    async def once(self) -> bool:
        """Route one batch; whether there was one."""
        found = self._take_handed()
        if found is not None and self._may_wait(found):
            return False
        if found is None:
            found = await self._journal.write(self._pass)
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
        return True

    def _take_handed(self) -> "Found | None":
        """The batch that was handed over, where it begins right behind the cursor."""
        handed, self._handed = self._handed, []
        if not handed or self._seq is None:
            return None
        behind = [event for event in handed if event.seq > self._seq]
        numbers = [event.seq for event in behind]
        if not behind or numbers != list(range(self._seq + 1, self._seq + 1 + len(behind))):
            return None  # somebody else recorded events between these: they are read, all of them
        wanted = [event for event in behind if self.rules.for_type(event.type)]
        types = [event.type for event in behind]
        return Found(self._seq, numbers[-1], types, wanted, passed=False, numbers=numbers, handed=behind)

    def _may_wait(self, found: "Found") -> bool:
        """Keep a batch in hand that nobody listens to: to pass it by costs a commit, and there may soon be more."""
        now = time.monotonic()
        if found.events or len(found.types) >= BATCH or now >= self._passing_until:
            self._passing_until = now + PASS_BY
            return False
        self._handed = [*found.handed, *self._handed]
        return True

    def _pass(self, connection: Connection) -> "Found":
        """The next batch, passed by at once where no reaction listens to any of it; else only events that some
        reaction listens to are read whole. Under load this rides in a commit that is under way anyhow.
        """
        seq = events.cursor(connection)
        given = events.types_after(connection, seq, BATCH)
        last, types = given[-1][0] if given else seq, [type for _, type in given]
        wanted = [number for number, type in given if self.rules.for_type(type)]
        if wanted:
            found, numbers = events.numbered(connection, wanted), [number for number, _ in given]
            return Found(seq, last, types, found, passed=False, numbers=numbers)
        return Found(seq, last, types, [], passed=bool(given) and events.move_cursor(connection, seq, last))

    async def _plan(self, event: Event, now: int) -> list[NewRun]:
        known: dict[str, Json] = {}
        while True:
            try:
                return [new_run(event, wish, now) for wish in matching.wishes(self.rules, event, now, known)]
            except StateNeeded as needed:
                known[needed.key] = await self._journal.read(partial(state.value, key=needed.key))

    async def _write(self, found: "Found", made: list[NewRun], now: int) -> None:
        lease = await self._crew.lease() if made else None
        free, born_of = self._crew.free(), {event.id: event for event in found.events}
        defined = self._defined.lasting(time.monotonic())

        def write(connection: Connection) -> list[Run] | None:
            if not events.move_cursor(connection, found.seq, found.last):
                return None  # another node routed these
            if not made:
                return []
            hands = free if runs.oldest_due(connection, now) is None else 0
            born = [lease if n < hands else None for n in range(len(made))]
            new = runs.make(connection, made, now, born, defined)
            tell_dead(connection, new, found.events, now)
            return new

        writing = asyncio.ensure_future(self._journal.write(write))
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


@dataclass(frozen=True, slots=True)
class Found:
    """A batch to route: where the cursor stood, the last number in it, the types of all, the events that matter.
    *passed*: none of them does, and the cursor stands behind them. *handed* are all of them, where they were handed
    over."""

    seq: int
    last: int
    types: Sequence[str]
    events: Sequence[Event]
    passed: bool
    numbers: Sequence[int] = ()
    handed: Sequence[Event] = ()

    def up_to(self, seq: int) -> "Found":
        """The part of the batch that ends with the event numbered *seq*."""
        count = sum(number <= seq for number in self.numbers)
        kept = [event for event in self.events if event.seq <= seq]
        return replace(self, last=seq, types=self.types[:count], events=kept, numbers=self.numbers[:count])


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
