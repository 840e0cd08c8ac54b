"""A client for the sandbox's tests: each service's address and good credentials, anything overridable.

And a receiver for the callbacks that the simulated Populr sends.
"""

import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from daemon.sandbox import server
from tests import ports

TEMPLATE = "51536582dd02dcccf9000001"
BROCHURE = "51536582dd02dcccf9000002"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` is the JSON value, or text."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Caller:
    """Calls the services of one sandbox."""

    session: aiohttp.ClientSession
    sandbox: server.Sandbox
    compass_token: str = ""

    async def send(self, method: str, url: str, **options: Any) -> Answer:
        async with self.session.request(method, url, allow_redirects=False, **options) as answer:
            raw = await answer.read()
            is_json = answer.content_type == "application/json" and raw
            body = orjson.loads(raw) if is_json else raw.decode(errors="replace")
            return Answer(answer.status, body, answer.headers)

    async def call(
        self, kind: str, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        """One request to the service *kind*; *headers* come on top of those that it wants."""
        sent = {**await self.good_headers(kind), **(headers or {})}
        return await self.send(method, self.sandbox.urls[kind] + path, headers=sent, **options)

    async def good_headers(self, kind: str) -> dict[str, str]:
        known = self.sandbox.credentials[kind]
        if kind == "populr":
            return {"Authorization": basic(known["api_key"], "")}
        if kind == "popily":
            return {"Authorization": f"Token {known['token']}"}
        if kind == "tonalytica":
            return {"Authorization": f"Key {known['api_key']}"}
        if kind == "plotly":
            platform = {"Plotly-Client-Platform": "tests 0.1"}
            return {"Authorization": basic(known["username"], known["api_key"]), **platform}
        self.compass_token = self.compass_token or await self.log_in()
        return {"Authorization": f"Token {self.compass_token}"}

    async def log_in(self) -> str:
        answer = await self.send(
            "POST", self.sandbox.urls["compass"] + "/login/", data=self.sandbox.credentials["compass"]
        )
        assert answer.status == 200, answer
        return str(answer.body["token"])

    async def control(self, path: str, **body: Any) -> Any:
        """An act of the control API that must succeed."""
        answer = await self.send("POST", self.sandbox.control_url + path, json=body)
        assert answer.status == 200, answer
        return answer.body

    async def published_pop(self, **fields: Any) -> Any:
        """A pop with every tag filled, on the web."""
        body = {
            "pop": {"template_id": TEMPLATE, "name": "Offer", **fields},
            "populate_tags": {"city": "Oslo", "signups": "42"},
        }
        made = await self.call("populr", "POST", "/pops", json=body)
        answer = await self.call("populr", "POST", f"/pops/{made.body['_id']}/publish")
        assert answer.status == 200, answer
        return answer.body


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Receiver:
    """Takes callbacks: ``(path with query, raw body)`` as they come; answers ``status``."""

    url: str
    received: list[tuple[str, bytes]] = field(default_factory=list)
    status: int = 202

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((request.raw_path, await request.read()))
        return web.Response(status=self.status)


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    port = ports.free_port()
    receiver = Receiver(f"http://127.0.0.1:{port}")
    application = web.Application()
    application.router.add_post("/{tail:.*}", receiver.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()
