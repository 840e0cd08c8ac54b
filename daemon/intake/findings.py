"""What a poll writes, in one transaction: events, what is remembered, verdicts, woken runs, the row's next
time.

Plain functions of one connection, called by ``watches``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from daemon.contract.declare import Seen, Verdict, Watch, Webhook
from daemon.contract.own_events import CallbackRefuted
from daemon.contract.services import Services
from daemon.intake import arrivals, failing, takeover
from daemon.intake.failing import OWN, Failure
from daemon.intake.takeover import Heard, Warned
from daemon.journal import events, hints, runs, steps, watches
from daemon.journal.database import Connection
from daemon.journal.hints import Hint
from daemon.journal.watches import Memory, Polled
from daemon.model import jsons, records, times
from daemon.model.events import Fact, Lineage
from daemon.model.jsons import JsonObject
from daemon.model.runs import StepStatus

MOST_NAMED = 10  # missing ids in one error


class Stale(Exception):
    """Something of what the poll began with was changed meanwhile: look again at once."""


@records.record
class Look:
    """A poll that has been made: of which row, from which memories and hints, and when it began."""

    row: Polled
    kind: str
    watch: Watch
    before: Mapping[str, Memory]
    asked: Sequence[Hint]
    began_at: int


@dataclass(frozen=True, slots=True)
class News:
    """An event that a poll told, as the log names it."""

    event: str
    type: str
    trace: str


@dataclass(frozen=True, slots=True)
class Told:
    """What :func:`record` wrote, for the log and the bells. *failure*: something could not be read, though the rest
    was; *missing*: the watch names what the service does not have."""

    events: Sequence[News]
    woken: int
    refuted: int
    warned: Sequence[Warned] = ()
    failure: Failure | None = None
    missing: str | None = None


def record(connection: Connection, look: Look, seen: Sequence[Seen], services: Services, now: int) -> Told:
    """Write what *look* found. :class:`Stale`, or ``LostLease`` when another node has the row."""
    row = look.row
    events.take_turn(connection)  # another node may be writing about the same object
    current = watches.recall(connection, row.account, row.resource, [one.id for one in seen])
    for one in seen:
        if _version(current.get(one.id)) != _version(look.before.get(one.id)):
            raise Stale(one.id)
    kept: list[Memory] = []
    told: list[News] = []
    for one in seen:
        memory, news = _tell(connection, look, one, current.get(one.id), services, now)
        told += news
        if memory is not None:
            kept.append(memory)
    woken = _wake_all(connection, row, seen, services, now)
    watches.remember(connection, row.account, row.resource, kept)
    watches.forget(connection, row.account, row.resource, [one.id for one in seen if one.gone])
    refuted = _judge(
        connection, look, seen, {**current, **{one.remote_id: one for one in kept}}, services, now
    )
    unread = services.blanker.text("; ".join(one.error for one in seen if one.error))
    failure = failing.judge(row, unread, now) if unread else None
    return Told(told, woken, refuted, _warnings(row, current, kept), failure, _missing(look, seen))


def _missing(look: Look, seen: Sequence[Seen]) -> str | None:
    """What is wrong where a watch names things that were not there, now or before. What is told and not remembered is
    gone too, and was there."""
    if look.row.role != "watch":
        return None
    ids = [one.id for one in seen if one.gone and not one.facts and one.id not in look.before]
    named = ", ".join(ids[:MOST_NAMED]) + (f" and {len(ids) - MOST_NAMED} more" if ids[MOST_NAMED:] else "")
    return f"there is no {look.watch.noun} {named}. Check its ids." if ids else None


def _warnings(row: Polled, before: Mapping[str, Memory], kept: Sequence[Memory]) -> list[Warned]:
    """What is to be said of callbacks whose number nears its end, or has reached it."""
    counted = {id: memory.callbacks for id, memory in before.items()}
    return [
        warned
        for one in kept
        if one.calling is not None
        for warned in takeover.warnings(
            row.account, one.remote_id, counted.get(one.remote_id, 0), one.callbacks, one.calling.budget
        )
    ]


def is_quiet(look: Look, seen: Sequence[Seen], now: int) -> bool:
    """Whether nothing but the row's next time would be written: all is just as it is remembered.

    What is final counts for the config's watches only: the row of followed work wakes who waits for it, and goes.
    """
    row = look.row
    if row.role == "hint" or row.failing_told:
        return False
    for one in seen:
        known = look.before.get(one.id)
        if known is None or one.facts or one.gone or one.error or known.since is None:
            return False
        if known.memory != one.memory or known.state != one.state or (one.final and row.role == "follow"):
            return False
        if row.stalled_after is not None and _stalled(look, one, known, now) is not None:
            return False
    return True


def _version(memory: Memory | None) -> int:
    return memory.version if memory is not None else 0


def _tell(
    connection: Connection, look: Look, one: Seen, known: Memory | None, services: Services, now: int
) -> tuple[Memory | None, list[News]]:
    """Record the facts of one object; what to remember of it now (None: just as before), and what is new."""
    old = known or Memory(one.id, None, 0, None, None, False, 0, None)
    state = services.blanker.value(one.state)
    since = old.since if old.state == state and old.since is not None else now
    new = replace(old, memory=services.blanker.value(one.memory), state=state, since=since)
    if old.state != state:
        new = replace(new, stalled_told=False)
    facts = list(one.facts)
    stalled = _stalled(look, one, new, now)
    if stalled is not None:
        facts.append(stalled)
        new = replace(new, stalled_told=True)
    lineage = _lineage(connection, look, one) if facts else Lineage()
    fit = [_fit(fact, services) for fact in facts]
    admitted = events.emit(connection, fit, look.row.account, now, lineage)
    if admitted:
        new = replace(new, event_id=admitted[-1].id)
    new = _count_calls(look, one, new, services, now)
    if new == old and known is not None:
        return None, []
    told = zip(fit, admitted, strict=True)
    news = [News(got.id, fact.type, lineage.trace or got.id) for fact, got in told if not got.duplicate]
    return replace(new, version=old.version + 1), news


def _count_calls(look: Look, one: Seen, known: Memory, services: Services, now: int) -> Memory:
    """*known* with the callbacks that this look bears out, and with who is in charge from now on."""
    believed = [] if one.gone else _believed(look, one, services)
    new = replace(known, callbacks=known.callbacks + len(believed))
    if believed:
        new = replace(new, called_at=max(hint.created_at for hint in believed))
    stands = known.calling is not None or (look.row.role == "hint" and bool(believed or one.hook))
    budget = services.catalog.budget_of(look.kind, look.row.resource) if stands else None
    if budget is None or one.gone:
        return new
    heard = Heard(new.callbacks, bool(believed), bool(one.facts), one.hook)
    return replace(new, calling=takeover.decide(known.calling, budget, heard, now))


def _believed(look: Look, one: Seen, services: Services) -> list[Hint]:
    """The callbacks about *one* that the reading does not contradict."""
    about = [hint for hint in look.asked if hint.remote_id == one.id]
    return [hint for hint in about if judge(_hook(look, hint, services), hint, one).word != "refuted"]


def _hook(look: Look, hint: Hint, services: Services) -> Webhook:
    return services.catalog.webhooks[(look.kind, hint.claim["hook"])]


def _fit(fact: Fact, services: Services) -> Fact:
    return replace(fact, data=jsons.bound(services.blanker.value(fact.data), services.max_payload))


def _stalled(look: Look, one: Seen, memory: Memory, now: int) -> Fact | None:
    """The fact that *one* has stood in an unfinished state for too long; once for each such state."""
    after = look.row.stalled_after
    if after is None or one.final or one.gone or one.state is None or memory.stalled_told:
        return None
    since = memory.since if memory.since is not None else now
    if now - since < after:
        return None
    data = {"state": one.state, "since": times.rfc3339(since), look.watch.noun: one.resource}
    key = f"stalled:{look.watch.noun}:{one.id}:{one.state}:{since}"
    return Fact(f"{look.kind}.{look.watch.noun}.stalled", one.subject, key, data)


def _lineage(connection: Connection, look: Look, one: Seen) -> Lineage:
    """What the events of *one* descend from.

    Work that a run of ours began, and changes that it made since the last look, carry its trace on; what
    people do to an object of ours begins a trace of its own (the callback's, where there was one) and names
    its origin.
    """
    hint = next((hint for hint in look.asked if hint.remote_id == one.id), None)
    touched = runs.toucher(connection, look.row.account, look.watch.noun, one.id)
    if touched is None:
        return Lineage(trace=_trace(connection, hint))
    run, at = touched
    if hint is None and (_is_work(look) or at >= _last_look(look)):
        return Lineage(run.trace, run.depth + 1, run.id)
    return Lineage(trace=_trace(connection, hint), origin=run.id)


def _trace(connection: Connection, hint: Hint | None) -> str | None:
    event = events.get(connection, hint.event_id) if hint is not None else None
    return event.trace if event is not None else None


def _is_work(look: Look) -> bool:
    return look.row.role == "follow"


def _last_look(look: Look) -> int:
    return look.row.polled_at if look.row.polled_at is not None else look.row.created_at


def _wake_all(connection: Connection, row: Polled, seen: Sequence[Seen], services: Services, now: int) -> int:
    """Let the runs go on whose work has ended; a watch sees its finished objects again at every poll."""
    ended = [one for one in seen if one.final or one.gone]
    awaited = steps.awaited(connection) if ended else set()
    works = {watches.work_name(row.account, row.resource, one.id): one for one in ended}
    return sum(_wake(connection, row, works[work], services, now) for work in works.keys() & awaited)


def _wake(connection: Connection, row: Polled, one: Seen, services: Services, now: int) -> int:
    """Give waiting steps the final state of the work they began; how many runs go on."""
    work = watches.work_name(row.account, row.resource, one.id)
    failure = one.failure or (None if one.final else "what it waited for is gone")
    for step in steps.of_remote(connection, work):
        response = jsons.bound(services.blanker.value(one.result), services.max_payload)
        status = StepStatus.SUCCEEDED if failure is None else StepStatus.FAILED
        error = services.blanker.text(failure) if failure is not None else None
        steps.put(connection, replace(step, status=status, response=response, error=error, finished_at=now))
    return len(runs.wake(connection, work, now))


# Verdicts


def _judge(
    connection: Connection,
    look: Look,
    seen: Sequence[Seen],
    memories: Mapping[str, Memory],
    services: Services,
    now: int,
) -> int:
    """Decide the hints that were waiting when the look began; how many were refuted."""
    found = {one.id: one for one in seen if not one.gone}
    refuted = 0
    for hint in look.asked:
        one = found.get(hint.remote_id)
        verdict = judge(_hook(look, hint, services), hint, one)
        memory = memories.get(hint.remote_id)
        became = memory.event_id if memory is not None and verdict.word != "refuted" else None
        hints.decide(connection, hint.event_id, verdict.word, verdict.found, became, now)
        if verdict.word == "refuted":
            _tell_refuted(connection, hint, verdict, now)
            refuted += 1
    return refuted


def judge(hook: Webhook, hint: Hint, one: Seen | None) -> Verdict:
    """What the reading says of *hint*."""
    return hook.judge(arrivals.claim_from_json(hint.claim), one.memory if one is not None else None)


def _differing(claimed: JsonObject, found: JsonObject) -> list[str]:
    """The names of what was claimed otherwise than it was found; what was not said differs from nothing."""
    said = {name: value for name, value in claimed.items() if value is not None}
    return sorted(name for name, value in found.items() if name in said and said[name] != value)


def _tell_refuted(connection: Connection, hint: Hint, verdict: Verdict, now: int) -> None:
    claimed = hint.claim["claimed"]
    data = {
        "claimed": claimed,
        "found": verdict.found,
        "differing": _differing(claimed, verdict.found or {}),
    }
    fact = Fact(CallbackRefuted.type, hint.claim["subject"], f"refuted:{hint.event_id}:{now}", data)
    events.emit(connection, [fact], OWN, now, Lineage(trace=_trace(connection, hint)))
