"""The watches on TONalytica: jobs (those that the daemon submits, and named ones), and the results of queries.

Polled by ``intake``; ``events`` and ``events.results`` decide what is news.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import structlog
from pydantic import Field, field_validator

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica import events
from daemon.connectors.tonalytica.events import results, rows
from daemon.contract import declare, errors, secrets
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

T = TypeVar("T")
Tabulate = Callable[[int, int | None], Awaitable[events.Table]]

LONG = 256 * 1024  # bytes; longer results are read in a thread, so that nothing else waits
REFUSED = "refused"  # the state of a query that cannot be read

log = structlog.get_logger()


class JobsOptions(declare.Options):
    """Which jobs."""

    ids: list[Annotated[str, Field(pattern=vendor.JOB_ID)]] = Field(
        description="The jobs' ids. The service has no listing of jobs; those that the daemon submits are "
        "followed by themselves.",
        min_length=1,
    )
    query_id: int | None = Field(
        None, description="The query that these jobs execute, if you know it: it stands in their events then."
    )


@declare.watch("jobs", noun="job", events=events.JOB_TYPES, wanted=lambda options: tuple(options.ids))
async def jobs(
    client: vendor.TonalyticaClient, options: JobsOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """Executions of queries, from pending to their rows or their failure."""
    wanted = cursor.wanted if cursor.wanted is not None else tuple(options.ids)
    return [await _look_at_job(client, options, cursor, job_id) for job_id in wanted]


async def _look_at_job(
    client: vendor.TonalyticaClient, options: JobsOptions, cursor: declare.Cursor, job_id: str
) -> declare.Seen:
    query_id = options.query_id or client.query_id
    # One that is remembered already (followed, say) changes: that is news at a first poll too.
    announce = cursor.announce or job_id in cursor.memory
    memory = events.recall(cursor.memory.get(job_id), query_id, cursor.now)
    tabulate = functools.partial(fetch, client)
    return await _follow(client, memory, job_id, tabulate, cursor.now, announce=announce)


async def _follow(
    client: vendor.TonalyticaClient,
    memory: events.Memory,
    job_id: str,
    tabulate: Tabulate,
    now: int,
    *,
    announce: bool,
) -> declare.Seen:
    """One look at a job; the rows of its result are what *tabulate* makes of them."""
    try:
        reading = events.read(await client.get_job(job_id, memory.query_id))
    except errors.ServiceError as failed:
        if not _is_unknown(failed):
            raise
        missed = events.miss(memory, job_id)
        if missed is not None:
            return missed
        latest = await _latest(client, memory)
        if latest is None and not memory.job:
            log.warning("job.not_found", job=job_id)
        return events.give_up(memory, job_id, latest, announce=announce)
    if reading.state not in events.WORDS and reading.job.get("status") != memory.job.get("status"):
        log.warning("job.state_unknown", job=job_id, state=reading.state)
    table = events.NO_TABLE
    if reading.state == events.SUCCEEDED and reading.result_id is not None and announce:
        table = await tabulate(reading.result_id, memory.query_id)
    seen = events.see(memory, events.give_up_queue(memory, reading, now), table, announce=announce)
    made_at = events.time_of(table.retrieved_at, memory.started_at, now)
    return replace(seen, facts=[replace(fact, time=made_at) for fact in seen.facts])


def _is_unknown(failed: errors.ServiceError) -> bool:
    """An unknown or expired job is a 500, not a 404 (observed)."""
    return failed.status == 500 or (isinstance(failed, errors.PermanentError) and failed.missing)


async def fetch(client: vendor.TonalyticaClient, query_result_id: int, query_id: int | None) -> events.Table:
    """The rows of a result, or why they cannot be had: that will not change by asking again."""
    try:
        return events.table_of(await client.get_result(query_result_id, query_id))
    except errors.PermanentError as broken:
        return events.Table(error=f"the query succeeded, but its result cannot be read: {broken.text}")


async def _latest(client: vendor.TonalyticaClient, memory: events.Memory) -> events.VendorResult | None:
    """The query's latest result, if it can only be this job's. Asking proves the key before giving up."""
    if memory.query_id is None or memory.parameterized:
        await client.check()
        return None
    try:
        newest = events.latest_result_id(await client.get_query(memory.query_id))
        if newest is None:
            return None
        result = await client.get_result(newest, memory.query_id)
    except errors.PermanentError:
        return None
    return result if events.is_newer(result, memory.started_at) else None


class QueriesOptions(declare.Options):
    """Which queries, executed how, and by what their rows are known again."""

    ids: list[int] = Field(description="The queries' ids.", min_length=1)
    parameters: JsonObject = Field(
        default_factory=dict, description="Values of the queries' parameters, as for `execute_query`."
    )
    max_age: int | None = Field(
        None,
        description="Execute the queries where their results are older than so many seconds; 0: at every poll. "
        "Without it nothing is executed: what others execute is followed (a query with parameters is executed "
        "once if it never was).",
        ge=-1,
    )
    key: list[str] = Field(
        default_factory=list,
        description="The columns by which a row is known again. Without any a row is known by all of them: a change "
        "is one row removed and one added.",
    )

    @field_validator("key", mode="before")
    @classmethod
    def lists_one(cls, given: Any) -> Any:
        """One column may be given as a text."""
        return [given] if isinstance(given, str) else given


def _scope(options: QueriesOptions) -> str:
    return results.name_scope(options.key, options.parameters)


def _wanted(options: QueriesOptions) -> tuple[str, ...]:
    scope = _scope(options)
    return tuple(f"{scope}/{id}" if scope else str(id) for id in options.ids)


@dataclass(frozen=True, slots=True)
class Looking:
    """One look at one query: *id* is the watch's name for it, *query_id* the service's."""

    client: vendor.TonalyticaClient
    options: QueriesOptions
    id: str
    query_id: int
    now: int
    announce: bool


@declare.watch(
    "queries",
    noun="query",
    events=(results.ResultChanged.type, *events.JOB_TYPES),
    wanted=_wanted,
    scope=_scope,
)
async def queries(
    client: vendor.TonalyticaClient, options: QueriesOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """The results of queries: which rows were added, changed or removed. Executes them if `max_age` is given."""
    seen: list[declare.Seen] = []
    refused: list[tuple[str, errors.PermanentError]] = []
    for id in cursor.wanted if cursor.wanted is not None else _wanted(options):
        announce = cursor.announce or id in cursor.memory
        looking = Looking(client, options, id, int(id.rpartition("/")[2]), cursor.now, announce)
        try:
            seen.append(await _look_at_query(looking, _recall(looking, cursor)))
        except errors.PermanentError as failed:
            refused.append((id, failed))
    if refused and not seen:
        raise refused[0][1]
    # One query that cannot be read keeps nothing from the others.
    return [*seen, *[_refuse(cursor, id, failed) for id, failed in refused]]


def _recall(looking: Looking, cursor: declare.Cursor) -> results.Memory:
    return results.recall(cursor.memory.get(looking.id), silent=not looking.announce)


def _refuse(cursor: declare.Cursor, id: str, failed: errors.PermanentError) -> declare.Seen:
    memory = results.recall(cursor.memory.get(id), silent=not cursor.announce)
    said = secrets.as_read(failed.text)  # it is remembered, and may quote what was answered
    query_id = id.rpartition("/")[2]
    return declare.Seen(
        id,
        results.keep(replace(memory, refused=said)),
        subject=query_id,
        state=REFUSED,
        resource={"id": query_id, "error": said},
        error=said,
    )


async def _look_at_query(looking: Looking, memory: results.Memory) -> declare.Seen:
    if memory.job_id is not None:
        return await _look_at_execution(looking, memory, memory.job_id)
    if looking.options.max_age is not None or looking.options.parameters:
        return await _ask(looking, memory)
    newest = events.latest_result_id(await looking.client.get_query(looking.query_id))
    if newest is None:
        return _seen(looking, replace(memory, taken=True, refused=""))
    if memory.is_of(newest, ""):
        return _seen(looking, replace(memory, refused=""))
    return await _take(looking, memory, await looking.client.get_raw_result(newest, looking.query_id))


async def _ask(looking: Looking, memory: results.Memory) -> declare.Seen:
    """Ask for the result: a cached one is compared, a job is looked at by the next polls."""
    options = looking.options
    body: JsonObject = {"max_age": -1 if options.max_age is None else options.max_age}
    if options.parameters:  # null for no parameters is a 500 (observed)
        body["parameters"] = options.parameters
    answer = await looking.client.execute_for_raw(looking.query_id, body)
    if isinstance(answer, bytes):
        taking = _take(looking, memory, answer)
        del answer  # which is let go of there
        return await taking
    execution = events.Memory(looking.query_id, looking.now, parameterized=bool(options.parameters))
    reading = events.read(answer)
    if reading.final:  # the next look brings its rows
        return _seen(looking, replace(memory, job_id=answer.id, job=events.keep(execution)))
    seen = events.see(execution, reading, announce=looking.announce)
    after = replace(memory, job_id=answer.id, job=seen.memory)
    return _seen(looking, after, facts=seen.facts, state=seen.state)


async def _look_at_execution(looking: Looking, memory: results.Memory, job_id: str) -> declare.Seen:
    execution = events.recall(memory.job, looking.query_id, looking.now)
    raws: list[bytes] = []

    async def tabulate(result_id: int, query_id: int | None) -> events.Table:
        try:
            raws.append(await looking.client.get_raw_result(result_id, looking.query_id))
            return await _off(raws[0], _table, raws[0])
        except (errors.PermanentError, rows.BrokenResult) as broken:
            return events.Table(error=f"the query succeeded, but its result cannot be read: {broken}")

    seen = await _follow(looking.client, execution, job_id, tabulate, looking.now, announce=looking.announce)
    if not seen.final:
        return _seen(looking, replace(memory, job=seen.memory), facts=seen.facts, state=seen.state)
    ended = replace(memory, job_id=None, job={}, refused="")
    result_id = (seen.result or {}).get("query_result_id")
    if result_id is None:
        return _seen(looking, ended, facts=seen.facts)
    try:
        if not raws:
            raws.append(await looking.client.get_raw_result(result_id, looking.query_id))
        taken = await _take(looking, ended, raws.pop())
    except errors.PermanentError as broken:  # asking for the same job again would not mend it
        refused = replace(ended, refused=secrets.as_read(broken.text))
        return _seen(looking, refused, facts=seen.facts, state=REFUSED)
    return replace(taken, facts=[*seen.facts, *taken.facts])


@dataclass(frozen=True, slots=True)
class Compared:
    """What a result comes to, read once: what is remembered of it, and what is told of it, if that is news."""

    memory: results.Memory
    difference: results.Difference | None = None
    listed: results.Listed | None = None
    table: events.Table = events.NO_TABLE


async def _take(looking: Looking, memory: results.Memory, raw: bytes) -> declare.Seen:
    """Compare the result in *raw* with the one in *memory*, and remember it instead."""
    try:
        compared = await _off(raw, _compare, memory, raw, looking.options.key)
    except rows.BrokenResult as broken:
        said = f"the result of query {looking.query_id} cannot be compared: {broken}"
        raise errors.PermanentError(said) from None
    del raw  # before the former one is read: of two large results one at a time is held
    if compared.listed is None:
        return _seen(looking, compared.memory)
    fact = await _tell(looking, memory.result_id, compared, compared.listed)
    return _seen(looking, compared.memory, facts=[fact])


RETRIEVED_AT = ("query_result", "retrieved_at")


def _compare(memory: results.Memory, raw: bytes, key: Sequence[str]) -> Compared:
    result_id = rows.read(raw, "query_result", "id")
    retrieved_at = str(rows.read(raw, *RETRIEVED_AT) or "")
    if memory.is_of(result_id, "") or (result_id is None and memory.is_of(None, retrieved_at)):
        return Compared(replace(memory, refused=""))
    digests = results.digest(rows.each(raw), key)
    taken = replace(memory, taken=True, result_id=result_id, retrieved_at=retrieved_at, refused="")
    after = replace(taken, **results.store(digests))
    if (memory.silent and not memory.taken) or digests.whole == memory.whole:
        return Compared(after)
    difference = results.compare(memory.digests(), digests)
    return Compared(after, difference, results.list_rows(difference, raw, key), _table(raw))


async def _tell(looking: Looking, former_id: int | None, compared: Compared, listed: results.Listed) -> Fact:
    after, difference, table = compared.memory, compared.difference, compared.table
    former = b""
    if difference is not None and difference.wants_the_former:
        former = await _read_former(looking, former_id)
    key = looking.options.key
    lost = await _off(former, results.list_former, difference, listed.sources, former, key)
    data = {
        "query_id": looking.query_id,
        "query_result_id": after.result_id,
        "previous_result_id": former_id,
        "retrieved_at": after.retrieved_at or None,
        "parameters": looking.options.parameters,
        "rows": table.rows,
        "columns": table.columns,
        **listed.data,
        **lost,
    }
    if table.row_count is not None:
        data |= {"truncated": True, "row_count": table.row_count}
    fact = results.fact(looking.id, data, after)
    return replace(fact, time=events.time_of(after.retrieved_at, 0, looking.now))


async def _read_former(looking: Looking, result_id: int | None) -> bytes:
    """The former result, while the service has it: one that nothing uses goes after a week (Redash source)."""
    if result_id is None:
        return b""
    try:
        return await looking.client.get_raw_result(result_id, looking.query_id)
    except errors.PermanentError:
        return b""


def _table(raw: bytes) -> events.Table:
    """The rows and columns of a result; of a large one the number of its rows."""
    columns = rows.read(raw, "query_result", "data", "columns")
    made_at = str(rows.read(raw, *RETRIEVED_AT) or "")
    if len(raw) > results.LARGEST_ROWS:
        return events.Table(None, columns, None, sum(1 for _ in rows.each(raw)), made_at)
    return events.Table(list(rows.each(raw)), columns, retrieved_at=made_at)


async def _off(raw: bytes, work: Callable[..., T], *given: Any) -> T:
    """What *work* makes of *given*; in a thread where *raw* is long."""
    return await asyncio.to_thread(work, *given) if len(raw) > LONG else work(*given)


def _seen(
    looking: Looking, memory: results.Memory, *, facts: Sequence[Fact] = (), state: str | None = None
) -> declare.Seen:
    shown = {
        "id": looking.query_id,
        "query_result_id": memory.result_id,
        "retrieved_at": memory.retrieved_at or None,
        "row_count": memory.count if memory.taken else None,
        "job_id": memory.job_id,
    }
    return declare.Seen(
        looking.id,
        results.keep(memory),
        facts=facts,
        subject=str(looking.query_id),
        state=state,
        resource=shown,
        error=memory.refused or None,
    )
