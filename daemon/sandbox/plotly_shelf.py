"""A Plotly user's files as they are kept: grids, plots, folders, by ``user:number``; and error bodies.

Stands under ``plotly`` and its ``plotly_*`` neighbours, which act on a :class:`Shelf`.
"""

import hashlib
from typing import Any

import orjson

from daemon.model import times
from daemon.sandbox import exchange

USERNAME = "ada"
API_KEY = "sandboxplotlykey0001"
HOME = -1  # the parent of files that stand in no folder
PUBLIC = "https://plots.example"
API = "https://api-local.plots.example/v2"
"""What ``next`` and ``api_urls`` name: another host than the one asked, as in the vendor's examples."""


RESOURCES = {
    "grid": "grids",
    "plot": "plots",
    "fold": "folders",
    "dashboard": "dashboards",
    "spectacle_presentation": "spectacle-presentations",
    "dash_app": "dash-apps",
}
"""Where a file of each type is found, beside ``files``."""


class Shelf:
    """One user's files, comments and image quota."""

    def __init__(self, clock: times.Clock) -> None:
        self.clock = clock
        self.username = USERNAME
        self.api_key = API_KEY
        self.reset()

    def reset(self) -> None:
        """No file at all."""
        self.files: dict[str, exchange.Record] = {}
        self.comments: dict[int, exchange.Record] = {}
        self.image_times: list[int] = []
        self._idlocal = -1
        self._uid = 0

    def stamp(self) -> str:
        """Now, as Plotly writes times."""
        return times.to_datetime(self.clock.now()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def new_uid(self) -> str:
        """A column's short id."""
        self._uid += 1
        return hashlib.sha256(f"uid {self._uid}".encode()).hexdigest()[:6]

    def keep(
        self, filetype: str, filename: str, parent: int, body: exchange.Record, **own: Any
    ) -> exchange.Record:
        """A new file; numbers begin at 0. *own* is what its type has beside the meta data."""
        self._idlocal += 1
        fid = f"{self.username}:{self._idlocal}"
        now = self.stamp()
        file = {
            "fid": fid,
            "filetype": filetype,
            "filename": filename,
            "parent": parent,
            "owner": self.username,
            "world_readable": truth(body.get("world_readable", True)),
            "share_key_enabled": truth(body.get("share_key_enabled", False)),
            "share_key": hashlib.sha256(f"share {fid}".encode()).hexdigest()[:22],
            "deleted": False,
            "creation_time": now,
            "date_modified": now,
            "references": [],
            "metadata": body.get("metadata") or {},
            **own,
        }
        self.files[fid] = file
        return file

    def parent_of(self, body: exchange.Record) -> int:
        """Where a file shall stand: ``parent`` (a folder's number, -1 is home) or ``parent_path``."""
        if body.get("parent_path"):
            return self.folder_number(str(body["parent_path"]))
        parent = body.get("parent", HOME)
        if parent is None or parent == HOME:
            return HOME
        folder = self.files.get(f"{self.username}:{parent}")
        if folder is None or folder["filetype"] != "fold" or folder["deleted"]:
            raise refuse(400, "The parent folder does not exist.", "parent")
        return int(parent)

    def folder_number(self, path: str) -> int:
        """The number of the folder at *path*; 400 if there is none."""
        number = HOME
        for name in [part for part in path.split("/") if part]:
            folder = self.at(number, name)
            if folder is None or folder["filetype"] != "fold":
                raise refuse(400, f"The path {path} does not exist.", "parent_path")
            number = idlocal(folder)
        return number

    def at(self, parent: int, filename: str) -> exchange.Record | None:
        """The file of that name in that folder. Trashed files have given their name up."""
        for file in self.files.values():
            if (file["parent"], file["filename"]) == (parent, filename) and not file["deleted"]:
                return file
        return None

    def check_name(self, body: exchange.Record, parent: int, noun: str) -> str:
        """The file's name; an invented one if none is given. 409 if it is taken."""
        name = body.get("filename")
        if name is None or name == "":
            return f"{noun.capitalize()} {self._idlocal + 1}"
        if not isinstance(name, str) or "/" in name:
            raise refuse(400, "Filenames are text without slashes.", "filename")
        if self.at(parent, name) is not None:
            raise taken(409, name)
        return name

    def owned(self, ask: exchange.Ask) -> bool:
        """Whether the request comes from the files' owner, by its credentials."""
        return exchange.basic_credentials(ask) == (self.username, self.api_key)

    def file(self, ask: exchange.Ask, fid: str, filetype: str | None = None) -> exchange.Record:
        """The file, for its owner, or for anybody who reads what is public or has its share key: else
        404, which tells missing from hidden to nobody."""
        file = self.files.get(fid)
        if file is None or filetype not in (None, file["filetype"]):
            raise refuse(404, "Not found.")
        shared = file["share_key_enabled"] and ask.query.get("share_key") == file["share_key"]
        reads = ask.method in ("GET", "HEAD") and (file["world_readable"] or shared)
        if not self.owned(ask) and not reads:
            raise refuse(404, "Not found.")
        return file


def idlocal(file: exchange.Record) -> int:
    """The number in a file's ``user:number``."""
    return int(file["fid"].partition(":")[2])


def meta(file: exchange.Record, owned: bool = True) -> exchange.Record:
    """The file as answered: no content; share key and ``deleted`` for the owner only."""
    inner = (
        "columns",
        "figure",
        "content",
        *(() if owned else ("share_key", "share_key_enabled", "deleted")),
    )
    told = {k: v for k, v in file.items() if k not in inner and k != "metadata"}
    number = idlocal(file)
    resource = RESOURCES[file["filetype"]]
    told["web_url"] = f"{PUBLIC}/~{file['owner']}/{number}/"
    told["embed_url"] = f"{PUBLIC}/~{file['owner']}/{number}.embed"
    told["api_urls"] = {name: f"{API}/{name}/{file['fid']}" for name in ("files", resource)}
    if "columns" in file:
        told["cols"] = [{"name": column["name"], "uid": column["uid"]} for column in file["columns"]]
    return told


def errors(status: int, text: str, field: str | None = None, code: str = "UNKNOWN") -> exchange.Reply:
    """Plotly's body: ``errors`` and ``detail``."""
    listed = [{"code": code, "message": text, "path": None, "field": field}]
    return exchange.Reply(status, {"errors": listed, "detail": text})


def refuse(status: int, text: str, field: str | None = None) -> exchange.Refused:
    """To be raised: the request ends with :func:`errors`."""
    return exchange.Refused(errors(status, text, field))


def taken(status: int, name: str) -> exchange.Refused:
    """To be raised: a name that is there already."""
    return refuse(status, f"A file with the name '{name}' already exists.", "filename")


def throttled(seconds: int) -> exchange.Reply:
    """429 without a Retry-After: the text says how long."""
    unit = "second" if seconds == 1 else "seconds"
    return errors(429, f"Request was throttled. Expected available in {seconds} {unit}.")


def loads(value: Any, field: str) -> Any:
    """*value*, parsed if it is JSON in a text: the vendor's clients send both."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise refuse(400, "This is not valid JSON.", field) from None


def truth(value: Any) -> bool:
    """A boolean of JSON or of a query."""
    return value in (True, 1, "1", "true", "True")
