"""What of Plotly can be watched: files. ``intake`` polls this and writes what it has seen.

Lists shift while they are paged: a remembered file that a list lacks counts as gone, or moved, only after its own
address says so.
"""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from daemon.connectors.plotly import client as plotly
from daemon.connectors.plotly import events
from daemon.connectors.plotly.actions import cells
from daemon.contract import declare, errors
from daemon.model.jsons import JsonObject


class FilesOptions(declare.Options):
    """Which files to watch: some by id, those of one folder, or all of the account."""

    ids: list[cells.Fid] | None = Field(
        None, min_length=1, description="Only these files, by id; they may be others'."
    )
    folder: Annotated[str, AfterValidator(cells.clean_path)] | None = Field(
        None,
        description="Only what stands in this folder itself: its path, as in `reports/2026`, or its id, as in "
        "`ada:7`. All files of the account, in whatever folder, without.",
    )

    @model_validator(mode="after")
    def check_one(self) -> Self:
        """Not both."""
        if self.ids is not None and self.folder is not None:
            raise ValueError("name ids or a folder, not both")
        return self


@declare.watch(
    "files",
    noun="file",
    events=tuple(event.type for event in events.ALL),
    wanted=lambda options: None if options.ids is None else tuple(options.ids),
)
async def watch_files(
    client: plotly.PlotlyClient, options: FilesOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """Files: made, changed, thrown away. Folders are files too."""
    if cursor.wanted is not None:
        return [await _wanted(client, cursor, fid) for fid in cursor.wanted]
    folder = await _find_folder(client, options.folder) if options.folder is not None else None
    listed = {_fid_of(file): file for file in await _list(client, folder)}
    seen = [_seen(file, cursor) for file in listed.values()]
    lost = [fid for fid in cursor.memory if fid not in listed and _is_mine(client, cursor, folder, fid)]
    return seen + [await _wanted(client, cursor, fid) for fid in lost]


async def _find_folder(client: plotly.PlotlyClient, folder: str) -> str:
    """The id of the folder that the option names. One that is not there is an error that stays visible."""
    if cells.is_fid(folder):
        return folder
    found = await client.find(folder)
    if found is None:
        await client.check()
        raise errors.PermanentError(f"there is no folder {folder}", missing=True)
    if found.get("filetype") not in (None, plotly.FOLDER):
        raise errors.PermanentError(f"{folder} is no folder but a {found['filetype']}")
    return str(found.get("fid"))


async def _list(client: plotly.PlotlyClient, folder: str | None) -> list[JsonObject]:
    """The files that stand in *folder*, those in the trash too; without one all of the account."""
    path = "/folders/all" if folder is None else plotly.path_of(folder, family="folders")
    found, _ = await client.children(path)
    return found


def _is_mine(client: plotly.PlotlyClient, cursor: declare.Cursor, folder: str | None, fid: str) -> bool:
    """Whether a remembered file belongs to what is watched here: other watches of the account remember theirs
    beside it."""
    if folder is None:
        return fid.partition(":")[0] == client.username
    return str(cursor.memory[fid]["file"].get("parent")) == folder.partition(":")[2]


def _seen(file: JsonObject, cursor: declare.Cursor) -> declare.Seen:
    return events.compare(cursor.memory.get(_fid_of(file)), file, cursor.announce)


def _fid_of(file: JsonObject) -> str:
    if "fid" not in file:
        raise errors.StrangeAnswer("the answer is no file: it has no fid. Is base_url right?")
    return str(file["fid"])


async def _wanted(client: plotly.PlotlyClient, cursor: declare.Cursor, fid: str) -> declare.Seen:
    """One file by its id; that it is gone is said only after the credentials proved good."""
    try:
        return _seen(plotly.unwrap(await client.call("GET", plotly.path_of(fid))), cursor)
    except errors.PermanentError as lost:
        if not lost.missing:
            raise
    await client.check()
    return events.gone(fid, cursor.memory.get(fid))
