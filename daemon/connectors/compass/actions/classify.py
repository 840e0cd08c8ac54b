"""Classify a text without keeping it; and what a message looks like, kept or not.

``messages`` and ``topics`` beside this file answer the same shapes.
"""

from typing import Any

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import parts, shapes
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class MessageTopic(declare.Result):
    """What a classifier says of a text."""

    id: Any = Field(None, description="The topic's id in its classifier.")
    source: str | None = Field(None, description="The name of the classifier.")
    name: str | None = Field(None, description="The label, or `UNCLASSIFIED`.")
    score: float | None = Field(None, description="How strong the match is, 0 to 1; 0 for `UNCLASSIFIED`.")


class Message(declare.Result):
    """A message with its topics."""

    id: str | None = Field(None, description="Its id; null where it was not kept.")
    url: str | None = Field(None, description="Its address; null where it was not kept.")
    text: str | None = Field(None, description="Its text.")
    language: str | None = Field(None, description="Its language, two letters.")
    source_id: str | int | None = Field(None, description="The id that its sender gave it.")
    timestamp: str | float | None = Field(None, description="When it was written.")
    blocked: bool | None = Field(None, description="Whether it belongs to a blocking topic.")
    weight: float | None = Field(None, description="Its weight, as the service gives it.")
    info: Any = Field(None, description="What its sender put with it.")
    sentiment: float | None = Field(None, description="The feeling in it: above 0 good, below 0 bad.")
    topics: list[MessageTopic] = Field([], description="What the active classifiers say of it.")
    centrality: float | None = Field(
        None, description="In a topic's listing: how central it is to the topic; below 0 an outlier."
    )


class Messages(declare.Result):
    """Messages."""

    count: int = Field(description="How many were posted, or how many there are.")
    messages: list[Message] = Field(description="The messages, with their topics.")


class Classify(shapes.InProject):
    """A text to classify."""

    text: str = Field(description="The text.", min_length=1)
    source_id: str | None = Field(None, description="An id of your own, given back.")


@declare.action(
    "compass.classify",
    doubt=Doubt.REPEATABLE,
    why="nothing is kept",
    example={"project_id": "ab12cd34", "text": "Where is my parcel?"},
)
async def classify(
    client: vendor.CompassClient, parameters: Classify, call: declare.Call
) -> declare.Done[Message]:
    """Classify one text without keeping it."""
    body = shapes.given(parameters, "text", "source_id")
    answered = parts.as_list(
        await client.call("POST", vendor.inside(parameters.project_id, "classify"), json=body)
    )
    if not answered:
        raise errors.StrangeAnswer("the answer holds no message. Is base_url right?")
    return declare.Done(read_message(answered[0]))


def read_message(given: JsonObject) -> Message:
    """A message of an answer."""
    return requests.parse("Compass", Message, shapes.named(given))


def read_messages(count: int, given: list[JsonObject]) -> Messages:
    """Messages of an answer, of *count* in all."""
    return requests.parse(
        "Compass", Messages, {"count": count, "messages": [shapes.named(one) for one in given]}
    )
