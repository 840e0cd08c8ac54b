"""One simulated service on one port: HTTP in, faults acted out, the service asked, the ledger written.

Built and started by ``server``. The one place where the services meet aiohttp.
"""

import asyncio
import dataclasses
import logging
import urllib.parse
from typing import Any

import orjson
from aiohttp import BodyPartReader, web

from daemon.model import times
from daemon.sandbox import exchange, faults, ledger

LOG = logging.getLogger(__name__)
MAX_BODY = 64 * 1024 * 1024  # bytes of what is read whole: JSON, forms
PIECE = 64 * 1024  # bytes of a file looked at in one go
HANG_SECONDS = 3600.0
FORM = "application/x-www-form-urlencoded"
SECRET_ARGUMENTS = ("api_key", "share_key")


class Site:
    """Serves *service*; ``stopping`` ends requests that hang."""

    def __init__(
        self, service: exchange.Service, clock: times.Clock, book: ledger.Ledger, waiting: faults.Faults
    ) -> None:
        self.service = service
        self.clock = clock
        self.book = book
        self.waiting = waiting
        self.stopping = asyncio.Event()

    def application(self) -> web.Application:
        """An aiohttp application that hands every path to :meth:`serve`."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_route("*", "/{tail:.*}", self.serve)
        return application

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or fail as the fault that it meets says."""
        ask = await read(request, self.service.base_path)
        path = decoded_path(request)
        fault = self.waiting.take(self.service.kind, request.method, path)
        if fault is not None and fault.kind in ("delay", "hang"):
            await self._pause(fault)
        if fault is not None and fault.kind in ("drop_before", "hang"):
            self._write(ask, path, None, fault)
            return cut(request)
        reply = self._reply(ask, fault)
        self._write(ask, path, reply, fault)
        if fault is not None and fault.kind == "drop_after":
            return cut(request)
        if fault is not None and fault.kind == "truncate":
            return await send_half(request, reply)
        return response(reply)

    async def _pause(self, fault: faults.Fault) -> None:
        seconds = fault.seconds if fault.seconds is not None else HANG_SECONDS
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    def _reply(self, ask: exchange.Ask, fault: faults.Fault | None) -> exchange.Reply:
        if fault is not None and fault.kind == "status":
            return failing(self.service, fault)
        reply = self._answer(ask)
        if fault is not None and fault.kind == "replace":
            other = failing(self.service, fault)
            return dataclasses.replace(other, effect=reply.effect, object_id=reply.object_id)
        return reply

    def _answer(self, ask: exchange.Ask) -> exchange.Reply:
        try:
            return self.service.answer(ask)
        except exchange.Refused as refused:
            return refused.reply
        except Exception:  # a hole in the simulation; real services answer so to what they did not foresee
            LOG.exception("the simulated %s stumbled over %s %s", self.service.kind, ask.method, ask.path)
            return self.service.trouble(500)

    def _write(
        self, ask: exchange.Ask, path: str, reply: exchange.Reply | None, fault: faults.Fault | None
    ) -> None:
        unanswered = fault is not None and fault.kind in ("drop_before", "drop_after", "hang")
        self.book.write(
            at=self.clock.now(),
            service=self.service.kind,
            method=ask.method,
            path=path,
            query={k: "…" if k in SECRET_ARGUMENTS else v for k, v in ask.query.items()},
            request=exchange.as_json(ask.body),
            status=None if reply is None or unanswered else reply.status,
            effect=reply.effect if reply else None,
            object_id=reply.object_id if reply else None,
            fault=fault.id if fault else None,
        )


def failing(service: exchange.Service, fault: faults.Fault) -> exchange.Reply:
    """The answer of a ``status`` fault: its own body, else the vendor's words for that status."""
    usual = service.trouble(fault.status)
    body = usual.body if fault.body is None else fault.body
    if isinstance(body, str):
        body = body.encode()
    kind = fault.headers.get("Content-Type", "text/html" if isinstance(body, bytes) else usual.content_type)
    headers = {k: v for k, v in fault.headers.items() if k.lower() != "content-type"}
    return exchange.Reply(fault.status, body, headers={**usual.headers, **headers}, content_type=kind)


def decoded_path(request: web.Request) -> str:
    """The path as sent, percent-decoded; double slashes stay."""
    return urllib.parse.unquote(request.raw_path.partition("?")[0])


async def read(request: web.Request, base_path: str) -> exchange.Ask:
    """The request for a service. JSON, forms and multipart are read; anything else, and a body that
    is not what it says it is, is ``unreadable``."""
    path = decoded_path(request)
    below = path.removeprefix(base_path) if path.startswith(base_path) else "/.outside" + path
    fields: list[tuple[str, str]] = []
    files: dict[str, exchange.Upload] = {}
    body: Any = None
    unreadable = False
    kind = request.content_type if "Content-Type" in request.headers else ""
    if kind == FORM:
        fields, unreadable = await read_form(request)
        body = dict(fields)
    elif kind == "multipart/form-data":
        fields, files, unreadable = await read_parts(request)
        body = dict(fields) | {name: f"<file {part.filename}>" for name, part in files.items()}
    else:
        raw = await request.read()
        body, unreadable = read_json(raw)
    return exchange.Ask(
        method=request.method,
        path=below or "/",
        query=dict(urllib.parse.parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True)),
        headers=request.headers,
        body=body,
        content_type=kind,
        unreadable=unreadable,
        fields=fields,
        files=files,
    )


def read_json(raw: bytes) -> tuple[Any, bool]:
    """The JSON value of *raw* and whether it was unreadable; nothing at all is None."""
    if not raw:
        return None, False
    try:
        return orjson.loads(raw), False
    except orjson.JSONDecodeError:
        return None, True


async def read_form(request: web.Request) -> tuple[list[tuple[str, str]], bool]:
    """The fields of a form in order (a name may come twice), and whether it was unreadable."""
    try:
        posted = await request.post()
    except ValueError:
        return [], True
    return [(name, str(value)) for name, value in posted.items()], False


async def read_parts(
    request: web.Request,
) -> tuple[list[tuple[str, str]], dict[str, exchange.Upload], bool]:
    """As :func:`read_form` for a multipart body, with its files by name. No vendor says how large one may be: files
    are counted as they come, and not held."""
    fields: list[tuple[str, str]] = []
    files: dict[str, exchange.Upload] = {}
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None:
                return [], {}, True
            if part.filename:
                kind = part.headers.get("Content-Type", "application/octet-stream")
                files[part.name] = exchange.Upload(part.filename, await count(part), kind)
            else:
                fields.append((part.name, bytes(await part.read(decode=True)).decode("utf-8", "replace")))
    except ValueError:
        return [], {}, True
    return fields, files, False


async def count(part: BodyPartReader) -> int:
    """How many bytes *part* has."""
    size = 0
    while piece := await part.read_chunk(PIECE):
        size += len(piece)
    return size


def payload(reply: exchange.Reply) -> bytes:
    """The bytes of a reply's body; 204 has none."""
    if reply.status == 204:
        return b""
    return reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)


def response(reply: exchange.Reply) -> web.Response:
    """The reply for aiohttp."""
    if reply.status == 204:
        return web.Response(status=204, headers=reply.headers)
    return web.Response(
        status=reply.status,
        body=payload(reply),
        headers={**reply.headers, "Content-Type": reply.content_type},
    )


async def send_half(request: web.Request, reply: exchange.Reply) -> web.StreamResponse:
    """Promise the whole body, send half of it, hang up."""
    body = payload(reply)
    headers = {**reply.headers, "Content-Type": reply.content_type, "Content-Length": str(len(body))}
    stream = web.StreamResponse(status=reply.status, headers=headers)
    await stream.prepare(request)
    await stream.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()  # close, not abort: the half must get out first
    return stream


def cut(request: web.Request) -> web.StreamResponse:
    """Hang up without an answer; what is returned can no longer be sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
