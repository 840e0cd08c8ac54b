"""Plotly's plots: figures whose data stand in grids. Rows for ``plotly``."""

from functools import partial
from typing import Any

from daemon.sandbox import exchange, plotly_files, plotly_shelf

DATA = frozenset(
    "x y z a b c i j k r t theta text labels values lat lon open high low close parents ids locations"
    " size".split()
)
"""Attributes of a trace that hold data: here only references are taken, as ``xsrc``."""
CURSOR_SIZE = 20


def rows(shelf: plotly_shelf.Shelf) -> list[exchange.Row]:
    """The plots' part of the API; its PUT and PATCH come before those of all files."""
    return [
        ("GET", "/plots", partial(list_plots, shelf, "plots")),
        ("GET", "/plots/feed", partial(list_plots, shelf, "plots/feed")),
        ("POST", "/plots", partial(create_plot, shelf)),
        ("PUT", "/plots/{}", partial(update_plot, shelf)),
        ("PATCH", "/plots/{}", partial(update_plot, shelf)),
    ]


def create_plot(shelf: plotly_shelf.Shelf, ask: exchange.Ask) -> exchange.Reply:
    """``figure`` with references into grids; the name must be free."""
    body = ask.record()
    figure = checked(shelf, ask, plotly_shelf.loads(body.get("figure"), "figure"))
    parent = shelf.parent_of(body)
    name = shelf.check_name(body, parent, "plot")
    plot = shelf.keep("plot", name, parent, body, figure=figure)
    plot["references"] = grids_of(figure)
    return exchange.Reply(201, {"file": plotly_shelf.meta(plot)}, "plot.created", plot["fid"])


def update_plot(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """Another figure, and meta data as any file's; answered bare, not under ``file``."""
    plot = shelf.file(ask, fid, "plot")
    body = ask.record()
    if "figure" in body:
        plot["figure"] = checked(shelf, ask, plotly_shelf.loads(body["figure"], "figure"))
        plot["references"] = grids_of(plot["figure"])
    told = plotly_files.update_file(shelf, "plot", ask, fid)
    return exchange.Reply(200, told.body, "plot.updated", fid)


def list_plots(shelf: plotly_shelf.Shelf, path: str, ask: exchange.Ask) -> exchange.Reply:
    """Public plots, by an opaque cursor; all of them are picked ones too."""
    public = [
        f
        for f in shelf.files.values()
        if f["filetype"] == "plot" and f["world_readable"] and not f["deleted"]
    ]
    start = exchange.whole(ask.query.get("cursor", "c0").removeprefix("c"), 0)
    more = start + CURSOR_SIZE < len(public)
    following = f"{plotly_shelf.API}/{path}?cursor=c{start + CURSOR_SIZE}" if more else None
    shown = [plotly_shelf.meta(plot, shelf.owned(ask)) for plot in public[start : start + CURSOR_SIZE]]
    return exchange.Reply(200, {"next": following, "previous": None, "results": shown})


def checked(shelf: plotly_shelf.Shelf, ask: exchange.Ask, figure: Any) -> exchange.Record:
    """The figure, if its traces hold no data of their own and refer to columns that are there."""
    if not isinstance(figure, dict) or not isinstance(figure.get("data"), list):
        raise plotly_shelf.refuse(400, "A figure with a list of traces as its data is required.", "figure")
    if not all(isinstance(trace, dict) for trace in figure["data"]):
        raise plotly_shelf.refuse(400, "Each trace must be an object.", "figure")
    for trace in figure["data"]:
        for name, value in trace.items():
            if name in DATA and isinstance(value, list):
                text = f"Data arrays must be grid references: use '{name}src', not '{name}'."
                raise plotly_shelf.refuse(400, text, "figure")
            if name.endswith("src"):
                _check_reference(shelf, ask, value)
    return {"layout": {}, **figure}


def grids_of(figure: exchange.Record) -> list[str]:
    """The fids that a figure refers to, each once."""
    sources = [v for trace in figure["data"] for k, v in trace.items() if k.endswith("src")]
    return list(dict.fromkeys(source.rpartition(":")[0] for source in sources))


def _check_reference(shelf: plotly_shelf.Shelf, ask: exchange.Ask, value: Any) -> None:
    fid, _, uid = str(value).rpartition(":")
    grid = shelf.files.get(fid)
    if grid is None or uid not in [column["uid"] for column in grid.get("columns", [])]:
        raise plotly_shelf.refuse(400, f"The reference {value} is not a column of a grid.", "figure")
