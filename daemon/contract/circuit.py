"""An account's circuit: whether it may be called, when it is asked again, and when it counts as back. Pure.

A circuit is *closed* while calls go well, *open* after too many temporary failures in a row or the vendor's own sign,
and *half-open* while one probe finds out whether the account is back. An account can also be *held*: the service asked
to be left alone for a while.

``journal.accounts`` keeps one row an account, ``running.circuits`` asks and moves it for the calls of steps and polls,
``running.parking`` makes the probes. Instants and durations are microseconds; time and chance are passed in.
"""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from daemon.contract import errors
from daemon.model import times

FAILURES = 5  # in a row, after which an account counts as down
FIRST_PAUSE = 2 * times.SECOND  # before the first probe; each further one doubles it
LONGEST_PAUSE = 2 * times.MINUTE
LONGEST_REFUSED = 10 * times.MINUTE  # the same for refused credentials: those who insist get locked out
LONG_HOLD = 1 * times.MINUTE  # a service that asks to be left alone for so long is down: people must know
PROBE_LASTS = 1 * times.MINUTE  # then whoever made the probe is taken for dead
OUTAGE_STATUSES = frozenset({408, 425, 429, 502, 503, 504})  # of the whole service, not of one request
_DOUBLINGS = 16


class State(StrEnum):
    """Where a circuit stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Reason(StrEnum):
    """Why an account is down."""

    UNAVAILABLE = "unavailable"
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, slots=True)
class Circuit:
    """One account's circuit.

    *fence* grows with every change that makes the calls under way old news: their outcome no longer counts. *since*
    is the first of the *failures* in a row. *pauses* counts the probes that failed. *probe_at* is when the next probe
    is due, or while half-open when the present one is given up. *trial* is the run whose call is the second half of
    the present probe, once the account has answered; *tried* the last run that was. *held_until* is when the service
    may be called again that asked for a pause of *held_for*.
    """

    state: State = State.CLOSED
    fence: int = 0
    failures: int = 0
    reason: Reason | None = None
    error: str | None = None
    since: int | None = None
    pauses: int = 0
    probe_at: int | None = None
    held_until: int | None = None
    held_for: int = 0
    trial: str | None = None
    tried: str | None = None

    @property
    def is_down(self) -> bool:
        """Whether the account counts as down: told by ``pointsman.service.down``, not yet by ``.up``."""
        return self.state is not State.CLOSED


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed and may go better later. *retry_after* is the pause that the service asked for."""

    text: str
    status: int | None = None
    unauthorized: bool = False
    retry_after: int | None = None


def failure_of(failed: errors.TemporaryError) -> Failure:
    """What *failed* says about its account."""
    return Failure(failed.text, failed.status, failed.unauthorized, failed.retry_after)


# May it be called?


def is_held(circuit: Circuit, now: int) -> bool:
    """Whether the service still wants to be left alone. A clock that was set back does not make that longer."""
    return circuit.held_until is not None and 0 < circuit.held_until - now <= circuit.held_for


def admits(circuit: Circuit, now: int, run: str | None) -> bool:
    """Whether the account may be called now, by a step of *run* or, where that is None, by a poll.

    While half-open only the trial run may, and polls: they change nothing there.
    """
    if is_held(circuit, now):
        return False
    if circuit.state is State.HALF_OPEN:
        return circuit.trial is not None and run in (None, circuit.trial)
    return circuit.state is State.CLOSED


def next_at(circuit: Circuit, now: int) -> int | None:
    """When something is to be done about the account: a hold that ends, a probe. None where nothing is."""
    held = circuit.held_until if is_held(circuit, now) else None
    if circuit.state is State.CLOSED:
        return held
    at = circuit.probe_at if circuit.probe_at is not None else now
    return max(at, held) if held is not None else at


def is_probe_due(circuit: Circuit, now: int) -> bool:
    """Whether the account is down and to be asked now."""
    if circuit.state is State.CLOSED or is_held(circuit, now):
        return False
    longest = PROBE_LASTS if circuit.state is State.HALF_OPEN else LONGEST_REFUSED
    at = circuit.probe_at
    return at is None or now >= at or at - now > longest  # so far off only after the clock was set back


def is_excused(failure: Failure, *, trial: bool) -> bool:
    """Whether a failed call is not the run's own fault, and none of its attempts, where the account is down after it.

    A *trial*'s failure is its run's own where the account had answered just before and only this request goes wrong:
    a request that breaks the service must not keep an account down for ever.
    """
    return not trial or (
        not failure.unauthorized and (failure.status is None or failure.status in OUTAGE_STATUSES)
    )


# What happened to it


def after_answer(circuit: Circuit, fence: int, outage: int | None = None) -> Circuit:
    """A call that began under *fence* was answered as it should be. A probe's, made in the *outage* that began then,
    ends it even where it took so long that it had been given up.
    """
    if fence != circuit.fence and not (circuit.is_down and outage == circuit.since):
        return circuit
    if circuit.state is State.CLOSED:
        return replace(circuit, failures=0, since=None, error=None) if circuit.failures else circuit
    return Circuit(fence=circuit.fence + 1, held_until=circuit.held_until, held_for=circuit.held_for)


def after_failure(circuit: Circuit, fence: int, failure: Failure, now: int, chance: float) -> Circuit:
    """A call that began under *fence* failed. *chance* (0 to 1) is for the jitter of the pause.

    What began before the last change says nothing new; but a pause that a service asks for is always obeyed.
    """
    held = _hold(circuit, failure.retry_after, now)
    if fence != circuit.fence or circuit.state is State.OPEN:
        return held
    failures = circuit.failures + 1
    since = circuit.since if circuit.since is not None else now
    if circuit.state is State.CLOSED and not _is_sign(failure, failures):
        # Calls that were under way when the service asked for a pause are not counted as failures of their own.
        paused = held.held_until != circuit.held_until
        return replace(held, failures=failures, since=since, error=failure.text, fence=fence + paused)
    reason = Reason.UNAUTHORIZED if failure.unauthorized else Reason.UNAVAILABLE
    pauses = circuit.pauses + 1 if circuit.is_down else 0
    return replace(
        held,
        state=State.OPEN,
        fence=fence + 1,
        failures=failures,
        reason=reason,
        error=failure.text,
        since=since,
        pauses=pauses,
        probe_at=now + pause(pauses, reason, chance),
        trial=None,
    )


def _is_sign(failure: Failure, failures: int) -> bool:
    long = failure.retry_after is not None and failure.retry_after >= LONG_HOLD
    return failure.unauthorized or long or failures >= FAILURES


def _hold(circuit: Circuit, asked: int | None, now: int) -> Circuit:
    if not asked:
        return circuit
    if is_held(circuit, now) and (circuit.held_until or 0) >= now + asked:
        return circuit
    return replace(circuit, held_until=now + asked, held_for=asked)


def pause(pauses: int, reason: Reason, chance: float) -> int:
    """Microseconds until the next probe after *pauses* that failed: doubling, with jitter."""
    longest = LONGEST_REFUSED if reason is Reason.UNAUTHORIZED else LONGEST_PAUSE
    ceiling = min(longest, FIRST_PAUSE << min(pauses, _DOUBLINGS))
    return int(ceiling * (0.5 + chance / 2))


# Probes


def begin_probe(circuit: Circuit, now: int) -> Circuit:
    """The circuit half-open, for whoever asks first; unchanged where no probe is due."""
    if not is_probe_due(circuit, now):
        return circuit
    return replace(
        circuit,
        state=State.HALF_OPEN,
        fence=circuit.fence + 1,
        probe_at=now + PROBE_LASTS,
        trial=None,
    )


def give_trial(circuit: Circuit, fence: int, run: str, now: int) -> Circuit:
    """The account has answered the probe made under *fence*: the next call of *run* decides."""
    if fence != circuit.fence or circuit.state is not State.HALF_OPEN:
        return circuit
    return replace(circuit, trial=run, tried=run, probe_at=now + PROBE_LASTS)


def after_nothing(circuit: Circuit, fence: int, now: int) -> Circuit:
    """A call made under *fence* ended without a word of the service: a probe is made anew, at once."""
    if fence != circuit.fence or circuit.state is not State.HALF_OPEN:
        return circuit
    return replace(circuit, state=State.OPEN, fence=fence + 1, probe_at=now, trial=None)


def look_anew(circuit: Circuit, now: int) -> Circuit:
    """The account was given other credentials, or somebody hopes so: ask at once, whatever it said to the old ones."""
    fence = circuit.fence + 1
    if not circuit.is_down:
        return Circuit(fence=fence)
    return replace(
        circuit,
        state=State.OPEN,
        fence=fence,
        pauses=0,
        probe_at=now,
        held_until=None,
        held_for=0,
        trial=None,
    )


# In words


class Shut(errors.TemporaryError):
    """A call that was not made: its account is down, or held. *until* is when to look again."""

    def __init__(self, account: str, circuit: Circuit, now: int) -> None:
        super().__init__(describe(account, circuit), retry_after=max(0, (next_at(circuit, now) or now) - now))


def describe(account: str, circuit: Circuit) -> str:
    """Why nobody may call *account* now."""
    if not circuit.is_down:
        until = times.rfc3339(circuit.held_until or 0)
        return f"the account {account} asked to be left alone until {until}: {circuit.error or 'no reason given'}"
    reason = circuit.reason or Reason.UNAVAILABLE
    return f"the account {account} is down ({reason.value}): {circuit.error}"


class Gate(Protocol):
    """What polls pass on their way to an account."""

    def check(self, account: str) -> None:
        """:class:`Shut` where no call of *account* may be made, as far as is known here: before anything is read."""
        ...

    def call(self, account: str) -> AbstractAsyncContextManager[None]:
        """One call of *account*, counted by how it ends; :class:`Shut`, at once, where it may not be made."""
        ...


class Ungated:
    """A gate that is always open, for whoever polls without circuits."""

    def check(self, account: str) -> None:
        """Any call of *account* may be made."""

    def call(self, account: str) -> AbstractAsyncContextManager[None]:
        """One call of *account*."""
        return nullcontext()
