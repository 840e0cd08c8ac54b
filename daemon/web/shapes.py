"""Events, runs, polled rows and rejections as the JSON objects that other programs see. Pure.

The commands' ``--json`` prints them, the admin side serves the same. Instants are RFC 3339 texts, durations
texts as the config has them; every key is always there, null where there is nothing to say.
"""

from collections.abc import Iterable, Mapping, Sequence

from daemon.journal.hints import Hint
from daemon.journal.state import Rejection
from daemon.journal.watches import Memory, Polled
from daemon.model import calling, times
from daemon.model.events import Event
from daemon.model.jsons import JsonObject
from daemon.model.runs import Run, Step

Steps = Mapping[str, Sequence[Step]]


def of_event(event: Event) -> JsonObject:
    """The envelope of *event*, its data, and its place in the journal."""
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": times.rfc3339(event.time),
        "key": event.key,
        "trace": event.trace,
        "cause": event.cause,
        "data": event.data,
        "seq": event.seq,
        "depth": event.depth,
        "origin": event.origin,
        "recorded_at": times.rfc3339(event.recorded_at),
    }


def of_event_whole(event: Event, hint: Hint | None, runs: Sequence[Run], steps: Steps) -> JsonObject:
    """*event* with its runs, and for a callback that was read back the verdict on it."""
    verdict: JsonObject = {}
    if hint is not None:
        verdict = {"verdict": hint.verdict, "found": hint.found, "became": hint.became}
    return {**of_event(event), **verdict, "runs": of_runs(runs, steps)}


def of_runs(runs: Iterable[Run], steps: Steps) -> list[JsonObject]:
    """Each run with its steps."""
    return [of_run(run, steps.get(run.id, ())) for run in runs]


def of_run(run: Run, steps: Iterable[Step]) -> JsonObject:
    """*run* with its *steps*."""
    return {
        "id": run.id,
        "reaction": run.reaction,
        "event_id": run.event_id,
        "status": run.status.value,
        "attempts": run.attempts,
        "error": run.error,
        "trace": run.trace,
        "depth": run.depth,
        "item": run.item,
        "replay": run.replay,
        "created_at": times.rfc3339(run.created_at),
        "started_at": text_of(run.started_at),
        "due_at": text_of(run.due_at),
        "waits_for": run.waits_for,
        "parked_for": run.parked_for,
        "finished_at": text_of(run.finished_at),
        "steps": [of_step(step) for step in steps],
    }


def of_step(step: Step) -> JsonObject:
    """One *step*: what it was to do, what came of it, and the attempts that failed."""
    return {
        "id": step.id,
        "action": step.action,
        "account": step.account,
        "status": step.status.value,
        "doubt": step.doubt.value,
        "attempts": step.attempts,
        "request": step.request,
        "response": step.response,
        "error": step.error,
        "sent_at": text_of(step.sent_at),
        "finished_at": text_of(step.finished_at),
        "in_doubt_since": text_of(step.doubted_at),
        "history": [
            {**failed, "at": times.rfc3339(failed["at"]), "took": failed.get("took", 0) / times.SECOND}
            for failed in step.history
        ],
    }


def of_polled(row: Polled, now: int, memory: Memory | None = None) -> JsonObject:
    """A polled *row* as it stands at *now*. *memory* is what is remembered of the object of a row that stands for
    callbacks: then it is told who is in charge, and how many of them have come."""
    return {
        "name": row.name,
        "role": row.role,
        "account": row.account,
        "resource": row.resource,
        "options": row.options,
        "every": times.format_duration(row.every) if row.every is not None else None,
        "state": state_of(row, now),
        "next_poll": text_of(row.due_at) if not row.paused else None,
        "last_success": text_of(row.polled_at),
        "failures": row.failures,
        "failing_since": text_of(row.failing_since),
        "error": row.error,
        **of_calling(memory),
    }


def of_calling(memory: Memory | None) -> JsonObject:
    """Who is in charge of an object that is called about (`callback` or `poll`, and why it is a poll), and how many of
    its callbacks have come; nulls for everything else."""
    if memory is None or memory.calling is None:
        return dict.fromkeys(
            ("in_charge", "because", "firings", "budget", "last_callback", "hook_on", "warning")
        )
    going = memory.calling
    return {
        "in_charge": going.in_charge,
        "because": going.because,
        "firings": memory.callbacks,
        "budget": going.budget,
        "last_callback": text_of(memory.called_at),
        "hook_on": going.hook,
        "warning": calling.warning(memory.callbacks, going.budget),
    }


def state_of(row: Polled, now: int) -> str:
    """``paused``, ``failing`` (as its event was told), ``due`` or ``ok``."""
    if row.paused:
        return "paused"
    if row.failing_told:
        return "failing"
    return "due" if row.due_at is not None and row.due_at <= now else "ok"


def of_rejection(rejection: Rejection) -> JsonObject:
    """A refused callback."""
    return {
        "id": rejection.id,
        "at": times.rfc3339(rejection.at),
        "path": rejection.path,
        "status": rejection.status,
        "error": rejection.error,
        "body": rejection.body,
    }


def text_of(instant: int | None) -> str | None:
    """The RFC 3339 text of *instant*, None where there is none."""
    return times.rfc3339(instant) if instant is not None else None
