"""How Compass is spoken to: its settings, its login, its slashes and pages. ``failures`` says what its errors mean.

Made by the connector's face; called by its actions and its watches. Sources named below: the "Compass API text"
and "vendor's scripts" (its sales engineers' code, which logs in with a form and again on any 401).
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from daemon.connectors.compass import events
from daemon.connectors.compass.client import failures
from daemon.contract import declare, errors, http, requests, sending
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

PAGE_SIZE = 20  # objects on a page, at most (Compass API text)
MOST_PAGES = 5_000  # of one listing
FEW = PAGE_SIZE // 4  # messages in a range of ids that might as well have been wider
_SLASHES = re.compile(r"/{2,}")


class Settings(declare.Settings):
    """A Compass account: a user's name and password, or a token."""

    base_url: str = Field(description="The API, `/api` included, as in https://compass.example.com/api.")
    username: str | None = Field(None, description="The user's name, often an e-mail address.", min_length=1)
    password: SecretStr | None = Field(None, description="The user's password.", min_length=1)
    token: SecretStr | None = Field(
        None,
        description="A token instead: it ends after two weeks, and cannot be renewed without a password.",
    )

    @field_validator("token")
    @classmethod
    def fits_header(cls, token: SecretStr | None) -> SecretStr | None:
        """A token is one printable word."""
        text = token.get_secret_value() if token else "-"
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("token is empty, or holds characters that no token has; copy it again")
        return token

    @model_validator(mode="after")
    def has_credentials(self) -> "Settings":
        """One way to get in."""
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together; give both, or a token")
        if self.username is None and self.token is None:
            raise ValueError("a compass account needs username and password, or a token")
        return self


class Page(BaseModel):
    """One page of a listing; *count* is how many objects there are on all of them."""

    count: int = 0
    next: str | None = None
    results: list[JsonObject]

    def by_id(self) -> dict[int, JsonObject]:
        """The objects by their ids, which stand in their ``url``."""
        return {read_number(one): one for one in self.results}


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects of a listing; *count* is how many there are, listed here or not."""

    count: int
    objects: list[JsonObject]


class CompassClient:
    """One account. Every call goes through :meth:`send`, which logs in and sorts failures."""

    def __init__(self, settings: Settings, way: http.Http) -> None:
        self._http = way
        self._settings = settings
        self._password = settings.password.get_secret_value() if settings.password else None
        self._token = settings.token.get_secret_value() if settings.token else None
        self._must_change = False  # its password, before it may do anything else
        self._logging_in = asyncio.Lock()

    def __repr__(self) -> str:
        return f"CompassClient({self._settings.base_url!r}, {self._settings.username!r})"

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: http.Pairs | None = None,
        json: Json = None,
        form: Mapping[str, Any] | None = None,
        files: http.Files | None = None,
        as_written: bool = False,
    ) -> http.Reply:
        """The answer of *path*, its failures sorted. Its slashes are put right, unless it is to be sent *as_written*.

        A 401 means that the token has ended, or was reset: log in anew once and send the request again (the
        vendor's scripts lose it). Nothing was done by a request that was answered with 401.
        """
        token = self._token or await self._renew(None)
        for again in (True, False):
            headers = {"Authorization": f"Token {token}"}
            ask = self._http.send(
                method,
                path if as_written else slashed(path),
                query=query,
                json=json,
                form=form,
                files=files,
                headers=headers,
            )
            reply = await failures.hide_tokens(ask)
            if reply.status != 401 or self._password is None or not again:
                break
            token = await self._renew(token)
        if reply.status == 403 and self._must_change:
            text = f"403: {failures.words(reply)}. The user's password was reset: change it before anything else."
            raise errors.TemporaryError(text, status=403, unauthorized=True)
        failures.refuse(reply)
        return reply

    async def call(
        self, method: str, path: str, *, query: http.Pairs | None = None, json: Json = None
    ) -> Json:
        """The JSON that *path* answers; None where there is no body."""
        return (await self.send(method, path, query=query, json=json)).json()

    async def read(self, path: str, query: http.Pairs | None = None) -> JsonObject:
        """The object at *path*. :class:`~daemon.contract.errors.PermanentError`, ``missing`` when it is not there."""
        return jsons.as_object(await self.call("GET", path, query=query))

    async def write(self, method: str, path: str, body: Json) -> JsonObject:
        """The object that *path* answers to *body*."""
        return jsons.as_object(await self.call(method, path, json=body))

    async def delete(self, path: str) -> bool:
        """Delete the object at *path*; whether it was still there. That it was not is said only while the credentials
        work: a stranger may be told 404 too."""
        try:
            await self.call("DELETE", path)
        except errors.PermanentError as lost:
            if not lost.missing:
                raise
            await self.check()
            return False
        return True

    async def check(self) -> int:
        """Return if the credentials work, and how many projects they reach: a page of them needs no other right."""
        return (await self.page(path("projects"))).count

    async def page(self, path: str, query: http.Pairs | None = None) -> Page:
        """One page of a listing: the first, unless *query* says otherwise."""
        return requests.parse("Compass", Page, await self.call("GET", path, query=query))

    async def list_all(self, path: str, query: http.Pairs | None = None) -> list[JsonObject]:
        """Every object of a listing, page by page."""
        return (await self.list_some(path, query)).objects

    async def list_some(
        self, path: str, query: http.Pairs | None = None, limit: int | None = None
    ) -> Listing:
        """The first *limit* objects of a listing (None: all of them), page by page.

        ``next`` is an address: only its query is taken, so that the token never goes to another host.
        """
        page, asked = await self.page(path, query), query
        found = list(page.results)
        for _ in range(MOST_PAGES):
            if not page.next or (limit is not None and len(found) >= limit):
                return Listing(max(page.count, len(found)), found[:limit])
            following = parse_qsl(urlsplit(page.next).query, keep_blank_values=True)
            if following == asked:
                break
            page, asked = await self._page_or_end(path, following), following
            found += page.results
        raise errors.PermanentError(f"the listing {path} does not end (at most {MOST_PAGES} pages are read)")

    async def _page_or_end(self, path: str, query: http.Pairs) -> Page:
        """A later page; one that is not there any more, since the listing grew shorter meanwhile, is its end."""
        try:
            return await self.page(path, query)
        except errors.PermanentError as refused:
            if not refused.missing:
                raise
            return Page(results=[])

    async def newest_message(self, project_id: str) -> int:
        """The highest id of a project's messages, 0 without any. Ids grow as messages are added (Compass API text).

        Two requests where the newest are listed first, which the text does not promise: in any other order the ids
        are searched in leaps.
        """
        top, leap = 0, PAGE_SIZE
        page = await self._messages(project_id, top)
        while page.next and page.results:
            top = max(page.by_id())
            page = await self._messages(project_id, top)
            if page.next:
                ahead = await self._messages(project_id, top + leap)
                page, leap = (ahead, leap * 2) if ahead.results else (page, max(1, leap // 2))
        return max(page.by_id(), default=top)

    async def messages_after(self, project_id: str, id: int, most: int) -> dict[int, JsonObject]:
        """Messages with a higher id than *id*, by id, the lowest ones first and none left out; more than *most* (by a
        page at most) are left for another time.

        Pages move while messages come and go, and their order is not promised: what does not fit on one page is
        read in ranges of ids that do.
        """
        found: dict[int, JsonObject] = {}
        width = PAGE_SIZE
        page = await self._messages(project_id, id)
        while page.next and len(found) < most:
            part = await self._messages(project_id, id, id + width + 1)
            if part.next:
                if width == 1:
                    raise errors.PermanentError(
                        "messages are not filtered by older_than_id. Is base_url right?"
                    )
                width //= 2
                continue
            found |= part.by_id()
            id += width
            width *= 2 if len(part.results) < FEW else 1
            if not part.results:
                page = await self._messages(project_id, id)
        return dict(sorted((found if page.next else {**found, **page.by_id()}).items()))

    async def _messages(self, project_id: str, newer_than: int, older_than: int | None = None) -> Page:
        query = {"newer_than_id": newer_than or None, "older_than_id": older_than}
        return await self.page(inside(project_id, "messages"), query)

    async def try_login(self, username: str, password: str) -> JsonObject | None:
        """The session ``{token, user, expiration}`` of somebody who logs in; None where the password is refused."""
        reply = await self._ask_login(username, password)
        if reply.status in failures.REFUSED_LOGIN:
            return None
        failures.refuse(reply)
        return jsons.as_object(reply.json(with_secrets=True))

    async def describe(self) -> str:
        """What the credentials reach; and when a token that cannot be renewed ends."""
        count = await self.check()
        reach = f"{count} project{'' if count == 1 else 's'}"
        if self._password is not None:
            return reach
        for one in (await self.page(path("tokens"))).results:
            if one.get("token") == self._token:
                return f"{reach}; the token ends {one.get('expiration')}"
        return reach

    async def send_as(self, session: JsonObject, method: str, path: str, body: Json) -> None:
        """Send a request as the user of *session*, not as the account's."""
        headers = {"Authorization": f"Token {session.get('token')}"}
        failures.refuse(await self._http.send(method, path, json=body, headers=headers))

    def go_on_with(self, username: str, password: str, session: JsonObject) -> None:
        """Use the *password* and token that the account's own user has just got; another user's are nothing to us."""
        if username == self._settings.username:
            self._password, self._token = password, str(session.get("token") or "") or None
            self._must_change = False

    async def _ask_login(self, username: str, password: str) -> http.Reply:
        """The answer to a login with a form, as the vendor's scripts send it."""
        form = {"username": username, "password": password}
        with sending.apart():
            return await self._http.send("POST", "/login/", form=form)

    async def _renew(self, spent: str | None) -> str:
        """A token other than *spent*: one login for all who wait, whoever came first."""
        async with self._logging_in:
            if self._token is None or self._token == spent:
                self._token = None
                self._token = await self._log_in()
            return self._token

    async def _log_in(self) -> str:
        """A new token. A login is no part of the request that waits for it: its failures leave that one unsent."""
        try:
            reply = await self._ask_login(str(self._settings.username), self._password or "")
            failures.refuse_login(reply)
            session = jsons.as_object(reply.json(with_secrets=True))
        except errors.TemporaryError as failed:
            raise errors.TemporaryError(
                f"login: {failed.text}",
                status=failed.status,
                retry_after=failed.retry_after,
                unauthorized=failed.unauthorized,
            ) from None
        except errors.PermanentError as failed:
            raise errors.PermanentError(f"login: {failed.text}", status=failed.status) from None
        token = session.get("token")
        if not isinstance(token, str) or not token:
            raise errors.PermanentError(
                "login: the answer holds no token. Is base_url right?", status=reply.status
            )
        self._must_change = bool(jsons.as_object(session.get("user")).get("must_reset_password"))
        return token


def make_client(settings: Settings, way: http.Http) -> CompassClient:
    """The client of one account."""
    return CompassClient(settings, way)


async def ping(client: CompassClient) -> declare.Ping:
    """Ask for a page of projects: it needs a good token and no other right."""
    return await requests.ping(client.describe)


def path(*parts: object) -> str:
    """A path of *parts*, each quoted; an e-mail address may be one."""
    return "/" + "".join(f"{http.segment(part)}/" for part in parts)


def inside(project_id: str, *parts: object) -> str:
    """The path of something inside a project."""
    return path("projects", project_id, "p", *parts)


def read_number(given: JsonObject) -> int:
    """The number of an object with a ``url``. :class:`~daemon.contract.errors.StrangeAnswer` where there is none."""
    text = events.id_of(str(given.get("url") or ""))
    if not (text.isascii() and text.isdigit()):
        raise errors.StrangeAnswer(
            "an answer names an object without a number in its url. Is base_url right?"
        )
    return int(text)


def slashed(path: str) -> str:
    """*path* with single slashes and one at its end.

    Required everywhere (Compass API text), though the text itself forgets some.
    """
    bare, mark, query = path.partition("?")
    return _SLASHES.sub("/", f"{bare}/") + mark + query
