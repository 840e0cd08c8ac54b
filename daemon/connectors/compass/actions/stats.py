"""How many messages a project has, how fast they come, and how many were counted for the bill."""

from typing import Any, Literal

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events
from daemon.connectors.compass.actions import shapes
from daemon.contract import declare, requests
from daemon.model.runs import Doubt


class GetStats(shapes.InProject, shapes.Buckets):
    """Of which project, over which time."""


class Stats(declare.Result):
    """A project's messages, counted."""

    measurements: events.Measurements = Field(description="All messages, and how fast they come.")
    time_buckets: events.TimeBuckets | None = Field(None, description="Messages by time.")


class ListUsage(shapes.InProject):
    """Which usage."""

    source: Literal["gnip", "api"] | None = Field(None, description="Only of this source.")
    earliest: shapes.Time | None = Field(
        None, description="Only from this time on: ISO 8601, or seconds since 1970."
    )
    latest: shapes.Time | None = Field(None, description="Only until this time.")


class GetUsage(shapes.InProject):
    """Which usage."""

    usage_id: str = Field(description="The id of one day's usage: the last part of its `url`.", min_length=1)


class Usage(declare.Result):
    """Messages counted on one day; days run from noon to noon."""

    id: str | None = Field(None, description="Its id: the last part of its `url`.")
    url: str | None = Field(None, description="Its address.")
    source: str | None = Field(None, description="`gnip` or `api`.")
    start_time: str | None = Field(None, description="The noon at which the day begins, ISO 8601.")
    count: int | None = Field(None, description="How many messages were counted.")


class Month(declare.Result):
    """Messages counted in one month."""

    start_time: str | None = Field(None, description="Noon of its first day, ISO 8601.")
    month_name: str | None = Field(None, description="Its English name.")
    total_counts: dict[str, Any] = Field(
        default_factory=dict, description="How many messages were counted, by source."
    )
    days: list[Usage] = Field([], description="Its days, by source.")


class Months(declare.Result):
    """Messages counted, by month."""

    months: list[Month] = Field(description="The months.")


@declare.action(
    "compass.get_stats",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "interval": 3600, "num_buckets": 2},
)
async def get_stats(
    client: vendor.CompassClient, parameters: GetStats, call: declare.Call
) -> declare.Done[Stats]:
    """Count a project's messages, in all and by time."""
    path = vendor.inside(parameters.project_id, "stats")
    found = await client.read(path, shapes.query(parameters, *shapes.BUCKETS))
    return declare.Done(requests.parse("Compass", Stats, found))


@declare.action(
    "compass.list_usage", doubt=Doubt.REPEATABLE, why="it only reads", example={"project_id": "ab12cd34"}
)
async def list_usage(
    client: vendor.CompassClient, parameters: ListUsage, call: declare.Call
) -> declare.Done[Months]:
    """List how many messages were counted, by month and day. More than the project has: some are filtered out."""
    query = shapes.query(parameters, "source", "earliest", "latest")
    months = await client.call("GET", vendor.inside(parameters.project_id, "usage"), query=query)
    found = requests.parse("Compass", Months, {"months": months})
    for month in found.months:
        month.days = [_read(day.model_dump(exclude_unset=True)) for day in month.days]
    return declare.Done(found)


@declare.action(
    "compass.get_usage",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "usage_id": "20251130"},
)
async def get_usage(
    client: vendor.CompassClient, parameters: GetUsage, call: declare.Call
) -> declare.Done[Usage]:
    """Read how many messages of one source were counted on one day."""
    return declare.Done(
        _read(await client.read(vendor.inside(parameters.project_id, "usage", parameters.usage_id)))
    )


def _read(given: Any) -> Usage:
    return requests.parse("Compass", Usage, shapes.named(given))
