"""How an earlier call that made a named file is found again: by the file's path, which Plotly gives out once.

What the probes of ``grids``, ``plots`` and ``boards`` share.
"""

from typing import Any

from daemon.connectors.plotly.client import PlotlyClient
from daemon.contract import errors
from daemon.model.jsons import JsonObject

ABOUT = "a file that was not at its path before the call and holds now what was sent"
WHY = "its name is taken once it is made: a second try is refused, and the first is found by its path"


async def note_file(client: PlotlyClient, parameters: Any) -> JsonObject:
    """The id of the file that is at the path already, or null: that one was not made by us."""
    found = await client.find(parameters.filename)
    return {"fid": found.get("fid") if found else None}


def lock_file(parameters: Any) -> str:
    """One run at a time for each path: two with the same content could not be told apart."""
    return f"file {parameters.filename}"


async def find_new(
    client: PlotlyClient, path: str, before: JsonObject | None, filetypes: frozenset[str]
) -> JsonObject | None:
    """The file at *path* that was not there *before*; None where there is none, or still the one of before.

    :class:`~daemon.contract.errors.Unclear` for one that cannot be ours, or lies in the trash meanwhile.
    """
    found = await client.find(path)
    if found is None:
        await client.check()
        return None
    fid = found.get("fid")
    if before is not None and before.get("fid") == fid:
        return None
    if found.get("filetype") not in filetypes or found.get("deleted"):
        what = "in the trash" if found.get("deleted") else f"a {found.get('filetype')}"
        raise errors.Unclear(
            f"{path} was free before the call, and now {fid} is there, which is {what}. Look whether it is ours."
        )
    return found


def other_content(path: str, fid: object) -> errors.Unclear:
    """To be raised: a new file at *path* that holds something else than what was sent."""
    return errors.Unclear(
        f"{path} was free before the call; {fid} is there now, with other content than was sent. Look whose it is."
    )
