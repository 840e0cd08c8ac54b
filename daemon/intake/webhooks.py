"""The public listener: callbacks of the services and of other senders, and nothing else.

A 2xx leaves only after the event is durably committed (``admission``). There is no router and no
middleware: the paths are few, and every wrong one gets the same bytes. Behind it come ``admission`` and,
for hints, ``watches``.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

import structlog
from aiohttp import HttpVersion11, web

from daemon import metrics
from daemon.contract import configured, secrets
from daemon.contract.declare import Webhook
from daemon.contract.errors import MalformedBody
from daemon.contract.secrets import Blanker
from daemon.intake import bodies, senders, verifying
from daemon.intake.admission import Admission, Backlog, NotAdmitted
from daemon.intake.arrivals import Arrival, Callback
from daemon.intake.rejecting import Rejections
from daemon.journal.database import JournalUnavailable
from daemon.model import jsons

BODY_TIMEOUT = 15.0  # seconds for a whole body
COME_AGAIN = "5"  # seconds, in Retry-After
NOT_FOUND = b'{"error": "not found", "error_type": "not_found"}'
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Hook:
    """One callback URL of an account: its token, what understands it, and whether it is read back."""

    account: str
    token: str
    webhook: Webhook
    readback: bool


@dataclass(frozen=True, slots=True)
class Sender:
    """One ``[[webhook]]`` with its secret."""

    webhook: configured.Webhook
    secret: str


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything that the public side answers to; replaced whole by a reload."""

    hooks: Mapping[tuple[str, str], Hook]
    senders: Mapping[str, Sender]
    blanker: Blanker
    max_body: int


class Refusal(Exception):
    """The request is answered with *status* and kept among the rejections."""

    def __init__(self, status: int, error_type: str, error: str, body: bytes = b"") -> None:
        super().__init__(error)
        self.status = status
        self.error_type = error_type
        self.error = error
        self.body = body


class PublicSide:
    """Answers requests. ``doors`` may be replaced at any time."""

    def __init__(self, admission: Admission, rejections: Rejections, doors: Doors) -> None:
        self.doors = doors
        self._admission = admission
        self._rejections = rejections

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        parts = request.rel_url.raw_path.split("/")
        if request.method != "POST" or len(parts) < 3 or parts[1] != "hooks":
            return self._not_found(request)
        if len(parts) == 5:
            return await self._callback(request, unquote(parts[2]), unquote(parts[3]), unquote(parts[4]))
        return await self._sent(request, unquote(parts[2])) if len(parts) == 3 else self._not_found(request)

    # Callbacks of the services

    async def _callback(
        self, request: web.BaseRequest, account: str, name: str, token: str
    ) -> web.StreamResponse:
        hook = self.doors.hooks.get((account, name))
        # An unknown account costs the same comparison as a known one.
        if not secrets.is_equal(token, hook.token if hook else "") or hook is None:
            return self._not_found(request)
        label = f"{hook.account}.{name}"
        return await self._answered(request, label, lambda raw: self._understood(request, hook, raw))

    def _understood(self, request: web.BaseRequest, hook: Hook, raw: bytes) -> Arrival:
        query = dict(parse_qsl(request.rel_url.raw_query_string))
        # Blanked before it is understood: what no claim holds, no event, hint or memory can hold either.
        body = self.doors.blanker.value(bodies.read_json(raw, hook.webhook.repair))
        claim = hook.webhook.understand(body, query)
        return Arrival(hook.account, claim=Callback(hook.account, hook.webhook, claim, hook.readback))

    # Other senders

    async def _sent(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        sender = self.doors.senders.get(name)
        if sender is None:
            return self._not_found(request)
        return await self._answered(
            request, sender.webhook.name, lambda raw: self._verified(request, sender, raw)
        )

    def _verified(self, request: web.BaseRequest, sender: Sender, raw: bytes) -> Arrival:
        webhook = sender.webhook
        if not verifying.verify(webhook.verify, webhook.header, sender.secret, request.headers, raw):
            raise Refusal(401, "unauthorized", "the signature or token is missing or wrong", raw)
        blank = self.doors.blanker.value
        fact = senders.understand(webhook, request.headers, raw, bodies.read_json(raw), blank)
        return Arrival(webhook.name, fact=fact)

    # Common to both

    async def _answered(
        self, request: web.BaseRequest, label: str, understand: Callable[[bytes], Arrival]
    ) -> web.StreamResponse:
        raw = b""
        try:
            raw = await self._body(request)
            admitted = await self._admission.admit(understand(raw))
        except (Backlog, JournalUnavailable, NotAdmitted) as broken:
            return self._unavailable(label, broken)
        except ConnectionError:  # the sender went away in the middle: nobody reads this answer
            return _json_answer(400, b"{}")
        except MalformedBody as wrong:
            return await self._refused(request, label, Refusal(422, "malformed", wrong.text, raw))
        except jsons.UnfitJson as wrong:
            return await self._refused(request, label, Refusal(400, "not_json", f"not JSON: {wrong}", raw))
        except Refusal as refusal:
            return await self._refused(request, label, refusal)
        metrics.callbacks.labels(label, "duplicate" if admitted.duplicate else "accepted").inc()
        if admitted.duplicate:
            return _json_answer(200, b'{"id": "%s", "duplicate": true}' % admitted.id.encode())
        return _json_answer(202, b'{"id": "%s"}' % admitted.id.encode())

    async def _body(self, request: web.BaseRequest) -> bytes:
        if not bodies.is_taken(request.headers.get("Content-Type", "")):
            raise Refusal(415, "unsupported_media_type", "the body must be JSON")
        most = self.doors.max_body
        if (request.content_length or 0) > most:
            raise Refusal(413, "too_large", f"the body is larger than {most} bytes")
        if request.content.is_eof() and not request.content.exception():
            return await _read(request, most)  # it came with its head: there is nothing to wait for
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                await _let_go_on(request)
                return await _read(request, most)
        except web.RequestPayloadError:
            raise Refusal(400, "broken_body", "the body is not encoded as its headers say") from None
        except TimeoutError:
            raise Refusal(408, "too_slow", f"the body did not come within {BODY_TIMEOUT:g} seconds") from None

    def _not_found(self, request: web.BaseRequest) -> web.Response:
        metrics.callbacks.labels("unknown", "not_found").inc()
        if request.rel_url.raw_path.startswith("/hooks/"):
            why = (
                "wrong token, or no such hook"
                if request.method == "POST"
                else f"{request.method} is no callback"
            )
            self._rejections.note(self._shown_path(request), 404, why)
        return _json_answer(404, NOT_FOUND)

    async def _refused(self, request: web.BaseRequest, label: str, refusal: Refusal) -> web.Response:
        metrics.callbacks.labels(label, "rejected").inc()
        body = self.doors.blanker.fragment(refusal.body.decode("utf-8", "replace"))
        await self._rejections.keep(self._shown_path(request), refusal.status, refusal.error, body)
        answer = {"error": refusal.error, "error_type": refusal.error_type}
        response = _json_answer(refusal.status, jsons.dumps(answer).encode())
        if refusal.status in (408, 413, 415):
            response.force_close()  # what is left of the body is not waited for
        return response

    def _shown_path(self, request: web.BaseRequest) -> str:
        """The path as it may be kept: a token in the wrong place is a token still."""
        return self.doors.blanker.text(unquote(request.rel_url.raw_path))

    def _unavailable(self, label: str, broken: Exception) -> web.Response:
        metrics.callbacks.labels(label, "unavailable").inc()
        log.error("callback.not_recorded", hook=label, error=str(broken) or "too many callbacks wait")
        response = _json_answer(
            503, b'{"error": "cannot record now, come again", "error_type": "unavailable"}'
        )
        response.headers["Retry-After"] = COME_AGAIN
        return response


def _json_answer(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


async def _let_go_on(request: web.BaseRequest) -> None:
    """Answer a sender that asks before it sends its body; whoever has a wrong token never comes so far."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(GO_ON)
        request.writer.output_size = 0  # aiohttp takes it for the answer's own beginning otherwise


async def _read(request: web.BaseRequest, most: int) -> bytes:
    """The whole body, streamed against *most* bytes (after decompression)."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await request.content.readany():
        size += len(chunk)
        if size > most:
            raise Refusal(413, "too_large", f"the body is larger than {most} bytes", b"".join(chunks))
        chunks.append(chunk)
    return b"".join(chunks)
