"""Grids that grow: rows below those that are there, columns beside them; single columns read and taken out."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from daemon.connectors.plotly.actions import cells, grids, proofs
from daemon.connectors.plotly.client import PlotlyClient, path_of
from daemon.contract import declare, errors, requests
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


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
    return proofs.note_table(await grids.read_columns(client, parameters.fid))


def lock_grid(parameters: Any) -> str:
    """One addition at a time to each grid: what is added is found by what was there before."""
    return f"grid {parameters.fid}"


async def _note_rows(client: PlotlyClient, parameters: AppendRows) -> JsonObject:
    return await note_grid(client, parameters) if parameters.rows else {"columns": []}


async def _look_for_rows(
    client: PlotlyClient, parameters: AppendRows, call: declare.Call, before: JsonObject | None
) -> declare.Done[AppendedRows] | None:
    if before is None:
        raise errors.Unclear("what the grid held before the call was not noted. Compare its last rows.")
    ours = cells.order_rows(parameters.rows, proofs.noted_columns(before))
    if ours and not proofs.has_rows(before, ours, await grids.read_columns(client, parameters.fid)):
        return None
    return declare.Done(AppendedRows(fid=parameters.fid, appended=len(ours)))


@declare.action(
    "plotly.append_rows",
    doubt=Doubt.PROBED,
    why="a second call would add the rows again; whether the first did is seen by counting the grid's rows",
    probe=declare.Probe(
        about="the grid's rows beyond those that it had before the call",
        look=_look_for_rows,
        note=_note_rows,
        lock=lambda parameters: lock_grid(parameters) if parameters.rows else "",
    ),
    example={"fid": "ada:0", "rows": [{"city": "Rome", "signups": 12}]},
)
async def append_rows(
    client: PlotlyClient, parameters: AppendRows, call: declare.Call
) -> declare.Done[AppendedRows]:
    """Add rows below those that a grid has. No rows at all is no call."""
    fid, rows = parameters.fid, parameters.rows
    if any(isinstance(row, dict) for row in rows):
        ordered = cells.order_rows(rows, await grids.read_columns(client, fid))
    else:
        ordered = [list(row) for row in rows]
    if ordered:
        await client.call("POST", path_of(fid, "row", family="grids"), json={"rows": ordered})
    return declare.Done(AppendedRows(fid=fid, appended=len(ordered)))


class AppendColumns(declare.Parameters):
    """Columns for a grid."""

    fid: cells.Fid
    columns: grids.Columns = Field(description=grids.COLUMN_FORMS, min_length=1)

    def table(self) -> list[cells.Column]:
        """The columns, whichever way they were given."""
        return grids.table_of(self.columns)


class AppendedColumns(declare.Result):
    """What was added."""

    fid: str = Field(description="The grid's id.")
    cols: list[grids.ColumnReference] = Field(description="The new columns, in Plotly's own words.")
    columns: dict[str, str] = Field(
        description="By column name the full reference `username:number:uid`, as a figure's `xsrc` takes it."
    )


async def _look_for_columns(
    client: PlotlyClient, parameters: AppendColumns, call: declare.Call, before: JsonObject | None
) -> declare.Done[AppendedColumns] | None:
    if before is None:
        raise errors.Unclear("what the grid held before the call was not noted. Compare its columns.")
    ours = parameters.table()
    now = await grids.read_columns(client, parameters.fid)
    if not proofs.has_columns(before, ours, now):
        return None
    return _added(parameters.fid, cells.choose(now, [column.name for column in ours]))


def _added(fid: str, found: Sequence[cells.Column]) -> declare.Done[AppendedColumns]:
    references = cells.references(fid, found)
    return declare.Done(AppendedColumns(fid=fid, cols=grids.told(found), columns=references))


@declare.action(
    "plotly.append_columns",
    doubt=Doubt.PROBED,
    why="a second call might add the columns again; the first one's are found by their names",
    probe=declare.Probe(
        about="new columns of the grid with the names and cells that were sent",
        look=_look_for_columns,
        note=note_grid,
        lock=lock_grid,
    ),
    example={"fid": "ada:0", "columns": {"visits": [120, 80]}},
)
async def append_columns(
    client: PlotlyClient, parameters: AppendColumns, call: declare.Call
) -> declare.Done[AppendedColumns]:
    """Add columns beside those that a grid has. A name that it has already is an error: names are how a figure
    finds its columns, and Plotly's own clients keep them apart too."""
    fid, ours = parameters.fid, parameters.table()
    taken = {column.name for column in await grids.read_columns(client, fid)}
    twice = [column.name for column in ours if column.name in taken]
    if twice:
        raise errors.PermanentError(f"the grid has a column {twice[0]!r} already. Use plotly.update_grid.")
    cols = [{"name": column.name, "data": list(column.data)} for column in ours]
    path = path_of(fid, "col", family="grids")
    # A text of JSON within JSON: so both of the vendor's older clients send columns.
    answer = await client.call("POST", path, json={"cols": jsons.dumps(cols)})
    return _added(fid, cells.read_cols(answer.get("cols")))


class GetColumns(declare.Parameters):
    """Which columns of which grid."""

    fid: cells.Fid
    uids: list[str] = Field(
        description="Plotly's short ids of the columns, as `cols` of a grid shows them.", min_length=1
    )


class FoundColumn(grids.ColumnReference):
    """One column with its cells."""

    data: list[Any] = Field(description="Its cells, from the first row to the last.")


class FoundColumns(declare.Result):
    """The columns that were asked for."""

    fid: str = Field(description="The grid's id.")
    cols: list[FoundColumn] = Field(description="The columns.")


@declare.action(
    "plotly.get_columns",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"fid": "ada:0", "uids": ["beea45"]},
)
async def get_columns(
    client: PlotlyClient, parameters: GetColumns, call: declare.Call
) -> declare.Done[FoundColumns]:
    """Read some columns of a grid and leave the rest."""
    path = path_of(parameters.fid, "col", family="grids")
    answer = await client.call("GET", path, query={"uid": ",".join(parameters.uids)})
    return declare.Done(
        requests.parse("Plotly", FoundColumns, {"cols": None, **answer, "fid": parameters.fid})
    )


class DeleteColumns(declare.Parameters):
    """Which columns of which grid."""

    fid: cells.Fid
    columns: list[str] = Field(description="The columns' names.", min_length=1)


class DeletedColumns(declare.Result):
    """What is gone."""

    fid: str = Field(description="The grid's id.")
    deleted: list[str] = Field(description="The columns' names.")
    existed: bool = Field(description="Whether the grid still had one of them at least.")


@declare.action(
    "plotly.delete_columns",
    doubt=Doubt.REPEATABLE,
    why="a column can be taken out only once",
    example={"fid": "ada:0", "columns": ["signups"]},
)
async def delete_columns(
    client: PlotlyClient, parameters: DeleteColumns, call: declare.Call
) -> declare.Done[DeletedColumns]:
    """Take columns out of a grid for good. Those that it does not have are no error."""
    found = await grids.read_columns(client, parameters.fid)
    names = {column.name for column in found}
    left = [name for name in parameters.columns if name in names]
    if left:
        uids = ",".join(one.uid for one in cells.choose(found, left))
        await client.call("DELETE", path_of(parameters.fid, "col", family="grids"), query={"uid": uids})
    result = DeletedColumns(fid=parameters.fid, deleted=parameters.columns, existed=bool(left))
    return declare.Done(result)
