"""A server on loopback that answers what a test has laid ready, and keeps what it was asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import test_utils, web

from daemon.contract import declare

NOON = 1_800_000_000_000_000


@dataclass
class Asked:
    """One request as it came: *path* is undecoded and holds the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stub:
    """Answers in order; the last one again and again."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)

    def answer(
        self, body: Any = None, status: int = 200, content_type: str = "application/json", **headers: str
    ) -> "Stub":
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, raw, {"Content-Type": content_type, **named}))
        return self

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        names = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.raw_path, names, body))
        status, raw, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, body=raw, headers=headers)


@asynccontextmanager
async def serving() -> AsyncIterator[Stub]:
    """A started stub; its ``url`` has no trailing slash."""
    stub = Stub()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", stub.serve)
    async with test_utils.TestServer(application) as server:
        stub.url = str(server.make_url("")).rstrip("/")
        yield stub


def call_of(step: str = "step", marker: str = "m-run-step") -> declare.Call:
    """What a step tells its action."""
    return declare.Call(
        run_id="run",
        step_id=step,
        marker=marker,
        now=NOON,
        first_sent_at=None,
        callback_url=lambda hook: f"https://hooks.example/{hook}",
    )
