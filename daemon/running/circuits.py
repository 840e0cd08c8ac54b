"""The accounts' circuits as this node knows them: asked before each call, told how it ended, moved in the journal.

``calling`` asks for the calls of steps, ``intake`` (as a :class:`~daemon.contract.circuit.Gate`) for polls, and
``parking`` for its probes. What a circuit does is decided in ``contract.circuit`` (pure); its row is shared by all
nodes, and what is known of it here is half a second old at most. A call that goes well at an account that is well
writes nothing.
"""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType

import structlog

from daemon.contract import circuit, errors, limits, own_events
from daemon.contract.circuit import Circuit, Reason, Shut
from daemon.contract.configured import Account as Configured
from daemon.contract.services import Services
from daemon.journal import accounts, events
from daemon.journal.accounts import Account, Change
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.model import records
from daemon.model.times import Clock

UNKNOWN = Circuit()
SOURCE = "pointsman"  # of the events that tell of circuits

log = structlog.get_logger()


@records.record
class Ticket:
    """A call that may be made. *fence* is the circuit's as it began; *outage* names the one (by its beginning) that the
    call, as half of a probe, may end. Only one that *decides* counts where it goes well.
    """

    account: str
    fence: int
    outage: int | None = None
    decides: bool = True

    def for_reading(self) -> "Ticket":
        """The same for a question beside the call itself: that a service answers those does not make it well."""
        return replace(self, decides=False)


@dataclass(frozen=True, slots=True)
class Bells:
    """Who is woken: the parking loop (a circuit moved), the router (an event), the workers (a run goes on)."""

    parking: Bell = field(default_factory=Bell)
    router: Bell = field(default_factory=Bell)
    workers: Bell = field(default_factory=Bell)


class Counted(limits.Heard):
    """Around the call of *ticket*. A class, not a generator: every poll enters one, and this is a third of the work."""

    __slots__ = ("_circuits", "_ticket")

    def __init__(self, circuits: "Circuits", ticket: Ticket) -> None:
        self.requests = 0
        self._circuits = circuits
        self._ticket = ticket

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, _kind: type[BaseException] | None, failed: BaseException | None, _where: TracebackType | None
    ) -> None:
        self.__exit__()
        if failed is None:
            await self._circuits.went_well(self._ticket, self.requests)
        elif isinstance(failed, Exception):
            await self._circuits.went_wrong(self._ticket, failed)


class Circuits:
    """Every account's circuit. *services* gives the present accounts (a reload replaces them)."""

    def __init__(
        self, journal: Journal, clock: Clock, services: Callable[[], Services], bells: Bells
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._services = services
        self._bells = bells
        self._known: dict[str, Circuit] = {}
        self._worked: dict[str, int] = {}

    async def configure(self, changed: Collection[str] | None = None) -> None:
        """Keep a row for each of the present accounts. Those that have *changed* are asked at once if they are down;
        at the start, where nobody knows what has, those whose credentials were refused.
        """
        services, now = self._services(), self._clock.now()
        for name, lane in services.lanes.items():
            lane.refuse = partial(self._refuse_held, name)
        await self._journal.write(partial(accounts.configure, names=services.accounts.keys()))
        rows = await self.refresh()
        if changed is None:
            changed = [name for name, row in rows.items() if row.circuit.reason is Reason.UNAUTHORIZED]
        for name in changed:
            await self._move(name, lambda one: circuit.look_anew(one, now))

    # Calls

    def known(self, account: str) -> Circuit:
        """The circuit of *account* as it was a moment ago."""
        return self._known.get(account, UNKNOWN)

    async def enter(self, account: str, run: str | None = None) -> Ticket:
        """Let a call of *account* begin, by a step of *run* or by a poll; :class:`Shut` where none may be made."""
        now, found = self._clock.now(), self.known(account)
        if not circuit.admits(found, now, run):
            found = await self._reread(account)  # the run may be the very trial that was given a moment ago
            if not circuit.admits(found, now, run):
                raise Shut(account, found, now)
        return Ticket(account, found.fence, found.since if found.is_down else None)

    def check(self, account: str) -> None:
        """:class:`Shut` where *account* was down, or held, a moment ago, and no poll may ask whether it is back."""
        self._admit(account)

    def _admit(self, account: str) -> Ticket:
        now, found = self._clock.now(), self._known.get(account, UNKNOWN)
        if not circuit.admits(found, now, None):
            raise Shut(account, found, now)
        return Ticket(account, found.fence, found.since if found.is_down else None)

    def counted(self, ticket: Ticket) -> "Counted":
        """Around the call of *ticket*: how it ends is the account's, too. One that asked nothing says nothing."""
        return Counted(self, ticket)

    def call(self, account: str) -> "Counted":
        """One poll of *account*, counted by how it ends; :class:`Shut` where it may not be made."""
        return Counted(self, self._admit(account))

    async def went_well(self, ticket: Ticket, requests: int) -> None:
        """The call of *ticket* has ended well, after so many *requests*."""
        if requests or ticket.account not in self._services().lanes:
            self._worked[ticket.account] = self._clock.now()
            await self._answered(ticket)

    async def went_wrong(self, ticket: Ticket, failed: Exception) -> None:
        """The call of *ticket* has ended with *failed*."""
        if isinstance(failed, Shut):
            return  # it was not sent
        if isinstance(failed, errors.TemporaryError):
            await (self._nothing(ticket) if failed.elsewhere else self.count(ticket, failed))
        elif isinstance(failed, errors.PermanentError):
            # With a status the service answered, and knows what it does; without one this was not about it at all.
            await (self._nothing(ticket) if failed.status is None else self._answered(ticket))
        elif isinstance(failed, errors.Unclear):
            await self._answered(ticket)
        else:
            await self._nothing(ticket)

    def is_excused(self, ticket: Ticket, failed: errors.TemporaryError) -> bool:
        """Whether the call of *ticket*, which *failed* as told, costs its run nothing: the account does not answer."""
        if isinstance(failed, Shut):
            return True
        if failed.elsewhere:
            return False
        excused = circuit.is_excused(circuit.failure_of(failed), trial=ticket.outage is not None)
        return excused and self.known(ticket.account).is_down

    def _refuse_held(self, account: str) -> None:
        """Let no request out while *account* is held, not even in the middle of a step."""
        now, found = self._clock.now(), self.known(account)
        if circuit.is_held(found, now):
            raise Shut(account, found, now)

    async def leave(self, run: str) -> None:
        """The *run* is out of hand. Where it was to try an account and did not come to it, another one is to try."""
        now = self._clock.now()
        for name, found in list(self._known.items()):
            if found.trial == run:
                await self._move(name, partial(circuit.after_nothing, fence=found.fence, now=now))

    async def _answered(self, ticket: Ticket) -> None:
        found = self.known(ticket.account)
        if ticket.decides and (found.failures or found.is_down):
            await self._move(
                ticket.account, lambda one: circuit.after_answer(one, ticket.fence, ticket.outage)
            )

    async def count(self, ticket: Ticket, failed: errors.TemporaryError) -> None:
        """The call of *ticket* has *failed*."""
        failed.text = self._services().blanker.text(failed.text)  # it may quote what was sent
        given = circuit.failure_of(failed)
        now, chance = self._clock.now(), random.random()  # noqa: S311 - jitter
        await self._move(
            ticket.account, lambda one: circuit.after_failure(one, ticket.fence, given, now, chance)
        )

    async def _nothing(self, ticket: Ticket) -> None:
        if ticket.outage is not None:
            now = self._clock.now()
            await self._move(ticket.account, lambda one: circuit.after_nothing(one, ticket.fence, now))

    # Probes

    async def begin_probe(self, account: str) -> Ticket | None:
        """Take the probe of *account* that is due; None where another node was faster."""
        now = self._clock.now()
        change = await self._move(account, lambda one: circuit.begin_probe(one, now))
        return (
            Ticket(account, change.after.fence, change.after.since) if change.after != change.before else None
        )

    async def prove(self, ticket: Ticket) -> None:
        """The account has answered the probe of *ticket*: the next parked run tries it, or it is back at once."""
        now = self._clock.now()

        def write(connection: Connection) -> Change:
            if (before := accounts.get(connection, ticket.account)).fence != ticket.fence:
                return Change(before, before)
            run = accounts.release_next(connection, ticket.account, before.tried, now)
            if run is None:
                return _change(
                    connection, ticket.account, partial(circuit.after_answer, fence=ticket.fence), now
                )
            given = partial(circuit.give_trial, fence=ticket.fence, run=run, now=now)
            return _change(connection, ticket.account, given, now)

        self._worked[ticket.account] = now
        self._learn(ticket.account, await self._journal.write(write))
        self._bells.workers.ring()

    # What is known

    async def refresh(self) -> Mapping[str, Account]:
        """Read every account's row."""
        rows = await self._journal.read(accounts.listed)
        # What was read may be older than the first row of an account that is just being written.
        for name in self._known.keys() - rows.keys() - self._services().accounts.keys():
            del self._known[name]
        for name, row in rows.items():
            if row.circuit.fence >= self.known(name).fence:  # else this was read before the last change here
                self._known[name] = row.circuit
        return rows

    def take_worked(self) -> dict[str, int]:
        """When accounts worked last, of those that have since this was asked before."""
        worked, self._worked = self._worked, {}
        return worked

    async def _reread(self, account: str) -> Circuit:
        try:
            self._known[account] = await self._journal.read(partial(accounts.get, name=account))
        except JournalUnavailable:
            log.debug("circuit.not_read", account=account)
        return self.known(account)

    async def _move(self, account: str, decide: Callable[[Circuit], Circuit]) -> Change:
        """Move a circuit in the journal, telling of it. One that cannot be written now stays as it is: whoever comes
        back from a call must be able to write down what came of that.
        """
        now = self._clock.now()
        try:
            change = await self._journal.write(partial(_change, account=account, decide=decide, now=now))
        except JournalUnavailable:
            log.debug("circuit.not_moved", account=account)
            return Change(self.known(account), self.known(account))
        self._learn(account, change)
        return change

    def _learn(self, account: str, change: Change) -> None:
        self._known[account] = after = change.after
        if change.went_down:
            log.warning(
                "account.went_down",
                account=account,
                reason=after.reason,
                error=after.error,
                parked=change.parked,
            )
        elif change.came_up:
            log.info("account.came_up", account=account, parked=change.parked)
        if change.went_down or change.came_up:
            self._bells.router.ring()
        if after != change.before:
            self._bells.parking.ring()


def _change(connection: Connection, account: str, decide: Callable[[Circuit], Circuit], now: int) -> Change:
    """Move the circuit of *account*; an event tells of it going down or coming up, in the same transaction."""
    change = accounts.change(connection, account, decide)
    if change.went_down:
        fact = own_events.about_account(account, own_events.ServiceDown, change.after, change.parked)
        events.emit(connection, [fact], SOURCE, now)
    elif change.came_up:
        fact = own_events.about_account(account, own_events.ServiceUp, change.before, change.parked)
        events.emit(connection, [fact], SOURCE, now)
        accounts.hurry(connection, account, now)
    return change


def changed(before: Mapping[str, Configured], after: Mapping[str, Configured]) -> list[str]:
    """The accounts that have another address or other credentials than before."""
    return [name for name, one in after.items() if name in before and one.settings != before[name].settings]
