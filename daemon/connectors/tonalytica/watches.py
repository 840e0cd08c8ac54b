"""The watch on TONalytica's jobs: those that the daemon submits, and those that a ``[[watch]]`` names.

Polled by ``intake``; ``events`` decides what is news.
"""

from collections.abc import Sequence

from pydantic import Field

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica import events
from daemon.contract import declare, errors


class JobsOptions(declare.Options):
    """Which jobs."""

    ids: list[str] = Field(
        description="The jobs' ids. The service has no listing of jobs; those that the daemon submits are "
        "followed by themselves.",
        min_length=1,
    )
    query_id: int | None = Field(
        None, description="The query that these jobs execute, if you know it: it stands in their events then."
    )


@declare.watch("jobs", noun="job", events=events.TYPES, wanted=lambda options: tuple(options.ids))
async def jobs(
    client: vendor.TonalyticaClient, options: JobsOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """Executions of queries, from pending to their rows or their failure."""
    wanted = cursor.wanted if cursor.wanted is not None else tuple(options.ids)
    return [await _look(client, options, cursor, job_id) for job_id in wanted]


async def _look(
    client: vendor.TonalyticaClient, options: JobsOptions, cursor: declare.Cursor, job_id: str
) -> declare.Seen:
    query_id = options.query_id or client.query_id
    # One that is remembered already (followed, say) changes: that is news at a first poll too.
    announce = cursor.announce or job_id in cursor.memory
    memory = events.recall(cursor.memory.get(job_id), query_id, cursor.now)
    try:
        reading = events.read(await client.get_job(job_id, memory.query_id))
    except errors.ServiceError as failed:
        if not _is_unknown(failed):
            raise
        missed = events.miss(memory, job_id)
        return missed or events.give_up(memory, job_id, await _latest(client, memory), announce=announce)
    table = events.NO_TABLE
    if reading.state == events.SUCCEEDED and reading.result_id is not None and announce:
        table = await fetch(client, reading.result_id, memory.query_id)
    return events.see(memory, reading, table, announce=announce)


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
