"""A request as the simulated services see it, their answer, and the table that joins the two.

``site`` makes an :class:`Ask` of each HTTP request and sends the :class:`Reply`; services declare
:class:`Routes`. No aiohttp here or in any service.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Record = dict[str, Any]
"""A JSON object: what a service keeps and what it answers."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a multipart body: what is told of it, *size* in bytes. What stands in it is kept by no service."""

    filename: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``path`` is decoded and has the service's base path taken off; ``body`` is the JSON
    value, or the form's fields as a dictionary, or None; ``unreadable`` says that it was neither."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = ""
    unreadable: bool = False
    fields: Sequence[tuple[str, str]] = ()
    files: Mapping[str, Upload] = field(default_factory=dict)

    def record(self) -> Record:
        """The body if it is an object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: ``body`` becomes JSON unless it is bytes. ``effect`` and ``object_id`` are for the
    ledger."""

    status: int = 200
    body: Any = None
    effect: str | None = None
    object_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Refused(Exception):
    """Raised anywhere below :meth:`Service.answer`: the request ends with this reply, no effect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply


class Service(Protocol):
    """What ``site`` and ``control`` need of a simulated service."""

    kind: str
    base_path: str

    def answer(self, ask: Ask) -> Reply:
        """Do what the request says; may raise :class:`Refused`."""
        ...

    def trouble(self, status: int) -> Reply:
        """How this vendor words an HTTP error *status*."""
        ...

    def state(self) -> Record:
        """Everything it holds, as JSON."""
        ...

    def reset(self) -> None:
        """Begin again with what a new account has."""
        ...


Answer = Callable[..., Reply]
Row = tuple[str, str, Answer]


class Routes:
    """Rows of method, path pattern and answer; ``{}`` in a pattern is one path segment, handed over
    in order after the ask."""

    def __init__(self, *rows: Row) -> None:
        self._rows = [(method, _pattern(path), answer) for method, path, answer in rows]

    def find(self, method: str, path: str) -> tuple[Answer, tuple[str, ...]] | None:
        """The answer for this request and its path's arguments; None where no row fits."""
        for wanted, pattern, answer in self._rows:
            match = pattern.fullmatch(path)
            if match and wanted == ("GET" if method == "HEAD" else method):
                return answer, match.groups()
        return None

    def methods(self, path: str) -> list[str]:
        """Which methods the path knows; empty for an unknown path."""
        return sorted({method for method, pattern, _ in self._rows if pattern.fullmatch(path)})


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(re.escape("{}"), "([^/]+)"))


def basic_credentials(ask: Ask) -> tuple[str, str] | None:
    """User and password of HTTP Basic; None if there are none to be read."""
    scheme, _, encoded = ask.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, _, password = text.partition(":")
    return user, password


def slugify(text: str) -> str:
    """Lower-case words joined by dashes; ``untitled`` when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "untitled"


def free_slug(text: str, taken: set[str]) -> str:
    """The slug of *text*, with ``-2``, ``-3`` … when *taken* has it."""
    first = slug = slugify(text)
    number = 1
    while slug in taken:
        number += 1
        slug = f"{first}-{number}"
    return slug


def whole(text: Any, default: int) -> int:
    """A whole number of a query parameter; *default* for anything else."""
    try:
        return int(text)
    except (TypeError, ValueError):
        return default


def as_json(value: Any) -> Any:
    """*value* for the ledger: bytes are told by their length."""
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else value
