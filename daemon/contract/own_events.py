"""The events that the daemon itself tells: schedules firing, runs dying, watches failing.

Made by ``intake`` and ``running``; ``checking`` and ``reference`` read the schemas.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from daemon.contract.circuit import Circuit
from daemon.contract.declare import EventData
from daemon.model import times
from daemon.model.events import DEEPEST, Fact, Lineage
from daemon.model.jsons import JsonObject
from daemon.model.runs import Run, RunStatus

_RUN_EXAMPLE = {
    "id": "019ab000-0000-7000-8000-000000000001",
    "reaction": "chart-when-job-done",
    "event_id": "019ab000-0000-7000-8000-000000000000",
    "status": "dead",
    "attempts": 12,
}


class RunSummary(BaseModel):
    """A run, as its own events show it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="The run's id.")
    reaction: str = Field(description="The reaction it executes.")
    event_id: str = Field(description="The event it was made for.")
    status: str = Field(description="`dead` or `in_doubt`.")
    attempts: int = Field(description="How many calls its steps made.")


class ScheduleFired(EventData):
    """A `[[schedule]]` fired. The schedule's own `data` stands beside `scheduled_for`."""

    type: ClassVar[str] = "schedule.fired"
    subject: ClassVar[str] = "schedule name"
    example: ClassVar[JsonObject] = {"scheduled_for": "2026-12-01T02:00:00Z", "depth": 3}
    scheduled_for: str = Field(
        description="The moment it was due, RFC 3339; after missed firings the latest."
    )


class RunDead(EventData):
    """A run failed for good."""

    type: ClassVar[str] = "pointsman.run.dead"
    subject: ClassVar[str] = "reaction name"
    example: ClassVar[JsonObject] = {"run": _RUN_EXAMPLE, "error": "step grid: 400: rows are missing"}
    run: RunSummary = Field(description="The run.")
    error: str = Field(description="Why, in one line.")


class DoubtfulStep(BaseModel):
    """The step whose effect is not known."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="The step's id.")
    action: str = Field(description="The action it calls.")
    account: str | None = Field(description="The account that was spoken to.")
    request: dict[str, Any] = Field(description="The rendered parameters, long ones cut short.")
    attempts: int = Field(description="How often it was sent.")
    first_sent_at: str | None = Field(description="When it was sent for the first time, RFC 3339.")
    sent_at: str | None = Field(description="When the request in doubt was sent, RFC 3339.")


class RunInDoubt(EventData):
    """A run is held: a call of it may or may not have taken effect, and only a person can tell."""

    type: ClassVar[str] = "pointsman.run.in_doubt"
    subject: ClassVar[str] = "reaction name"
    example: ClassVar[JsonObject] = {
        "run": {**_RUN_EXAMPLE, "status": "in_doubt"},
        "error": "step ask: the answer was lost after the request was sent",
        "step": {
            "id": "ask",
            "action": "populr.request",
            "account": "populr",
            "request": {"method": "POST", "path": "/pops"},
            "attempts": 1,
            "first_sent_at": "2026-12-01T02:00:00Z",
            "sent_at": "2026-12-01T02:00:00Z",
        },
        "check": "whether it took effect; it cannot be looked up (POST and PATCH are not repeatable)",
    }
    run: RunSummary = Field(description="The run.")
    error: str = Field(description="What is not known, in one line.")
    step: DoubtfulStep | None = Field(None, description="What was sent, and when.")
    check: str | None = Field(None, description="What to look at, to tell whether it took effect.")


class WatchFailing(EventData):
    """A watch failed three times in a row, or had no success for three of its intervals."""

    type: ClassVar[str] = "pointsman.watch.failing"
    subject: ClassVar[str] = "watch name"
    example: ClassVar[JsonObject] = {"error": "503: busy", "failures": 3, "since": "2026-12-01T02:00:00Z"}
    error: str = Field(description="The last failure.")
    failures: int = Field(description="Failures in a row.")
    since: str = Field(description="When the first of them was, RFC 3339.")


class WatchRecovered(EventData):
    """A failing watch succeeded again."""

    type: ClassVar[str] = "pointsman.watch.recovered"
    subject: ClassVar[str] = "watch name"
    example: ClassVar[JsonObject] = {"error": "503: busy", "failures": 7, "since": "2026-12-01T02:00:00Z"}
    error: str = Field(description="The last failure before it went well.")
    failures: int = Field(description="How many there were in a row.")
    since: str = Field(description="When the first of them was, RFC 3339.")


class ServiceDown(EventData):
    """An account keeps failing, refuses its credentials, or asked to be left alone for long: its runs are parked."""

    type: ClassVar[str] = "pointsman.service.down"
    subject: ClassVar[str] = "account"
    example: ClassVar[JsonObject] = {
        "error": "503: busy",
        "reason": "unavailable",
        "since": "2026-12-01T02:00:00Z",
        "parked": 3,
    }
    error: str = Field(description="The last failure.")
    reason: str = Field(description="`unavailable` or `unauthorized` (the credentials are refused).")
    since: str = Field(description="When the first failure in the row was, RFC 3339.")
    parked: int = Field(description="Runs that are parked for the account at this moment.")


class ServiceUp(EventData):
    """An account that was down answers again: its runs go on."""

    type: ClassVar[str] = "pointsman.service.up"
    subject: ClassVar[str] = "account"
    example: ClassVar[JsonObject] = ServiceDown.example
    error: str = Field(description="The last failure before it answered.")
    reason: str = Field(description="Why it was down: `unavailable` or `unauthorized`.")
    since: str = Field(description="When the first failure was, RFC 3339.")
    parked: int = Field(description="Runs that were parked for the account, and go on now.")


class CallbackRefuted(EventData):
    """A callback said what its service does not confirm; nothing was made of it."""

    type: ClassVar[str] = "pointsman.callback.refuted"
    subject: ClassVar[str] = "pop id"
    example: ClassVar[JsonObject] = {
        "claimed": {"views": 9000},
        "found": {"views": 2},
        "differing": ["views"],
    }
    claimed: dict[str, Any] = Field(description="What the callback said.")
    found: dict[str, Any] | None = Field(description="What the service says; null: the thing is not there.")
    differing: list[str] = Field(
        default_factory=list, description="The names of what differs; none where the thing is not there."
    )


ALL: tuple[type[EventData], ...] = (
    ScheduleFired,
    RunDead,
    RunInDoubt,
    WatchFailing,
    WatchRecovered,
    ServiceDown,
    ServiceUp,
    CallbackRefuted,
)


class Stalled(EventData):
    """A watched resource has stayed in one unfinished state for longer than `stalled_after`."""

    state: str = Field(description="The state it stands in, in the vendor's word.")
    since: str = Field(description="Since when, RFC 3339.")


def _resource_field(noun: str) -> dict[str, Any]:
    return {noun: (dict[str, Any], Field(description=f"The {noun} as last seen."))}


def stalled(kind: str, noun: str) -> type[EventData]:
    """The type ``KIND.NOUN.stalled``: state, since, and the resource under its noun."""
    model = create_model(
        f"{kind.title()}{noun.title()}Stalled",
        __base__=Stalled,
        __doc__=f"A watched {noun} has stayed in one unfinished state for longer than `stalled_after`.",
        **_resource_field(noun),
    )
    model.type = f"{kind}.{noun}.stalled"
    model.subject = f"{noun} id"
    model.example = {"state": "calculating", "since": "2026-12-01T02:00:00Z", noun: {"id": 1}}
    return model


def about_run(run: Run, status: RunStatus, error: str, told: JsonObject | None = None) -> Fact:
    """The fact that *run* is dead or in doubt; *told* is what its data holds besides."""
    kind = RunDead if status is RunStatus.DEAD else RunInDoubt
    summary = {
        "id": run.id,
        "reaction": run.reaction,
        "event_id": run.event_id,
        "status": status.value,
        "attempts": run.attempts,
    }
    # The fence tells one death from the next, after a retry.
    data = {"run": summary, "error": error, **(told or {})}
    return Fact(kind.type, run.reaction, f"{kind.type}:{run.id}:{run.fence}", data)


def about_account(account: str, told: type[ServiceDown] | type[ServiceUp], was: Circuit, parked: int) -> Fact:
    """The fact that *account* went down (*was*: its circuit then) or came up (its last one while it was down)."""
    data = {
        "error": was.error or "",
        "reason": was.reason.value if was.reason is not None else "",
        "since": times.rfc3339(was.since or 0),
        "parked": parked,
    }
    # The fence tells one outage from the next where both began in the same instant.
    return Fact(told.type, account, f"{told.type}:{account}:{was.since}:{was.fence}", data)


def descend_to_tell(run: Run, event_type: str) -> Lineage | None:
    """What the event descends from that tells of *run*'s end.

    Past the deepest chain it begins a trace of its own, so that a loop is told of; but not where the run itself was
    about such an event, or that would be the next loop.
    """
    if run.depth < DEEPEST:
        return descend(run)
    return None if event_type in (RunDead.type, RunInDoubt.type) else Lineage(origin=run.id)


def descend(run: Run) -> Lineage | None:
    """What an event descends from that *run* emits; None where that would be too deep a chain."""
    if run.depth >= DEEPEST:
        return None
    return Lineage(run.trace, run.depth + 1, run.id)
