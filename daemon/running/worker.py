"""The workers: claim due runs under a lease and take each through its course.

``routing`` hands runs over that were born claimed; everything else is found in the journal: retries whose
time has come, runs that waited, leases that ran out.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from daemon.journal import begun, runs
from daemon.journal.bell import AFTER_TROUBLE, Bell
from daemon.journal.database import Connection, Journal, JournalUnavailable, LostLease
from daemon.journal.runs import Lease
from daemon.model import times
from daemon.model.events import Event
from daemon.model.reactions import Reaction
from daemon.model.runs import Run, Step
from daemon.model.times import SECOND, Clock
from daemon.running.course import Courses

HANDS = 256  # runs in hand at once; most of them wait for a place at their account
RENEWALS = 3  # in one lease
NO_EVENTS: Mapping[str, Event] = {}
NO_STEPS: Mapping[str, Sequence[Step]] = {}
NO_REACTIONS: Mapping[str, Reaction] = {}

log = structlog.get_logger()


class Worker:
    """This node's hands. *lease* is how long a claim holds, in microseconds of real time."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        courses: Courses,
        bell: Bell,
        router: Bell,
        node: str,
        lease: int,
    ) -> None:
        self.node = node
        self._journal = journal
        self._clock = clock
        self._courses = courses
        self._bell = bell
        self._router = router
        self._lease = lease
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self.next_at: int | None = None  # when the next run falls due, as far as is known
        self._renewed_at = 0.0
        self._held_until: dict[str, int] = {}  # by the steady clock, which leases are measured with here
        self._fences: dict[
            str, int
        ] = {}  # under which each run is in hand; it may be so twice, once too late
        self._ahead = 0  # microseconds from the steady clock to the one that leases are judged by

    # The router's side

    def free(self) -> int:
        """How many more runs can be taken in hand."""
        return 0 if self._stopping else HANDS - len(self._in_hand)

    async def lease(self) -> Lease:
        """A lease that begins now, by the database's clock."""
        return Lease(self.node, await self._lease_now() + self._lease)

    def take(
        self,
        claimed: Sequence[Run],
        born_of: Mapping[str, Event] = NO_EVENTS,
        unwritten: Mapping[str, Reaction] = NO_REACTIONS,
        begun: Mapping[str, Sequence[Step]] = NO_STEPS,
    ) -> None:
        """Begin *claimed* at once; *born_of* holds their events, by id, as far as they are known, *begun* the steps, by
        run, of those that were not made just now; *unwritten* the reactions, by digest, of those that are only being
        made: their first commit stands behind that."""
        for reaction in unwritten.values():
            self._courses.know(reaction)
        for run in claimed:
            self._held_until[run.id] = (run.lease_until or 0) - self._ahead
            self._fences[run.id] = run.fence
            tell = log.debug if unwritten else log.warning
            work = self._work(run, born_of.get(run.event_id), begun.get(run.id, ()), tell)
            self._in_hand[run.id] = asyncio.create_task(work, name=f"run {run.id}")

    # The loop

    async def once(self) -> bool:
        """Claim what is due, as much as there are hands for; whether there was any."""
        hands = self.free()
        if hands <= 0:
            return False
        now = self._clock.now()
        lease_now = await self._lease_now()
        self.next_at, is_due = await self._journal.read(lambda connection: _look(connection, now, lease_now))
        if not is_due:
            return False
        lease = Lease(self.node, lease_now + self._lease)
        held = list(self._in_hand)  # a lease that ran out while the machine slept is renewed, not taken
        claimed = await self._journal.write(
            lambda connection: runs.claim(connection, now, lease, lease_now, hands, held)
        )
        await self._take_up(claimed)
        return bool(claimed)

    async def _take_up(self, claimed: Sequence[Run]) -> None:
        """Begin *claimed* with what is read for all of them at once; where it cannot be read, each asks for itself."""
        events: Mapping[str, Event] = NO_EVENTS
        steps: Mapping[str, Sequence[Step]] = NO_STEPS
        try:
            if claimed:
                events, steps = await self._journal.read(partial(begun.of_runs, runs=claimed))
        except JournalUnavailable:
            log.debug("runs.not_read", runs=len(claimed))
        finally:  # whatever happens, they are in hand
            self.take(claimed, events, begun=steps)

    async def _work(
        self, run: Run, event: Event | None, begun: Sequence[Step], tell: Callable[..., object]
    ) -> None:
        look = True
        try:
            look = not await self._courses.take(run, event, partial(self._holds, run), begun)
        except LostLease:
            tell("lease.lost", run=run.id, trace=run.trace)
        except JournalUnavailable as broken:
            # The lease runs out and the run is found again; a step that was begun is in doubt then.
            log.error("run.interrupted", run=run.id, trace=run.trace, error=str(broken))
        except Exception:
            log.exception("run.broke", run=run.id, trace=run.trace)
        finally:
            was_full = self.free() <= 0
            # It may have been begun too early and claimed since: then another task has it in hand.
            if self._in_hand.get(run.id) is asyncio.current_task():
                del self._in_hand[run.id]
                self._held_until.pop(run.id, None)
                self._fences.pop(run.id, None)
            # A run that is done leaves nothing to be looked for, unless there were no hands for what is due.
            if look or was_full:
                self._bell.ring()
            self._router.ring()

    async def renew(self) -> bool:
        """Hold the leases of what is in hand, when a third of a lease has passed since the last time."""
        now = asyncio.get_running_loop().time()
        if now < self._renewed_at + self._lease / SECOND / RENEWALS or not self._in_hand:
            return False
        self._renewed_at = now
        await self._hold_on(list(self._in_hand))
        return False

    async def _hold_on(self, held: list[str]) -> set[str]:
        """Renew the leases of *held*; the ids of those that were still ours."""
        until = await self._lease_now() + self._lease
        kept = await self._journal.write(partial(runs.renew, node=self.node, held=held, until=until))
        self._held_until.update(dict.fromkeys(kept, until - self._ahead))
        return kept

    async def _holds(self, run: Run) -> bool:
        """Whether *run* is this node's still, under the very lease that it was taken under. Where that has run out,
        because this process was stopped or the journal could not be written, only the journal can tell.
        """
        while times.steady() >= self._held_until.get(run.id, 0):
            try:
                return run.id in await self._hold_on([run.id]) and self._is_present(run)
            except JournalUnavailable:
                await asyncio.sleep(AFTER_TROUBLE)
        return self._is_present(run)

    def _is_present(self, run: Run) -> bool:
        """Whether this node has not lost *run* and claimed it anew meanwhile."""
        return self._fences.get(run.id) == run.fence

    async def _lease_now(self) -> int:
        """The instant by which leases are judged. What is measured from it here errs on the early side."""
        steady = times.steady()
        now = await self._journal.lease_now()
        self._ahead = now - steady
        return now

    async def drain(self, seconds: float) -> int:
        """Begin nothing more, wait *seconds* for what is in hand, cut the rest short; how many were cut."""
        self._stopping = True
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=seconds)
        cut = list(self._in_hand.values())
        for task in cut:
            task.cancel()
        handed_back = list(self._in_hand)
        await asyncio.gather(*cut, return_exceptions=True)
        if handed_back:
            back = partial(runs.hand_back, node=self.node, held=handed_back, now=self._clock.now())
            await self._journal.write(back)
        return len(cut)


def _look(connection: Connection, now: int, lease_now: int) -> tuple[int | None, bool]:
    """When the next run falls due, and whether there is anything to claim now."""
    first = runs.next_due(connection)
    return first, (first is not None and first <= now) or runs.has_expired(connection, lease_now)
