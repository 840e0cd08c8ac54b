"""What an arrival writes: an event; for a callback that is read back also a hint and a row that is due now.

Plain functions of one connection, called by ``admission`` with a whole batch: one statement for all events,
one for all hints, one for all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from daemon.contract.declare import Claim, Webhook
from daemon.journal import events, hints, watches
from daemon.journal.database import Connection
from daemon.journal.events import Admitted
from daemon.journal.hints import Hint
from daemon.journal.watches import Memory, Polled
from daemon.model import jsons
from daemon.model.events import Fact

RECEIVED = "populr.callback.received"


@dataclass(frozen=True, slots=True)
class Callback:
    """A service's callback that was understood. *readback* says whether it is only a hint."""

    account: str
    hook: Webhook
    claim: Claim
    readback: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came: a fact that is recorded as it is, or a *claim* whose meaning depends on what is
    remembered.
    """

    source: str
    fact: Fact | None = None
    claim: Callback | None = None


def record(connection: Connection, arrived: Sequence[Arrival], now: int) -> list[Admitted]:
    """Record a batch of arrivals, in order; what became of each."""
    if all(one.claim is None for one in arrived):
        rows = [events.make_row(one.fact, one.source, now) for one in arrived if one.fact is not None]
        return events.admit(connection, rows)
    memories = _recall(connection, arrived)
    outcomes: list[Admitted | None] = [None] * len(arrived)
    _take_hints(connection, arrived, memories, outcomes, now)
    for place, one in enumerate(arrived):
        if outcomes[place] is None:
            outcomes[place] = _take_one(connection, one, memories, now)
    return [outcome for outcome in outcomes if outcome is not None]


Key = tuple[str, str, str]


def _key(callback: Callback) -> Key:
    return (callback.account, callback.claim.resource, callback.claim.id)


def _recall(connection: Connection, arrived: Sequence[Arrival]) -> dict[Key, Memory]:
    """What is remembered of everything that the batch speaks of."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for one in arrived:
        if one.claim is not None:
            account, resource, id = _key(one.claim)
            wanted.setdefault((account, resource), set()).add(id)
    return {
        (account, resource, id): memory
        for (account, resource), ids in wanted.items()
        for id, memory in watches.recall(connection, account, resource, ids).items()
    }


# Callbacks that are only hints


def _take_hints(
    connection: Connection,
    arrived: Sequence[Arrival],
    memories: dict[Key, Memory],
    outcomes: list[Admitted | None],
    now: int,
) -> None:
    """Record the hints of the batch: their events in one statement, then what reads them back."""
    places: list[int] = []
    for place, one in enumerate(arrived):
        if one.claim is None or not one.claim.readback:
            continue
        known = memories.get(_key(one.claim))
        old = known is not None and known.event_id is not None
        if old and known is not None and not one.claim.hook.news(one.claim.claim, known.memory):
            outcomes[place] = Admitted(known.event_id or "", duplicate=True)
        else:
            places.append(place)
    callbacks = [arrived[place].claim for place in places]
    rows = [events.make_row(received(one), one.account, now) for one in callbacks if one is not None]
    admitted = events.admit(connection, rows)
    for place, outcome in zip(places, admitted, strict=True):
        outcomes[place] = outcome
    fresh = [
        one
        for one, outcome in zip(callbacks, admitted, strict=True)
        if one is not None and not outcome.duplicate
    ]
    ids = [outcome.id for outcome in admitted if not outcome.duplicate]
    _read_back(connection, fresh, ids, memories, now)
    _read_again(connection, [outcome.id for outcome in admitted if outcome.duplicate], now)


def received(callback: Callback) -> Fact:
    """The fact that a callback came, whatever it is worth."""
    claim = callback.claim
    data = {
        "hook": claim.hook,
        "body": claim.body,
        "pop_id": claim.pop_id,
        "tracer_id": claim.tracer_id,
    }
    said = jsons.fingerprint([claim.hook, claim.id, claim.body])
    return Fact(RECEIVED, claim.subject, f"callback:{claim.hook}:{claim.id}:{said}", data)


def _read_back(
    connection: Connection,
    callbacks: Sequence[Callback],
    ids: Sequence[str],
    memories: dict[Key, Memory],
    now: int,
) -> None:
    """Remember what each callback claimed, count it, and make the row that reads it back due now."""
    hints.put(connection, [_hint(callback, id, now) for callback, id in zip(callbacks, ids, strict=True)])
    rows = {_row_name(callback): _due_row(callback, now) for callback in callbacks}
    watches.request(connection, list(rows.values()))
    for callback in callbacks:
        _count(memories, callback)
    _remember(connection, {_key(callback) for callback in callbacks}, memories)


def _read_again(connection: Connection, duplicates: Sequence[str], now: int) -> None:
    """A refuted callback that comes once more is read once more: the service may have been behind."""
    if not duplicates:
        return
    again = hints.reopen(connection, duplicates)
    rows = [
        _row(hint.watch, hint.account, hint.resource, hint.remote_id, hint.claim["options"], now)
        for hint in again
    ]
    watches.request(connection, rows)


def _hint(callback: Callback, event_id: str, now: int) -> Hint:
    return Hint(
        event_id=event_id,
        watch=_row_name(callback),
        account=callback.account,
        resource=callback.claim.resource,
        remote_id=callback.claim.id,
        claim=claim_to_json(callback.claim),
        verdict="waiting",
        found=None,
        became=None,
        created_at=now,
        decided_at=None,
    )


def claim_to_json(claim: Claim) -> dict[str, Any]:
    """*claim* as it is kept until it is judged."""
    return {
        "hook": claim.hook,
        "subject": claim.subject,
        "resource": claim.resource,
        "id": claim.id,
        "options": claim.options,
        "claimed": claim.claimed,
        "body": claim.body,
        "pop_id": claim.pop_id,
        "tracer_id": claim.tracer_id,
    }


def _row_name(callback: Callback) -> str:
    return watches.name_for("hint", callback.account, callback.claim.resource, callback.claim.id)


def _due_row(callback: Callback, now: int) -> Polled:
    claim = callback.claim
    return _row(_row_name(callback), callback.account, claim.resource, claim.id, claim.options, now)


def _row(name: str, account: str, resource: str, id: str, options: dict[str, Any], now: int) -> Polled:
    return Polled(
        name=name,
        role="hint",
        account=account,
        resource=resource,
        options=options,
        wanted=(id,),
        announce=True,
        every=None,
        stalled_after=None,
        due_at=now,
        fence=0,
        paused=False,
        failures=0,
        failing_since=None,
        failing_told=False,
        error=None,
        polled_at=None,
        created_at=now,
    )


def _count(memories: dict[Key, Memory], callback: Callback) -> int:
    """One callback more for its object; how many there were."""
    key = _key(callback)
    known = memories.get(key) or Memory(callback.claim.id, None, 0, None, None, False, 0, None)
    memories[key] = replace(known, callbacks=known.callbacks + 1)
    return known.callbacks + 1


def _remember(connection: Connection, keys: set[Key], memories: dict[Key, Memory]) -> None:
    by_resource: dict[tuple[str, str], list[Memory]] = {}
    for key in keys:
        by_resource.setdefault(key[:2], []).append(memories[key])
    for (account, resource), kept in by_resource.items():
        watches.remember(connection, account, resource, kept)


# Callbacks that are believed, and plain facts


def _take_one(connection: Connection, one: Arrival, memories: dict[Key, Memory], now: int) -> Admitted:
    if one.claim is None:
        assert one.fact is not None  # noqa: S101 - an arrival is one of the two
        return events.emit(connection, [one.fact], one.source, now)[0]
    callback = one.claim
    key = _key(callback)
    known = memories.get(key)
    seen = callback.hook.told(
        callback.claim, known.memory if known else None, (known.callbacks if known else 0) + 1
    )
    if seen is None or not seen.facts:
        if known is not None and known.event_id is not None:
            return Admitted(known.event_id, duplicate=True)
        # Nothing was ever told of it, and this tells nothing either: keep the callback itself, so that it has an id.
        return replace(events.emit(connection, [received(callback)], one.source, now)[0], duplicate=True)
    admitted = events.emit(connection, seen.facts, one.source, now)[-1]
    _count(memories, callback)
    base = memories[key]
    memories[key] = replace(
        base, memory=seen.memory, version=base.version + 1, state=seen.state, event_id=admitted.id
    )
    _remember(connection, {key}, memories)
    return admitted
