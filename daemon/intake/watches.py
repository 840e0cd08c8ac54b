"""The watcher: asks the journal which rows are due, polls them, and writes what was found.

Due times are rows, so a hundred thousand watched resources are one query and no timers. Before it stand the
config's watches, followed work (``running``) and callbacks that want to be read back (``admission``);
behind it the router.
"""

import asyncio
import contextlib
import functools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from pydantic import ValidationError

from daemon import metrics
from daemon.contract import errors, secrets
from daemon.contract.circuit import Gate, Shut, Ungated
from daemon.contract.declare import Cursor, Options, Seen, Watch
from daemon.contract.services import Services
from daemon.intake import due, failing, findings, reading_back, telling
from daemon.intake.claims import Alone, Claims, Leased
from daemon.intake.crew import Crew
from daemon.intake.findings import Look, Stale, Told
from daemon.intake.rounds import Rounds
from daemon.journal import hints, rounds, watches
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal, JournalUnavailable, LostLease
from daemon.journal.rounds import Known, Rest
from daemon.journal.watches import Polled
from daemon.model.jsons import JsonObject
from daemon.model.times import MILLISECOND, MINUTE, SECOND, Clock

AT_ONCE = 256  # polls under way; how many speak to a service at once is that account's own limit
TAKEN = 2_048  # rows that are this node's: waiting for their turn, polled, about to be written
ROOM = (
    TAKEN // 4
)  # for fewer none are taken: to find them beside those that are taken costs as much as to find many
MANY = 32  # rows taken at once, after which the next are let come together for a while
REST = 960 * MILLISECOND  # what is done for a thousand rows at once costs half a row what it costs for ten
REST_PART = 60  # of the shortest interval among them: it is lost in their jitter
REST_ASKED = 120 * MILLISECOND  # where a callback waits for its look, or rows have no interval of their own
LONGEST_POLL = 5 * MINUTE
LEASE = 30 * SECOND
AFTER_LOST = 5.0  # seconds before a row is let go of whose outcome could not be written
LOOK_AGAIN = 200 * MILLISECOND  # after a look that somebody else's was faster than
UNGATED = Ungated()
NOBODY: frozenset[str] = frozenset()

Piece = tuple[Polled, Known]  # a row, and what is remembered of what its round's rows name

log = structlog.get_logger()

_counter = functools.cache(metrics.polls.labels)  # finding it costs more than counting


@dataclass(frozen=True, slots=True)
class Bells:
    """Whom a poll may wake: this loop, the router (new events), the workers (runs that waited)."""

    watches: Bell
    router: Bell
    workers: Bell


class Watcher:
    """This node's polling. *services* gives the present accounts; *lease* is how long a claimed row is held
    without being renewed (microseconds of real time). Every poll passes *gate*: an account that is down is not asked.
    *alone* says that no other process polls rows of this journal.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        services: Callable[[], Services],
        bells: Bells,
        node: str,
        lease: int = LEASE,
        gate: Gate = UNGATED,
        *,
        alone: bool = False,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._services = services
        self._bells = bells
        self._gate = gate
        self._claims: Claims = Alone(journal) if alone else Leased(journal, node, lease)
        self._polling: set[str] = set()  # the names of rows, until what became of their polls is written
        self._crew = Crew(self._poll, self._cut, LONGEST_POLL, AT_ONCE)
        self._rounds = Rounds(journal, self._rested)
        self._asked: dict[str, tuple[JsonObject, Options]] = {}  # the last options of each resource
        self._sweep = reading_back.Sweep(journal)
        self._took_at = self._resting_until = 0
        self.next_at: int | None = None  # when the next row falls due, as far as is known

    async def once(self) -> bool:
        """Take the rows that are due, as many as may be taken, for their polls; whether there were any."""
        now = self._clock.now()
        if 0 < self._resting_until - now <= REST:  # a longer rest would be a clock that was set back
            self.next_at = self._resting_until
            return False
        self.next_at = None  # what is due already waits for a poll to end, which rings the bell
        services = self._services()
        kinds = {name: account.kind for name, account in services.accounts.items()}
        await self._sweep.once(now, services.catalog, kinds)
        room = TAKEN - len(self._polling)
        taken = await self._claims.take(now, self._polling, room if room >= ROOM else 0)
        self.next_at = taken.next_at
        self._took_at, self._resting_until = now, now + _rest(taken.rows) if len(taken.rows) >= MANY else 0
        if taken.rows:  # the first is the oldest
            metrics.poll_lag.set((now - (taken.rows[0].due_at or now)) / SECOND)
            self._polling.update(row.name for row in taken.rows)
            self._crew.add((row, taken.known) for row in taken.rows)
        return bool(taken.rows)

    def hurry(self) -> None:
        """A callback wants to be read back: the rest after many rows is a short one."""
        self._resting_until = min(self._resting_until, self._took_at + REST_ASKED)
        self._bells.watches.ring()

    def _rested(self, rested: Sequence[Rest]) -> None:
        """Quiet polls have been written."""
        self._polling.difference_update(one.row.name for one in rested)
        quiet = Counter((one.row.account, one.row.resource) for one in rested)
        for (account, resource), count in quiet.items():
            _counter(account, resource, "ok").inc(count)
        self._bells.watches.ring()

    def _ended(self, row: Polled, outcome: str) -> None:
        """A poll has come to its end by itself."""
        structlog.contextvars.unbind_contextvars("trace")  # its task goes on with another poll
        self._polling.discard(row.name)
        _counter(row.account, row.resource, outcome).inc()
        self._bells.watches.ring()

    async def drain(self) -> None:
        """Cut polls short, and give their rows back: a poll changes nothing until it is written whole."""
        cut = list(self._polling)
        await self._crew.stop()
        with contextlib.suppress(JournalUnavailable):
            await self._rounds.finish()
            if cut:
                await self._claims.hand_back(cut)
        self._polling.clear()

    # One poll

    async def _poll(self, piece: Piece) -> None:
        row, known = piece
        try:
            rest = await self._look(row, known)
        except Exception as failed:
            await self._miss(row, failed)
            return
        if rest is not None:
            self._rounds.settle(rest)  # which tells us when that is written
        else:
            self._ended(row, "ok")

    async def _cut(self, piece: Piece) -> None:
        row, _ = piece
        await self._miss(row, TimeoutError())

    async def _miss(self, row: Polled, failed: Exception) -> None:
        """End a poll that did not come to its end, told of and written."""
        outcome = "lost"
        try:
            with _told_if_lost(row):
                await self._bind_trace(row)
                outcome = await self._missed(row, failed)
            if outcome == "lost":
                await asyncio.sleep(AFTER_LOST)
        finally:
            self._ended(row, outcome)

    async def _bind_trace(self, row: Polled) -> None:
        """Let the lines about followed work carry the trace of the run that began it."""
        if row.role == "follow":
            with contextlib.suppress(errors.ServiceError):
                noun = self._services().watch(row.account, row.resource).noun
                _bind(await self._journal.read(partial(reading_back.trace, row=row, noun=noun, asked=())))

    async def _missed(self, row: Polled, failed: Exception) -> str:
        """Write that a poll did not come to its end; the word for it."""
        if isinstance(failed, LostLease | JournalUnavailable):
            raise failed
        if isinstance(failed, Stale):
            again = self._clock.now() + LOOK_AGAIN
            await self._journal.write(partial(watches.settle, one=row, due_at=again))
            return "stale"
        expected = isinstance(failed, errors.ServiceError | TimeoutError | ValidationError)
        if not expected:
            log.error("poll.broke", watch=row.name, exc_info=failed)
        await self._failed(row, failed)
        return "error" if expected else "broke"

    async def _look(self, row: Polled, known: Known) -> Rest | None:
        """Poll *row* and write what was found; where that is nothing new, what remains to be written."""
        services = self._services()
        watch = services.watch(row.account, row.resource)
        options = self._options_of(watch, row)
        wanted = row.wanted if row.wanted is not None else watch.wanted(options)
        asked: Sequence[hints.Hint] = ()
        if rounds.is_named(row):
            before = rounds.known_of(row, known)
        else:
            self._gate.check(row.account)
            before, asked = await self._remembered(row, watch, wanted, watch.scope(options))
            if reading_back.has_nothing_to_do(row, before, asked):
                await self._journal.write(partial(reading_back.end, row=row, now=self._clock.now()))
                return None
        now = self._clock.now()
        cursor = Cursor(
            memory={id: one.memory for id, one in before.items() if one.memory is not None},
            wanted=wanted,
            announce=row.announce or row.polled_at is not None,
            now=now,
            callbacks=reading_back.count(before, asked),
            hinted=frozenset([hint.remote_id for hint in asked]) if asked else NOBODY,
            claims=reading_back.claims(asked),
        )
        async with self._gate.call(row.account):
            with secrets.blanked_reading(services.blanker):
                seen = await watch.poll(services.client(row.account), options, cursor)
        look = Look(row, services.accounts[row.account].kind, watch, before, asked, now)
        now = self._clock.now()
        if findings.is_quiet(look, seen, now):
            return Rest(row, now, due.after_success(row, now, random.random()))  # noqa: S311 - jitter
        await self._write(look, seen, services)
        return None

    def _options_of(self, watch: Watch, row: Polled) -> Options:
        """The options of *row*: most rows of a round have the same."""
        known = self._asked.get(watch.resource)
        if known is None or known[0] != row.options or type(known[1]) is not watch.options:
            known = self._asked[watch.resource] = (row.options, watch.options.model_validate(row.options))
        return known[1]

    async def _remembered(
        self, row: Polled, watch: Watch, wanted: Sequence[str] | None, scope: str
    ) -> tuple[dict[str, watches.Memory], list[hints.Hint]]:
        """What is remembered of what *row* is about, and the callbacks that asked for the look."""
        before, asked, trace = await self._journal.read(
            lambda connection: (
                reading_back.recall(connection, row, wanted, scope),
                asked := hints.waiting(connection, row.name) if row.role == "hint" else [],
                reading_back.trace(connection, row, watch.noun, asked),
            )
        )
        _bind(trace)
        return before, asked

    async def _write(self, look: Look, seen: Sequence[Seen], services: Services) -> None:
        now, chance = self._clock.now(), random.random()  # noqa: S311 - jitter
        row = look.row

        def write(connection: Connection) -> Told:
            told = findings.record(connection, look, seen, services, now)
            _settle(connection, look, seen, told, services, now, chance)
            return told

        told = await self._journal.write(write)
        if told.events or told.refuted or told.failure or row.failing_told:
            self._bells.router.ring()
        if told.woken:
            self._bells.workers.ring()
        telling.tell(row, told)

    async def _failed(self, row: Polled, failed: Exception) -> None:
        now, chance = self._clock.now(), random.random()  # noqa: S311 - jitter
        failure = failing.judge(row, self._services().blanker.text(describe(failed)), now)
        next_at = due.after_failure(row, failure.count, now, chance, getattr(failed, "retry_after", None))
        await self._journal.write(
            lambda connection: failing.record(connection, row, failure, now, next_at, row.polled_at)
        )
        # That an account is down was told once, for all that is watched there.
        failing.tell(row, failure, quietly=isinstance(failed, Shut))
        if failure.tells:
            self._bells.router.ring()


def _rest(rows: Sequence[Polled]) -> int:
    """How long the next rows are let come together after these."""
    return min(REST, max(REST_ASKED, min(row.every or 0 for row in rows) // REST_PART))


@contextlib.contextmanager
def _told_if_lost(row: Polled) -> Iterator[None]:
    try:
        yield
    except (LostLease, JournalUnavailable) as lost:
        log.warning("poll.lost", watch=row.name, error=str(lost))


def _bind(trace: str | None) -> None:
    """Put *trace* on every later line of this task, until its poll has ended."""
    if trace is not None:
        structlog.contextvars.bind_contextvars(trace=trace)


def describe(failed: Exception) -> str:
    """*failed* in one line."""
    if isinstance(failed, errors.ServiceError):
        return failed.text
    if isinstance(failed, TimeoutError):
        return "the poll took too long"
    return f"{type(failed).__name__}: {' '.join(str(failed).split())}"


def _settle(
    connection: Connection,
    look: Look,
    seen: Sequence[Seen],
    told: Told,
    services: Services,
    now: int,
    chance: float,
) -> None:
    """The row's own next time; a row that has done its duty goes."""
    row = look.row
    if row.role == "follow" and any(one.final or one.gone for one in seen):
        watches.drop(connection, row)
        return
    if row.role == "hint":
        reading_back.settle(connection, look, services.catalog, now, chance)
        return
    next_at = due.after_success(row, now, chance)
    if told.failure is not None:  # the rest was read, and goes on being read as often
        failing.record(connection, row, told.failure, now, next_at, now)
        return
    if row.failing_told:
        failing.recover(connection, row, now)
    watches.settle(
        connection,
        row,
        due_at=next_at,
        failures=0,
        failing_since=None,
        failing_told=False,
        error=told.missing,
        polled_at=now,
    )
