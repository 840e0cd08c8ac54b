"""Messages: classify a text, with or without keeping it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events
from daemon.connectors.compass.actions import documents
from daemon.contract import declare, errors, http, requests
from daemon.model import times
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

AT_ONCE = 100  # messages in one request; each is classified before the answer comes


class Topic(declare.Result):
    """What a classifier says of a text."""

    id: Any = Field(None, description="The topic's id in its classifier.")
    source: str | None = Field(None, description="The name of the classifier.")
    name: str | None = Field(None, description="The label, or `UNCLASSIFIED`.")
    score: float | None = Field(None, description="How strong the match is, 0 to 1.")


class Message(declare.Result):
    """A message with its topics."""

    url: str | None = Field(None, description="Its address, where it was kept.")
    text: str | None = Field(None, description="Its text.")
    source_id: str | None = Field(None, description="The id that its sender gave it.")
    timestamp: str | float | None = Field(None, description="When it was written.")
    topics: list[Topic] = Field([], description="What the active classifiers say of it.")


class Classify(declare.Parameters):
    """A text to classify."""

    project_id: str = Field(description="The project's id.", min_length=1)
    text: str = Field(description="The text.", min_length=1)
    source_id: str | None = Field(None, description="An id of your own, given back.")


class NewMessage(BaseModel):
    """A message to post."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    text: str = Field(description="Its text.", min_length=1)
    timestamp: str | float | None = Field(
        None, description="When it was written: ISO 8601, or seconds since 1970; now if left out."
    )
    source_id: str | None = Field(
        None,
        description="An id of your own; if left out, one that names this step and its place in the list.",
    )
    language: str | None = Field(None, description="Its language, two letters.")
    info: dict[str, Any] | None = Field(None, description="Anything to keep with it.")


class PostMessages(declare.Parameters):
    """Which messages, and where. There is no `replace`: without a filter it replaces everything."""

    project_id: str = Field(description="The project's id.", min_length=1)
    messages: list[NewMessage] = Field(
        description="The messages; more than a hundred go in several requests.", min_length=1
    )


class Messages(declare.Result):
    """Messages posted."""

    count: int = Field(description="How many were posted.")
    messages: list[Message] = Field(description="The messages, with their topics.")


@declare.action("compass.classify", doubt=Doubt.REPEATABLE, why="nothing is kept")
async def classify(
    client: vendor.CompassClient, parameters: Classify, call: declare.Call
) -> declare.Done[Message]:
    """Classify one text without keeping it."""
    path = f"/projects/{http.segment(parameters.project_id)}/p/classify/"
    body = parameters.model_dump(include={"text", "source_id"}, exclude_none=True)
    answered = documents.as_list(await client.call("POST", path, json=body))
    if not answered:
        raise errors.PermanentError("the answer holds no message. Is base_url right?")
    return declare.Done(requests.parse("Compass", Message, answered[0]))


@declare.action(
    "compass.post_messages",
    doubt=Doubt.PROBED,
    why="each message carries a source_id, by which it is found again",
)
async def post_messages(
    client: vendor.CompassClient, parameters: PostMessages, call: declare.Call
) -> declare.Done[Messages]:
    """Post messages: they are classified, and kept."""
    path = f"/projects/{http.segment(parameters.project_id)}/p/messages/"
    given = [complete(one, place, call) for place, one in enumerate(parameters.messages)]
    posted = await documents.post_in_parts(client, path, given, AT_ONCE)
    result = requests.parse("Compass", Messages, {"count": len(posted), "messages": posted})
    named = [(one.url, events.id_of(one.url)) for one in result.messages if one.url]
    return declare.Done(result, made=[("message", f"{parameters.project_id}/{id}") for _, id in named])


def complete(message: NewMessage, place: int, call: declare.Call) -> JsonObject:
    """*message* as it is sent: with a time, and with a ``source_id`` that is the same in every try."""
    given = {"timestamp": times.rfc3339(call.now), "source_id": f"{call.marker}-{place}"}
    return given | message.model_dump(exclude_none=True)
