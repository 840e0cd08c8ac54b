"""The public listener: callbacks of the services and of other senders, and nothing else.

A 2xx leaves only after the event is durably committed (``admission``). There is no router and no
middleware: the paths are few, and every wrong one gets the same bytes. Behind it come ``admission`` and,
for hints, ``watches``.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote

import structlog
from aiohttp import HttpVersion11, http_exceptions, web
from prometheus_client import Counter

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
from daemon.journal.events import Admitted
from daemon.model import jsons, records

BODY_TIMEOUT = 15.0  # seconds for a whole body
COME_AGAIN = 5  # seconds, in Retry-After
NOT_FOUND = b'{"error": "not found", "error_type": "not_found"}'
UNAVAILABLE = b'{"error": "cannot record now, come again", "error_type": "unavailable"}'
BROKEN = b'{"error": "this is a mistake of ours", "error_type": "broken"}'
UNREADABLE = b'{"error": "this is no HTTP request that can be read", "error_type": "bad_request"}'
UNDECODABLE = (
    b'{"error": "the body cannot be decoded; send it plain, or as gzip", "error_type": "broken_body"}'
)
SERVER = "pointsman"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
NO_JSON = "the body must be JSON: say so by Content-Type: application/json"

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


@records.record
class Asked:
    """A request's head: its raw path and query, its headers by names of any case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


class Refusal(Exception):
    """The request is answered with *status* and kept among the rejections, there with *why*, which is not answered."""

    def __init__(self, status: int, error_type: str, error: str, body: bytes = b"", why: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error_type = error_type
        self.error = error
        self.body = body
        self.kept = f"{error}: {why}" if why else error


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom requests are for, by the *label* that metrics show, and what understands their bodies there."""

    label: str
    understand: Callable[[Asked, bytes], Arrival]


@records.record
class Answer:
    """A JSON answer. *retry_after* is in seconds; with *closes* the connection ends behind it."""

    status: int
    body: bytes
    retry_after: int | None = None
    closes: bool = False


class PublicSide:
    """Answers requests. :attr:`doors` may be replaced at any time.

    A callback that came whole and has nothing unusual about it takes the short way (:meth:`find`, then
    :meth:`take`); every other request goes through :meth:`handle`. Both understand a body and word an
    answer in the same places.
    """

    def __init__(self, admission: Admission, rejections: Rejections, doors: Doors) -> None:
        self._doors, self._known = doors, self._known_paths(doors)
        self._admission = admission
        self._rejections = rejections
        self._refusing: set[asyncio.Task[None]] = set()

    @property
    def doors(self) -> Doors:
        """What is answered to."""
        return self._doors

    @doors.setter
    def doors(self, doors: Doors) -> None:
        self._doors, self._known = doors, self._known_paths(doors)

    def _known_paths(self, doors: Doors) -> dict[str, Addressee]:
        """Who is asked by each path as it is usually written. A path that is not among them says nothing of how near it
        came: names are looked up by their hash, which nobody outside can tell."""
        hooks = {
            f"/hooks/{quote(account, safe='')}/{quote(name, safe='')}/{hook.token}": self._of_hook(hook, name)
            for (account, name), hook in doors.hooks.items()
        }
        senders = {
            f"/hooks/{quote(name, safe='')}": self._of_sender(one) for name, one in doors.senders.items()
        }
        return hooks | senders

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        asked = Asked(
            request.method, request.rel_url.raw_path, request.rel_url.raw_query_string, request.headers
        )
        addressee = self._addressee(asked)
        if addressee is None:
            return _response(self._not_found(asked))
        return _response(await self._answered(request, asked, addressee))

    def find(self, asked: Asked, size: int) -> Addressee | None:
        """Who takes a body of *size* bytes that has come already; None where a request must go the long way."""
        if size > self._doors.max_body or not bodies.is_taken(asked.headers.get("Content-Type", "")):
            return None
        return self._addressee(asked)

    def take(self, addressee: Addressee, asked: Asked, raw: bytes, answer: Callable[[bytes], None]) -> None:
        """Answer the body *raw*, by calling *answer* once with a whole HTTP response."""
        told = partial(self._tell, addressee.label, answer)
        try:
            self._admission.hand_in(addressee.understand(asked, raw), told)
        except Backlog as full:
            told(full)
        except (MalformedBody, jsons.UnfitJson, Refusal) as wrong:
            task = asyncio.create_task(self._refuse(addressee, asked, raw, wrong, answer))
            self._refusing.add(task)  # the loop holds its tasks weakly
            task.add_done_callback(self._refusing.discard)
        except Exception:
            log.exception("callback.broke", hook=addressee.label)
            answer(_as_bytes(Answer(500, BROKEN)))

    def _tell(self, label: str, answer: Callable[[bytes], None], outcome: Admitted | Exception) -> None:
        answer(_as_bytes(self._outcome(label, outcome)))

    async def _refuse(
        self,
        addressee: Addressee,
        asked: Asked,
        raw: bytes,
        wrong: Exception,
        answer: Callable[[bytes], None],
    ) -> None:
        answer(_as_bytes(await self._refused(addressee, asked, _refusal(wrong, raw))))

    # Who is asked

    def _addressee(self, asked: Asked) -> Addressee | None:
        if asked.method != "POST":
            return None
        known = self._known.get(asked.path)
        if known is not None:
            return known
        parts = asked.path.split("/")
        if len(parts) < 3 or parts[1] != "hooks":
            return None
        if len(parts) == 5:
            return self._hook(unquote(parts[2]), unquote(parts[3]), unquote(parts[4]))
        sender = self._doors.senders.get(unquote(parts[2])) if len(parts) == 3 else None
        return self._of_sender(sender) if sender is not None else None

    def _hook(self, account: str, name: str, token: str) -> Addressee | None:
        hook = self._doors.hooks.get((account, name))
        # An unknown account costs the same comparison as a known one.
        if not secrets.is_equal(token, hook.token if hook else "") or hook is None:
            return None
        return self._of_hook(hook, name)

    def _of_hook(self, hook: Hook, name: str) -> Addressee:
        return Addressee(f"{hook.account}.{name}", partial(self._understood, hook))

    def _of_sender(self, sender: Sender) -> Addressee:
        return Addressee(sender.webhook.name, partial(self._verified, sender))

    def _understood(self, hook: Hook, asked: Asked, raw: bytes) -> Arrival:
        query = dict(parse_qsl(asked.query)) if asked.query else {}
        # Blanked before it is understood: what no claim holds, no event, hint or memory can hold either.
        read, said = bodies.read_json(raw, hook.webhook.repair)
        body = self._doors.blanker.value(read, said)
        claim, text = hook.webhook.understand(body, query), bodies.text_of(body, read, said)
        return Arrival(hook.account, claim=Callback(hook.account, hook.webhook, claim, text, hook.readback))

    def _verified(self, sender: Sender, asked: Asked, raw: bytes) -> Arrival:
        webhook = sender.webhook
        shown = (webhook.verify, webhook.header, sender.secret, asked.headers, raw)
        if not verifying.verify(*shown):
            why = verifying.tell_fault(*shown)
            raise Refusal(401, "unauthorized", "the signature or token is missing or wrong", raw, why)
        body, _ = bodies.read_json(raw)
        fact = senders.understand(webhook, asked.headers, raw, body, self._doors.blanker)
        return Arrival(webhook.name, fact=fact)

    # The long way

    async def _answered(self, request: web.BaseRequest, asked: Asked, addressee: Addressee) -> Answer:
        raw = b""
        try:
            raw = await self._body(request)
            outcome: Admitted | Exception = await self._admission.admit(addressee.understand(asked, raw))
        except (Backlog, JournalUnavailable, NotAdmitted) as broken:
            outcome = broken
        except ConnectionError:  # the sender went away in the middle: nobody reads this answer
            return Answer(400, b"{}")
        except (MalformedBody, jsons.UnfitJson, Refusal) as wrong:
            return await self._refused(addressee, asked, _refusal(wrong, raw))
        return self._outcome(addressee.label, outcome)

    async def _body(self, request: web.BaseRequest) -> bytes:
        if not bodies.is_taken(request.headers.get("Content-Type", "")):
            raise Refusal(415, "unsupported_media_type", NO_JSON)
        most = self._doors.max_body
        if (request.content_length or 0) > most:
            raise Refusal(413, "too_large", f"the body is larger than {most} bytes")
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                await _let_go_on(request)
                return await _read(request, most)
        except web.RequestPayloadError:
            raise Refusal(400, "broken_body", "the body is not encoded as its headers say") from None
        except asyncio.CancelledError:
            if request.content.exception() is None:
                raise
            # So aiohttp tells a reader that a stop waits no longer.
            raise NotAdmitted("the daemon stops, and the body has not come") from None
        except TimeoutError:
            raise Refusal(408, "too_slow", f"the body did not come within {BODY_TIMEOUT:g} seconds") from None

    # Answers

    def _outcome(self, label: str, outcome: Admitted | Exception) -> Answer:
        if isinstance(outcome, Exception):
            _counted(label, "unavailable").inc()
            log.error("callback.not_recorded", hook=label, error=str(outcome) or "too many callbacks wait")
            return Answer(503, UNAVAILABLE, retry_after=COME_AGAIN)
        _counted(label, "duplicate" if outcome.duplicate else "accepted").inc()
        if outcome.duplicate:
            return Answer(200, b'{"id": "%s", "duplicate": true}' % outcome.id.encode())
        return Answer(202, b'{"id": "%s"}' % outcome.id.encode())

    def _not_found(self, asked: Asked) -> Answer:
        _counted("unknown", "not_found").inc()
        if asked.path.startswith("/hooks/"):
            why = (
                "wrong token, or no such hook" if asked.method == "POST" else f"{asked.method} is no callback"
            )
            self._rejections.note(self._shown_path(asked), 404, why)
        return Answer(404, NOT_FOUND)

    async def _refused(self, addressee: Addressee, asked: Asked, refusal: Refusal) -> Answer:
        _counted(addressee.label, "rejected").inc()
        body = self._doors.blanker.fragment(refusal.body.decode("utf-8", "replace"))
        await self._rejections.keep(self._shown_path(asked), refusal.status, refusal.kept, body)
        said = {"error": refusal.error, "error_type": refusal.error_type}
        # What is left of a body that was not read whole is not waited for.
        return Answer(refusal.status, jsons.dumps(said).encode(), closes=refusal.status in (408, 413, 415))

    def _shown_path(self, asked: Asked) -> str:
        """The path as it may be kept: a token in the wrong place is a token still."""
        return self._doors.blanker.text(unquote(asked.path))


@functools.cache
def _counted(label: str, outcome: str) -> Counter:
    """The counter of what became of a hook's callbacks: finding it costs more than counting."""
    return metrics.callbacks.labels(label, outcome)


def _refusal(wrong: Exception, raw: bytes) -> Refusal:
    """*wrong* as what is answered and kept."""
    if isinstance(wrong, Refusal):
        return wrong
    if isinstance(wrong, MalformedBody):
        return Refusal(422, "malformed", wrong.text, raw)
    return Refusal(400, "not_json", f"not JSON: {wrong}", raw)


def answer_unread(status: int, wrong: BaseException | None) -> web.Response:
    """The answer to a request that aiohttp itself gave up with *status*. Nothing of what came stands in it."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _response(Answer(status, BROKEN, closes=True))
    _counted("unknown", "rejected").inc()
    undecodable = isinstance(wrong, http_exceptions.ContentEncodingError)
    return _response(Answer(status, UNDECODABLE if undecodable else UNREADABLE, closes=True))


def _response(answer: Answer) -> web.Response:
    """*answer* as aiohttp sends it."""
    response = web.Response(status=answer.status, body=answer.body, content_type="application/json")
    response.headers["Server"] = SERVER
    if answer.retry_after is not None:
        response.headers["Retry-After"] = str(answer.retry_after)
    if answer.closes:
        response.force_close()
    return response


def _as_bytes(answer: Answer) -> bytes:
    """*answer* as a whole HTTP/1.1 response on a connection that stays open."""
    more = b"" if answer.retry_after is None else b"Retry-After: %d\r\n" % answer.retry_after
    return b"%sContent-Length: %d\r\nDate: %s\r\n%s\r\n%s" % (
        _head(answer.status),
        len(answer.body),
        _date(int(time.time())),
        more,
        answer.body,
    )


@functools.cache
def _head(status: int) -> bytes:
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    return f"{line}\r\nContent-Type: application/json\r\nServer: {SERVER}\r\n".encode()


@functools.lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


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
