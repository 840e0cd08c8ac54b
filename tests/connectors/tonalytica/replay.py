"""Plays back what real Redash servers answered (``observed.json``); the client must ask the same."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import test_utils, web
from pydantic import SecretStr

from daemon.connectors.tonalytica import client
from daemon.contract import http

VERSIONS = ("9.0.0-beta", "10.1.0", "26.08.0-dev")
CASES = json.loads(Path(__file__).with_name("observed.json").read_text(encoding="utf-8"))
USER_KEY = "FAKEADMINUSERKEY000000000000000000000000"
VIEWER_KEY = "FAKEVIEWERUSERKEY00000000000000000000000"
QUERY_KEY = "FAKEQUERYKEY0020000000000000000000000000"
WRONG_KEY = "WRONGKEY00000000000000000000000000000000"
# Below its query a job or a result was answered just as without it, on every version.
ALIKE = (
    (re.compile(r"/api/queries/\d+/jobs/"), "/api/jobs/"),
    (re.compile(r"/api/queries/\d+/results/(\d+)(?:\.json)?$"), r"/api/query_results/\1"),
    (re.compile(r"/api/query_results/(\d+)\.json$"), r"/api/query_results/\1"),
)


def case(version: str, name: str) -> dict[str, Any]:
    """The exchange *name* as *version* had it: its own record, or one that it answered alike."""
    named = [one for one in CASES if one["name"] == name and version in one["on"]]
    return min(named, key=lambda one: one["on"][0] != version)


@dataclass
class Replay:
    """Answers the laid cases in their order; a question that was not asked there is an error of the test."""

    version: str
    base_url: str = ""
    laid: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def lay(self, *names: str) -> "Replay":
        self.laid += [case(self.version, name) for name in names]
        return self

    async def serve(self, request: web.Request) -> web.Response:
        if not self.laid:
            self.wrong.append(f"{request.method} {request.path} came after the last case")
            return web.Response(status=418)
        wanted = self.laid.pop(0)
        raw = await request.read()
        asked = {
            "method": request.method,
            "path": plain(request.path),
            "key": request.headers.get("Authorization", "").removeprefix("Key "),
            "send": json.loads(raw) if raw else None,
        }
        expected = {**{name: wanted[name] for name in asked}, "path": plain(wanted["path"])}
        if asked != expected:
            self.wrong.append(f"{asked} where {wanted['name']} has {expected}")
        body = wanted["body"]
        told = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        return web.Response(status=wanted["status"], body=told, headers={"Content-Type": wanted["type"]})


def plain(path: str) -> str:
    for pattern, alias in ALIKE:
        path = pattern.sub(alias, path)
    return path


@asynccontextmanager
async def replaying(version: str) -> AsyncIterator[Replay]:
    """A started replay of *version*; every laid case must be asked for, and nothing else."""
    replay = Replay(version)
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", replay.serve)
    async with test_utils.TestServer(application) as server:
        replay.base_url = str(server.make_url("")).rstrip("/")
        yield replay
    assert replay.wrong == []
    assert [one["name"] for one in replay.laid] == []


@asynccontextmanager
async def speaking(
    base_url: str, key: str = USER_KEY, query_id: int | None = None
) -> AsyncIterator[client.TonalyticaClient]:
    """The real client of an account at *base_url*."""
    settings = client.Settings(base_url=base_url, api_key=SecretStr(key), query_id=query_id)
    way = http.Http(settings.base_url)
    try:
        yield client.make_client(settings, way)
    finally:
        await way.close()
