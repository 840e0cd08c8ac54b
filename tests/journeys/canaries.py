"""Recognisable secrets, and everywhere that one could be found again.

Each canary begins and ends with a word of its own, so that a half of one is found too. They are looked for in what
a daemon leaves behind and shows: every byte of its journal and logs, every row, its pages, what the commands print.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

from daemon.sandbox import faults
from tests.cli.desk import Desk
from tests.journeys.daemons import Daemon, step

FOUND = re.compile(rb"canary[\w.:/@+=~-]*|[\w.:/@+=~-]*yranac")
LISTINGS = (
    ("events",),
    ("runs",),
    ("watches",),
    ("rejections",),
    ("services",),
    ("check",),
    ("plan",),
    ("schema",),
    ("reference", "config"),
)
PAGES = ("/", "/healthz", "/readyz", "/metrics", "/api/v1/events", "/api/v1/runs", "/api/v1/openapi.json")
EACH = 12  # events and runs that are shown one by one
QUICK = '{ attempts = 3, first = "50ms", max = "100ms" }'
TEMPLATE_ID = "51536582dd02dcccf9000001"


def canary(place: str) -> str:
    """A secret that names the *place* where it was planted."""
    return f"canary-{place}-yranac"


async def leaks(daemon: Daemon, *others: str, admin: str = "") -> dict[str, set[str]]:
    """Where canaries, or the secrets *others*, stand: by place, which. *admin* opens the pages."""
    found: dict[str, set[str]] = {}
    async for place, content in _everything(daemon, {"Authorization": f"Bearer {admin}"}):
        seen = {match.decode(errors="replace") for match in FOUND.findall(content)}
        seen |= {other for other in others if other.encode() in content}
        if seen:
            found[place] = seen
    return found


async def _everything(daemon: Daemon, headers: dict[str, str]) -> AsyncIterator[tuple[str, bytes]]:
    for file in sorted(daemon.folder.rglob("*")):
        if file.is_file() and file != daemon.config:
            yield file.name, file.read_bytes()
    for place, text in _rows(daemon):
        yield place, text.encode()
    for path in PAGES:
        async with daemon.session.get(f"http://127.0.0.1:{daemon.admin}{path}", headers=headers) as answer:
            yield path, await answer.read()
    for words, printed in await asyncio.to_thread(lambda: list(_commands(daemon))):
        yield words, printed.encode()


def _rows(daemon: Daemon) -> Iterator[tuple[str, str]]:
    """Every row as SQL: a long text is spread over the file's pages, here it is whole."""
    with closing(sqlite3.connect(daemon.url.removeprefix("sqlite:///"), timeout=20)) as connection:
        for line in connection.iterdump():
            yield line[:40], line


def _commands(daemon: Daemon) -> Iterator[tuple[str, str]]:
    desk = Desk(daemon.folder)
    for words in LISTINGS:
        for more in ((), ("--json",)):
            answer = desk.call(*words, *more)
            yield " ".join((*words, *more)), answer.out + answer.err
    for noun in ("events", "runs"):
        for one in desk.call(noun, "--json").document[noun][:EACH]:
            answer = desk.call(noun, "show", one["id"])
            assert answer.out, answer.err
            yield f"{noun} show", answer.out + answer.err
            yield f"{noun} --json", json.dumps(one)


def database(place: str) -> str:
    """A connection string with a canary for its password."""
    return f"mysql://reader:{canary(place)}@db.example/sales"


def request(kind: str) -> str:
    """A step that asks a service of *kind* for what is broken there."""
    slash = "/" if kind in ("popily", "compass") else ""
    return step(f"{kind}.request", f'path = "/broken{slash}"')


def plant(
    daemon: Daemon, service: str, method: str, path: str, body: Any, status: int = 200, **more: Any
) -> None:
    """Let the next such call be answered with *body*."""
    daemon.sandbox.faults.add(
        faults.Fault(service, "status", method=method, path=path, status=status, body=body, **more)
    )
