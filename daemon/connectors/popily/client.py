"""How to speak to Popily: settings, token, slashes, pages, packed filters, and the meaning of its errors.

``watches`` and ``actions`` call :class:`PopilyClient`; it alone knows Popily's URLs and error bodies.
"""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from daemon.contract import declare, errors, http, requests
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

M = TypeVar("M", bound=BaseModel)

LONGEST_TEXT = 300  # characters of the vendor's own words that an error shows
SOURCES = "/sources/"
INSIGHTS = "/insights/"
USERS = "/users/"


class Settings(declare.Settings):
    """An account at Popily."""

    base_url: str = Field("https://popily.com/api", description="Where the API answers, with `/api`.")
    token: SecretStr = Field(description="The API token.")

    @field_validator("token")
    @classmethod
    def check_token(cls, value: SecretStr) -> SecretStr:
        """A token is one printable word; the word ``Token`` before it is ours to add."""
        text = value.get_secret_value()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError(
                "token is empty, or holds a space or a control character; give it without `Token `"
            )
        return value


class PopilyClient:
    """One account's way to Popily's API."""

    def __init__(self, settings: Settings, http_client: http.Http) -> None:
        self._http = http_client
        self._headers = {"Authorization": f"Token {settings.token.get_secret_value()}"}

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: http.Pairs | None = None,
        json: Json = None,
        form: http.Pairs | None = None,
        files: http.Files | None = None,
    ) -> http.Reply:
        """One call; the reply is a good one. Failures are :func:`raise_for_reply`'s. Paths end in a slash."""
        reply = await self._http.send(
            method, path, query=query, json=json, form=form, files=files, auth=self._credentials
        )
        raise_for_reply(reply)
        return reply

    async def _credentials(self) -> Mapping[str, str]:
        return self._headers

    async def read(self, path: str, query: http.Pairs | None = None) -> JsonObject:
        """The object at *path*."""
        return as_record((await self.send("GET", path, query=query)).json())

    async def pages(self, path: str, query: Mapping[str, Json]) -> list[JsonObject]:
        """All results of the list at *path*, page after page.

        ``next`` names another scheme and host than the API's (Popily API text): only its query is taken, so
        that the token never follows it anywhere.
        """
        found: dict[str, JsonObject] = {}
        asked: list[list[tuple[str, Json]]] = []
        pairs: list[tuple[str, Json]] | None = list(query.items())
        while pairs is not None and pairs not in asked:
            asked.append(pairs)
            body = (await self.send("GET", path, query=pairs)).json()
            results, following = as_page(body)
            for number, item in enumerate(results, start=len(found)):
                # Pages shift while they are read: what comes twice counts once.
                found[str(item.get("id", f"without an id: {number}"))] = item
            pairs = next_query(path, following)
        return list(found.values())

    async def check(self) -> str:
        """Return if the token works, and how many sources it reaches."""
        reply = await self.send("GET", SOURCES)
        page = reply.json()
        try:
            as_page(page)
        except errors.PermanentError as strange:
            raise errors.PermanentError(strange.text, status=reply.status) from None
        count = page.get("count") if isinstance(page, dict) else None
        return f"{count} sources" if type(count) is int else ""


def make(settings: Settings, http_client: http.Http) -> PopilyClient:
    """The client of an account."""
    return PopilyClient(settings, http_client)


async def ping(client: PopilyClient) -> declare.Ping:
    """Whether the token works; other troubles are raised."""
    return await requests.ping(client.check)


def next_query(path: str, following: Json) -> list[tuple[str, Json]] | None:
    """The query of a page's ``next``, None at the last page; :class:`PermanentError` if it is another
    list."""
    if not following:
        return None
    parts = urlsplit(str(following))
    if not parts.path.endswith(path):
        raise errors.PermanentError(f"the next page is not one of {path} but of {parts.path[:LONGEST_TEXT]}")
    return list(parse_qsl(parts.query, keep_blank_values=True))


def item_path(family: str, item_id: int | str) -> str:
    """``/sources/ID/``: every path of Popily ends in a slash."""
    return f"{family}{http.segment(item_id)}/"


def as_page(body: Json) -> tuple[list[JsonObject], Json]:
    """The results of a page and its ``next``; a bare list, which no document rules out for users, is the only page."""
    page = body if isinstance(body, dict) else {"results": body}
    results = page.get("results")
    if not isinstance(results, list):
        raise errors.StrangeAnswer("the answer is not a page of results. Is base_url right?")
    return [as_record(item) for item in results], page.get("next")


def as_record(value: Json) -> JsonObject:
    """A Popily object; :class:`StrangeAnswer` for anything else."""
    if not isinstance(value, dict):
        raise errors.StrangeAnswer("the answer is not an object. Is base_url right?")
    return value


def raise_for_reply(reply: http.Reply) -> None:
    """Raise what a failed *reply* means. Bodies are Django REST framework's; a 404 that is a page and not
    JSON says that the path is unknown, not that an object is missing."""
    if reply.status == 404 and not reply.is_json:
        raise errors.PermanentError("404, and not in Popily's words. Is base_url right?", status=404)
    if reply.status >= 400:
        http.raise_for_status(reply, _own_words(reply))


def _own_words(reply: http.Reply) -> str:
    """``detail``, or the complaints by field, as one bounded line."""
    try:
        body = jsons.loads(reply.body) if reply.is_json else None
    except jsons.UnfitJson:
        body = None
    if not isinstance(body, dict):
        return reply.quote()
    if isinstance(body.get("detail"), str):
        return str(body["detail"])[:LONGEST_TEXT]
    return "; ".join(f"{field}: {_joined(said)}" for field, said in body.items())[:LONGEST_TEXT]


def _joined(said: Json) -> str:
    return " ".join(map(str, said)) if isinstance(said, list) else str(said)
