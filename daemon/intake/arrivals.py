"""What an arrival writes: an event; for a callback that is read back also a hint and a row that is due now.

Plain functions of one connection, called by ``admission`` with a whole batch: one statement for all events,
one for all hints, one for all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from daemon.contract.declare import Claim, Webhook
from daemon.intake import takeover
from daemon.intake.takeover import Heard, Warned
from daemon.journal import calls, events, hints, watches
from daemon.journal.database import Connection
from daemon.journal.events import Admitted
from daemon.journal.hints import Hint
from daemon.journal.watches import Memory, Polled
from daemon.model import jsons, records
from daemon.model.calling import Calling
from daemon.model.events import Fact, Fresh

RECEIVED = "populr.callback.received"


@records.record
class Callback:
    """A service's callback that was understood. *body* is its JSON text; *readback* says whether it is only a hint."""

    account: str
    hook: Webhook
    claim: Claim
    body: str
    readback: bool


@records.record
class Arrival:
    """What came: a fact that is recorded as it is, or a *claim* whose meaning depends on what is
    remembered.
    """

    source: str
    fact: Fact | None = None
    claim: Callback | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each arrival of a batch, and the events it made (none where not all are new: the journal has
    them). *warned* are the objects whose service will soon call no more."""

    outcomes: Sequence[Admitted]
    fresh: Sequence[Fresh]
    warned: Sequence[Warned] = ()


def record(connection: Connection, arrived: Sequence[Arrival], now: int) -> Recorded:
    """Record a batch of arrivals, in order."""
    if any(one.claim is not None and not one.claim.readback for one in arrived):
        events.take_turn(
            connection
        )  # what is believed is told beside what is remembered, here or on another node
    batch = _Batch(now, _recall(connection, arrived))
    places = [_place(batch, one) for one in arrived]
    batch.admitted = events.admit(connection, batch.rows)
    outcomes = [batch.known(one) if isinstance(one, Admitted) else batch.admitted[one] for one in places]
    _keep_hints(connection, batch)
    _remember(connection, batch)
    for key, before in batch.silent.items():
        calls.count(connection, calls.Called(*key), before, batch.memories[key])
    return Recorded(outcomes, batch.fresh(), batch.warned)


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


@dataclass(slots=True)
class _Batch:
    """What a batch is going to write. *touched* are the memories that change; *hinted* and *told* name, by the place
    of their event's row, the callbacks that are to be read back and those that were believed; *silent* are objects of
    which a callback came that says nothing new, with how many had come before."""

    now: int
    memories: dict[Key, Memory]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    hinted: dict[int, Callback] = field(default_factory=dict)
    told: dict[int, Key] = field(default_factory=dict)
    touched: set[Key] = field(default_factory=set)
    silent: dict[Key, int] = field(default_factory=dict)
    warned: list[Warned] = field(default_factory=list)
    admitted: list[Admitted] = field(default_factory=list)

    def known(self, answer: Admitted) -> Admitted:
        """*answer*, which may name a row of this batch, after it turned out whether the journal had that already."""
        places = [place for place, row in enumerate(self.rows) if row[0] == answer.id]
        return replace(answer, id=self.admitted[places[0]].id) if places else answer

    def fresh(self) -> list[Fresh]:
        """The events of all rows, where all are new."""
        given = zip(self.rows, self.admitted, self.facts, strict=True)
        made = [events.as_fresh(row, one.seq, fact) for row, one, fact in given if one.seq is not None]
        return made if len(made) == len(self.rows) else []

    def add(self, fact: Fact, source: str) -> int:
        """One row more; its place."""
        self.rows.append(events.make_row(fact, source, self.now))
        self.facts.append(fact)
        return len(self.rows) - 1


def _place(batch: _Batch, one: Arrival) -> int | Admitted:
    """The place of the row that answers *one*, or its answer where there is nothing to write."""
    if one.claim is None:
        assert one.fact is not None  # noqa: S101 - an arrival is one of the two
        return batch.add(one.fact, one.source)
    known = batch.memories.get(_key(one.claim))
    return _hint_at(batch, one.claim, known) if one.claim.readback else _believe(batch, one.claim, known)


def _hint_at(batch: _Batch, callback: Callback, known: Memory | None) -> int | Admitted:
    """A callback that is only a hint: its own event, unless it says nothing new."""
    if known is not None and known.event_id and not callback.hook.news(callback.claim, known.memory):
        return _known(batch, callback, known, known.event_id)
    place = batch.add(received(callback), callback.account)
    batch.hinted[place] = callback
    return place


def _believe(batch: _Batch, callback: Callback, known: Memory | None) -> int | Admitted:
    """A callback that is trusted: the typed events that it tells beside what is remembered."""
    old = known or Memory(callback.claim.id, None, 0, None, None, False, 0, None)
    seen = callback.hook.told(callback.claim, old.memory, old.callbacks + 1)
    if seen is None or not seen.facts:
        if old.event_id:
            return _known(batch, callback, old, old.event_id)
        # Nothing was ever told of it and this tells nothing either: the callback itself gives it an id.
        return batch.add(received(callback), callback.account)
    places = [batch.add(fact, callback.account) for fact in seen.facts]
    key = _key(callback)
    batch.memories[key] = Memory(
        old.remote_id,
        seen.memory,
        old.version + 1,
        seen.state,
        old.since,
        old.stalled_told,
        old.callbacks + 1,
        batch.rows[places[-1]][0],
        batch.now,
        _calling(batch, callback, old, rose=True),
    )
    batch.told[places[-1]] = key
    batch.touched.add(key)
    return places[-1]


def _known(batch: _Batch, callback: Callback, known: Memory, event_id: str) -> Admitted:
    """A callback that says nothing new: answered with what is known, and counted unless it comes too soon."""
    key, budget = _key(callback), callback.hook.budget
    is_counted = budget is not None and takeover.counts(budget, known.called_at, batch.now)
    if is_counted and key not in batch.touched:
        batch.silent.setdefault(key, known.callbacks)
        calling = _calling(batch, callback, known, rose=False)
        batch.memories[key] = replace(
            known, callbacks=known.callbacks + 1, called_at=batch.now, calling=calling
        )
    return Admitted(event_id, duplicate=True)


def _calling(batch: _Batch, callback: Callback, known: Memory, *, rose: bool) -> Calling | None:
    """How the callbacks about *known* are going, with this one, which is believed."""
    budget = callback.hook.budget
    if budget is None:
        return known.calling
    used = known.callbacks + 1
    batch.warned += takeover.warnings(
        callback.account, known.remote_id, known.callbacks, used, budget.firings
    )
    return takeover.decide(known.calling, budget, Heard(used, True, rose), batch.now)


# What stands beside the events


def _keep_hints(connection: Connection, batch: _Batch) -> None:
    """Remember what each new hint claimed, and make the row that reads it back due now."""
    fresh = {place: one for place, one in batch.hinted.items() if not batch.admitted[place].duplicate}
    hints.put(connection, [_hint(one, batch.admitted[place].id, batch.now) for place, one in fresh.items()])
    rows = {_row_name(one): _due_row(one, batch.now) for one in fresh.values()}
    again = [batch.admitted[place].id for place in batch.hinted if place not in fresh]
    rows |= {hint.watch: _again(hint, batch.now) for hint in hints.reopen(connection, again)} if again else {}
    watches.request(connection, list(rows.values()))


def _again(hint: Hint, now: int) -> Polled:
    """A refuted callback that comes once more is read once more: the service may have been behind."""
    return _row(hint.watch, hint.account, hint.resource, hint.remote_id, hint.claim["options"], now)


def _remember(connection: Connection, batch: _Batch) -> None:
    for place, key in batch.told.items():
        memory, admitted = batch.memories[key], batch.admitted[place]
        if memory.event_id != admitted.id:  # a duplicate has another id than the row that was to be written
            batch.memories[key] = replace(memory, event_id=admitted.id)
    by_resource: dict[tuple[str, str], list[Memory]] = {}
    for key in batch.touched:
        by_resource.setdefault(key[:2], []).append(batch.memories[key])
    for (account, resource), kept in by_resource.items():
        watches.remember(connection, account, resource, kept)


def received(callback: Callback) -> Fact:
    """The fact that a callback came, whatever it is worth."""
    claim, body = callback.claim, jsons.kept(callback.body)
    data = {
        "hook": claim.hook,
        "body": body,
        "pop_id": claim.pop_id,
        "tracer_id": claim.tracer_id,
    }
    said = jsons.fingerprint([claim.hook, claim.id, body])
    return Fact(RECEIVED, claim.subject, f"callback:{claim.hook}:{claim.id}:{said}", data)


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
    """*claim* as it is kept until it is judged: without what is needed for telling it unjudged."""
    return {
        "hook": claim.hook,
        "subject": claim.subject,
        "resource": claim.resource,
        "id": claim.id,
        "options": claim.options,
        "claimed": claim.claimed,
        "pop_id": claim.pop_id,
        "tracer_id": claim.tracer_id,
    }


def claim_from_json(kept: dict[str, Any]) -> Claim:
    """What :func:`claim_to_json` gave, now or in an earlier version, which kept the body beside it."""
    return Claim(**{name: value for name, value in kept.items() if name != "body"})


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
        created_at=now,
    )
