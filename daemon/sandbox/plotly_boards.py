"""Plotly's dashboards, presentations and Dash apps: files with one document each. Rows for ``plotly``.

Written from what the vendor's Python client sends and reads; the fields of a Dash app are anybody's guess.
"""

from functools import partial
from typing import Any

from daemon.sandbox import exchange, plotly_files, plotly_shelf

TYPES = {
    "dashboards": "dashboard",
    "spectacle-presentations": "spectacle_presentation",
    "dash-apps": "dash_app",
}
SCHEMA: exchange.Record = {"type": "object", "required": ["layout", "version"]}


def rows(shelf: plotly_shelf.Shelf) -> list[exchange.Row]:
    """The same four actions for each of the three, and the schema of dashboards."""
    found: list[exchange.Row] = [("GET", "/dashboards/schema", partial(get_schema, shelf))]
    for resource, filetype in TYPES.items():
        found += [
            ("GET", f"/{resource}", partial(list_boards, shelf, resource)),
            ("POST", f"/{resource}", partial(create_board, shelf, filetype)),
            ("GET", f"/{resource}/{{}}", partial(get_board, shelf, filetype)),
            ("PUT", f"/{resource}/{{}}", partial(update_board, shelf, filetype)),
        ]
    return found


def get_schema(shelf: plotly_shelf.Shelf, ask: exchange.Ask) -> exchange.Reply:
    """What a dashboard's content follows."""
    return exchange.Reply(200, SCHEMA)


def list_boards(shelf: plotly_shelf.Shelf, resource: str, ask: exchange.Ask) -> exchange.Reply:
    """The owner's files of that type, page by page; nothing for a stranger."""
    if not shelf.owned(ask):
        raise plotly_shelf.refuse(401, "Authentication credentials were not provided.")
    kept = [
        plotly_shelf.meta(file)
        for file in shelf.files.values()
        if file["filetype"] == TYPES[resource] and not file["deleted"]
    ]
    return plotly_files.page(ask, kept, resource)


def create_board(shelf: plotly_shelf.Shelf, filetype: str, ask: exchange.Ask) -> exchange.Reply:
    """``content`` is a document or a text of one; the name must be free."""
    body = ask.record()
    content = checked(filetype, body)
    parent = shelf.parent_of(body)
    name = shelf.check_name(body, parent, filetype)
    board = shelf.keep(filetype, name, parent, body, content=content)
    return exchange.Reply(201, {"file": told(board)}, f"{filetype}.created", board["fid"])


def get_board(shelf: plotly_shelf.Shelf, filetype: str, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """The file with its content, as a text of JSON where that was what came."""
    file = shelf.file(ask, fid, filetype)
    return exchange.Reply(200, told(file, shelf.owned(ask)))


def update_board(shelf: plotly_shelf.Shelf, filetype: str, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """Another content, and meta data as any file's."""
    file = shelf.file(ask, fid, filetype)
    if "content" in ask.record():
        file["content"] = checked(filetype, ask.record())
    plotly_files.update_file(shelf, filetype, ask, fid)
    return exchange.Reply(200, told(file), f"{filetype}.updated", fid)


def told(board: exchange.Record, owned: bool = True) -> exchange.Record:
    """The file as answered by its own resource."""
    return {**plotly_shelf.meta(board, owned), "content": board["content"]}


def checked(filetype: str, body: exchange.Record) -> Any:
    """The content that came, if it can be one; a Dash app needs none."""
    content = body.get("content")
    document = plotly_shelf.loads(content, "content")
    if filetype != "dash_app" and not isinstance(document, dict):
        raise plotly_shelf.refuse(400, "This field is required: content, a JSON object.", "content")
    return content
