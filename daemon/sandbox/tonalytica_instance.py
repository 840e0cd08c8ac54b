"""A TONalytica (Redash) server as it is kept: keys, sources, queries, jobs, results, dashboards.

Stands under ``tonalytica`` and its neighbours, which act on an :class:`Instance`. Words and shapes are
those recorded from a real Redash 10.1.
"""

import hashlib
import re
from typing import Any

import orjson

from daemon.model import times
from daemon.sandbox import exchange

API_KEY = "SandboxUserKey00000000000000000000000001"
"""A user key: 40 characters, all the user's rights."""
VERSION = "10.1.0"
BY_NUMBER = 10  # the first generation whose dashboards are found by number
NO_LOGIN = "Couldn't find resource. Please login and try again."
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your "
    "spelling and try again."
)
NOT_READABLE = (
    "You don't have the permission to access the requested resource. It is either read-protected or not "
    "readable by the server."
)
BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."
CONFLICT = (
    "A conflict happened while processing the request. The resource might have been modified while the "
    "request was being processed."
)
USER = {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com", "trimmed": True}
PENDING = times.SECOND // 2
RUNNING = 3 * times.SECOND
SIGNUPS = 17
CITIES: list[exchange.Record] = [
    {"city": "Oslo", "signups": 42, "share": 0.42},
    {"city": "Lima", "signups": 35, "share": 0.35},
    {"city": "Zürich", "signups": 23, "share": 0.23},
]
QUERIES: list[tuple[int, str, str, list[exchange.Record]]] = [
    (SIGNUPS, "signups by city", "select city, signups, share from signups order by signups desc", CITIES),
    (18, "orders by day", "select day, orders from orders", [{"day": "2026-01-01", "orders": 7}]),
    (19, "nothing yet", "select id from drafts", []),
]
SCHEMA: list[exchange.Record] = [
    {"name": "drafts", "columns": ["id"]},
    {"name": "orders", "columns": ["day", "orders"]},
    {"name": "signups", "columns": ["city", "signups", "share"]},
]
DEFAULT_ROWS: list[exchange.Record] = [{"value": 1}]
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class Instance:
    """One organisation of one server. Queries, dashboards, sources by number; ``plans`` say what a
    query's run gives: ``rows``, ``seconds``, ``error``."""

    def __init__(self, clock: times.Clock) -> None:
        self.clock = clock
        self.api_key = API_KEY
        self.version = VERSION
        self.reset()

    def reset(self) -> None:
        """Two sources and the three queries of :data:`QUERIES`."""
        self.api_key = API_KEY
        self.version = VERSION
        self.data_sources = {1: source(1, "warehouse", "pg"), 2: source(2, "archive", "sqlite")}
        self.queries: dict[int, exchange.Record] = {}
        self.plans: dict[int, exchange.Record] = {}
        self.jobs: dict[str, exchange.Record] = {}
        self.results: dict[int, exchange.Record] = {}
        self.dashboards: dict[int, exchange.Record] = {}
        self.alerts: dict[int, exchange.Record] = {}
        self.durations = {"pending": PENDING, "running": RUNNING}
        self._last = {"query": 16}
        for number, name, text, rows in QUERIES:
            self.keep_query({"name": name, "query": text, "data_source_id": 1}, number)
            self.queries[number]["is_draft"] = False
            self.plans[number] = {"rows": rows}

    @property
    def generation(self) -> int:
        """The first number of the version that is simulated: 8, 9, 10, or a year since 25."""
        return int(self.version.partition(".")[0])

    def next(self, noun: str) -> int:
        """The next number of that noun, from 1."""
        self._last[noun] = self._last.get(noun, 0) + 1
        return self._last[noun]

    def stamp(self, instant: int | None = None) -> str:
        """An instant (default now) as Redash writes times: milliseconds and ``Z``."""
        when = times.to_datetime(self.clock.now() if instant is None else instant)
        return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"

    def new_key(self, noun: str) -> str:
        """A key of 40 characters that was never given before."""
        return hashlib.sha256(f"{noun} key {self.next('key')}".encode()).hexdigest()[:40]

    def query_keys(self) -> dict[str, str]:
        """``query_key_<id>`` for every query."""
        return {f"query_key_{number}": query["api_key"] for number, query in self.queries.items()}

    def keep_query(self, given: exchange.Record, number: int | None = None) -> exchange.Record:
        """A new query; a draft, as every new one is."""
        number = self.next("query") if number is None else number
        self._last["query"] = max(self._last["query"], number)
        now = self.stamp()
        table = {
            "id": self.next("visualization"),
            "type": "TABLE",
            "name": "Table",
            "description": "",
            "options": {},
        }
        query = {
            "id": number,
            "latest_query_data_id": None,
            "name": given["name"],
            "description": given.get("description"),
            "query": given["query"],
            "query_hash": query_hash(given["query"]),
            "schedule": given.get("schedule"),
            "api_key": self.new_key("query"),
            "is_archived": False,
            "is_draft": True,
            "updated_at": now,
            "created_at": now,
            "data_source_id": given["data_source_id"],
            "options": given.get("options") or {},
            "version": 1,
            "tags": given.get("tags") or [],
            "is_safe": not has_text_parameter(given.get("options") or {}),
            "user": USER,
            "last_modified_by": USER,
            "visualizations": [{**table, "created_at": now, "updated_at": now}],
            "is_favorite": False,
            "can_edit": True,
        }
        self.queries[number] = query
        return query

    def query(self, query_id: str) -> exchange.Record:
        """The query, or 404; 500 for an id that is no number."""
        return found(self.queries, query_id)


def source(number: int, name: str, kind: str) -> exchange.Record:
    """A data source as listed."""
    return {
        "id": number,
        "name": name,
        "type": kind,
        "syntax": "sql",
        "paused": 0,
        "pause_reason": None,
        "supports_auto_limit": True,
        "view_only": False,
    }


def query_hash(text: str) -> str:
    """Redash's identity of a text: comments in ``/* */``, white space and case do not count."""
    plain = "".join(_COMMENT.sub("", text).split()).lower()
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()


def has_text_parameter(options: exchange.Record) -> bool:
    """Whether a query with these options takes free text: such a one is not safe."""
    return any(p.get("type") == "text" for p in options.get("parameters") or [])


def message(status: int, text: str) -> exchange.Reply:
    """The framework's error body."""
    return exchange.Reply(status, {"message": text})


def refuse(status: int, text: str) -> exchange.Refused:
    """To be raised: the request ends with :func:`message`."""
    return exchange.Refused(message(status, text))


def broken() -> exchange.Refused:
    """To be raised: what Redash answers where it stumbles over its input."""
    return refuse(500, "Internal Server Error")


def run_refused(status: int, text: str) -> exchange.Refused:
    """To be raised: a run refused in the shape of a job without an id."""
    return exchange.Refused(exchange.Reply(status, {"job": {"status": 4, "error": text}}))


def found(things: dict[int, exchange.Record], thing_id: str) -> exchange.Record:
    """One of *things*; 404 unknown, 500 for an id that is no number of a database."""
    if not re.fullmatch("[0-9]{1,10}", thing_id) or int(thing_id) > 2**31:
        raise broken()
    if int(thing_id) not in things:
        raise refuse(404, NOT_FOUND)
    return things[int(thing_id)]


def fields(ask: exchange.Ask) -> exchange.Record:
    """The JSON object of a write, whatever its content type says: 400 unreadable, 500 no object."""
    if ask.unreadable or ask.body is None:
        raise refuse(400, BAD_REQUEST)
    if not isinstance(ask.body, dict):
        raise broken()
    return ask.body


def check_version(kept: exchange.Record, given: exchange.Record) -> None:
    """409 when ``version`` is given and is not the kept one."""
    if "version" in given and given["version"] != kept["version"]:
        raise refuse(409, CONFLICT)


def page(ask: exchange.Ask, items: list[Any]) -> exchange.Reply:
    """``count page page_size results``; a page past the end is refused, no number is page 1."""
    number = exchange.whole(ask.query.get("page"), 1)
    size = exchange.whole(ask.query.get("page_size"), 25)
    if number < 1:
        raise refuse(400, "Page must be positive integer.")
    if not 1 <= size <= 250:
        raise refuse(400, "Page size is out of range (1-250).")
    if number > 1 and (number - 1) * size >= len(items):
        raise refuse(400, "Page is out of range.")
    shown = items[(number - 1) * size : number * size]
    return exchange.Reply(200, {"count": len(items), "page": number, "page_size": size, "results": shown})


def ordered(ask: exchange.Ask, items: list[exchange.Record]) -> list[exchange.Record]:
    """By ``order`` (``-`` for descending); newest first for no field or an unknown one."""
    asked = ask.query.get("order", "")
    name = asked.removeprefix("-")
    if name not in ("name", "created_at"):
        return sorted(items, key=lambda item: int(item["id"]), reverse=True)
    key = "id" if name == "created_at" else name
    return sorted(items, key=lambda item: item[key], reverse=asked.startswith("-"))


def cell(value: Any) -> str:
    """A value as CSV has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
