"""What TONalytica can tell, and the reading of a job: its states, what is news, what is final. Pure.

The watches and ``execute_query`` call it; ``results`` beside it compares what queries give. Statuses: the API
text's table, corrected by what Redash 8 to newest really send ("observed": recorded answers; "Redash source").
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from daemon.connectors.tonalytica.events import results, shown
from daemon.contract import declare
from daemon.model import jsons, times
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

PENDING, STARTED, SUCCEEDED, FAILED, CANCELLED = "pending", "started", "succeeded", "failed", "cancelled"
# How far a job has come; what is not in here (deferred, scheduled, words to come) is passed on and not told.
RANKS = {PENDING: 0, STARTED: 1, SUCCEEDED: 2, FAILED: 2, CANCELLED: 2}
FINAL_RANK = 2
# Numbers: API text, and 6 and 7 of newer servers. Texts: two builds of 2024 (Redash source).
STATES: dict[int | str, str] = {
    1: PENDING,
    2: STARTED,
    3: SUCCEEDED,
    4: FAILED,
    5: CANCELLED,
    6: "deferred",
    7: "scheduled",
    "queued": PENDING,
    "finished": SUCCEEDED,
    "canceled": CANCELLED,
    "stopped": CANCELLED,
}
WORDS = frozenset(STATES.values())
RECHECKS = 2  # looks at a failure without any reason before it is believed: it can be premature
# A job that is cancelled in the queue of a Redash 9 says for ever that it is pending (observed); its lock ends
# after half of this.
LONGEST_QUEUE = 24 * times.HOUR
NEVER_BEGUN = "the service never began it: it has been pending for longer than a day"
GONE_AFTER = 3  # answers of 500 in a row, with a good key: the server has forgotten the job
GONE = "the job is gone: the service does not know it any more, and its query has no newer result"


class VendorJob(BaseModel):
    """A job as the server writes it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = ""
    status: int | str | None = None
    error: Any = None
    query_result_id: Any = None
    result_id: Any = None
    result: Any = None


class VendorData(BaseModel):
    """The table of a result."""

    columns: list[JsonObject] = []
    rows: list[JsonObject] = []


class VendorResult(BaseModel):
    """A result as the server writes it; a query's key is given no more than ``data`` and ``retrieved_at``."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: int | None = None
    data: VendorData
    retrieved_at: str = ""


ALL: tuple[type[declare.EventData], ...] = (*shown.JOBS, results.ResultChanged)
JOB_TYPES = tuple(event.type for event in shown.JOBS)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a job. *started_at* is when we asked for it, or first looked (microseconds).

    *state* is the furthest one that was told or taken in silently. *parameterized*: with values of its own,
    so that the query's latest result may be another one's. *missed* counts answers of 500 in a row, *doubts*
    looks at a failure without a reason. *job* is the job as last seen; empty: it never was.
    """

    query_id: int | None = None
    started_at: int = 0
    parameterized: bool = False
    state: str | None = None
    missed: int = 0
    doubts: int = 0
    job: JsonObject = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether its final state is known."""
        return RANKS.get(self.state or "", -1) == FINAL_RANK


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a job stands: its state in our word (or the vendor's, where there is none), why, its result."""

    state: str
    error: str
    result_id: int | None
    job: JsonObject

    @property
    def final(self) -> bool:
        """Whether nothing more comes."""
        return RANKS.get(self.state, -1) == FINAL_RANK


@dataclass(frozen=True, slots=True)
class Table:
    """A result's rows and columns, or why they could not be had. *row_count* is set where the rows are left out,
    *retrieved_at* is when the service made it."""

    rows: Sequence[JsonObject] | None = None
    columns: Sequence[JsonObject] | None = None
    error: str | None = None
    row_count: int | None = None
    retrieved_at: str = ""


NO_TABLE = Table()


def recall(kept: JsonObject | None, query_id: int | None, now: int) -> Memory:
    """The :class:`Memory` in *kept*; else a fresh one of a job of *query_id*, first looked at *now*."""
    if not kept:
        return Memory(query_id=query_id, started_at=now)
    fields = {name: kept[name] for name in Memory.__dataclass_fields__ if name in kept}
    memory = Memory(**fields)
    return memory if memory.query_id is not None else replace(memory, query_id=query_id)


def keep(memory: Memory) -> JsonObject:
    """*memory* as JSON."""
    return asdict(memory)


def read(job: VendorJob) -> Reading:
    """Where *job* stands.

    A success needs a result: without one it is a failure (Redash source). Status 2 can name a result already;
    it counts from status 3 on (observed). Cancelled jobs end as 4 with their reason, hardly ever as 5
    (observed).
    """
    result_id = _result_id(job)
    error = str(job.error or "").strip()
    state = _state(job.status)
    if state == SUCCEEDED and result_id is None:
        state, error = FAILED, error or "the service says success but names no result"
    elif state == FAILED and _says_cancelled(error):
        state = CANCELLED
    told = job.model_dump(exclude={"result", "result_id"})
    told |= {"error": str(job.error or ""), "query_result_id": result_id}
    return Reading(state, error, result_id, told)


def _state(status: int | str | None) -> str:
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status)
    known = status.lower() if isinstance(status, str) else status
    return STATES.get(known, str(known)) if known is not None else "unknown"


def _result_id(job: VendorJob) -> int | None:
    """The first of the three names that is set; ``result`` only where it is a number."""
    found = next((one for one in (job.query_result_id, job.result_id, job.result) if one is not None), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _says_cancelled(error: str) -> bool:
    """PostgreSQL's "canceling statement due to statement timeout" is a failure, not somebody's wish."""
    text = error.lower()
    return "cancel" in text and "timeout" not in text


def is_premature(memory: Memory, reading: Reading) -> bool:
    """Whether a failure should be looked at again: no reason, no result, and not yet looked at often enough.

    Newer servers can say 4 while the worker still runs, and 3 later (redash issue 6424).
    """
    bare = reading.state == FAILED and not reading.error and reading.result_id is None
    return bare and not memory.settled and memory.doubts < RECHECKS


def see(memory: Memory, reading: Reading, table: Table = NO_TABLE, *, announce: bool = True) -> declare.Seen:
    """What a look at a job brought: its next memory, and the fact of a state that it has newly reached.

    Each state is told once, and only forwards. A premature failure (:func:`is_premature`) changes nothing but
    the count of looks.
    """
    job_id = str(reading.job["id"])
    if is_premature(memory, reading):
        waiting = replace(memory, missed=0, doubts=memory.doubts + 1, job=reading.job)
        return declare.Seen(job_id, keep(waiting), subject=job_id, state=memory.state, resource=reading.job)
    rank = RANKS.get(reading.state, -1)
    news = rank > RANKS.get(memory.state or "", -1)
    after = replace(
        memory, state=reading.state if news else memory.state, missed=0, doubts=0, job=reading.job
    )
    data = tell(memory.query_id, reading, table)
    return declare.Seen(
        job_id,
        keep(after),
        facts=[fact(reading.state, job_id, data)] if news and announce else [],
        subject=job_id,
        state=reading.state,
        final=reading.final,
        result=data if reading.state == SUCCEEDED and table.error is None else None,
        failure=_failure(reading, table),
        resource=reading.job,
    )


def _failure(reading: Reading, table: Table) -> str | None:
    if reading.state == SUCCEEDED:
        return table.error
    ended = "was cancelled" if reading.state == CANCELLED else "failed"
    return f"the query {ended}: {_reason(reading)}" if reading.final else None


def _reason(reading: Reading) -> str:
    return reading.error or "the service gives no reason"


def tell(query_id: int | None, reading: Reading, table: Table = NO_TABLE) -> JsonObject:
    """The ``data`` of an event about a job."""
    broken = reading.final and reading.state != SUCCEEDED
    left_out = {} if table.row_count is None else {"truncated": True, "row_count": table.row_count}
    return {
        "job": reading.job,
        "query_id": query_id,
        "query_result_id": reading.result_id if reading.state == SUCCEEDED else None,
        "rows": table.rows,
        "columns": table.columns,
        "error": _reason(reading) if broken else table.error,
        **left_out,
    }


def fact(state: str, job_id: str, data: JsonObject, key: str = "") -> Fact:
    """The fact that a job reached *state*; its key is the job and the state, unless one is given."""
    return Fact(shown.PREFIX + state, job_id, key or f"job:{job_id}:{state}", data)


def miss(memory: Memory, job_id: str) -> declare.Seen | None:
    """What an answer of 500 to a look at a job means: count it, or None when the job is to be given up.

    One 500 comes with bad luck (observed: a look that meets the moment of failure). What was final stays so.
    """
    if not memory.settled and memory.missed + 1 >= GONE_AFTER:
        return None
    after = memory if memory.settled else replace(memory, missed=memory.missed + 1)
    return declare.Seen(
        job_id,
        keep(after),
        subject=job_id,
        state=memory.state,
        final=memory.settled,
        failure="the job has ended, and the service has forgotten it since" if memory.settled else None,
        resource=memory.job or {"id": job_id},
    )


def give_up(memory: Memory, job_id: str, result: VendorResult | None, *, announce: bool) -> declare.Seen:
    """What becomes of a job that the service has forgotten: the success that *result* proves, or a failure.

    A job that was never seen is not announced: it may have ended long before anybody asked.
    """
    status, error = (3, "") if result is not None else (4, GONE)
    job = VendorJob(id=job_id, status=status, error=error, query_result_id=result.id if result else None)
    table = table_of(result) if result else NO_TABLE
    known = bool(memory.job) or result is not None
    return see(memory, read(job), table, announce=announce and known)


def table_of(result: VendorResult) -> Table:
    """The rows and columns of *result*."""
    return Table(result.data.rows, result.data.columns, retrieved_at=result.retrieved_at)


def time_of(retrieved_at: str, since: int, now: int) -> int | None:
    """The instant that the service writes, if it lies between *since* and *now*: its clock is believed no further."""
    try:
        instant = times.parse_rfc3339(retrieved_at)
    except ValueError:
        return None
    return instant if since <= instant <= now else None


def give_up_queue(memory: Memory, reading: Reading, now: int) -> Reading:
    """*reading*; a failure where the job has waited for longer than :data:`LONGEST_QUEUE`."""
    if reading.state != PENDING or now - memory.started_at <= LONGEST_QUEUE:
        return reading
    return replace(reading, state=FAILED, error=NEVER_BEGUN)


def is_newer(result: VendorResult, instant: int) -> bool:
    """Whether *result* was made at or after *instant*, by its ``retrieved_at``."""
    try:
        return times.parse_rfc3339(result.retrieved_at) >= instant
    except ValueError:
        return False


def latest_result_id(query: JsonObject) -> int | None:
    """The id of a query's latest result; the API text calls it the most recent ``query_result_id``."""
    found = jsons.as_object(query).get("latest_query_data_id")
    return found if isinstance(found, int) and not isinstance(found, bool) else None
