"""Files of every type: where they stand, how they are found, changed, thrown away and brought back."""

import contextlib
from collections.abc import Awaitable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from daemon.connectors.plotly.actions import cells
from daemon.connectors.plotly.client import AlreadyExists, PlotlyClient, path_of, unwrap
from daemon.contract import declare, errors, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

MOST = 1000  # results that a listing gives unless it is asked for more
WHOLE_VALUES = "it writes whole values: writing them again changes nothing"


class File(declare.Result):
    """A file as Plotly describes it: a plot, a grid, a folder."""

    fid: str = Field(description="The file's id, `username:number`.")
    filename: str | None = Field(None, description="Its name, without folders.")
    filetype: str | None = Field(
        None, description="`plot`, `grid`, `fold` (a folder), or Plotly's word for another."
    )
    web_url: str | None = Field(None, description="Where people see it.")
    parent: int | None = Field(None, description="The number of its folder; -1 is the account's home.")
    world_readable: bool | None = Field(None, description="Whether everyone may read it.")
    deleted: bool | None = Field(None, description="Whether it lies in the trash; only its owner is told.")


class Files(declare.Result):
    """Files of a listing."""

    files: list[File] = Field(description="The files.")
    more: bool = Field(description="Whether there are more than were asked for.")


ShareKey = Annotated[
    str | None,
    secrets.Secret(),
    Field(description="The key that lets a stranger read a private file.", examples=[{"env": "SHARE_KEY"}]),
]


def plain_name(name: str) -> str:
    """*name* if it names one file; :class:`ValueError` for a path."""
    if "/" in name or not name.strip():
        raise ValueError("a name has no slash; parent_path or parent moves a file to another folder")
    return name


class Changes(declare.Parameters):
    """New values of a file's own fields. What is not given stays as it is."""

    fid: cells.Fid
    filename: Annotated[str, AfterValidator(plain_name)] | None = Field(
        None, description="Its new name, without folders."
    )
    parent: int | None = Field(None, description="The number of its new folder; -1 is the account's home.")
    parent_path: Annotated[str, AfterValidator(cells.clean_path)] | None = Field(
        None, description="Its new folder, by path. It must exist."
    )
    world_readable: bool | None = Field(None, description="Whether everyone may read it.")
    share_key_enabled: bool | None = Field(
        None, description="Whether its share key lets strangers read it. It may take Plotly some seconds."
    )

    @model_validator(mode="after")
    def says_something(self) -> "Changes":
        """At least one new value, and one place at most."""
        if not self.model_dump(exclude={"fid"}, exclude_none=True):
            raise ValueError("nothing is to be changed; give at least one new value")
        if self.parent is not None and self.parent_path is not None:
            raise ValueError("give parent or parent_path, one of them")
        return self

    def body(self, *others: str) -> JsonObject:
        """The fields to write, those named *others* left out."""
        return self.model_dump(exclude={"fid", *others}, exclude_none=True)


async def make_place(client: PlotlyClient, path: str) -> JsonObject:
    """The ``filename`` and ``parent_path`` of a new file at *path*; its folders exist afterwards.

    ``POST /folders`` makes all that are missing. It answers 201, 200 or "already exists" for those that are
    there (the vendor's Python client documents all three), and each is good.
    """
    folder, name = cells.split_path(path)
    if not folder:
        return {"filename": name}
    with contextlib.suppress(AlreadyExists):
        await client.call("POST", "/folders", json={"path": f"/{folder}"})
    return {"filename": name, "parent_path": folder}


async def change(client: PlotlyClient, family: str, fid: str, body: JsonObject) -> declare.Done[File]:
    """Write *body*; the file as it is afterwards. A name that its folder has already is an error."""
    return declare.Done(
        requests.parse("Plotly", File, unwrap(await client.change(path_of(fid, family=family), body)))
    )


async def existed(client: PlotlyClient, deleting: Awaitable[Any]) -> bool:
    """Whether what *deleting* deletes was still there; that it was not is said only after the credentials proved
    good: 404 says missing or hidden."""
    try:
        await deleting
    except errors.PermanentError as lost:
        if not lost.missing:
            raise
        await client.check()
        return False
    return True


class LookupFile(declare.Parameters):
    """Where to look."""

    path: Annotated[str, AfterValidator(cells.clean_path)] = Field(
        description="The file's name with its folders, as in `reports/signups`."
    )
    user: str | None = Field(None, description="Whose file; the account's own by default.", min_length=1)
    parent: int | None = Field(
        None, description="The number of the folder in which `path` begins; -1 is home."
    )


@declare.action(
    "plotly.lookup_file", doubt=Doubt.REPEATABLE, why="it only reads", example={"path": "signups"}
)
async def lookup_file(client: PlotlyClient, parameters: LookupFile, call: declare.Call) -> declare.Done[File]:
    """Find a file by its path. One that is missing, or hidden from the account, is an error."""
    found = await client.call("GET", "/files/lookup", query=parameters.model_dump())
    return declare.Done(requests.parse("Plotly", File, unwrap(found)))


class GetFile(declare.Parameters):
    """Which file."""

    fid: cells.Fid
    share_key: ShareKey = None


@declare.action("plotly.get_file", doubt=Doubt.REPEATABLE, why="it only reads", example={"fid": "ada:0"})
async def get_file(client: PlotlyClient, parameters: GetFile, call: declare.Call) -> declare.Done[File]:
    """Read what is known of a file, its content aside."""
    query = {"share_key": parameters.share_key}
    found = await client.call("GET", path_of(parameters.fid), query=query)
    return declare.Done(requests.parse("Plotly", File, unwrap(found)))


class FileContent(declare.Result):
    """What a file holds."""

    fid: str = Field(description="The file's id.")
    content: Any = Field(
        description="A grid's `cols`, a plot's figure, or whatever Plotly keeps in a file of its type."
    )


@declare.action(
    "plotly.get_file_content", doubt=Doubt.REPEATABLE, why="it only reads", example={"fid": "ada:0"}
)
async def get_file_content(
    client: PlotlyClient, parameters: GetFile, call: declare.Call
) -> declare.Done[FileContent]:
    """Read what a file of any type holds, as Plotly keeps it."""
    query = {"share_key": parameters.share_key}
    reply = await client.send("GET", path_of(parameters.fid, "content"), query=query)
    return declare.Done(FileContent(fid=parameters.fid, content=requests.answer(reply).body))


class UpdateFile(Changes):
    """New values of a file of any type."""

    is_theme: bool | None = Field(None, description="Whether it is offered as a theme.")
    is_template: bool | None = Field(None, description="Whether it is offered as a template.")


@declare.action(
    "plotly.update_file",
    doubt=Doubt.REPEATABLE,
    why=WHOLE_VALUES,
    example={"fid": "ada:0", "filename": "signups of 2026", "world_readable": False},
)
async def update_file(client: PlotlyClient, parameters: UpdateFile, call: declare.Call) -> declare.Done[File]:
    """Rename a file, move it, or change who may read it. Its content stays: `update_grid`, `update_plot`."""
    return await change(client, "files", parameters.fid, parameters.body())


class WhichFile(declare.Parameters):
    """Which file."""

    fid: cells.Fid


async def _lay(client: PlotlyClient, fid: str, word: str) -> declare.Done[File]:
    """Put a file into the trash or bring it back. What Plotly says to one that is there already is not known: a
    refusal is believed only when the file does not stand as it should.
    """
    try:
        answer = unwrap(await client.call("POST", path_of(fid, word)))
    except AlreadyExists:
        raise
    except errors.PermanentError as refused:
        answer = unwrap(await client.call("GET", path_of(fid))) if not refused.missing else {}
        if bool(answer.get("deleted")) is not (word == "trash"):
            raise
    if "fid" not in answer:
        answer = unwrap(await client.call("GET", path_of(fid)))
    return declare.Done(requests.parse("Plotly", File, answer))


@declare.action(
    "plotly.trash_file",
    doubt=Doubt.REPEATABLE,
    why="a file in the trash stays there",
    example={"fid": "ada:0"},
)
async def trash_file(client: PlotlyClient, parameters: WhichFile, call: declare.Call) -> declare.Done[File]:
    """Put a file into the trash, from where it can be restored."""
    return await _lay(client, parameters.fid, "trash")


@declare.action(
    "plotly.restore_file",
    doubt=Doubt.REPEATABLE,
    why="a file that is back stays where it is",
    example={"fid": "ada:1"},
)
async def restore_file(client: PlotlyClient, parameters: WhichFile, call: declare.Call) -> declare.Done[File]:
    """Bring a file back from the trash. A name that its folder has given away meanwhile is an error."""
    return await _lay(client, parameters.fid, "restore")


class Deleted(declare.Result):
    """What is gone."""

    fid: str = Field(description="The id that the file had.")
    deleted: bool = Field(True, description="True: it is gone for good.")
    existed: bool = Field(description="Whether it was still there when it was deleted.")


@declare.action(
    "plotly.delete_file",
    doubt=Doubt.REPEATABLE,
    why="a file can be deleted only once",
    example={"fid": "ada:0"},
)
async def delete_file(
    client: PlotlyClient, parameters: WhichFile, call: declare.Call
) -> declare.Done[Deleted]:
    """Delete a file for good: into the trash first, as Plotly demands, then out of it. One that is not there is no
    error."""
    there = await existed(client, _lay(client, parameters.fid, "trash"))
    if there:  # then a 404 is no sign that it is gone
        await client.call("DELETE", path_of(parameters.fid, "permanent_delete"))
    return declare.Done(Deleted(fid=parameters.fid, deleted=True, existed=there))
