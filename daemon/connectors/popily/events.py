"""What Popily can tell of a source, and what a look at one says beside what is remembered. Pure.

``watches`` and ``actions`` compare with :func:`compare`; ``checking`` and ``reference`` read the schemas.
Field names are the Popily API text's.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from daemon.contract import declare, secrets
from daemon.model import events, jsons
from daemon.model.jsons import JsonObject

SECRET_FIELDS = frozenset({"connection_string", "embed_url", "token"})
FINISHED = "finished"  # missing from the document's table of states, but in its example and its clients
FAILED = "error"
_BLANKER = secrets.Blanker(SECRET_FIELDS)
STATUSES = frozenset(
    # the last two: in later editions of the vendor's documents
    {"inspecting", "calculating", "reinspecting", "adding", FINISHED, FAILED, "supplementing", "augmenting"}
)


class Source(BaseModel):
    """A source as the API shows it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: int | str = Field(description="The source's id.")
    slug: str | None = Field(None, description="Its unique name in addresses; an id works as well.")
    title: str | None = Field(None, description="Its name.")
    description: str | None = Field(None, description="Its description.")
    status: str | None = Field(
        None, description="`inspecting calculating reinspecting Adding finished error`, or a new word."
    )
    columns: list[Any] | None = Field(None, description="Columns: `{id column_header data_type score}`.")
    created_by: int | str | None = Field(None, description="The user who made it.")
    explore_path: str | None = Field(None, description="Where people explore it, below the site's address.")
    url: str | None = Field(None, description="Where its data came from; null for files and queries.")
    type: str | None = Field(None, description="`e_csv`, `e_xls`, `e_json` or `sql`.")
    sheetname: str | None = Field(None, description="The sheet of an Excel file.")
    connection_string: secrets.SecretText | None = Field(None, description="The database. Blanked.")
    query: str | None = Field(None, description="The SQL query that gives its rows.")


_SOURCE = {
    "id": 2279,
    "slug": "dc-wikia-data",
    "title": "DC Comics Data",
    "description": None,
    "status": "finished",
    "columns": [{"id": 29382, "column_header": "HAIR", "data_type": "category", "score": 0.18}],
    "created_by": 3,
    "explore_path": "/explore/source/dc-wikia-data/discoveries/",
    "sheetname": None,
    "url": None,
}


class SourceEvent(declare.EventData):
    """What all events of a source carry."""

    subject: ClassVar[str] = "source id"
    example: ClassVar[JsonObject] = {"source": _SOURCE, "status": "finished", "previous": "calculating"}
    source: Source = Field(description="The source; a removed one as last seen.")
    status: str | None = Field(None, description="The status it has now, in Popily's own word.")
    previous: str | None = Field(
        None, description="The status it had when last seen; null: it was not known."
    )


class SourceAdded(SourceEvent):
    """A source is there that was not there before."""

    type: ClassVar[str] = "popily.source.added"
    example: ClassVar[JsonObject] = {
        "source": {**_SOURCE, "status": "inspecting"},
        "status": "inspecting",
        "previous": None,
    }


class SourceStatusChanged(SourceEvent):
    """A source went from one status to another: to `finished` and `error` too."""

    type: ClassVar[str] = "popily.source.status_changed"


class SourceFinished(SourceEvent):
    """A source is built: its insights can be read. One that is built again finishes again."""

    type: ClassVar[str] = "popily.source.finished"


class SourceFailed(SourceEvent):
    """Something went wrong with a source; Popily does not say what."""

    type: ClassVar[str] = "popily.source.failed"
    example: ClassVar[JsonObject] = {
        "source": {**_SOURCE, "status": "error"},
        "status": "error",
        "previous": "calculating",
    }


class SourceRemoved(SourceEvent):
    """A remembered source does not exist any more."""

    type: ClassVar[str] = "popily.source.removed"


ALL: tuple[type[declare.EventData], ...] = (
    SourceAdded,
    SourceStatusChanged,
    SourceFinished,
    SourceFailed,
    SourceRemoved,
)


def word_of(status: str | None) -> str:
    """A status for comparing: Popily writes one of its states with a capital letter, in every edition."""
    return (status or "").casefold()


def tidy(source: Mapping[str, Any]) -> JsonObject:
    """*source* as it is remembered and told: secrets blanked, signed addresses and passwords inside texts too."""
    return jsons.as_object(_BLANKER.value(dict(source)))


def compare(memory: JsonObject | None, source: Mapping[str, Any], announce: bool) -> declare.Seen:
    """What *source* says beside *memory*.

    One that is new and already in its last state has come there since it was made: both are told. A state
    that no document knows is told as it is and never final.
    """
    found = tidy(source)
    status = found.get("status")
    before = memory["source"].get("status") if memory else None
    moved = word_of(status) != word_of(before)
    number = (memory["number"] if memory else 0) + (1 if moved else 0)
    words = _words(memory is None, moved, word_of(status)) if memory is not None or announce else []
    facts = [_fact(found, before, word, number) for word in words]
    finished = word_of(status) == FINISHED
    return declare.Seen(
        id=str(found["id"]),
        memory={"source": found, "number": number},
        facts=facts,
        subject=str(found["id"]),
        state=status,
        final=finished or word_of(status) == FAILED,
        result=result_of(found, before) if finished else None,
        failure=f"Popily could not build source {found['id']}: its status is {status}"
        if word_of(status) == FAILED
        else None,
        resource=found,
    )


def _words(new: bool, moved: bool, status: str) -> list[str]:
    """The last words of the event types that one look tells, in order."""
    if not new and not moved:
        return []
    ends = {FINISHED: ["finished"], FAILED: ["failed"]}.get(status, [])
    return [*(["added"] if new else ["status_changed"]), *ends]


def _data(source: JsonObject, before: str | None) -> JsonObject:
    return {"source": source, "status": source.get("status"), "previous": before}


def result_of(source: JsonObject, before: str | None) -> JsonObject:
    """What a step is given: an event's data, and the source's own fields beside it."""
    return {**source, **_data(source, before)}


def _fact(source: JsonObject, before: str | None, word: str, number: int) -> events.Fact:
    status = word_of(source.get("status"))
    key = f"source:{source['id']}:{word}"
    key = key if word == "added" else f"{key}:{status}:{number}"
    return events.Fact(f"popily.source.{word}", str(source["id"]), key, _data(source, before))


def gone(source_id: str, memory: JsonObject | None) -> declare.Seen:
    """A source that does not exist: told if it was remembered. A run that waits for it waits in vain."""
    source = memory["source"] if memory else {}
    facts = []
    if memory:
        key = f"source:{source_id}:removed"
        data = _data(source, source.get("status"))
        facts = [events.Fact("popily.source.removed", source_id, key, data)]
    return declare.Seen(
        id=source_id,
        memory=memory or {},
        facts=facts,
        subject=source_id,
        resource=source,
        gone=True,
        failure=f"source {source_id} does not exist any more",
    )
