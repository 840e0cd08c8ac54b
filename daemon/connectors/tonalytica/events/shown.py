"""A job as events and results show it, and the types of what is told of it. Pure.

``checking`` and ``reference`` read the schemas.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from daemon.contract import declare
from daemon.model.jsons import JsonObject

PREFIX = "tonalytica.job."


class JobShown(BaseModel):
    """A job, as events and results show it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="The job's id; `cached-RESULTID` for an answer from the cache.")
    status: int | str | None = Field(
        None, description="The service's own status: 1 pending, 2 started, 3 success, 4 failure, 5 cancelled."
    )
    error: str | None = Field(None, description="The service's words when the query failed; empty otherwise.")
    query_result_id: int | None = Field(None, description="The result's id, once there is one.")


_JOB_ID = "3f0c2b1a-5d3e-4c1b-9a52-6f0d6a1b2c3d"


def _example(status: int, error: str = "", result_id: int | None = None) -> JsonObject:
    return {
        "job": {"id": _JOB_ID, "status": status, "error": error, "query_result_id": result_id},
        "query_id": 17,
        "query_result_id": result_id,
        "rows": None,
        "columns": None,
        "error": error or None,
    }


class JobEvent(declare.EventData):
    """A query's execution."""

    subject: ClassVar[str] = "job id"
    job: JobShown = Field(description="The job.")
    query_id: int | None = Field(
        None, description="The query it executes; null for a watched job whose query is not known."
    )
    query_result_id: int | None = Field(None, description="The result's id, on success.")
    rows: list[dict[str, Any]] | None = Field(
        None, description="The result's rows, one object each by column name; on success."
    )
    columns: list[dict[str, Any]] | None = Field(
        None, description="The result's columns (`name`, `type`, `friendly_name`); on success."
    )
    error: str | None = Field(None, description="Why it failed, was cancelled, or has no rows to show.")


class JobPending(JobEvent):
    """A query waits to be executed."""

    type: ClassVar[str] = PREFIX + "pending"
    example: ClassVar[JsonObject] = _example(1)


class JobStarted(JobEvent):
    """A query is being executed."""

    type: ClassVar[str] = PREFIX + "started"
    example: ClassVar[JsonObject] = _example(2)


class JobSucceeded(JobEvent):
    """A query has been executed; its rows are here. Told of an answer from the cache too."""

    type: ClassVar[str] = PREFIX + "succeeded"
    example: ClassVar[JsonObject] = {
        **_example(3, result_id=2),
        "rows": [{"city": "Lima", "n": 1}],
        "columns": [{"name": "city", "type": None}, {"name": "n", "type": "integer"}],
    }


class JobFailed(JobEvent):
    """A query failed."""

    type: ClassVar[str] = PREFIX + "failed"
    example: ClassVar[JsonObject] = _example(4, 'syntax error at or near "SELEC"')


class JobCancelled(JobEvent):
    """A query was cancelled."""

    type: ClassVar[str] = PREFIX + "cancelled"
    example: ClassVar[JsonObject] = _example(4, "Query cancelled by user.")


JOBS: tuple[type[JobEvent], ...] = (JobPending, JobStarted, JobSucceeded, JobFailed, JobCancelled)
