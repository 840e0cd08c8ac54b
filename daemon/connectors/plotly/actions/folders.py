"""Folders: making them, and what stands in them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from daemon.connectors.plotly.actions import cells, files
from daemon.connectors.plotly.client import FOLDER, AlreadyExists, PlotlyClient, path_of, unwrap
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class CreateFolder(declare.Parameters):
    """A new folder, with all that are missing on the way to it."""

    path: Annotated[str, AfterValidator(cells.clean_path)] = Field(
        description="The folder's name with those that it stands in.", examples=["reports/2026"]
    )
    parent: int | None = Field(
        None, description="The number of the folder in which `path` begins; -1 is the account's home."
    )


async def _look_for_folder(
    client: PlotlyClient, parameters: CreateFolder, call: declare.Call, before: JsonObject | None
) -> declare.Done[files.File] | None:
    found = await client.find(parameters.path, parameters.parent)
    if found is None:
        await client.check()
    return _made(found) if found is not None and found.get("filetype") == FOLDER else None


def _made(folder: JsonObject) -> declare.Done[files.File]:
    result = requests.parse("Plotly", files.File, folder)
    return declare.Done(result, made=[("file", result.fid)])


@declare.action(
    "plotly.create_folder",
    doubt=Doubt.PROBED,
    why="a path leads to one folder, whoever made it: what is there already is found by its path",
    probe=declare.Probe(about="a folder at its path, whoever made it", look=_look_for_folder),
    example={"path": "reports/2026"},
)
async def create_folder(
    client: PlotlyClient, parameters: CreateFolder, call: declare.Call
) -> declare.Done[files.File]:
    """Make a folder, and those that are missing on the way to it. One that is there already is no error."""
    body: JsonObject = {"path": f"/{parameters.path}" if parameters.parent is None else parameters.path}
    if parameters.parent is not None:
        body["parent"] = parameters.parent
    try:
        answer = unwrap(await client.call("POST", "/folders", json=body))
    except AlreadyExists as taken:
        found = await client.find(parameters.path, parameters.parent)
        if found is None or found.get("filetype") != FOLDER:
            raise errors.PermanentError(taken.text, status=taken.status) from None
        return declare.Done(requests.parse("Plotly", files.File, found))
    if "fid" not in answer:  # its answer is documented by status alone
        answer = await client.find(parameters.path, parameters.parent) or {}
    return _made(answer)


class Listing(declare.Parameters):
    """How much of a listing."""

    user: str | None = Field(None, description="Whose files; the account's own by default.", min_length=1)
    trashed: bool = Field(False, description="Whether files that lie in the trash are listed too.")
    limit: int = Field(files.MOST, description="How many at most.", ge=1, le=100 * files.MOST)


async def _listed(client: PlotlyClient, path: str, parameters: Listing) -> declare.Done[files.Files]:
    found, more = await client.children(path, parameters.user, parameters.limit)
    kept = [one for one in found if parameters.trashed or not one.get("deleted")]
    return declare.Done(requests.parse("Plotly", files.Files, {"files": kept, "more": more}))


class GetFolder(Listing):
    """Which folder."""

    fid: cells.Fid | None = Field(None, description="The folder's id; the account's home by default.")


@declare.action("plotly.get_folder", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 20})
async def get_folder(
    client: PlotlyClient, parameters: GetFolder, call: declare.Call
) -> declare.Done[files.Files]:
    """List what stands in a folder, or in no folder at all."""
    home = "/folders/home"
    path = home if parameters.fid is None else path_of(parameters.fid, family="folders")
    return await _listed(client, path, parameters)


@declare.action("plotly.list_files", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 20})
async def list_files(
    client: PlotlyClient, parameters: Listing, call: declare.Call
) -> declare.Done[files.Files]:
    """List all files of an account, in whatever folder they stand."""
    return await _listed(client, "/folders/all", parameters)
