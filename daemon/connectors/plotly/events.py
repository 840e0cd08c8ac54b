"""What Plotly can tell of a file, and what a look at one says beside what is remembered. Pure.

``watches`` compares with :func:`compare`; ``checking`` and ``reference`` read the schemas. Field names are those of
the vendor's files page.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from daemon.contract import declare, secrets
from daemon.model import events, jsons
from daemon.model.jsons import JsonObject

SECRET_FIELDS = frozenset({"api_key", "share_key", "embed_url"})
# What makes a change. Views, stars and comments are no change of the file, and previews none that needs telling.
WATCHED = (
    "filename",
    "filetype",
    "title",
    "owner",
    "parent",
    "world_readable",
    "share_key_enabled",
    "creation_time",
    "date_modified",
)


class File(BaseModel):
    """A file as Plotly shows it, its content aside."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    fid: str = Field(description="The file's id, `username:number`.")
    filename: str | None = Field(None, description="Its name, without folders.")
    filetype: str | None = Field(
        None, description="`plot`, `grid`, `fold` (a folder), or Plotly's word for another."
    )
    title: str | None = Field(None, description="Its title, where it has one.")
    owner: Any = Field(None, description="Whose it is.")
    parent: int | None = Field(None, description="The number of its folder; -1 is the account's home.")
    world_readable: bool | None = Field(None, description="Whether everyone may read it.")
    share_key_enabled: bool | None = Field(None, description="Whether its share key lets strangers read it.")
    creation_time: str | None = Field(None, description="When it was made, in Plotly's own form.")
    date_modified: str | None = Field(None, description="When it was changed last, in Plotly's own form.")


_FILE: JsonObject = {
    "fid": "ada:12",
    "filename": "signups",
    "filetype": "grid",
    "title": None,
    "owner": "ada",
    "parent": -1,
    "world_readable": False,
    "share_key_enabled": False,
    "creation_time": "2026-11-01T09:00:00.000000Z",
    "date_modified": "2026-11-02T10:30:00.000000Z",
    "web_url": "https://plots.example/~ada/12/",
}


class FileEvent(declare.EventData):
    """What all events of a file carry."""

    subject: ClassVar[str] = "fid"
    example: ClassVar[JsonObject] = {
        "file": _FILE,
        "previous": {**_FILE, "date_modified": "2026-11-01T09:00:00.000000Z"},
    }
    file: File = Field(description="The file; a removed one as last seen.")
    previous: File | None = Field(
        None, description="What was watched of it when it was last seen; null: it was not there."
    )


class FileAdded(FileEvent):
    """A file is there that was not there before, or came back from the trash."""

    type: ClassVar[str] = "plotly.file.added"
    example: ClassVar[JsonObject] = {"file": _FILE, "previous": None}


class FileChanged(FileEvent):
    """A file was changed, renamed, moved, or may be read by others than before.

    Views, stars and comments are no change.
    """

    type: ClassVar[str] = "plotly.file.changed"


class FileRemoved(FileEvent):
    """A remembered file lies in the trash, or does not exist any more."""

    type: ClassVar[str] = "plotly.file.removed"
    example: ClassVar[JsonObject] = {"file": _FILE, "previous": _FILE}


ALL: tuple[type[declare.EventData], ...] = (FileAdded, FileChanged, FileRemoved)


def tidy(file: Mapping[str, Any]) -> JsonObject:
    """*file* as it is told: secrets blanked."""
    return {name: secrets.BLANK if value and name in SECRET_FIELDS else value for name, value in file.items()}


def compare(memory: JsonObject | None, file: Mapping[str, Any], announce: bool) -> declare.Seen:
    """What *file* says beside *memory*. One in the trash is not there, and remembered until it is gone for good."""
    fid = str(file["fid"])
    known = {"fid": fid, **{name: file[name] for name in WATCHED if name in file}}
    there = not file.get("deleted")
    before = memory["file"] if memory and memory["there"] else None
    word = _word(before, known, there)
    told = word is not None and (memory is not None or announce)
    number = (memory["number"] if memory else 0) + (1 if word is not None else 0)
    return declare.Seen(
        id=fid,
        memory={"file": known, "there": there, "number": number},
        facts=[_fact(word, tidy(file), before, known, number)] if told and word is not None else [],
        subject=fid,
        resource=known,
    )


def _word(before: JsonObject | None, known: JsonObject, there: bool) -> str | None:
    """The last word of the event that one look tells, if any."""
    if before is None:
        return "added" if there else None
    if not there:
        return "removed"
    return "changed" if before != known else None


def _fact(
    word: str, file: JsonObject, before: JsonObject | None, known: JsonObject, number: int
) -> events.Fact:
    """Each transition has a number, and the digest keeps apart what was counted anew after it was forgotten."""
    fid = known["fid"]
    key = f"file:{fid}:{word}:{number}:{jsons.fingerprint(known)[:16]}"
    return events.Fact(f"plotly.file.{word}", fid, key, {"file": file, "previous": before})


def gone(fid: str, memory: JsonObject | None) -> declare.Seen:
    """A file that does not exist: told if it was remembered as being there."""
    facts = []
    if memory and memory["there"]:
        known = memory["file"]
        facts = [_fact("removed", known, known, known, memory["number"] + 1)]
    return declare.Seen(
        id=fid,
        memory=memory or {},
        facts=facts,
        subject=fid,
        resource=memory["file"] if memory else {},
        gone=True,
        failure=f"the file {fid} does not exist any more",
    )
