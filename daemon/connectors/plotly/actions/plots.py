"""Plots: a figure whose data stand in a grid."""

from typing import Any

from pydantic import Field, model_validator

from daemon.connectors.plotly.actions import cells, files, finding, grids, proofs
from daemon.connectors.plotly.client import PlotlyClient, unwrap
from daemon.contract import declare, http, requests
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

# The traces' own data arrays. Other lists (a domain, a colour scale) are no data and may stand as they are.
DATA_ARRAYS = frozenset(
    "x y z text ids labels values parents lat lon locations r theta a b c open high low close".split()
)


class CreatePlot(declare.Parameters):
    """A new plot, by `figure` or by `data` and `layout`."""

    filename: cells.FileName
    figure: JsonObject | None = Field(None, description="The whole figure: `data`, `layout`, `frames`.")
    data: list[JsonObject] | None = Field(
        None,
        description="The traces, instead of `figure`. Plotly keeps no cells in a plot: a trace's arrays are "
        "references to a grid's columns, `xsrc` for `x`, as `username:number:uid`.",
    )
    layout: JsonObject | None = Field(None, description="The layout, beside `data`.")
    grid: cells.Fid | None = Field(
        None,
        description="A grid's id. With it every `…src` of the traces may be the plain name of one of the "
        "grid's columns: `data = [{ type = 'bar', xsrc = 'city', ysrc = 'signups' }]`.",
    )
    world_readable: bool = Field(False, description="Whether everyone may see it.")

    @model_validator(mode="after")
    def has_one_figure(self) -> "CreatePlot":
        """Either form, with traces that are objects and hold no raw cells."""
        if (self.figure is None) == (self.data is None):
            raise ValueError("give figure, or data with its layout, one of them")
        if self.figure is not None and self.layout is not None:
            raise ValueError("layout stands beside data; a figure holds its own")
        traces = self.traces()
        if not isinstance(traces, list) or not all(isinstance(trace, dict) for trace in traces):
            raise ValueError("a figure's data are a list of traces, each an object")
        refuse_raw(traces)
        return self

    def traces(self) -> Json:
        """The traces, whichever way they were given."""
        return self.data if self.figure is None else self.figure.get("data")

    def whole(self, traces: list[Json]) -> JsonObject:
        """The figure with *traces* for its data; it always has a layout, which Plotly demands."""
        outer: dict[str, Any] = self.figure if self.figure is not None else {"layout": self.layout}
        return {**outer, "data": traces, "layout": outer.get("layout") or {}}


def refuse_raw(traces: list[JsonObject]) -> None:
    """:class:`ValueError` names the first array of cells in *traces*: Plotly answers 400 (its plots page)."""
    for number, trace in enumerate(traces):
        raw = sorted(name for name, value in trace.items() if name in DATA_ARRAYS and isinstance(value, list))
        if raw:
            raise ValueError(
                f"trace {number}: {raw[0]} holds cells, and Plotly takes references only. Put the cells into "
                f"a grid (plotly.create_grid), name it as grid, and its column as {raw[0]}src"
            )


async def _look_for_plot(
    client: PlotlyClient, parameters: CreatePlot, call: declare.Call, before: JsonObject | None
) -> declare.Done[files.File] | None:
    """Only the traces are compared: a layout is what people touch up first."""
    found = await finding.find_new(client, parameters.filename, before, frozenset({"plot"}))
    if found is None:
        return None
    result = requests.parse("Plotly", files.File, found)
    figure = await read_figure(client, result.fid)
    if not proofs.holds(await _resolved(client, parameters), figure.get("data")):
        raise finding.other_content(parameters.filename, result.fid)
    return declare.Done(result, made=[("file", result.fid)])


async def read_figure(client: PlotlyClient, fid: str, **query: Any) -> JsonObject:
    """The figure of a plot: its traces with their references, its layout."""
    return await client.call("GET", f"/plots/{http.segment(fid)}/content", query=query)


async def _resolved(client: PlotlyClient, parameters: CreatePlot) -> list[Json]:
    """The traces as they are sent: names of the grid's columns become references."""
    traces: list[Json] = parameters.traces()
    if parameters.grid is None:
        return traces
    found = await grids.read_columns(client, parameters.grid)
    return cells.resolve(traces, cells.references(parameters.grid, found))


@declare.action(
    "plotly.create_plot",
    doubt=Doubt.PROBED,
    why=finding.WHY,
    probe=declare.Probe(
        about=finding.ABOUT, look=_look_for_plot, note=finding.note_file, lock=finding.lock_file
    ),
)
async def create_plot(
    client: PlotlyClient, parameters: CreatePlot, call: declare.Call
) -> declare.Done[files.File]:
    """Make a plot of columns that stand in a grid, and the folders that its file name asks for.

    A name that the folder has already is an error: Plotly keeps the older file.
    """
    traces = await _resolved(client, parameters)
    place = await files.make_place(client, parameters.filename)
    body = {**place, "figure": parameters.whole(traces), "world_readable": parameters.world_readable}
    made = unwrap(await client.call("POST", "/plots", json=body))
    result = requests.parse("Plotly", files.File, made)
    return declare.Done(result, made=[("file", result.fid)])
