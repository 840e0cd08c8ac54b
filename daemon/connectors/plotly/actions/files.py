"""Files of every type: where they stand, how they are found, and any call of one's own."""

import contextlib
from typing import Annotated

from pydantic import AfterValidator, Field

from daemon.connectors.plotly.actions import cells
from daemon.connectors.plotly.client import AlreadyExists, PlotlyClient, unwrap
from daemon.contract import declare, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


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


class LookupFile(declare.Parameters):
    """Where to look."""

    path: Annotated[str, AfterValidator(cells.clean_path)] = Field(
        description="The file's name with its folders, as in `reports/signups`."
    )
    user: str | None = Field(None, description="Whose file; the account's own by default.", min_length=1)
    parent: int | None = Field(
        None, description="The number of the folder in which `path` begins; -1 is home."
    )


@declare.action("plotly.lookup_file", doubt=Doubt.REPEATABLE, why="it only reads")
async def lookup_file(client: PlotlyClient, parameters: LookupFile, call: declare.Call) -> declare.Done[File]:
    """Find a file by its path. One that is missing, or hidden from the account, is an error."""
    found = await client.call("GET", "/files/lookup", query=parameters.model_dump())
    return declare.Done(requests.parse("Plotly", File, unwrap(found)))
