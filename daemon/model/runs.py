"""Runs and steps: their states, and the moves between them that are allowed."""

from enum import StrEnum

from daemon.model import records
from daemon.model.jsons import Json, JsonObject


class RunStatus(StrEnum):
    """Where a run stands (contract section 1)."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class StepStatus(StrEnum):
    """Where a step stands (contract section 1)."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"


class Doubt(StrEnum):
    """What may be done about a call whose effect is not known (contract section 4)."""

    REPEATABLE = "repeatable"
    PROBED = "probed"
    UNSAFE = "unsafe"


RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.DEAD}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.PENDING,
            RunStatus.RUNNING,
            RunStatus.WAITING,
            RunStatus.PARKED,
            RunStatus.SUCCEEDED,
            RunStatus.DEAD,
            RunStatus.IN_DOUBT,
            RunStatus.CANCELLED,
        }
    ),
    RunStatus.WAITING: frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.DEAD, RunStatus.CANCELLED}),
    RunStatus.PARKED: frozenset({RunStatus.PENDING, RunStatus.CANCELLED}),
    RunStatus.DEAD: frozenset({RunStatus.PENDING, RunStatus.CANCELLED}),
    RunStatus.IN_DOUBT: frozenset({RunStatus.PENDING, RunStatus.CANCELLED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.SKIPPED: frozenset(),
}

UNFINISHED = frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING, RunStatus.PARKED})
KEPT = frozenset({RunStatus.DEAD, RunStatus.IN_DOUBT})  # until someone decides


@records.record
class Run:
    """One execution of one reaction for one event (or item). Instants are microseconds.

    *fence* is the number of its present lease: an outcome written under another one is refused.
    *waits_for* names the followed remote work (``account resource id``) while the run waits for it. *lock_key* names
    the remote object that this run has for itself (*locked*), or stands in line for.
    """

    id: str
    reaction: str
    digest: str
    event_id: str
    status: RunStatus
    trace: str
    depth: int
    item_key: str
    item: Json
    replay: int
    attempts: int
    error: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    due_at: int | None
    node: str | None
    lease_until: int | None
    fence: int
    waits_for: str | None
    spent: int
    counting_since: int | None
    parked_for: str | None = None
    lock_key: str | None = None
    locked: bool = False

    def elapsed(self, now: int) -> int:
        """Microseconds of running and backing off so far; waiting for a remote job does not count."""
        return self.spent + (now - self.counting_since if self.counting_since is not None else 0)


@records.record
class Step:
    """One action call of a run, as the journal keeps it.

    *request* is the rendered parameters (secret ones as references), *response* the result. *sent_at* is when
    the first attempt's intent was committed; *attempts* counts intents. *remote* names the followed work
    (``account resource id``) that it started. *history* tells the failed attempts, the last ones. *doubted_at*
    is when the last request was sent, or its answer lost, whose effect is not known: None where nothing is in doubt.
    *looks* is how many attempts to find out failed since. *before* is what the probe noted ahead of the call,
    or what attempts that failed have done so far.
    """

    run_id: str
    position: int
    id: str
    action: str
    account: str | None
    status: StepStatus
    attempts: int
    doubt: Doubt
    request: JsonObject | None
    before: JsonObject | None
    remote: str | None
    response: Json
    error: str | None
    sent_at: int | None
    finished_at: int | None
    history: tuple[JsonObject, ...] = ()
    doubted_at: int | None = None
    looks: int = 0
