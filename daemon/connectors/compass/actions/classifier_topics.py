"""Topics of topic-based classifiers: each a title and an expression, words joined by ``AND OR NOT``.

The texts of a topic are called ``name`` and ``info`` when it is made, ``title`` and ``info`` when it is changed,
``title`` and ``clause`` inside a new classifier (Compass API text).
"""

from typing import Any, Literal

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import watches
from daemon.connectors.compass.actions import shapes, topics
from daemon.contract import declare, errors
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

Status = Literal["active", "inactive"]
EXPRESSION = (
    "Its expression: words and phrases joined by `AND OR NOT`, in parentheses where operators are mixed, without "
    "punctuation; as in `(ale OR beer) AND NOT porter`."
)


class CreateClassifierTopic(shapes.InProject):
    """A new topic of a classifier."""

    classifier_id: str = Field(description="The id of a `topic_based` classifier.", min_length=1)
    name: str = Field(description="Its title, unique in the classifier.", min_length=1)
    info: str = Field(description=EXPRESSION, min_length=1)
    status: Status = Field("active", description="`active` or `inactive`.")
    blocking: bool = Field(False, description="Whether its messages are kept out of every other topic.")


class UpdateClassifierTopic(topics.TopicId, shapes.Changes):
    """Which topic, and what to change of it."""

    title: str | None = Field(None, description="Its title, unique in the classifier.", min_length=1)
    info: str | None = Field(None, description=EXPRESSION, min_length=1)
    status: Status | None = Field(None, description="`active` or `inactive`.")
    blocking: bool | None = Field(None, description="Whether its messages are kept out of other topics.")


async def note_titled(client: vendor.CompassClient, parameters: CreateClassifierTopic) -> JsonObject:
    """Whether the classifier has a topic of that title: ``{"there": false}``."""
    return {"there": await _find(client, parameters) is not None}


async def look_for_topic(
    client: vendor.CompassClient,
    parameters: CreateClassifierTopic,
    call: declare.Call,
    before: JsonObject | None,
) -> declare.Done[topics.Topic] | None:
    """Adopt the classifier's topic of that title if it was not there *before* and has our expression."""
    found = await _find(client, parameters)
    if shapes.noted(before)["there"] or found is None:
        return None
    if isinstance(found.info, str) and found.info.split() != parameters.info.split():
        raise errors.Unclear(f"topic {found.id} has the title, but another expression")
    return topics.made(parameters, found)


@declare.action(
    "compass.create_classifier_topic",
    doubt=Doubt.PROBED,
    why="its title is unique in the classifier: it tells whether the topic is there",
    probe=declare.Probe(
        about="whether the classifier has a topic of that title that was not there before",
        look=look_for_topic,
        note=note_titled,
        lock=lambda given: f"classifier-topics/{given.project_id}/{given.classifier_id}/{given.name}",
    ),
    example={"project_id": "ab12cd34", "classifier_id": "1", "name": "delivery", "info": "parcel OR late"},
)
async def create_classifier_topic(
    client: vendor.CompassClient, parameters: CreateClassifierTopic, call: declare.Call
) -> declare.Done[topics.Topic]:
    """Add a topic to a topic-based classifier."""
    path = vendor.inside(parameters.project_id, "classifiers", parameters.classifier_id, "topics")
    body = shapes.given(parameters, "name", "info", "status", "blocking")
    try:
        made = await client.write("POST", path, body)
    except errors.PermanentError as refused:
        if refused.status not in (404, 405):
            raise
        # The text writes this one path without the slash that it asks for everywhere.
        made = await _post_bare(client, path.rstrip("/"), body, refused)
    return topics.made(parameters, topics.read_topic(made))


@declare.action(
    "compass.update_classifier_topic",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"project_id": "ab12cd34", "topic_id": "4", "info": "price OR invoice"},
)
async def update_classifier_topic(
    client: vendor.CompassClient, parameters: UpdateClassifierTopic, call: declare.Call
) -> declare.Done[topics.Topic]:
    """Change the title, expression or status of a classifier's topic."""
    changed = await client.write("PUT", _path(parameters), shapes.changed(parameters))
    return topics.made(parameters, topics.read_topic(changed))


@declare.action(
    "compass.delete_classifier_topic",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"project_id": "ab12cd34", "topic_id": "4"},
)
async def delete_classifier_topic(
    client: vendor.CompassClient, parameters: topics.TopicId, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Take a topic from its classifier. One that is not there is no error."""
    gone = ("topic", f"{parameters.project_id}/{parameters.topic_id}")
    return await shapes.delete(client, _path(parameters), call, gone)


async def _post_bare(
    client: vendor.CompassClient, path: str, body: JsonObject, refused: errors.PermanentError
) -> JsonObject:
    """Post to *path* as it is written; *refused* is raised if that is not there either."""
    try:
        return jsons.as_object((await client.send("POST", path, json=body, as_written=True)).json())
    except errors.PermanentError as again:
        raise (refused if again.status in (404, 405) else again) from None


async def _find(client: vendor.CompassClient, parameters: CreateClassifierTopic) -> topics.Topic | None:
    classifier = await watches.get_classifier(client, parameters.project_id, parameters.classifier_id)
    for one in classifier.shown.get("topics") or []:
        topic = _read(one)
        if topic.title == parameters.name:
            return topic
    return None


def _read(given: Any) -> topics.Topic:
    """A topic of a classifier, which lists them as objects or as bare titles."""
    if not isinstance(given, dict):
        return topics.Topic(title=str(given))
    title = given.get("title", given.get("name"))
    return topics.read_topic({**given, "title": title, "info": given.get("info", given.get("clause"))})


def _path(parameters: topics.TopicId) -> str:
    return vendor.inside(parameters.project_id, "topics", parameters.topic_id)
