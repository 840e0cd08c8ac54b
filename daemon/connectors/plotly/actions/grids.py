"""Grids: making one, adding rows to it, reading it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from daemon.connectors.plotly.actions import cells, files, finding, proofs
from daemon.connectors.plotly.client import PlotlyClient, unwrap
from daemon.contract import declare, errors, http, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class NewColumn(BaseModel):
    """One column of a new grid."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    name: str = Field(description="The column's name.", min_length=1)
    data: list[Any] = Field(description="Its cells, from the first row to the last.")


class ColumnReference(declare.Result):
    """One column of a grid, as Plotly names it."""

    name: str = Field(description="The column's name.")
    uid: str = Field("", description="Plotly's short id of the column, unique within its grid.")


class CreateGrid(declare.Parameters):
    """A new grid, by `columns` or by `rows`."""

    filename: cells.FileName
    columns: list[NewColumn] | dict[str, list[Any]] | None = Field(
        None, description="The columns: a list of `{ name, data }`, or an object of lists by name."
    )
    rows: list[JsonObject] | None = Field(
        None,
        description="Objects, one a row, instead of `columns`: their names become columns in the order of "
        "first appearance, what a row lacks is null.",
    )
    world_readable: bool = Field(False, description="Whether everyone may read it.")
    metadata: JsonObject | None = Field(
        None, description="What describes the data; Plotly's search looks in it."
    )

    @field_validator("columns")
    @classmethod
    def names_once(
        cls, given: list[NewColumn] | dict[str, list[Any]] | None
    ) -> list[NewColumn] | dict[str, list[Any]] | None:
        """Columns travel by name, so that a second one of that name would be lost."""
        names = [column.name for column in given] if isinstance(given, list) else []
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two columns are named {twice[0]!r}")
        return given

    @model_validator(mode="after")
    def has_one_table(self) -> "CreateGrid":
        """Either form, and at least one column."""
        if (self.columns is None) == (self.rows is None):
            raise ValueError("give columns or rows, one of them")
        if not self.table():
            raise ValueError("a grid needs at least one column; there is none in what came")
        return self

    def table(self) -> Sequence[cells.Column]:
        """The columns, whichever way they were given."""
        if self.rows is not None:
            return cells.from_rows(self.rows)
        if isinstance(self.columns, dict):
            return [cells.Column(name, tuple(data)) for name, data in self.columns.items()]
        return [cells.Column(column.name, tuple(column.data)) for column in self.columns or []]


class CreatedGrid(files.File):
    """The new grid."""

    cols: list[ColumnReference] = Field(description="Its columns, in Plotly's own words.")
    columns: dict[str, str] = Field(
        description="By column name the full reference `username:number:uid`, as a figure's `xsrc` takes it."
    )


async def _look_for_grid(
    client: PlotlyClient, parameters: CreateGrid, call: declare.Call, before: JsonObject | None
) -> declare.Done[CreatedGrid] | None:
    found = await finding.find_new(client, parameters.filename, before, frozenset({"grid"}))
    if found is None:
        return None
    columns = await read_columns(client, str(found.get("fid")))
    if not proofs.same_table(parameters.table(), columns):
        raise finding.other_content(parameters.filename, found.get("fid"))
    return _created(found, columns)


def _created(grid: JsonObject, found: Sequence[cells.Column]) -> declare.Done[CreatedGrid]:
    columns = cells.references(str(grid.get("fid")), found)
    result = requests.parse("Plotly", CreatedGrid, {**grid, "cols": _told(found), "columns": columns})
    return declare.Done(result, made=[("file", result.fid)])


@declare.action(
    "plotly.create_grid",
    doubt=Doubt.PROBED,
    why=finding.WHY,
    probe=declare.Probe(
        about=finding.ABOUT, look=_look_for_grid, note=finding.note_file, lock=finding.lock_file
    ),
)
async def create_grid(
    client: PlotlyClient, parameters: CreateGrid, call: declare.Call
) -> declare.Done[CreatedGrid]:
    """Make a grid, and the folders that its file name asks for.

    A name that the folder has already is an error: Plotly keeps the older file.
    """
    place = await files.make_place(client, parameters.filename)
    body = {**place, "data": {"cols": cells.to_cols(parameters.table())}}
    body["world_readable"] = parameters.world_readable
    if parameters.metadata is not None:
        body["metadata"] = parameters.metadata
    made = unwrap(await client.call("POST", "/grids", json=body))
    return _created(made, cells.read_cols(made.get("cols")))


class AppendRows(declare.Parameters):
    """Rows for a grid."""

    fid: cells.Fid
    rows: list[list[Any] | JsonObject] = Field(
        description="The rows: lists in the grid's order of columns, or objects by column name (a name that "
        "the object lacks is null, one that the grid lacks is an error)."
    )


class AppendedRows(declare.Result):
    """What was added."""

    fid: str = Field(description="The grid's id.")
    appended: int = Field(description="How many rows were added.")


async def note_grid(client: PlotlyClient, parameters: Any) -> JsonObject:
    """What the grid holds before something is added to it."""
    return proofs.note_table(await read_columns(client, parameters.fid))


def lock_grid(parameters: Any) -> str:
    """One addition at a time to each grid: what is added is found by what was there before."""
    return f"grid {parameters.fid}"


async def _look_for_rows(
    client: PlotlyClient, parameters: AppendRows, call: declare.Call, before: JsonObject | None
) -> declare.Done[AppendedRows] | None:
    if before is None:
        raise errors.Unclear("what the grid held before the call was not noted. Compare its last rows.")
    ours = cells.order_rows(parameters.rows, proofs.noted_columns(before))
    if ours and not proofs.has_rows(before, ours, await read_columns(client, parameters.fid)):
        return None
    return declare.Done(AppendedRows(fid=parameters.fid, appended=len(ours)))


@declare.action(
    "plotly.append_rows",
    doubt=Doubt.PROBED,
    why="a second call would add the rows again; whether the first did is seen by counting the grid's rows",
    probe=declare.Probe(
        about="the grid's rows beyond those that it had before the call",
        look=_look_for_rows,
        note=note_grid,
        lock=lock_grid,
    ),
)
async def append_rows(
    client: PlotlyClient, parameters: AppendRows, call: declare.Call
) -> declare.Done[AppendedRows]:
    """Add rows below those that a grid has. No rows at all is no call."""
    fid, rows = parameters.fid, parameters.rows
    if any(isinstance(row, dict) for row in rows):
        ordered = cells.order_rows(rows, await read_columns(client, fid))
    else:
        ordered = [list(row) for row in rows]
    if ordered:
        await client.call("POST", f"/grids/{http.segment(fid)}/row", json={"rows": ordered})
    return declare.Done(AppendedRows(fid=fid, appended=len(ordered)))


class GetGrid(declare.Parameters):
    """Which grid."""

    fid: cells.Fid


class Grid(declare.Result):
    """A grid with everything in it."""

    fid: str = Field(description="The grid's id.")
    cols: list[ColumnReference] = Field(description="Its columns, in order.")
    columns: dict[str, str] = Field(
        description="By column name the full reference `username:number:uid`, as a figure's `xsrc` takes it."
    )
    rows: list[JsonObject] | None = Field(description="Its rows, as objects by column name.")
    row_count: int = Field(description="How many rows it has.")


@declare.action("plotly.get_grid", doubt=Doubt.REPEATABLE, why="it only reads")
async def get_grid(client: PlotlyClient, parameters: GetGrid, call: declare.Call) -> declare.Done[Grid]:
    """Read a whole grid."""
    found = await read_columns(client, parameters.fid)
    rows = cells.to_rows(found)
    return declare.Done(
        Grid(
            fid=parameters.fid,
            cols=_told(found),
            columns=cells.references(parameters.fid, found),
            rows=rows,
            row_count=len(rows),
        )
    )


async def read_columns(client: PlotlyClient, fid: str) -> tuple[cells.Column, ...]:
    """The columns of a grid with their cells.

    From ``/content``: a plain retrieve gives only a preview (vendor's Python client).
    """
    content = await client.call("GET", f"/grids/{http.segment(fid)}/content")
    return cells.read_cols(content.get("cols"))


def _told(found: Sequence[cells.Column]) -> list[ColumnReference]:
    return [ColumnReference(name=column.name, uid=column.uid) for column in found]
