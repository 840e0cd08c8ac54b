"""Messages: posted (which classifies and keeps them), listed, read, deleted.

Each that is posted carries a ``source_id``. A lost call is looked for by those ids among the messages that came
after the newest one before it: nothing else is asked for, since the service does not filter by them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import classify, parts, shapes
from daemon.contract import declare, errors
from daemon.model import times
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

AT_ONCE = 100  # messages in one request; each is classified before the answer comes
MOST_LOOKED_AT = 10_000  # messages since the call, when it is looked for


class NewMessage(BaseModel):
    """A message to post."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    text: str = Field(description="Its text.", min_length=1)
    timestamp: shapes.Time | None = Field(
        None, description="When it was written: ISO 8601, or seconds since 1970; now if left out."
    )
    source_id: str | None = Field(
        None,
        description="An id of your own, of this message alone; if left out, one that names this step and its place "
        "in the list.",
    )
    language: str | None = Field(None, description="Its language, two letters.")
    info: dict[str, Any] | None = Field(None, description="Anything to keep with it.")


class PostMessages(shapes.InProject, shapes.MessageFilters):
    """Which messages, and where. The filters say what `replace` takes away, and stand with it only."""

    messages: list[NewMessage] = Field(
        description="The messages; more than a hundred go in several requests.", min_length=1
    )
    replace: bool = Field(
        False, description="Whether they replace the messages that the filters match: at least one is needed."
    )

    @model_validator(mode="after")
    def replaces_something_named(self) -> Self:
        """Without a filter `replace` might take every message of the project."""
        filters = shapes.given(self, *shapes.MESSAGE_FILTERS)
        if self.replace and not filters:
            raise ValueError("replace needs a filter: earliest, latest, older_than_id or newer_than_id")
        if filters and not self.replace:
            raise ValueError("filters say what is replaced: give replace = true with them")
        return self


class ListMessages(shapes.InProject, shapes.Limited, shapes.MessageFilters):
    """Which messages."""


class MessageId(shapes.InProject):
    """Which message."""

    message_id: str = Field(description="The message's id.", min_length=1)


class Purged(declare.Result):
    """Messages that are not there any more."""

    deleted: bool = Field(True, description="True.")


class PurgeMessages(shapes.InProject):
    """Which messages to do away with."""

    to_date: str = Field(
        description="All before this moment: ISO 8601, or `YYYY-MM-DD HH:MM:SS`, UTC.", min_length=1
    )

    @model_validator(mode="after")
    def is_moment(self) -> Self:
        """A moment that is read as something else could take more than was meant."""
        _moment(self.to_date)
        return self


async def note_newest(client: vendor.CompassClient, parameters: PostMessages) -> JsonObject:
    """The highest id of a message there is: ``{"newest": 41}``."""
    return {"newest": await client.newest_message(parameters.project_id)}


async def look_for_messages(
    client: vendor.CompassClient, parameters: PostMessages, call: declare.Call, before: JsonObject | None
) -> declare.Done[classify.Messages] | None:
    """Adopt the messages after the newest one *before* that have our ids; if only some are there, send the rest."""
    newest = int(shapes.noted(before)["newest"])
    later = await client.messages_after(parameters.project_id, newest, MOST_LOOKED_AT)
    given = complete(parameters.messages, call)
    ours = match(given, later.values())
    missing = [place for place in range(len(given)) if place not in ours]
    if missing and len(later) >= MOST_LOOKED_AT:
        raise errors.Unclear(f"more than {MOST_LOOKED_AT} messages came after message {newest}")
    if not ours:
        return None
    rest = await parts.post(client, _path(parameters), [given[place] for place in missing], AT_ONCE)
    posted = {**ours, **dict(zip(missing, rest, strict=False))}
    return _posted(parameters, [posted[place] for place in sorted(posted)])


@declare.action(
    "compass.post_messages",
    doubt=Doubt.PROBED,
    why="each message carries a source_id, by which it is found again",
    probe=declare.Probe(
        about="whether messages with the source_ids that were sent are among those newer than the newest one before",
        look=look_for_messages,
        note=note_newest,
        lock=lambda parameters: f"messages/{parameters.project_id}",
        relies_on_marker=lambda parameters: any(one.source_id is None for one in parameters.messages),
    ),
    example={
        "project_id": "ab12cd34",
        "messages": [{"text": "The price is good"}, {"text": "The parcel is late"}],
    },
)
async def post_messages(
    client: vendor.CompassClient, parameters: PostMessages, call: declare.Call
) -> declare.Done[classify.Messages]:
    """Post messages: they are classified, and kept."""
    # The first request alone replaces: a later one could take what the first has brought.
    query = shapes.query(parameters, "replace", *shapes.MESSAGE_FILTERS) if parameters.replace else None
    given = complete(parameters.messages, call)
    return _posted(parameters, await parts.post(client, _path(parameters), given, AT_ONCE, query))


@declare.action(
    "compass.list_messages",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "earliest": "2025-12-01T00:00:00Z", "limit": 100},
)
async def list_messages(
    client: vendor.CompassClient, parameters: ListMessages, call: declare.Call
) -> declare.Done[classify.Messages]:
    """List a project's messages, all or those that the filters match."""
    query = shapes.query(parameters, *shapes.MESSAGE_FILTERS)
    found = await client.list_some(_path(parameters), query, parameters.limit)
    return declare.Done(classify.read_messages(found.count, found.objects))


@declare.action(
    "compass.get_message",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "message_id": "1"},
)
async def get_message(
    client: vendor.CompassClient, parameters: MessageId, call: declare.Call
) -> declare.Done[classify.Message]:
    """Read one message."""
    found = await client.read(_path(parameters, parameters.message_id))
    return declare.Done(classify.read_message(found))


@declare.action(
    "compass.delete_message",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"project_id": "ab12cd34", "message_id": "1"},
)
async def delete_message(
    client: vendor.CompassClient, parameters: MessageId, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete one message. One that is not there is no error."""
    return await shapes.delete(client, _path(parameters, parameters.message_id), call)


@declare.action(
    "compass.purge_messages",
    doubt=Doubt.REPEATABLE,
    why="what is before a moment is gone once",
    example={"project_id": "ab12cd34", "to_date": "2026-01-01T00:00:00Z"},
)
async def purge_messages(
    client: vendor.CompassClient, parameters: PurgeMessages, call: declare.Call
) -> declare.Done[Purged]:
    """Delete all messages before a moment. Not documented: the vendor's own scripts do it."""
    moment = times.to_datetime(_moment(parameters.to_date)).strftime("%Y-%m-%d %H:%M:%S")
    path = vendor.inside(parameters.project_id, "purge")
    await client.send("DELETE", path, query={"to_date": moment})
    return declare.Done(Purged(deleted=True))


def complete(messages: Sequence[NewMessage], call: declare.Call) -> list[JsonObject]:
    """*messages* as they are sent: with a time, and with a ``source_id`` that is the same in every try.

    Without a marker (turned off) a message without an id of its own gets none.
    """
    return [_complete(message, place, call) for place, message in enumerate(messages)]


def _complete(message: NewMessage, place: int, call: declare.Call) -> JsonObject:
    made: JsonObject = {"timestamp": times.rfc3339(call.now)}
    if call.marker:
        made["source_id"] = f"{call.marker}-{place}"
    return made | message.model_dump(exclude_none=True)


def match(given: Sequence[JsonObject], later: Iterable[JsonObject]) -> dict[int, JsonObject]:
    """Which of the *given* messages are among the *later* ones, by their place.

    Raises :class:`~daemon.contract.errors.Unclear` where one has the ``source_id`` of ours and another text.
    """
    by_id: defaultdict[str, list[JsonObject]] = defaultdict(list)
    for one in later:
        by_id[str(one.get("source_id"))].append(one)
    found: dict[int, JsonObject] = {}
    for place, sent in enumerate(given):
        same_id = by_id[sent["source_id"]] if "source_id" in sent else []
        same = next((one for one in same_id if _text(one) == _text(sent)), None)
        if same is not None:
            found[place] = same
            same_id.remove(same)
    strange = [one for place, sent in enumerate(given) if place not in found for one in by_id[_id(sent)]]
    if strange:
        raise errors.Unclear(
            f"a message with the source_id {strange[0]['source_id']} is there, but with another text"
        )
    return found


def _id(sent: JsonObject) -> str:
    return str(sent.get("source_id", ""))


def _text(message: JsonObject) -> str:
    return " ".join(str(message.get("text")).split())


def _posted(parameters: PostMessages, answered: list[JsonObject]) -> declare.Done[classify.Messages]:
    result = classify.read_messages(len(parameters.messages), answered)
    made = [("message", f"{parameters.project_id}/{one.id}") for one in result.messages if one.id]
    return declare.Done(result, made=made)


def _path(parameters: shapes.InProject, *below: str) -> str:
    return vendor.inside(parameters.project_id, "messages", *below)


def _moment(text: str) -> int:
    """The instant of *text*; without an offset it is UTC."""
    return times.parse_rfc3339(text.strip())
