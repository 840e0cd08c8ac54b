"""How Plotly is spoken to: its settings, its headers, and what its failures mean.

Made by the connector's face; called by its actions. Sources named below: the "Plotly API text" (the root page
of the v2 API), the "vendor's Python client" (chart-studio), and threads of its maintainers.
"""

import base64
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from daemon.contract import declare, errors, http
from daemon.model import jsons, times
from daemon.model.jsons import Json, JsonObject

M = TypeVar("M", bound=BaseModel)

PLATFORM = "Pointsman 0.1"  # a name and the version of this client, digits and periods only (Plotly API text)
FOLDER = "fold"  # Plotly's word for a folder's type
PAGE_SIZE = 100  # files that one page is asked to hold
LONGEST_TEXT = 300  # characters of the vendor's own words in an error
# The vendor never says when its day of quota ends. Twelve tries, three hours apart, outlast it.
QUOTA_PAUSE = 3 * times.HOUR

_AVAILABLE_IN = re.compile(r"(?i)available in (\d{1,6}(?:\.\d{1,3})?) seconds?")
_QUOTA = re.compile(r"(?i)\bthreshold\b|\b24[ -]?h(?:ours?|rs?)?\b")
_OUTAGE = "uh oh, an error occurred"
_CREDENTIALS = re.compile(r"(?i)credentials|authenticat|api[ _]?key|not logged in")


class Settings(declare.Settings):
    """A Plotly (Chart Studio) account."""

    base_url: str = Field(
        "https://api.plotly.com/v2", description="The API, `/v2` included; an on-premise server has its own."
    )
    username: str = Field(description="The account's user name.", min_length=1)
    api_key: SecretStr = Field(description="The account's API key.", min_length=1)

    @field_validator("username")
    @classmethod
    def fits_basic(cls, text: str) -> str:
        """HTTP Basic cannot carry a colon in a user name."""
        if ":" in text:
            raise ValueError("a user name holds no colon; the key has a place of its own, api_key")
        return _as_latin_1(text, "username")

    @field_validator("api_key")
    @classmethod
    def fits_header(cls, key: SecretStr) -> SecretStr:
        """The key travels as latin-1 (vendor's Python client)."""
        _as_latin_1(key.get_secret_value(), "api_key")
        return key


def _as_latin_1(text: str, name: str) -> str:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds a character beyond latin-1, which Plotly cannot read") from None
    return text


class AlreadyExists(errors.PermanentError):
    """The account has a file of that name in that folder already."""


class PlotlyClient:
    """One Plotly account. Every call of the connector goes through :meth:`call` or :meth:`send`."""

    def __init__(self, settings: Settings, way: http.Http) -> None:
        self._http = way
        self.username = settings.username
        self._authorization = basic(settings.username, settings.api_key.get_secret_value())

    def __repr__(self) -> str:
        return f"PlotlyClient({self._http.base_url!r}, {self.username!r})"

    async def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, json: Json = None
    ) -> JsonObject:
        """The JSON object that *path* answers; an empty one where the answer has no body.

        Raises :class:`AlreadyExists`, :class:`~daemon.contract.errors.TemporaryError` and
        :class:`~daemon.contract.errors.PermanentError` as :func:`refuse` sorts them.
        """
        return jsons.as_object((await self.send(method, path, query=query, json=json)).json())

    async def change(self, path: str, body: JsonObject) -> JsonObject:
        """What *path* is after the fields of *body* were written and all others left alone.

        By PATCH, as two of the vendor's clients do it, and by PUT where a server answers that with 405.
        """
        try:
            return await self.call("PATCH", path, json=body)
        except errors.PermanentError as refused:
            if refused.status != 405:
                raise
        return await self.call("PUT", path, json=body)

    async def find(self, path: str, parent: int | None = None) -> JsonObject | None:
        """The account's file at *path*, begun in the folder numbered *parent*; None where it has none."""
        try:
            return unwrap(await self.call("GET", "/files/lookup", query={"path": path, "parent": parent}))
        except errors.PermanentError as lost:
            if not lost.missing:
                raise
        return None

    async def check(self) -> None:
        """Return if the credentials work: 404 says missing or hidden, and hidden is no sign that a thing is gone."""
        await self.call("GET", "/users/current")

    async def pages(
        self, path: str, query: Mapping[str, Any], most: int | None = None
    ) -> tuple[list[JsonObject], bool]:
        """The results of the list at *path*, page after page, and whether there are more than the *most* wanted.

        A list is ``{results, next}``, bare or below ``children`` (folders). ``next`` names other hosts than the
        one asked (the vendor's own examples): only its query is taken.
        """
        found: list[JsonObject] = []
        asked: list[list[tuple[str, Any]]] = []
        pairs: list[tuple[str, Any]] | None = list(query.items())
        while pairs is not None and pairs not in asked:
            asked.append(pairs)
            body = (await self.send("GET", path, query=pairs)).json()
            listed = body.get("children", body) if isinstance(body, dict) else {"results": body}
            results = jsons.as_object(listed).get("results")
            if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
                raise errors.StrangeAnswer("the answer is not a page of results. Is base_url right?")
            found += results
            pairs = next_query(path, jsons.as_object(listed).get("next"))
            if most is not None and len(found) >= most:
                return found[:most], len(found) > most or pairs is not None
        return found, False

    async def children(
        self, path: str, user: str | None = None, most: int | None = None
    ) -> tuple[list[JsonObject], bool]:
        """The files that stand in the folder at *path*, those in the trash too, and whether there are more."""
        return await self.pages(path, {"user": user, "page_size": PAGE_SIZE}, most)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: http.Pairs | None = None,
        json: Json = None,
        form: Mapping[str, Any] | None = None,
        files: http.Files | None = None,
    ) -> http.Reply:
        """The answer of *path*, whatever its type (an image, say), once its failures are sorted out."""
        headers = {"Plotly-Client-Platform": PLATFORM, "Accept": "application/json"}
        if form is None and not files:
            headers["Content-Type"] = "application/json"  # on bodiless calls too (vendor's Python client)
        reply = await self._http.send(
            method, path, query=query, json=json, form=form, files=files, headers=headers, auth=self._sign
        )
        refuse(reply, times.from_datetime(datetime.now(UTC)))
        return reply

    async def _sign(self) -> Mapping[str, str]:
        return {"Authorization": self._authorization}


def make_client(settings: Settings, way: http.Http) -> PlotlyClient:
    """The client of one account."""
    return PlotlyClient(settings, way)


async def ping(client: PlotlyClient) -> declare.Ping:
    """Ask who we are: the vendor's own clients check credentials with ``GET /users/current``.

    Other troubles than refused credentials are raised.
    """
    try:
        reply = await client.send("GET", "/users/current")
    except errors.TemporaryError as refused:
        if not refused.unauthorized:
            raise
        return declare.Ping(authorized=False, detail=refused.text)
    user = reply.json()
    if not isinstance(user, dict) or not isinstance(user.get("username"), str):
        said = f"answered {reply.status}, but not with Plotly's user. Is base_url right?"
        raise errors.PermanentError(said, status=reply.status)
    return declare.Ping(authorized=True, detail=user["username"])


def path_of(fid: str, *parts: str, family: str = "files") -> str:
    """``/files/user:number/…``: no trailing slash, the colon as it is (vendor's clients)."""
    return "/".join(("", family, http.segment(fid), *parts))


def unwrap(answer: JsonObject) -> JsonObject:
    """The file in *answer*: creates wrap it as ``file``, updates do not (vendor's clients)."""
    inner = answer.get("file")
    return inner if isinstance(inner, dict) else answer


def next_query(path: str, following: Json) -> list[tuple[str, Any]] | None:
    """The query of a page's ``next``, None at the last page; :class:`PermanentError` where it is no address of
    the list at *path*.
    """
    if not isinstance(following, str) or not following:
        return None
    parts = urlsplit(following)
    if parts.path and not parts.path.rstrip("/").endswith(path):
        raise errors.PermanentError(f"the next page is not one of {path} but of {parts.path[:LONGEST_TEXT]}")
    return list(parse_qsl(parts.query, keep_blank_values=True))


def basic(username: str, api_key: str) -> str:
    """The ``Authorization`` value: HTTP Basic over latin-1 text (Plotly API text, vendor's Python client)."""
    return "Basic " + base64.b64encode(f"{username}:{api_key}".encode("latin-1")).decode("ascii")


def refuse(reply: http.Reply, now: int) -> None:
    """Raise what a failing *reply* means; *now* is an instant, for a ``Retry-After`` that is a date.

    The vendor's own signs come first: a used-up day, throttling, a name already taken, an outage told in
    words under any status (its Python client retries on them). 401: refused credentials; 403: a file that the
    account may not touch, unless its words speak of credentials; 404: one that is missing or hidden.
    """
    if _is_page(reply):
        _refuse_page(reply)
    if reply.status < 400:
        return
    text = words(reply)
    _refuse_limits(reply, text, now)
    if reply.status in (400, 409) and "already exists" in text.lower():
        raise AlreadyExists(f"{reply.status}: {text}", status=reply.status)
    if _OUTAGE in text.lower():
        raise errors.TemporaryError(f"{reply.status}: {text}", status=reply.status)
    if reply.status == 403 and not _CREDENTIALS.search(text):
        raise errors.PermanentError(f"not permitted (403: {text})", status=403)
    if reply.status == 404:
        raise errors.PermanentError(
            f"missing, or hidden from this account (404: {text})", status=404, missing=True
        )
    http.raise_for_status(reply, text)


def _refuse_limits(reply: http.Reply, text: str, now: int) -> None:
    """Both limits answer 429; only words tell a used-up day from a short throttle (maintainers' threads)."""
    asked = http.retry_after(reply, now)
    if _QUOTA.search(text) and reply.status in (403, 429):
        raise errors.TemporaryError(
            f"the day's quota is used up ({reply.status}: {text})",
            status=reply.status,
            retry_after=asked or QUOTA_PAUSE,
        )
    if reply.status == 429 or _AVAILABLE_IN.search(text):
        raise errors.TemporaryError(
            f"{reply.status}: {text}", status=reply.status, retry_after=asked or available_in(text)
        )


def _is_page(reply: http.Reply) -> bool:
    return "html" in reply.headers.get("content-type", "").lower()


def _refuse_page(reply: http.Reply) -> None:
    """An HTML page is not the API speaking. A failing server's page is left to its status."""
    said = f"answered {reply.status} with an HTML page, not with JSON. Is base_url right?"
    if reply.status < 300:
        raise errors.StrangeAnswer(said, status=reply.status)
    if reply.status in (404, 405):
        raise errors.PermanentError(said, status=reply.status)


def words(reply: http.Reply) -> str:
    """What a failing answer says, as one bounded line: its ``errors[].message``, its ``detail``, or its body.

    None is guaranteed (Plotly API text); the vendor's clients read them in this order.
    """
    try:
        body = jsons.as_object(reply.json()) if reply.is_json else {}
    except errors.PermanentError:
        body = {}
    listed = body.get("errors")
    told = [_one_error(one) for one in listed] if isinstance(listed, list) else []
    said = "; ".join(dict.fromkeys(text for text in told if text)) or body.get("detail")
    text = said if isinstance(said, str) and said else reply.quote()
    return " ".join(text.split())[:LONGEST_TEXT]


def _one_error(one: Json) -> str:
    error = jsons.as_object(one)
    message, field = error.get("message"), error.get("field")
    if not isinstance(message, str) or not message:
        return ""
    return f"{field}: {message}" if isinstance(field, str) and field else message


def available_in(text: str) -> int | None:
    """Microseconds of "Expected available in N seconds.", the throttle's words; no header is known."""
    found = _AVAILABLE_IN.search(text)
    return math.ceil(float(found[1]) * times.SECOND) if found else None
