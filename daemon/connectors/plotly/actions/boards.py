"""Dashboards, presentations and Dash apps: files whose content is one JSON document.

Known from the vendor's Python client alone, which sends a dashboard's or a presentation's ``content`` as a text of
JSON; what a Dash app's body holds, no client shows, so that it is given whole.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from daemon.connectors.plotly.actions import cells, files, finding, proofs
from daemon.connectors.plotly.client import PlotlyClient, path_of, unwrap
from daemon.contract import declare, requests
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


@dataclass(frozen=True, slots=True)
class Family:
    """One resource: its path and the type that its files have."""

    path: str
    filetype: str


DASHBOARDS = Family("dashboards", "dashboard")
PRESENTATIONS = Family("spectacle-presentations", "spectacle_presentation")


class Board(files.File):
    """A dashboard, a presentation or a Dash app."""

    content: Any = Field(None, description="What it holds, decoded where it came as a text of JSON.")


class ListBoards(declare.Parameters):
    """How many."""

    limit: int = Field(100, description="How many at most.", ge=1, le=files.MOST)


class CreateBoard(declare.Parameters):
    """A new dashboard or presentation."""

    filename: cells.FileName
    content: JsonObject = Field(
        description="The whole document, as `plotly.get_dashboard_schema` describes it for dashboards."
    )
    world_readable: bool = Field(False, description="Whether everyone may see it.")
    share_key_enabled: bool = Field(False, description="Whether its share key lets strangers see it.")


class UpdateBoard(files.Changes):
    """New values of a dashboard or presentation."""

    content: JsonObject | None = Field(None, description="The whole document.")


def _read(answer: JsonObject) -> Board:
    """*answer* with its content decoded: a server may give the text back that clients send."""
    found = unwrap(answer)
    content = found.get("content")
    if isinstance(content, str):
        try:
            content = jsons.loads(content)
        except jsons.UnfitJson:
            content = found["content"]
    return requests.parse("Plotly", Board, {**found, "content": content})


async def _get(client: PlotlyClient, family: Family, fid: str) -> Board:
    return _read(await client.call("GET", path_of(fid, family=family.path)))


async def _list(client: PlotlyClient, family: Family, most: int) -> declare.Done[files.Files]:
    found, more = await client.pages(f"/{family.path}", {}, most)
    return declare.Done(requests.parse("Plotly", files.Files, {"files": found, "more": more}))


async def _create(client: PlotlyClient, family: Family, parameters: CreateBoard) -> declare.Done[Board]:
    body = await files.make_place(client, parameters.filename)
    body["content"] = jsons.dumps(parameters.content)
    body |= {name: getattr(parameters, name) for name in ("world_readable", "share_key_enabled")}
    made = _read(await client.call("POST", f"/{family.path}", json=body))
    return declare.Done(made, made=[("file", made.fid)])


async def _update(client: PlotlyClient, family: Family, parameters: UpdateBoard) -> declare.Done[Board]:
    """By PUT, the one way in which the vendor's client does it."""
    body = parameters.body("content")
    if parameters.content is not None:
        body["content"] = jsons.dumps(parameters.content)
    return declare.Done(
        _read(await client.call("PUT", path_of(parameters.fid, family=family.path), json=body))
    )


async def _look(
    client: PlotlyClient, family: Family, parameters: CreateBoard, before: JsonObject | None
) -> declare.Done[Board] | None:
    found = await finding.find_new(client, parameters.filename, before, frozenset({family.filetype}))
    if found is None:
        return None
    board = await _get(client, family, str(found.get("fid")))
    if not proofs.holds(parameters.content, board.content):
        raise finding.other_content(parameters.filename, board.fid)
    return declare.Done(board, made=[("file", board.fid)])


async def _look_for_dashboard(
    client: PlotlyClient, parameters: CreateBoard, call: declare.Call, before: JsonObject | None
) -> declare.Done[Board] | None:
    return await _look(client, DASHBOARDS, parameters, before)


async def _look_for_presentation(
    client: PlotlyClient, parameters: CreateBoard, call: declare.Call, before: JsonObject | None
) -> declare.Done[Board] | None:
    return await _look(client, PRESENTATIONS, parameters, before)


WHY_PROBED = "whether a path can be taken twice is not known; what the first call made is found by its path"


@declare.action("plotly.list_dashboards", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 20})
async def list_dashboards(
    client: PlotlyClient, parameters: ListBoards, call: declare.Call
) -> declare.Done[files.Files]:
    """List the account's dashboards."""
    return await _list(client, DASHBOARDS, parameters.limit)


@declare.action("plotly.get_dashboard", doubt=Doubt.REPEATABLE, why="it only reads", example={"fid": "ada:3"})
async def get_dashboard(
    client: PlotlyClient, parameters: files.WhichFile, call: declare.Call
) -> declare.Done[Board]:
    """Read a dashboard with its content."""
    return declare.Done(await _get(client, DASHBOARDS, parameters.fid))


@declare.action(
    "plotly.create_dashboard",
    doubt=Doubt.PROBED,
    why=WHY_PROBED,
    probe=declare.Probe(
        about=finding.ABOUT, look=_look_for_dashboard, note=finding.note_file, lock=finding.lock_file
    ),
    example={"filename": "boards/signups today", "content": {"version": 2, "layout": {"type": "split"}}},
)
async def create_dashboard(
    client: PlotlyClient, parameters: CreateBoard, call: declare.Call
) -> declare.Done[Board]:
    """Make a dashboard, and the folders that its file name asks for."""
    return await _create(client, DASHBOARDS, parameters)


@declare.action(
    "plotly.update_dashboard",
    doubt=Doubt.REPEATABLE,
    why=files.WHOLE_VALUES,
    example={"fid": "ada:3", "filename": "signups of 2026"},
)
async def update_dashboard(
    client: PlotlyClient, parameters: UpdateBoard, call: declare.Call
) -> declare.Done[Board]:
    """Give a dashboard another content, whole, or change its name, its place, who may see it."""
    return await _update(client, DASHBOARDS, parameters)


class NoParameters(declare.Parameters):
    """Nothing need be said."""


class DashboardSchema(declare.Result):
    """What a dashboard's content may hold."""

    content: JsonObject = Field(description="The schema, as Plotly gives it.")


@declare.action("plotly.get_dashboard_schema", doubt=Doubt.REPEATABLE, why="it only reads")
async def get_dashboard_schema(
    client: PlotlyClient, parameters: NoParameters, call: declare.Call
) -> declare.Done[DashboardSchema]:
    """Read the schema that dashboards follow."""
    return declare.Done(DashboardSchema(content=await client.call("GET", "/dashboards/schema")))


@declare.action(
    "plotly.list_presentations", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 20}
)
async def list_presentations(
    client: PlotlyClient, parameters: ListBoards, call: declare.Call
) -> declare.Done[files.Files]:
    """List the account's presentations."""
    return await _list(client, PRESENTATIONS, parameters.limit)


@declare.action(
    "plotly.get_presentation", doubt=Doubt.REPEATABLE, why="it only reads", example={"fid": "ada:4"}
)
async def get_presentation(
    client: PlotlyClient, parameters: files.WhichFile, call: declare.Call
) -> declare.Done[Board]:
    """Read a presentation with its content."""
    return declare.Done(await _get(client, PRESENTATIONS, parameters.fid))


@declare.action(
    "plotly.create_presentation",
    doubt=Doubt.PROBED,
    why=WHY_PROBED,
    probe=declare.Probe(
        about=finding.ABOUT, look=_look_for_presentation, note=finding.note_file, lock=finding.lock_file
    ),
    example={"filename": "talks/signups today", "content": {"version": 2, "layout": {"type": "split"}}},
)
async def create_presentation(
    client: PlotlyClient, parameters: CreateBoard, call: declare.Call
) -> declare.Done[Board]:
    """Make a presentation, and the folders that its file name asks for."""
    return await _create(client, PRESENTATIONS, parameters)


@declare.action(
    "plotly.update_presentation",
    doubt=Doubt.REPEATABLE,
    why=files.WHOLE_VALUES,
    example={"fid": "ada:4", "filename": "signups of 2026"},
)
async def update_presentation(
    client: PlotlyClient, parameters: UpdateBoard, call: declare.Call
) -> declare.Done[Board]:
    """Give a presentation another content, whole, or change its name, its place, who may see it."""
    return await _update(client, PRESENTATIONS, parameters)


class CreateDashApp(declare.Parameters):
    """A new Dash app."""

    filename: Annotated[str, AfterValidator(files.plain_name)] = Field(description="The app's name.")
    fields: JsonObject = Field({}, description="The other fields of the body, as the server wants them.")


@declare.action(
    "plotly.create_dash_app",
    doubt=Doubt.UNSAFE,
    why="what a Dash app's file shows of itself is not known, so that a first one could not be recognised",
    example={"filename": "signups app"},
)
async def create_dash_app(
    client: PlotlyClient, parameters: CreateDashApp, call: declare.Call
) -> declare.Done[Board]:
    """Make the entry of a Dash app."""
    body = {**parameters.fields, "filename": parameters.filename}
    made = _read(await client.call("POST", "/dash-apps", json=body))
    return declare.Done(made, made=[("file", made.fid)])


@declare.action("plotly.get_dash_app", doubt=Doubt.REPEATABLE, why="it only reads", example={"fid": "ada:5"})
async def get_dash_app(
    client: PlotlyClient, parameters: files.WhichFile, call: declare.Call
) -> declare.Done[Board]:
    """Read the entry of a Dash app."""
    return declare.Done(await _get(client, Family("dash-apps", ""), parameters.fid))


class UpdateDashApp(declare.Parameters):
    """New values of a Dash app."""

    fid: cells.Fid
    fields: JsonObject = Field(description="The fields of the body, as the server wants them.", min_length=1)


@declare.action(
    "plotly.update_dash_app",
    doubt=Doubt.REPEATABLE,
    why=files.WHOLE_VALUES,
    example={"fid": "ada:5", "fields": {"title": "Signups"}},
)
async def update_dash_app(
    client: PlotlyClient, parameters: UpdateDashApp, call: declare.Call
) -> declare.Done[Board]:
    """Change the entry of a Dash app."""
    path = path_of(parameters.fid, family="dash-apps")
    return declare.Done(_read(await client.call("PUT", path, json=parameters.fields)))
