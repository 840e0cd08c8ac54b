"""Plots: a figure whose data stand in a grid."""

from typing import Any, Literal

from pydantic import Field, model_validator

from daemon.connectors.plotly.actions import cells, files, finding, grids, proofs
from daemon.connectors.plotly.client import PlotlyClient, path_of, unwrap
from daemon.contract import declare, requests
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

# The traces' own data arrays. Other lists (a domain, a colour scale) are no data and may stand as they are.
DATA_ARRAYS = frozenset(
    "x y z text ids labels values parents lat lon locations r theta a b c open high low close".split()
)


class Figure(declare.Parameters):
    """A figure in either form, `figure` or `data` with `layout`, its traces referring to grids."""

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

    @property
    def given(self) -> bool:
        """Whether there is a figure at all."""
        return self.figure is not None or self.data is not None

    def check_figure(self) -> None:
        """:class:`ValueError` unless there is one figure, with traces that are objects and hold no raw cells."""
        check_form(self.figure, self.data, self.layout)
        traces = self.traces()
        if not isinstance(traces, list) or not all(isinstance(trace, dict) for trace in traces):
            raise ValueError("a figure's data are a list of traces, each an object")
        refuse_raw(traces)

    def traces(self) -> Json:
        """The traces, whichever way they were given."""
        return self.data if self.figure is None else self.figure.get("data")

    async def resolved(self, client: PlotlyClient) -> list[Json]:
        """The traces as they are sent: names of the grid's columns become references."""
        traces: list[Json] = self.traces()
        if self.grid is None:
            return traces
        found = await grids.read_columns(client, self.grid)
        return cells.resolve(traces, cells.references(self.grid, found))

    def whole(self, traces: list[Json]) -> JsonObject:
        """The figure with *traces* for its data; it always has a layout, which Plotly demands."""
        return whole(self.figure, self.layout, traces)


def check_form(figure: JsonObject | None, data: Json, layout: Json) -> None:
    """:class:`ValueError` unless a figure was given in one of its two forms."""
    if (figure is None) == (data is None):
        raise ValueError("give figure, or data with its layout, one of them")
    if figure is not None and layout is not None:
        raise ValueError("layout stands beside data; a figure holds its own")


def whole(figure: JsonObject | None, layout: JsonObject | None, traces: Json) -> JsonObject:
    """One figure of either form, with *traces* and a layout: one without it is refused (vendor's images page)."""
    outer: dict[str, Any] = figure if figure is not None else {"layout": layout}
    return {**outer, "data": traces, "layout": outer.get("layout") or {}}


class CreatePlot(Figure):
    """A new plot, by `figure` or by `data` and `layout`."""

    filename: cells.FileName
    world_readable: bool = Field(False, description="Whether everyone may see it.")

    @model_validator(mode="after")
    def has_one_figure(self) -> "CreatePlot":
        """Either form, as Plotly takes it."""
        self.check_figure()
        return self


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
    if not proofs.holds(await parameters.resolved(client), figure.get("data")):
        raise finding.other_content(parameters.filename, result.fid)
    return declare.Done(result, made=[("file", result.fid)])


async def read_figure(client: PlotlyClient, fid: str, **query: Any) -> JsonObject:
    """The figure of a plot: its traces with their references, its layout."""
    return await client.call("GET", path_of(fid, "content", family="plots"), query=query)


@declare.action(
    "plotly.create_plot",
    doubt=Doubt.PROBED,
    why=finding.WHY,
    probe=declare.Probe(
        about=finding.ABOUT, look=_look_for_plot, note=finding.note_file, lock=finding.lock_file
    ),
    example={
        "filename": "reports/signups by city",
        "grid": "ada:0",
        "data": [{"type": "bar", "xsrc": "city", "ysrc": "signups"}],
    },
)
async def create_plot(
    client: PlotlyClient, parameters: CreatePlot, call: declare.Call
) -> declare.Done[files.File]:
    """Make a plot of columns that stand in a grid, and the folders that its file name asks for.

    A name that the folder has already is an error: Plotly keeps the older file.
    """
    traces = await parameters.resolved(client)
    place = await files.make_place(client, parameters.filename)
    body = {**place, "figure": parameters.whole(traces), "world_readable": parameters.world_readable}
    made = unwrap(await client.call("POST", "/plots", json=body))
    result = requests.parse("Plotly", files.File, made)
    return declare.Done(result, made=[("file", result.fid)])


class GetPlot(declare.Parameters):
    """Which plot, and how much of it."""

    fid: cells.Fid
    inline_data: bool = Field(
        False, description="Whether the cells that the traces refer to stand beside the references, as `x`."
    )
    map_data: str | None = Field(
        None,
        description="What becomes of data that cannot be read: `unreadable` marks it (vendor's clients).",
    )
    share_key: files.ShareKey = None


class Plot(files.File):
    """A plot with its figure."""

    figure: JsonObject = Field(description="The figure: `data` with references to grids, `layout`.")


@declare.action(
    "plotly.get_plot",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"fid": "ada:2", "inline_data": True},
)
async def get_plot(client: PlotlyClient, parameters: GetPlot, call: declare.Call) -> declare.Done[Plot]:
    """Read a plot: what is known of it, and its figure."""
    fid, key = parameters.fid, parameters.share_key
    found = unwrap(await client.call("GET", path_of(fid, family="plots"), query={"share_key": key}))
    query = {"inline_data": parameters.inline_data or None, "map_data": parameters.map_data}
    figure = await read_figure(client, fid, **query, share_key=key)
    return declare.Done(requests.parse("Plotly", Plot, {**found, "figure": figure}))


class UpdatePlot(files.Changes, Figure):
    """New values of a plot's own fields, and another figure. What is not given stays as it is."""

    @model_validator(mode="after")
    def has_a_fit_figure(self) -> "UpdatePlot":
        """A figure as Plotly takes it, where there is one; a layout or a grid's name alone is none."""
        if self.given or self.layout is not None or self.grid is not None:
            self.check_figure()
        return self


@declare.action(
    "plotly.update_plot",
    doubt=Doubt.REPEATABLE,
    why=files.WHOLE_VALUES,
    example={"fid": "ada:2", "grid": "ada:0", "data": [{"type": "bar", "xsrc": "city", "ysrc": "signups"}]},
)
async def update_plot(
    client: PlotlyClient, parameters: UpdatePlot, call: declare.Call
) -> declare.Done[files.File]:
    """Give a plot another figure, whole, or change its name, its place, who may see it. Its address stays."""
    body = parameters.body("figure", "data", "layout", "grid")
    if parameters.given:
        body["figure"] = parameters.whole(await parameters.resolved(client))
    return await files.change(client, "plots", parameters.fid, body)


class ListPlots(declare.Parameters):
    """Which public plots, and in what order."""

    order_by: Literal["-views", "views"] | None = Field(
        None, description="`-views` gives the most seen first; by default the order is that of their making."
    )
    min_quality: float | None = Field(None, description="Only plots of at least this quality.")
    max_quality: float | None = Field(None, description="Only plots of at most this quality.")
    limit: int = Field(100, description="How many at most.", ge=1, le=files.MOST)


async def _list(client: PlotlyClient, path: str, parameters: ListPlots) -> declare.Done[files.Files]:
    query = parameters.model_dump(exclude={"limit"}, exclude_none=True)
    found, more = await client.pages(path, query, parameters.limit)
    return declare.Done(requests.parse("Plotly", files.Files, {"files": found, "more": more}))


@declare.action(
    "plotly.list_plots",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"order_by": "-views", "limit": 20},
)
async def list_plots(
    client: PlotlyClient, parameters: ListPlots, call: declare.Call
) -> declare.Done[files.Files]:
    """List public plots, of everybody. An account's own are found by `plotly.list_files`."""
    return await _list(client, "/plots", parameters)


class ListFeed(ListPlots):
    """How many of the picked plots, and in what order."""


@declare.action(
    "plotly.list_feed",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"order_by": "-views", "limit": 20},
)
async def list_feed(
    client: PlotlyClient, parameters: ListFeed, call: declare.Call
) -> declare.Done[files.Files]:
    """List the public plots that Plotly's people picked, in random order unless `order_by` says one."""
    return await _list(client, "/plots/feed", parameters)
