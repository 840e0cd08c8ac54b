"""The control API: reads the ledger and the state, injects faults, and plays the people.

JSON on a port of its own, loopback, no authentication. ``server`` serves it; the demo, tests and
curious operators call it. What is particular to a service stands in ``controls``.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from daemon.sandbox import controls, exchange, faults

if TYPE_CHECKING:
    from daemon.sandbox import server

Act = Callable[[web.Request], Awaitable[Any]]
FAULT_KEYS = ("service", "kind", "method", "path", "status", "body", "headers", "seconds", "times", "after")


def application(sandbox: "server.Sandbox") -> web.Application:
    """The control API of *sandbox*."""
    desk = Desk(sandbox)
    application = web.Application()
    for line, act in desk.paths().items():
        method, path = line.split(" ")
        application.router.add_route(method, path, answering(act))
    return application


def answering(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """*act* as an aiohttp handler: what it returns as JSON, what it cannot do as 400, 404 or 409."""

    async def handle(request: web.Request) -> web.Response:
        try:
            status, body = 200, await act(request)
        except exchange.Refused as refused:
            status, body = refused.reply.status, refused.reply.body
        except LookupError as unknown:
            status, body = 404, {"error": f"There is no {unknown.args[0] if unknown.args else 'such thing'}."}
        except (ValueError, TypeError) as wrong:
            status, body = 400, {"error": str(wrong)}
        return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")

    return handle


class Desk:
    """What the control API does, over one sandbox."""

    def __init__(self, sandbox: "server.Sandbox") -> None:
        self.sandbox = sandbox

    def paths(self) -> dict[str, Act]:
        """Everything that can be asked here: the method and the path, and what answers."""
        return {
            "GET /": self.tell,
            "GET /ledger": self.read_ledger,
            "GET /state/{service}": self.read_state,
            "GET /faults": self.list_faults,
            "POST /faults": self.add_fault,
            "DELETE /faults": self.remove_faults,
            "DELETE /faults/{id}": self.remove_faults,
            "GET /credentials": self.read_credentials,
            "POST /control/reset": self.reset,
            "POST /control/clock/advance": self.advance,
            "POST /control/{service}/{act}": self.act,
        }

    async def tell(self, request: web.Request) -> Any:
        """What can be asked here, and every act with what it takes."""
        acts = {f"POST /control/{name}": act for name, act in controls.ACTS.items()}
        return {
            "services": list(self.sandbox.services),
            "paths": {line: about(act) for line, act in self.paths().items()},
            "acts": {line: about(act) for line, act in acts.items()},
        }

    async def read_ledger(self, request: web.Request) -> Any:
        """``?service=`` and ``?since=`` (entries with a greater ``n``)."""
        since = int(request.query.get("since", "0"))
        return [asdict(entry) for entry in self.sandbox.ledger.read(request.query.get("service"), since)]

    async def read_state(self, request: web.Request) -> Any:
        """A service's whole state."""
        return self._service(request).state()

    async def read_credentials(self, request: web.Request) -> Any:
        """The services' addresses and what they accept."""
        return {"urls": self.sandbox.urls, "credentials": self.sandbox.credentials}

    async def list_faults(self, request: web.Request) -> Any:
        """The faults that wait."""
        return self.sandbox.faults.read()

    async def add_fault(self, request: web.Request) -> Any:
        """One fault, for requests to come; ``{"id": …}``. ``service`` (``*``: any), ``kind``: ``status`` (with
        ``status``, ``body``, ``headers``), ``delay`` (``seconds``), ``drop_before``, ``drop_after``, ``truncate``,
        ``replace`` (done, and answered with the fault's ``status``, ``body`` and ``headers``),
        ``hang``; maybe ``method``, ``path`` (a glob), ``times`` (1; null: for ever), ``after`` (so many go free)."""
        body = await fields(request)
        unknown = sorted(set(body) - set(FAULT_KEYS))
        if unknown or "service" not in body or "kind" not in body:
            raise ValueError(f"a fault has service, kind, and maybe {', '.join(FAULT_KEYS[2:])}")
        if body["service"] not in (*self.sandbox.services, "*"):
            raise LookupError(f"service {body['service']}")
        return {"id": self.sandbox.faults.add(faults.Fault(**body))}

    async def remove_faults(self, request: web.Request) -> Any:
        """All of them, or the one in the path."""
        one = request.match_info.get("id")
        removed = self.sandbox.faults.remove(int(one) if one is not None else None)
        if one is not None and not removed:
            raise LookupError(f"fault {one}")
        return {"removed": removed}

    async def reset(self, request: web.Request) -> Any:
        """Begin again everywhere."""
        self.sandbox.reset()
        return {}

    async def advance(self, request: web.Request) -> Any:
        """``{"seconds": n}`` or ``{"microseconds": n}``, where the clock can be moved by hand."""
        advance = getattr(self.sandbox.clock, "advance", None)
        if advance is None:
            raise ValueError("this clock cannot be moved")
        body = await fields(request)
        moved = advance(int(body.get("microseconds", 0)) + round(float(body.get("seconds", 0)) * 1_000_000))
        if isinstance(moved, Awaitable):
            await moved
        return {"now": self.sandbox.clock.now()}

    async def act(self, request: web.Request) -> Any:
        """One of the acts in ``controls``."""
        name = f"{request.match_info['service']}/{request.match_info['act']}"
        if name not in controls.ACTS:
            raise LookupError(f"control {name}")
        return await controls.ACTS[name](self.sandbox, await fields(request))

    def _service(self, request: web.Request) -> exchange.Service:
        name = request.match_info["service"]
        if name not in self.sandbox.services:
            raise LookupError(f"service {name}")
        return self.sandbox.services[name]


def about(act: Callable[..., Any]) -> str:
    """What *act* does, on one line."""
    return " ".join((inspect.getdoc(act) or "").replace("``", "`").split())


async def fields(request: web.Request) -> exchange.Record:
    """The body's JSON object; nothing is an empty one."""
    raw = await request.read()
    body = orjson.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
