"""Folders: making them, and what stands in them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from daemon.connectors.plotly.actions import cells, files
from daemon.connectors.plotly.client import AlreadyExists, PlotlyClient, unwrap
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

FOLDER = "fold"  # Plotly's word for a folder's type


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
