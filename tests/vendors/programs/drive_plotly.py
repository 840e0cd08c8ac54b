"""What a user of ``chart-studio`` does: grids, plots, pictures, dashboards. Run in that client's own environment.

Its arguments come as JSON on standard input, what the client gave goes as JSON to standard output.
"""

import json
import sys

from chart_studio import exceptions, plotly, tools
from chart_studio.api import v2
from chart_studio.grid_objs import Column, Grid
from plotly import graph_objs


def sign_in(given: dict) -> None:
    """Once, as its users do."""
    tools.set_credentials_file(username=given["username"], api_key=given["api_key"])
    tools.set_config_file(plotly_domain=given["url"], plotly_api_domain=given["url"], auto_open=False)
    plotly.sign_in(given["username"], given["api_key"])


def use_grids() -> dict:
    """A grid in a folder, more rows and columns, and what the service has in the end."""
    grid = Grid([Column([1, 2, 3], "time"), Column(["a", "b", "c"], "note")])
    address = plotly.grid_ops.upload(
        grid, "reports/2026/readings", auto_open=False, meta={"experiment": "GaAs"}
    )
    plotly.grid_ops.append_rows([[4, "d"], [5, "e"]], grid=grid)
    plotly.grid_ops.append_columns([Column([7, 8, 9, 10, 11], "volts")], grid=grid)
    kept = v2.grids.content(grid.id).json()["cols"]
    plotly.grid_ops.upload(Grid([Column([1], "one")]), "reports/2026/readings", auto_open=False)
    found = v2.grids.lookup("reports/2026/readings").json()
    read = plotly.get_grid(found["web_url"])
    return {
        "address": address,
        "ids": [column.id for column in grid],
        "kept": kept,
        "found": found,
        "read": [[column.name, column.data] for column in read],
    }


def use_plots() -> dict:
    """A figure plotted, plotted again under its name, read back and drawn."""
    figure = graph_objs.Figure(
        data=[graph_objs.Scatter(x=[1, 2, 3], y=[4, 5, 6], name="first")], layout={"title": {"text": "A"}}
    )
    address = plotly.plot(figure, filename="charts/first", auto_open=False, sharing="private")
    again = plotly.plot(figure, filename="charts/first", auto_open=False, sharing="private")
    owner, number = address.rstrip("/").rpartition("~")[2].split("/")
    read = plotly.get_figure(owner, number, raw=True)
    picture = plotly.image.get(figure, "png")
    return {"addresses": [address, again], "data": read["data"][0], "picture": len(picture)}


def use_boards() -> dict:
    """A dashboard uploaded twice under one name."""
    board = {"version": 2, "settings": {"title": "Growth"}, "layout": {"type": "box"}}
    first = plotly.dashboard_ops.upload(board, "growth", auto_open=False, sharing="private")
    second = plotly.dashboard_ops.upload(board, "growth", auto_open=False, sharing="private")
    return {"addresses": [first, second], "names": plotly.dashboard_ops.get_dashboard_names()}


def use_files() -> dict:
    """Trash, restore, delete for good; what is said of a clash, of nothing and of nobody."""
    grid = Grid([Column([1], "one")])
    plotly.grid_ops.upload(grid, "short-lived", auto_open=False)
    v2.files.trash(grid.id)
    trashed = v2.files.retrieve(grid.id).json()["deleted"]
    v2.files.restore(grid.id)
    restored = v2.files.retrieve(grid.id).json()["deleted"]
    plotly.grid_ops.delete(grid=grid)
    plotly.file_ops.mkdirs("kept/away")
    told = {"trashed": trashed, "restored": restored, "user": v2.users.current().json()["username"]}
    told["clash"] = failing(lambda: v2.grids.create({"data": {"cols": {}}, "filename": "kept"}))
    told["gone"] = failing(lambda: v2.files.retrieve(grid.id))
    told["schema"] = sorted(v2.plot_schema.retrieve("").json())
    told["refused"] = failing(lambda: plotly.sign_in("nobody", "no-such-key"))
    return told


def failing(work) -> list:
    """The client's exception: its status and message."""
    try:
        work()
    except exceptions.PlotlyRequestError as failed:
        return [failed.status_code, str(failed.message)]
    except exceptions.PlotlyError as failed:
        return [None, str(failed)]
    return []


def main() -> None:
    """Everything."""
    sign_in(json.load(sys.stdin))
    told = {"grids": use_grids(), "plots": use_plots(), "boards": use_boards(), "files": use_files()}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
