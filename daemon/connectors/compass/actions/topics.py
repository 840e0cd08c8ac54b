"""Project topics: what messages are sorted into; their messages, and the topics of the past.

``classifier_topics`` beside this file has those of topic-based classifiers.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import classify, shapes
from daemon.contract import declare, errors, requests
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

Status = Literal["active", "inactive", "pending"]


class Definition(BaseModel):
    """What defines a topic; anything else that is to be kept with it may stand here too."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    terms: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        description="Words and phrases, each with its weight from 0 to 1.", min_length=1
    )


class TopicFilters(shapes.Buckets):
    """Which topics, and whether to count their messages."""

    status: Status | None = Field(None, description="Only those with this status.")
    blocking: bool | None = Field(None, description="Only blocking ones, or only others.")
    stats: bool | None = Field(None, description="Whether to count each topic's messages in buckets.")


TOPIC_FILTERS = ("status", "blocking", "stats", *shapes.BUCKETS)


class ListTopics(shapes.InProject, shapes.Limited, TopicFilters):
    """Which topics."""


class ListTopicsHistory(ListTopics):
    """Which topics of the past and of today."""

    earliest_created: str | None = Field(None, description="Only if made then or later, ISO 8601, UTC.")
    latest_created: str | None = Field(None, description="Only if made then or earlier.")
    earliest_ended: str | None = Field(None, description="Only if it became inactive then or later.")
    latest_ended: str | None = Field(None, description="Only if it became inactive then or earlier.")


class CreateTopic(shapes.InProject):
    """A new topic."""

    title: str = Field(description="Its title.", min_length=1)
    info: Definition = Field(description="What defines it: `{ terms = { word = weight } }`.")
    status: Status = Field("active", description="Only `active` and `pending` ones get messages.")
    blocking: bool = Field(False, description="Whether its messages are kept out of every other topic.")


class TopicId(shapes.InProject):
    """Which topic."""

    topic_id: str = Field(description="The topic's id.", min_length=1)


class GetTopic(TopicId, shapes.Buckets):
    """Which topic, and whether to count its messages."""

    stats: bool | None = Field(None, description="Whether to count its messages in buckets.")


class UpdateTopic(TopicId, shapes.Changes):
    """Which topic, and what to change of it."""

    title: str | None = Field(None, description="Its title.", min_length=1)
    status: Literal["active", "inactive"] | None = Field(None, description="`active` or `inactive`.")
    blocking: bool | None = Field(None, description="Whether its messages are kept out of other topics.")


class ListTopicMessages(TopicId, shapes.Limited, shapes.MessageFilters):
    """Which messages of which topic."""

    outliers: bool | None = Field(
        None, description="Whether to list messages too that are near to no topic, and nearest to this one."
    )


class Topic(declare.Result):
    """A topic."""

    id: str | None = Field(None, description="Its id: the last part of its `url`.")
    url: str | None = Field(None, description="Its address.")
    title: str | None = Field(None, description="Its title.")
    status: str | None = Field(
        None, description="`active`, `inactive` or `pending`; pending ones go at the next clustering."
    )
    blocking: bool | None = Field(None, description="Whether its messages are kept out of other topics.")
    created: str | None = Field(None, description="When it was made, ISO 8601.")
    info: Any = Field(None, description="What defines it.")
    clusters: list[Any] | None = Field(None, description="The clusters in it.")
    measurements: dict[str, Any] | None = Field(
        None, description="`count`; `velocity`, messages an hour; `acceleration`, its change an hour."
    )
    time_buckets: dict[str, Any] | None = Field(None, description="With `stats`: its messages by time.")
    messages_url: str | None = Field(None, description="The address of its messages.")


class Topics(declare.Result):
    """Topics."""

    count: int = Field(description="How many there are.")
    topics: list[Topic] = Field(description="The topics.")


@declare.action(
    "compass.list_topics",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "status": "active"},
)
async def list_topics(
    client: vendor.CompassClient, parameters: ListTopics, call: declare.Call
) -> declare.Done[Topics]:
    """List a project's topics."""
    query = shapes.query(parameters, *TOPIC_FILTERS)
    return declare.Done(await _list(client, _path(parameters), query, parameters.limit))


@declare.action(
    "compass.list_topics_history",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "earliest_created": "2025-12-01T00:00:00Z"},
)
async def list_topics_history(
    client: vendor.CompassClient, parameters: ListTopicsHistory, call: declare.Call
) -> declare.Done[Topics]:
    """List the topics a project has or had, the newest first."""
    ages = ("earliest_created", "latest_created", "earliest_ended", "latest_ended")
    query = shapes.query(parameters, *TOPIC_FILTERS, *ages)
    path = vendor.inside(parameters.project_id, "topics_history")
    return declare.Done(await _list(client, path, query, parameters.limit))


async def note_titled(client: vendor.CompassClient, parameters: CreateTopic) -> JsonObject:
    """The ids of topics that have the title already: ``{"ids": ["12"]}``."""
    return {"ids": [one.id for one in await _titled(client, parameters)]}


async def look_for_topic(
    client: vendor.CompassClient, parameters: CreateTopic, call: declare.Call, before: JsonObject | None
) -> declare.Done[Topic] | None:
    """Adopt the one topic of that title that was not there *before* and has our terms."""
    known = shapes.noted(before)["ids"]
    later = [one for one in await _titled(client, parameters) if one.id not in known]
    ours = [one for one in later if jsons.as_object(one.info).get("terms") == parameters.info.terms]
    if len(later) == len(ours) <= 1:
        return made(parameters, ours[0]) if ours else None
    raise errors.Unclear(
        f"{len(later)} topics of that title came since, {len(ours)} of them with the terms that were sent"
    )


@declare.action(
    "compass.create_topic",
    doubt=Doubt.PROBED,
    why="titles may repeat; a new one of that title with the terms that were sent is ours",
    probe=declare.Probe(
        about="whether there is a topic of that title, with those terms, that was not there before",
        look=look_for_topic,
        note=note_titled,
        lock=lambda parameters: f"topics/{parameters.project_id}/{parameters.title}",
    ),
    example={"project_id": "ab12cd34", "title": "delivery", "info": {"terms": {"parcel": 1.0, "late": 0.5}}},
)
async def create_topic(
    client: vendor.CompassClient, parameters: CreateTopic, call: declare.Call
) -> declare.Done[Topic]:
    """Make a project topic."""
    body = shapes.given(parameters, "title", "info", "status", "blocking")
    return made(parameters, read_topic(await client.write("POST", _path(parameters), body)))


@declare.action(
    "compass.get_topic",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "topic_id": "3"},
)
async def get_topic(
    client: vendor.CompassClient, parameters: GetTopic, call: declare.Call
) -> declare.Done[Topic]:
    """Read one topic."""
    query = shapes.query(parameters, "stats", *shapes.BUCKETS)
    return declare.Done(read_topic(await client.read(_path(parameters, parameters.topic_id), query)))


@declare.action(
    "compass.update_topic",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"project_id": "ab12cd34", "topic_id": "3", "blocking": True},
)
async def update_topic(
    client: vendor.CompassClient, parameters: UpdateTopic, call: declare.Call
) -> declare.Done[Topic]:
    """Change a project topic's title or status, or whether it is blocking."""
    path = _path(parameters, parameters.topic_id)
    return made(parameters, read_topic(await client.write("PUT", path, shapes.changed(parameters))))


@declare.action(
    "compass.delete_topic",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"project_id": "ab12cd34", "topic_id": "3"},
)
async def delete_topic(
    client: vendor.CompassClient, parameters: TopicId, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete a project topic; its messages stay. One that is not there is no error."""
    gone = ("topic", f"{parameters.project_id}/{parameters.topic_id}")
    return await shapes.delete(client, _path(parameters, parameters.topic_id), call, gone)


@declare.action(
    "compass.list_topic_messages",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "topic_id": "3", "limit": 20},
)
async def list_topic_messages(
    client: vendor.CompassClient, parameters: ListTopicMessages, call: declare.Call
) -> declare.Done[classify.Messages]:
    """List the messages in a topic, each with its `centrality`."""
    query = shapes.query(parameters, "outliers", *shapes.MESSAGE_FILTERS)
    path = _path(parameters, parameters.topic_id, "messages")
    found = await client.list_some(path, query, parameters.limit)
    return declare.Done(classify.read_messages(found.count, found.objects))


def read_topic(given: Json) -> Topic:
    """A topic of an answer."""
    return requests.parse("Compass", Topic, shapes.named(given))


def made(parameters: shapes.InProject, topic: Topic) -> declare.Done[Topic]:
    """What it means that *topic* was made or changed by this step."""
    touched = [("topic", f"{parameters.project_id}/{topic.id}")] if topic.id else []
    return declare.Done(topic, made=touched)


async def _list(client: vendor.CompassClient, path: str, query: JsonObject, limit: int) -> Topics:
    found = await client.list_some(path, query, limit)
    topics = [shapes.named(one) for one in found.objects]
    return requests.parse("Compass", Topics, {"count": found.count, "topics": topics})


async def _titled(client: vendor.CompassClient, parameters: CreateTopic) -> list[Topic]:
    listed = await client.list_all(_path(parameters))
    return [read_topic(one) for one in listed if one.get("title") == parameters.title]


def _path(parameters: shapes.InProject, *below: str) -> str:
    return vendor.inside(parameters.project_id, "topics", *below)
