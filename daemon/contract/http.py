"""The one HTTP client: limits, time-outs, no redirects, and errors sorted by what may have happened.

Every connector's ``client`` speaks through an :class:`Http` of its own account. It knows no vendor: auth
headers and the meaning of statuses are the client's. Built in ``app``; this file and the listeners alone
know aiohttp.
"""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from daemon.contract import connections, errors, files, guard, secrets, sending
from daemon.model import jsons, times
from daemon.model.jsons import Json

TIMEOUT = 30 * times.SECOND  # of a call, where the config says nothing else
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes read of one answer
IDLE_CONNECTION = 4.0  # seconds; below the keep-alive of common servers, so that few writes meet a closed one
LONGEST_PAUSE = 24 * times.HOUR  # that a Retry-After may ask for
LONGEST_QUOTE = 300  # characters of a foreign body that an error shows
AGENT = "pointsman"
MOST_ORIGINS = 1_000  # that are remembered as allowed
SLOWEST_UPLOAD = 1024 * 1024  # bytes a second: how much longer than others a call with files may take

Files = Mapping[str, files.File]
Pairs = Mapping[str, Any] | list[tuple[str, Any]]
Auth = Callable[[], Awaitable[Mapping[str, str]]]


class Pace(Protocol):
    """An account's own limits: entered around each call (rate, concurrency)."""

    def call(self) -> AbstractAsyncContextManager[None]:
        """One call, in its turn."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read whole. *headers* have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the answer says that it is JSON."""
        return "json" in self.headers.get("content-type", "").lower()

    def json(self, *, with_secrets: bool = False) -> Json:
        """The body as JSON, blanked where a poll reads it, unless it is read for the secrets that it holds (a login).

        :class:`StrangeAnswer` when it is not JSON (an HTML page under 200, say).
        """
        if not self.body:
            return None
        try:
            found = jsons.loads(self.body)
            return found if with_secrets else secrets.as_read(found)
        except jsons.UnfitJson as wrong:
            raise errors.StrangeAnswer(
                f"the answer ({self.status}, {self.headers.get('content-type', 'no type')}) is not JSON: {wrong}. "
                "Is base_url right?",
                status=self.status,
            ) from None

    def quote(self) -> str:
        """The beginning of the body as one line of text, for an error."""
        return " ".join(self.body[: LONGEST_QUOTE * 2].decode("utf-8", "replace").split())[:LONGEST_QUOTE]


Observer = Callable[[str, float], None]
"""Told of each call: its outcome (``ok``, ``error``, ``lost``, ``refused``) and its seconds."""


class Http:
    """One account's way to its service.

    *base_url* has no trailing slash. *timeout* is in microseconds, for one call from start to end. With *guarded*
    the hosts and addresses are checked (``http.request``); else only *base_url*'s origin is ever spoken to.
    *fetch* is for files that a call sends and that are to be had elsewhere first, *read_below* are the folders of this
    machine below which others than the operator may name one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: int = TIMEOUT,
        pace: Pace | None = None,
        guarded: guard.Guard | None = None,
        observe: Observer = lambda _outcome, _seconds: None,
        fetch: files.Fetch | None = None,
        read_below: Sequence[str] = (),
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout / times.SECOND)
        self._pace = pace
        self._guard = guarded
        self._observe = observe
        self._fetch = fetch
        self._read_below = read_below
        self._session: aiohttp.ClientSession | None = None
        self._in_use = connections.UnderWay()
        self._allowed: set[tuple[str, str | None, int | None]] = set()  # origins that the guard has let pass

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Pairs | None = None,
        json: Json = None,
        form: Pairs | None = None,
        files: Files | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
    ) -> Reply:
        """Send one request and read its answer whole, whatever its status.

        *path* begins with a slash and is sent as it is (callers quote their ids with :func:`segment`). *files*
        make the body multipart, by the names of their parts; they are opened anew for each call. *auth* is
        awaited for credentials headers. :class:`TemporaryError` when there was no answer: ``in_doubt``
        tells whether the request may have arrived. A redirect is a :class:`PermanentError` that names its
        target.
        """
        url = self._url(path, query)
        sent_headers = {"User-Agent": AGENT, "Accept": "application/json", **(headers or {})}
        if files:
            return await self._send_files(method, url, form, files, sent_headers, auth)
        if auth is not None:
            sent_headers.update(await auth())
        return await self._in_turn(method, url, _body(json, form, sent_headers), sent_headers, self._timeout)

    async def _send_files(
        self,
        method: str,
        url: URL,
        form: Pairs | None,
        given: Files,
        headers: dict[str, str],
        auth: Auth | None,
    ) -> Reply:
        """A multipart call: the more bytes it sends, the more time it has."""
        async with files.opened(given, self._fetch, self._read_below) as parts:
            if auth is not None:
                headers.update(await auth())
            longer = sum(part.size for part in parts.values()) / SLOWEST_UPLOAD
            timeout = aiohttp.ClientTimeout(total=(self._timeout.total or 0) + longer)
            return await self._in_turn(method, url, _multipart(form, parts), headers, timeout)

    async def _in_turn(
        self, method: str, url: URL, body: Any, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> Reply:
        if self._pace is None:
            return await self._exchange(method, url, body, headers, timeout)
        async with self._pace.call():
            return await self._exchange(method, url, body, headers, timeout)

    @contextlib.asynccontextmanager
    async def stream(self, address: str, seconds: float) -> AsyncIterator[tuple[Reply, AsyncIterator[bytes]]]:
        """GET *address*: its reply without the body, and the body piece by piece as it comes within *seconds*."""
        url = self._url(address, None)
        self._refuse_foreign(url)
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            with self._in_use:
                async with self._open().get(
                    url, headers={"User-Agent": AGENT}, allow_redirects=False, timeout=timeout
                ) as answer:
                    names = {name.lower(): value for name, value in answer.headers.items()}
                    yield Reply(answer.status, names, b""), answer.content.iter_any()
        except (aiohttp.ClientError, TimeoutError) as broken:
            raise _lost("GET", url, broken) from None

    def _url(self, path: str, query: Pairs | None) -> URL:
        text = path if self._guard is not None else f"{self.base_url}{path}"
        return URL(with_query(text, query), encoded=True)

    async def _exchange(
        self, method: str, url: URL, body: Any, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> Reply:
        started = asyncio.get_running_loop().time()
        outcome = "lost"
        try:
            reply = await self._asked(method, url, body, headers, timeout)
            outcome = "ok" if reply.status < 400 else "error"
        except errors.ServiceError:
            outcome = "refused"
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as broken:
            if isinstance(broken.__cause__, sending.TooLate):
                raise broken.__cause__ from None
            lost = _lost(method, url, broken)
            if lost.in_doubt:
                sending.note(method)
            raise lost from None
        finally:
            self._observe(outcome, asyncio.get_running_loop().time() - started)
        refuse_redirect(reply)
        return reply

    async def _asked(
        self, method: str, url: URL, body: Any, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> Reply:
        """One answer. A read is asked again at once where the server had closed the idle connection it was sent on."""
        try:
            return await self._once(method, url, body, headers, timeout)
        except aiohttp.ServerDisconnectedError:
            if method != "GET":
                raise
            return await self._once(method, url, body, headers, timeout)

    async def _once(
        self, method: str, url: URL, body: Any, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> Reply:
        self._refuse_foreign(url)
        with self._in_use:
            async with self._open().request(
                method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                sending.note(method, answer.status)
                raw = io.BytesIO()  # gives its bytes without a copy
                async for chunk in answer.content.iter_any():
                    raw.write(chunk)
                    if raw.tell() > LARGEST_ANSWER:
                        raise errors.StrangeAnswer(f"the answer is larger than {LARGEST_ANSWER} bytes")
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, names, raw.getvalue())

    def _refuse_foreign(self, url: URL) -> None:
        if self._guard is None:
            return
        origin = (url.scheme, url.raw_host, url.port)
        if origin in self._allowed:
            return
        host, port = url.host or "", url.port or 0
        if url.scheme not in ("http", "https"):
            raise errors.PermanentError("only http and https addresses can be asked")
        if not self._guard.allows_host(host, port):
            shown = f"[{host}]" if ":" in host else host  # an IPv6 address, as allow_hosts takes it
            raise errors.PermanentError(f"{shown}:{port} is not in [http] allow_hosts. Name it there.")
        if guard.parse_address(host) and not self._guard.allows_address(host, port, host):
            raise errors.PermanentError(f"{host} is a private address that [http] allow_hosts does not name")
        if len(self._allowed) >= MOST_ORIGINS:
            self._allowed.clear()
        self._allowed.add(origin)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = connections.GuardedResolver(self._guard) if self._guard is not None else None
            self._session = aiohttp.ClientSession(
                connector=connections.LateConnector(
                    resolver=resolver, keepalive_timeout=IDLE_CONNECTION, use_dns_cache=self._guard is None
                ),
                trace_configs=[connections.asking_late()],
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
            # aiohttp would send a PUT or DELETE twice by itself when a connection breaks: an attempt that the
            # journal does not know of, and with some vendors no repeatable one (a filled tag is gone).
            self._session._retry_connection = False  # it has no public switch
        return self._session

    async def retire(self) -> None:
        """Close the connections once no call is under way: one that is cut off would be in doubt."""
        await self._in_use.idle.wait()
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def segment(text: object) -> str:
    """*text* as one segment of a path: percent-encoded, slashes too; a colon stays (Plotly's fids)."""
    return quote(str(text), safe=":@")


def with_query(url: str, query: Pairs | None) -> str:
    """*url* with *query* appended; None values are left out, lists repeat their name."""
    pairs = list(query.items()) if isinstance(query, Mapping) else list(query or [])
    flat = [
        (name, one)
        for name, value in pairs
        for one in (value if isinstance(value, list | tuple) else [value])
        if one is not None
    ]
    if not flat:
        return url
    text = "&".join(
        f"{quote(str(name), safe='')}={quote(_query_text(value), safe='')}" for name, value in flat
    )
    return f"{url}{'&' if '?' in url else '?'}{text}"


def _query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(json: Json, form: Pairs | None, headers: dict[str, str]) -> Any:
    if form is not None:
        return aiohttp.FormData(
            [(k, str(v)) for k, v in (form.items() if isinstance(form, Mapping) else form)]
        )
    if json is None:
        return None
    headers.setdefault("Content-Type", "application/json")
    return jsons.dumps(json).encode()


def _multipart(form: Pairs | None, parts: Mapping[str, files.Part]) -> aiohttp.FormData:
    body = aiohttp.FormData(
        quote_fields=False
    )  # names go as browsers send them: in UTF-8, not percent-encoded
    for name, value in form.items() if isinstance(form, Mapping) else form or []:
        body.add_field(name, str(value))
    for name, part in parts.items():
        body.add_field(name, part.body, filename=part.name, content_type=part.content_type)
    return body


def _lost(method: str, url: URL, broken: BaseException) -> errors.TemporaryError:
    """No answer: in doubt unless the connection itself never stood."""
    place = f"{method} {url.scheme}://{url.host}:{url.port}{url.path}"
    if isinstance(broken, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return errors.TemporaryError(f"{place}: cannot connect ({_cause(broken)})")
    if isinstance(broken, TimeoutError):
        return errors.TemporaryError(f"{place}: no answer in time", in_doubt=True)
    return errors.TemporaryError(f"{place}: the connection broke ({_cause(broken)})", in_doubt=True)


def _cause(broken: BaseException) -> str:
    reason = getattr(broken, "os_error", None) or broken
    return getattr(reason, "strerror", None) or type(broken).__name__


def refuse_redirect(reply: Reply) -> None:
    """Raise a :class:`PermanentError` naming the target of a 3xx answer (304 is an answer like any other)."""
    if not 300 <= reply.status < 400 or reply.status == 304:
        return
    target = urlsplit(reply.headers.get("location", ""))
    shown = (
        f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}" if target.netloc else target.path
    )
    raise errors.PermanentError(
        f"answered {reply.status}, a redirect to {shown or 'nowhere'}; redirects are not followed. "
        "Use the address it names.",
        status=reply.status,
    )


def retry_after(reply: Reply, now: int) -> int | None:
    """What ``Retry-After`` asks for, in microseconds: seconds or an HTTP date; None without a usable one.

    At most :data:`LONGEST_PAUSE`: a slip of the pen must not silence an account for years.
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(LONGEST_PAUSE, int(text) * times.SECOND)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(LONGEST_PAUSE, max(0, times.from_datetime(aware) - now))


def raise_for_status(reply: Reply, text: str) -> None:
    """Sort a failing status as HTTP means it: 401 and 403 are refused credentials, 408 425 429 and 5xx
    temporary, every other 4xx permanent (404 and 410: missing). *text* is what the vendor says. Connectors
    whose vendor means something else look first.
    """
    if reply.status < 400:
        return
    said = f"{reply.status}: {text}" if text else f"{reply.status}"
    if reply.status in (401, 403):
        raise errors.TemporaryError(f"credentials refused ({said})", status=reply.status, unauthorized=True)
    if reply.status in (408, 425, 429) or reply.status >= 500:
        now = times.from_datetime(datetime.now(UTC))
        # 502, 504: a gateway passed the request on and lost the answer.
        lost, pause = reply.status in (502, 504), retry_after(reply, now)
        raise errors.TemporaryError(said, status=reply.status, retry_after=pause, in_doubt=lost)
    raise errors.PermanentError(said, status=reply.status, missing=reply.status in (404, 410))
