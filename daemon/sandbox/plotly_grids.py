"""Plotly's grids: made of columns, read, lengthened by rows, widened by columns. Rows for ``plotly``."""

from functools import partial
from typing import Any

from daemon.sandbox import exchange, plotly_shelf


def rows(shelf: plotly_shelf.Shelf) -> list[exchange.Row]:
    """The grids' part of the API, beside what all files share."""
    return [
        ("POST", "/grids", partial(create_grid, shelf)),
        ("DELETE", "/grids/{}", partial(destroy_grid, shelf)),
        ("POST", "/grids/{}/row", partial(append_rows, shelf)),
        ("POST", "/grids/{}/col", partial(append_columns, shelf)),
        ("GET", "/grids/{}/col", partial(get_columns, shelf)),
        ("PUT", "/grids/{}/col", partial(update_columns, shelf)),
        ("DELETE", "/grids/{}/col", partial(delete_columns, shelf)),
    ]


def create_grid(shelf: plotly_shelf.Shelf, ask: exchange.Ask) -> exchange.Reply:
    """``data`` = ``{"cols": {name: {"data": […], "order": n}}}``, an object or JSON in a text."""
    body = ask.record()
    data = plotly_shelf.loads(body.get("data"), "data")
    if not isinstance(data, dict) or not isinstance(data.get("cols"), dict):
        raise plotly_shelf.refuse(400, "This field is required: data, with cols.", "data")
    given = [{"name": name, **_column(column)} for name, column in data["cols"].items()]
    given.sort(key=lambda column: int(column["order"]))
    parent = shelf.parent_of(body)
    name = shelf.check_name(body, parent, "grid")
    columns = [_kept(shelf, column) for column in given]
    grid = shelf.keep("grid", name, parent, body, columns=columns)
    return exchange.Reply(201, {"file": plotly_shelf.meta(grid), "warnings": []}, "grid.created", grid["fid"])


def destroy_grid(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """At once, without the trash (vendor's Python client)."""
    shelf.file(ask, fid, "grid")
    del shelf.files[fid]
    return exchange.Reply(204, None, "grid.deleted", fid)


def append_rows(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """``rows``: a list of lists, each as long as the grid is wide."""
    grid = shelf.file(ask, fid, "grid")
    added = plotly_shelf.loads(ask.record().get("rows"), "rows")
    if not isinstance(added, list) or not added or not all(isinstance(row, list) for row in added):
        raise plotly_shelf.refuse(400, "rows must be a list of lists.", "rows")
    width = len(grid["columns"])
    if any(len(row) != width for row in added):
        raise plotly_shelf.refuse(400, f"Each row must have {width} values.", "rows")
    longest = max((len(column["data"]) for column in grid["columns"]), default=0)
    for number, column in enumerate(grid["columns"]):
        column["data"] += [None] * (longest - len(column["data"])) + [row[number] for row in added]
    grid["date_modified"] = shelf.stamp()
    return exchange.Reply(201, {"rows": len(added)}, "grid.rows_appended", fid)


def append_columns(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """``cols``: a list of ``{name, data}``, or that as JSON in a text; a name twice is refused (inferred)."""
    grid = shelf.file(ask, fid, "grid")
    added = _columns(ask)
    names = [column["name"] for column in [*grid["columns"], *added]]
    if len(set(names)) != len(names):
        raise plotly_shelf.refuse(400, "A column with this name already exists.", "cols")
    made = [_kept(shelf, column) for column in added]
    grid["columns"] += made
    grid["date_modified"] = shelf.stamp()
    told = [{"name": column["name"], "uid": column["uid"]} for column in made]
    return exchange.Reply(201, {"cols": told}, "grid.columns_appended", fid)


def get_columns(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """The columns that ``uid`` names, or all, with their data."""
    grid = shelf.file(ask, fid, "grid")
    return exchange.Reply(200, {"cols": _chosen(grid, ask) if ask.query.get("uid") else grid["columns"]})


def update_columns(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """New data (and names) for the columns that ``uid`` names, in that order."""
    grid = shelf.file(ask, fid, "grid")
    chosen, given = _chosen(grid, ask), _columns(ask, named=False)
    if len(chosen) != len(given):
        raise plotly_shelf.refuse(400, "There must be as many cols as uids.", "cols")
    for column, new in zip(chosen, given, strict=True):
        column.update({key: new[key] for key in ("name", "data") if key in new})
    return exchange.Reply(200, {"cols": chosen}, "grid.columns_updated", fid)


def delete_columns(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """The columns that ``uid`` names go."""
    grid = shelf.file(ask, fid, "grid")
    gone = [column["uid"] for column in _chosen(grid, ask)]
    grid["columns"] = [column for column in grid["columns"] if column["uid"] not in gone]
    return exchange.Reply(204, None, "grid.columns_deleted", fid)


def _kept(shelf: plotly_shelf.Shelf, column: exchange.Record) -> exchange.Record:
    return {"uid": shelf.new_uid(), "name": column["name"], "data": list(column["data"])}


def _column(given: Any) -> exchange.Record:
    if not isinstance(given, dict) or not isinstance(given.get("data"), list):
        raise plotly_shelf.refuse(400, "Each column must have a list as its data.", "data")
    return {"data": given["data"], "order": exchange.whole(given.get("order"), 0)}


def _columns(ask: exchange.Ask, named: bool = True) -> list[exchange.Record]:
    given = plotly_shelf.loads(ask.record().get("cols"), "cols")
    good = isinstance(given, list) and all(
        isinstance(column, dict)
        and isinstance(column.get("data", None if named else []), list)
        and isinstance(column.get("name", None if named else ""), str)
        for column in given
    )
    if not good or not given:
        raise plotly_shelf.refuse(400, "cols must be a list of columns with a name and data.", "cols")
    return list(given)


def _chosen(grid: exchange.Record, ask: exchange.Ask) -> list[exchange.Record]:
    """The columns of the comma list in ``uid``; 400 for none, 404 for one that is not there."""
    wanted = [uid for uid in ask.query.get("uid", "").split(",") if uid]
    if not wanted:
        raise plotly_shelf.refuse(400, "uid is required.", "uid")
    columns = {column["uid"]: column for column in grid["columns"]}
    if any(uid not in columns for uid in wanted):
        raise plotly_shelf.refuse(404, "Not found.")
    return [columns[uid] for uid in wanted]
