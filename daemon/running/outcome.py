"""What is written when a call is about to be made, and after it: functions of one connection for ``course``.

Each moves the run under its fence, so that a worker that lost its lease writes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from daemon.contract import errors, own_events
from daemon.contract.declare import Done, Follow
from daemon.contract.services import Services
from daemon.journal import calls, events, locks, runs, state, steps, watches
from daemon.journal.database import Connection
from daemon.journal.progress import Progress
from daemon.journal.watches import Memory, Polled
from daemon.model import jsons, times
from daemon.model.events import Event, Fact
from daemon.model.jsons import JsonObject
from daemon.model.reactions import Do, Reaction
from daemon.model.runs import Doubt, Run, RunStatus, Step, StepStatus
from daemon.running import doubt

FIRST_LOOK = 1 * times.SECOND  # after which followed work is polled for the first time
LONGEST_CHAIN = 20  # causes that a told cycle names

ENDED_WELL = (StepStatus.SUCCEEDED, StepStatus.SKIPPED)

Write = Callable[[Connection], None]


def new_step(run: Run, position: int, do: Do, kind: Doubt, request: Any) -> Step:
    """A step that was never tried."""
    return Step(
        run_id=run.id,
        position=position,
        id=do.id,
        action=do.action,
        account=do.account,
        status=StepStatus.PENDING,
        attempts=0,
        doubt=kind,
        request=request,
        before=None,
        remote=None,
        response=None,
        error=None,
        sent_at=None,
        finished_at=None,
    )


def overdue(reaction: Reaction) -> str:
    """The words for a run that took too long."""
    return f"the reaction's timeout of {times.format_duration(reaction.timeout)} has passed"


def out_of_time(reaction: Reaction, text: str) -> str:
    """*text*, the last failure's, and that the run took too long: once, where that is what the failure says."""
    said = overdue(reaction)
    return said if text == said else f"{text} ({said})"


def out_of_attempts(step: Step, text: str) -> str:
    """*text*, the last failure's, and how many attempts there were."""
    return f"{text} (after {step.attempts} attempt{'' if step.attempts == 1 else 's'})"


def failed_attempt(step: Step, now: int, failed: errors.ServiceError) -> Step:
    """*step* with one more failed attempt in its history; its doubt ends where the failure leaves none, and what was
    done all the same is kept.
    """
    return replace(
        step,
        before=step.before if failed.so_far is None else failed.so_far,
        error=failed.text,
        history=steps.failed_attempt(step, now, failed.text, failed.status),
        doubted_at=step.doubted_at if doubt.leaves_doubt(step.doubt, failed) else None,
    )


def failed_look(step: Step, now: int, text: str, status: int | None) -> Step:
    """*step* with one more look that failed in its history; it stays in doubt."""
    return replace(step, error=text, history=steps.failed_look(step, now, text, status))


def stand_in_line(run: Run, key: str, now: int) -> Callable[[Connection], Run]:
    """Ask for the object *key*. Where another run has it, this one waits as a row until it is handed over: that is
    not its own time. The run with what it got.
    """

    def write(connection: Connection) -> Run:
        runs.move(connection, run, RunStatus.RUNNING)  # who lost the run asks for nothing
        asked = locks.ask(connection, run, key, now)
        if not asked.locked:
            spent = run.elapsed(now)
            runs.move(connection, run, RunStatus.PENDING, due_at=None, spent=spent, counting_since=None)
        return asked

    return write


def intend(run: Run, step: Step) -> Progress:
    """The intent: the step runs, the run has one attempt more, under this node's fence."""
    return Progress(run, (step,))


def succeed(run: Run, now: int) -> Write:
    """The run is done."""
    done = Progress(run, finished_at=now)
    if run.lock_key is None:
        return done

    def write(connection: Connection) -> None:
        locks.give_up(connection, run, now)
        done(connection)

    return write


def die(run: Run, error: str, now: int, event_type: str = "") -> Write:
    """The run is dead, and an event says so; *event_type* is that of the event it was made for."""
    return _ends_badly(run, RunStatus.DEAD, error, now, event_type)


def hold(run: Run, step: Step, check: str, now: int, event_type: str = "") -> Write:
    """The run is held in doubt over *step*, and an event says so and what a person is to *check*; *event_type* is that
    of the event it was made for.
    """
    told = {
        "step": {
            "id": step.id,
            "action": step.action,
            "account": step.account,
            "request": doubt.summarise(step.request),
            "attempts": step.attempts,
            "first_sent_at": _moment(step.sent_at),
            "sent_at": _moment(step.doubted_at),
        },
        "check": check,
    }
    return _ends_badly(run, RunStatus.IN_DOUBT, f"step {step.id}: {step.error}", now, event_type, told)


def _moment(at: int | None) -> str | None:
    return times.rfc3339(at) if at is not None else None


def _ends_badly(
    run: Run, status: RunStatus, error: str, now: int, event_type: str, told: JsonObject | None = None
) -> Write:
    def write(connection: Connection) -> None:
        locks.give_up(connection, run, now)
        values = {"error": error, "counting_since": None, "spent": run.elapsed(now)}
        finished = now if status is RunStatus.DEAD else None
        runs.move(connection, run, status, finished_at=finished, **values)
        lineage = own_events.descend_to_tell(run, event_type)
        if lineage is not None:
            fact = own_events.about_run(run, status, error, told)
            events.emit(connection, [fact], "pointsman", now, lineage)

    return write


def hold_on(run: Run) -> Write:
    """The run goes on: nothing changes but that this node still has it."""
    return lambda connection: runs.move(connection, run, RunStatus.RUNNING)


def retry_later(run: Run, step: Step, now: int, due_at: int, error: str, *, counts: bool) -> Write:
    """The run waits, without a worker, until *due_at*; whether that time *counts* for its timeout."""
    paused = {} if counts else {"spent": run.elapsed(now), "counting_since": None}

    def write(connection: Connection) -> None:
        attempts = run.attempts
        runs.move(connection, run, RunStatus.WAITING, due_at=due_at, error=error, attempts=attempts, **paused)
        steps.put(connection, replace(step, status=StepStatus.PENDING))

    return write


def step_aside(run: Run, now: int, due_at: int) -> Write:
    """The run makes room for others until *due_at*: its account has a long queue. That is not its own time."""
    return lambda connection: runs.move(
        connection, run, RunStatus.PENDING, due_at=due_at, spent=run.elapsed(now), counting_since=None
    )


def leave(run: Run, step: Step, done: Done[Any], services: Services, now: int) -> list[Write]:
    """What a successful call leaves behind, beside the step's outcome: facts, state, remote objects, work to follow.
    What the run had for itself goes to the next in line.
    """
    if run.lock_key is None and not (done.facts or done.state or done.made or done.follow or done.calls_us):
        return []

    def write(connection: Connection) -> None:
        locks.give_up(connection, run, now)
        _leave_behind(connection, run, step, done, services, now)

    return [write]


def wait(run: Run, step: Step, done: Done[Any], services: Services, now: int, until: int) -> Write:
    """The run waits for the remote work that the step began; *until* is when its patience ends."""
    assert done.follow is not None  # noqa: S101 - the caller looked
    work = watches.work_name(step.account or "", done.follow.resource, done.follow.id)
    waiting = replace(step, status=StepStatus.WAITING, remote=work, error=None, doubted_at=None, looks=0)

    def write(connection: Connection) -> None:
        locks.give_up(connection, run, now)
        spent = run.elapsed(now)
        runs.move(
            connection,
            run,
            RunStatus.WAITING,
            due_at=until,
            waits_for=work,
            spent=spent,
            counting_since=None,
            error=None,
        )
        steps.put(connection, waiting)
        _leave_behind(connection, run, step, done, services, now)

    return write


def _leave_behind(
    connection: Connection, run: Run, step: Step, done: Done[Any], services: Services, now: int
) -> None:
    lineage = own_events.descend(run)
    facts = [_fit(fact, services) for fact in done.facts]
    if facts and lineage is not None:
        events.emit(connection, facts, step.account or "emit", now, lineage)
    state.put(connection, {key: services.blanker.value(one) for key, one in done.state.items()}, now)
    if step.account is not None:
        runs.touch(connection, step.account, done.made, run.id, step.id, now)
    if done.follow is not None and step.account is not None:
        _follow(connection, run, step, done.follow, services, now)
    if done.calls_us and step.account is not None:
        _stand_by(connection, step.account, done.calls_us, services, now)


def _fit(fact: Fact, services: Services) -> Fact:
    blanker = services.blanker
    data = jsons.bound(blanker.value(fact.data), services.max_payload)
    return replace(fact, subject=blanker.text(fact.subject), key=blanker.key(fact.key), data=data)


def _follow(
    connection: Connection, run: Run, step: Step, follow: Follow, services: Services, now: int
) -> None:
    """Watch on, from what the action knows already, until the final state."""
    events.take_turn(connection)  # another node may be seeing that state of work which this run has joined
    account = step.account or ""
    noun = services.watch(account, follow.resource).noun
    runs.touch(connection, account, [(noun, follow.id)], run.id, step.id, now)
    if not watches.recall(connection, account, follow.resource, [follow.id]):
        known = jsons.as_object(services.blanker.value(follow.memory))
        first = Memory(follow.id, known, 1, None, now, False, 0, None)
        watches.remember(connection, account, follow.resource, [first])
    watches.request(connection, [followed(account, follow, now)])


def _stand_by(
    connection: Connection, account: str, about: Sequence[tuple[str, str]], services: Services, now: int
) -> None:
    """Have each object that the service is to call us about looked at, some time after its first call may have come."""
    kind = services.accounts[account].kind
    for resource, id in about:
        budget = services.catalog.budget_of(kind, resource)
        if budget is not None:
            one, due_at = calls.Called(account, resource, id), now + budget.first + budget.every
            row = calls.standing_row(one, budget.options(id), due_at, now, announce=True)
            calls.stand_by(connection, row, budget.firings)


def followed(account: str, follow: Follow, now: int) -> Polled:
    """The row that polls *follow*."""
    return Polled(
        name=watches.name_for("follow", account, follow.resource, follow.id),
        role="follow",
        account=account,
        resource=follow.resource,
        options=follow.options,
        wanted=(follow.id,),
        announce=True,
        every=None,
        stalled_after=None,
        due_at=now + FIRST_LOOK,
        created_at=now,
    )


def causes(connection: Connection, event: Event) -> list[str]:
    """The reactions whose runs led to *event*, the oldest first."""
    path: list[str] = []
    current: Event | None = event
    while current is not None and current.cause is not None and len(path) < LONGEST_CHAIN:
        cause = runs.get(connection, current.cause)
        if cause is None:
            break
        path.insert(0, cause.reaction)
        current = events.get(connection, cause.event_id)
    return path
