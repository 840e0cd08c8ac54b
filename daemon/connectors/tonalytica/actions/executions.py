"""Executing queries: ask for it, look at the job, read the result."""

import dataclasses
from typing import Any, Literal

from pydantic import Field, field_validator

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica import events
from daemon.connectors.tonalytica.actions.queries import READS
from daemon.connectors.tonalytica.events import shown
from daemon.contract import declare, http, requests
from daemon.model import ids, jsons, times
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

FileType = Literal["json", "csv", "tsv"]
FORM = "`json` gives rows, `csv` and `tsv` give the service's own file as text, in `content`."
ANY_AGE = -1  # as ``max_age``: any cached result will do


class ExecuteQuery(declare.Parameters):
    """Which query, and how fresh its result must be."""

    query_id: int = Field(description="The query's id.", ge=1)
    parameters: JsonObject = Field(
        default_factory=dict,
        description="Values of the query's parameters: numbers, texts, ISO dates, `{start, end}`. The "
        "service puts text into the query as it is.",
    )
    max_age: int = Field(
        0,
        description="How old a cached result may be, in seconds; 0 always executes, -1 takes any cached one.",
        ge=ANY_AGE,
    )
    wait: bool = Field(False, description="Wait for the result: the step's result is the final event's data.")
    wait_timeout: str = Field("24h", description="How long to wait at most.")

    @field_validator("wait_timeout")
    @classmethod
    def is_duration(cls, text: str) -> str:
        """A duration, as in ``24h``."""
        times.parse_duration(text)
        return text


class Execution(declare.Result):
    """A query's execution: under way, or answered from the cache. With `wait`, how it ended."""

    job: shown.JobShown = Field(description="The job.")
    query_id: int | None = Field(None, description="The query.")
    query_result_id: int | None = Field(None, description="The result's id, once there is one.")
    rows: list[dict[str, Any]] | None = Field(None, description="The rows, one object each by column name.")
    columns: list[dict[str, Any]] | None = Field(None, description="The columns (`name`, `type`).")
    error: str | None = Field(None, description="Why there are no rows.")


class GetJob(declare.Parameters):
    """Which job."""

    job_id: str = Field(description="The job's id.", pattern=vendor.JOB_ID)
    query_id: int | None = Field(None, description="Its query; needed where the key is a query's own.")


class Job(declare.Result):
    """A job."""

    job: shown.JobShown = Field(description="The job.")
    query_result_id: int | None = Field(None, description="The result's id, once there is one.")


class GetResult(declare.Parameters):
    """Which result, and in what form."""

    query_result_id: int = Field(description="The result's id.", ge=1)
    query_id: int | None = Field(None, description="Its query; needed where the key is a query's own.")
    filetype: FileType = Field("json", description=FORM)


class GetCachedResult(declare.Parameters):
    """Of which query, and in what form."""

    query_id: int = Field(description="The query's id.", ge=1)
    filetype: FileType = Field("json", description=FORM)


class QueryResult(declare.Result):
    """A result."""

    query_result_id: int | None = Field(None, description="The result's id.")
    rows: list[dict[str, Any]] | None = Field(None, description="The rows, one object each by column name.")
    columns: list[dict[str, Any]] | None = Field(None, description="The columns (`name`, `type`).")
    retrieved_at: str | None = Field(None, description="When it was made, ISO 8601.")
    runtime: float | None = Field(None, description="How long the query ran, in seconds.")
    query: str | None = Field(None, description="The text that was run.")
    query_hash: str | None = Field(None, description="The service's hash of that text.")
    data_source_id: int | None = Field(None, description="The data source it ran on.")
    content: str | None = Field(None, description="The file, where one was asked for, instead of rows.")


async def look_for_execution(
    client: vendor.TonalyticaClient, parameters: ExecuteQuery, call: declare.Call, before: JsonObject | None
) -> declare.Done[Execution]:
    """The job of the first try, or its result: the service gives them to whoever asks again, and runs the query
    only where there is neither. So this look never has to be followed by a call."""
    asked_at = call.now if call.first_sent_at is None else call.first_sent_at
    return await _ask(client, parameters, dataclasses.replace(call, first_sent_at=asked_at))


@declare.action(
    "tonalytica.execute_query",
    doubt=Doubt.PROBED,
    why="a repeat joins the running job, or takes the result that the first try made",
    follows="jobs",
    probe=declare.Probe(
        about="the query is asked for again with `max_age` = the seconds since the first try: the service answers "
        "with the running job, or with the result made since",
        look=look_for_execution,
    ),
    example={"query_id": 17, "max_age": 600},
)
async def execute_query(
    client: vendor.TonalyticaClient, parameters: ExecuteQuery, call: declare.Call
) -> declare.Done[Execution]:
    """Execute a query. The job is followed by itself: its events tell how it goes, with or without `wait`."""
    return await _ask(client, parameters, call)


async def _ask(
    client: vendor.TonalyticaClient, parameters: ExecuteQuery, call: declare.Call
) -> declare.Done[Execution]:
    body: JsonObject = {"max_age": choose_max_age(parameters.max_age, call.now, call.first_sent_at)}
    if parameters.parameters:  # null for no parameters is a 500 (observed)
        body["parameters"] = parameters.parameters
    answer = await client.execute(parameters.query_id, body)
    if isinstance(answer, events.VendorResult):
        return _answered(parameters.query_id, answer)
    return _submitted(parameters, answer, call.now)


def choose_max_age(wanted: int, now: int, first_sent_at: int | None) -> int:
    """The ``max_age`` to ask with, in seconds.

    A repeat must find the result that its first try may have made: it asks for what came since, rounded up,
    at least a second and never 0. A larger *wanted*, and :data:`ANY_AGE`, find it anyhow.
    """
    if first_sent_at is None or wanted == ANY_AGE:
        return wanted
    since = -(-(now - first_sent_at) // times.SECOND)
    return max(1, since, wanted)


def _answered(query_id: int, result: events.VendorResult) -> declare.Done[Execution]:
    """An answer from the cache: told as the success of a job of its own."""
    job_id = f"cached-{result.id if result.id is not None else _name_of(result)}"
    job = events.VendorJob(id=job_id, status=3, error="", query_result_id=result.id)
    reading = events.Reading(events.SUCCEEDED, "", result.id, events.read(job).job)
    data = events.tell(query_id, reading, events.table_of(result))
    # One cached result can answer several queries of the same text: each is a fact of its own.
    told = events.fact(events.SUCCEEDED, job_id, data, key=f"job:{job_id}:{events.SUCCEEDED}:{query_id}")
    return declare.Done(Execution.model_validate(data), facts=[told])


def _name_of(result: events.VendorResult) -> str:
    """A name for a result whose id a query's key is not told (observed): the same result, the same name."""
    return ids.digest(result.retrieved_at, jsons.canonical(result.data.model_dump()))[:16]


def _submitted(parameters: ExecuteQuery, job: events.VendorJob, now: int) -> declare.Done[Execution]:
    """A job that runs: its first state is told, the rest (a final state too) is the watch's."""
    reading = events.read(job)
    memory = events.Memory(
        query_id=parameters.query_id,
        started_at=now,
        parameterized=bool(parameters.parameters),
        job=reading.job,
    )
    seen = None if reading.final else events.see(memory, reading)
    return declare.Done(
        Execution.model_validate(events.tell(parameters.query_id, reading)),
        facts=seen.facts if seen else (),
        follow=declare.Follow(
            "jobs", job.id, memory=seen.memory if seen else events.keep(memory), options={"ids": [job.id]}
        ),
        made=[("job", job.id)],
    )


@declare.action(
    "tonalytica.get_job",
    doubt=Doubt.REPEATABLE,
    why=READS,
    example={"job_id": "00000000-0000-4001-8006-44d8a90ba000"},
)
async def get_job(
    client: vendor.TonalyticaClient, parameters: GetJob, call: declare.Call
) -> declare.Done[Job]:
    """Look at a job. The service answers 500 for one that it does not know."""
    job = await client.get_job(parameters.job_id, parameters.query_id or client.query_id)
    reading = events.read(job)
    told = shown.JobShown.model_validate(reading.job)
    return declare.Done(Job(job=told, query_result_id=reading.result_id))


@declare.action("tonalytica.get_cached_result", doubt=Doubt.REPEATABLE, why=READS, example={"query_id": 18})
async def get_cached_result(
    client: vendor.TonalyticaClient, parameters: GetCachedResult, call: declare.Call
) -> declare.Done[QueryResult]:
    """Read the latest result of a query, without executing it. A query with parameters never has one here."""
    reply = await client.get_cached_result(parameters.query_id, parameters.filetype)
    return declare.Done(_shown(reply, parameters.filetype, None))


@declare.action(
    "tonalytica.get_result",
    doubt=Doubt.REPEATABLE,
    why=READS,
    example={"query_result_id": 1, "filetype": "json"},
)
async def get_result(
    client: vendor.TonalyticaClient, parameters: GetResult, call: declare.Call
) -> declare.Done[QueryResult]:
    """Read a result with its rows, or as a file of comma- or tab-separated values."""
    query_id = parameters.query_id or client.query_id
    reply = await client.get_result_as(parameters.filetype, parameters.query_result_id, query_id)
    return declare.Done(_shown(reply, parameters.filetype, parameters.query_result_id))


def _shown(reply: http.Reply, filetype: FileType, query_result_id: int | None) -> QueryResult:
    if filetype != "json":
        return QueryResult(query_result_id=query_result_id, content=vendor.text_of(reply))
    found = vendor.read_result(reply)
    fields = found.model_dump(exclude={"id", "data"})
    fields |= {"rows": found.data.rows, "columns": found.data.columns}
    fields["query_result_id"] = found.id if query_result_id is None else query_result_id
    return requests.parse("Redash", QueryResult, fields)
