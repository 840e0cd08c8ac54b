"""Grids: making one, reading it, changing it. ``growth`` adds rows and columns."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from daemon.connectors.plotly.actions import cells, files, finding, proofs
from daemon.connectors.plotly.client import PlotlyClient, path_of, unwrap
from daemon.contract import declare, requests
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class NewColumn(BaseModel):
    """One column of a new grid."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    name: str = Field(description="The column's name.", min_length=1)
    data: list[Any] = Field(description="Its cells, from the first row to the last.")


def names_once(
    given: list[NewColumn] | dict[str, list[Any]] | None,
) -> list[NewColumn] | dict[str, list[Any]] | None:
    """Columns travel by name, so that a second one of that name would be lost."""
    names = [column.name for column in given] if isinstance(given, list) else []
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two columns are named {twice[0]!r}")
    return given


Columns = Annotated[list[NewColumn] | dict[str, list[Any]], AfterValidator(names_once)]
COLUMN_FORMS = "The columns: a list of `{ name, data }`, or an object of lists by name."


def table_of(columns: list[NewColumn] | dict[str, list[Any]]) -> list[cells.Column]:
    """The columns, whichever way they were given."""
    if isinstance(columns, dict):
        return [cells.Column(name, tuple(data)) for name, data in columns.items()]
    return [cells.Column(column.name, tuple(column.data)) for column in columns]


class ColumnReference(declare.Result):
    """One column of a grid, as Plotly names it."""

    name: str = Field(description="The column's name.")
    uid: str = Field("", description="Plotly's short id of the column, unique within its grid.")


class CreateGrid(declare.Parameters):
    """A new grid, by `columns` or by `rows`."""

    filename: cells.FileName
    columns: Columns | None = Field(None, description=COLUMN_FORMS)
    rows: list[JsonObject] | None = Field(
        None,
        description="Objects, one a row, instead of `columns`: their names become columns in the order of "
        "first appearance, what a row lacks is null.",
    )
    world_readable: bool = Field(False, description="Whether everyone may read it.")
    metadata: JsonObject | None = Field(
        None, description="What describes the data; Plotly's search looks in it."
    )

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
        return table_of(self.columns or [])


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
    result = requests.parse("Plotly", CreatedGrid, {**grid, "cols": told(found), "columns": columns})
    return declare.Done(result, made=[("file", result.fid)])


@declare.action(
    "plotly.create_grid",
    doubt=Doubt.PROBED,
    why=finding.WHY,
    probe=declare.Probe(
        about=finding.ABOUT, look=_look_for_grid, note=finding.note_file, lock=finding.lock_file
    ),
    example={
        "filename": "reports/signups",
        "rows": [{"city": "Oslo", "signups": 42}, {"city": "Lima", "signups": 17}],
    },
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


class GetGrid(declare.Parameters):
    """Which grid."""

    fid: cells.Fid
    share_key: files.ShareKey = None


class Grid(declare.Result):
    """A grid with everything in it."""

    fid: str = Field(description="The grid's id.")
    cols: list[ColumnReference] = Field(description="Its columns, in order.")
    columns: dict[str, str] = Field(
        description="By column name the full reference `username:number:uid`, as a figure's `xsrc` takes it."
    )
    rows: list[JsonObject] | None = Field(description="Its rows, as objects by column name.")
    row_count: int = Field(description="How many rows it has.")


@declare.action("plotly.get_grid", doubt=Doubt.REPEATABLE, why="it only reads", example={"fid": "ada:0"})
async def get_grid(client: PlotlyClient, parameters: GetGrid, call: declare.Call) -> declare.Done[Grid]:
    """Read a whole grid."""
    found = await read_columns(client, parameters.fid, parameters.share_key)
    rows = cells.to_rows(found)
    return declare.Done(
        Grid(
            fid=parameters.fid,
            cols=told(found),
            columns=cells.references(parameters.fid, found),
            rows=rows,
            row_count=len(rows),
        )
    )


async def read_columns(
    client: PlotlyClient, fid: str, share_key: str | None = None
) -> tuple[cells.Column, ...]:
    """The columns of a grid with their cells.

    From ``/content``: a plain retrieve gives only a preview (vendor's Python client).
    """
    path = path_of(fid, "content", family="grids")
    content = await client.call("GET", path, query={"share_key": share_key})
    return cells.read_cols(content.get("cols"))


def told(found: Sequence[cells.Column]) -> list[ColumnReference]:
    """The columns as results show them."""
    return [ColumnReference(name=column.name, uid=column.uid) for column in found]


class UpdateGrid(files.Changes):
    """New values of a grid's own fields, and new cells of its columns."""

    metadata: JsonObject | None = Field(
        None, description="What describes the data, whole; Plotly's search looks in it."
    )
    columns: dict[str, list[Any]] | None = Field(
        None,
        description="New cells by column name, whole columns: `{ n = [1, 2, 3] }`. Columns that are not named stay.",
        min_length=1,
    )


@declare.action(
    "plotly.update_grid",
    doubt=Doubt.REPEATABLE,
    why=files.WHOLE_VALUES,
    example={"fid": "ada:0", "columns": {"signups": [43, 18]}},
)
async def update_grid(
    client: PlotlyClient, parameters: UpdateGrid, call: declare.Call
) -> declare.Done[files.File]:
    """Change a grid: the cells of columns that it has, its metadata, its name, its place, who may read it."""
    body = parameters.body("columns")
    if parameters.columns is not None:
        await _replace_columns(client, parameters.fid, parameters.columns)
    if body:
        return await files.change(client, "grids", parameters.fid, body)
    found = await client.call("GET", path_of(parameters.fid, family="grids"))
    return declare.Done(requests.parse("Plotly", files.File, unwrap(found)))


async def _replace_columns(client: PlotlyClient, fid: str, columns: dict[str, list[Any]]) -> None:
    chosen = cells.choose(await read_columns(client, fid), columns)
    cols = [{"name": one.name, "data": columns[one.name]} for one in chosen]
    # A text of JSON within JSON: so both of the vendor's older clients send columns.
    await client.call(
        "PUT",
        path_of(fid, "col", family="grids"),
        query={"uid": ",".join(one.uid for one in chosen)},
        json={"cols": jsons.dumps(cols)},
    )


@declare.action(
    "plotly.delete_grid",
    doubt=Doubt.REPEATABLE,
    why="a grid can be deleted only once",
    example={"fid": "ada:0"},
)
async def delete_grid(
    client: PlotlyClient, parameters: files.WhichFile, call: declare.Call
) -> declare.Done[files.Deleted]:
    """Delete a grid for good at once, past the trash. Plots that refer to it lose their data. One that is
    not there is no error."""
    deleting = client.call("DELETE", path_of(parameters.fid, family="grids"))
    there = await files.existed(client, deleting)
    return declare.Done(files.Deleted(fid=parameters.fid, deleted=True, existed=there))
