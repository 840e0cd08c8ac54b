"""How to speak to Populr: settings, authentication, paging, and the meaning of its errors.

``watches`` and ``actions`` call :class:`PopulrClient`; it alone knows Populr's URLs and error bodies.
"""

import base64
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, SecretStr, field_validator

from daemon.contract import declare, errors, http, requests
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

M = TypeVar("M", bound=BaseModel)

PAGE_SIZE = 50  # what the vendor's Ruby and .NET clients ask for; the server's cap is unknown
OVERLAP = 5  # objects of a page that the next one shows again
LONGEST_TEXT = 300  # characters of the vendor's own words that an error shows


class Settings(declare.Settings):
    """An account at Populr."""

    base_url: str = Field("https://api.populr.me/v0", description="Where the API answers, with its version.")
    api_key: SecretStr = Field(description="One of the group's API keys.")

    @field_validator("api_key")
    @classmethod
    def check_api_key(cls, value: SecretStr) -> SecretStr:
        """A key is one printable word without a colon: HTTP Basic ends the user name at the first one."""
        text = value.get_secret_value()
        if not text.isascii() or not text.isprintable() or not text or ":" in text or " " in text:
            raise ValueError("api_key is empty, or holds a space, a colon or a control character")
        return value


class PopulrClient:
    """One account's way to Populr's API."""

    def __init__(self, settings: Settings, http_client: http.Http) -> None:
        self._http = http_client
        pair = f"{settings.api_key.get_secret_value()}:".encode()
        # The vendor's Ruby and .NET clients send an empty password too.
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

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
        """One call; the reply is a good one. Failures are :func:`raise_for_reply`'s."""
        reply = await self._http.send(
            method, path, query=query, json=json, form=form, files=files, auth=self._credentials
        )
        raise_for_reply(reply)
        return reply

    async def _credentials(self) -> Mapping[str, str]:
        return self._headers

    async def read(self, path: str) -> JsonObject:
        """The object at *path*."""
        return as_record((await self.send("GET", path)).json())

    async def write(self, method: str, path: str, body: Json = None) -> JsonObject:
        """Send *body* and give the object that Populr answers."""
        return as_record((await self.send(method, path, json=body)).json())

    async def find(self, path: str) -> JsonObject | None:
        """The object at *path*, or None if it does not exist; asked again whether the credentials work before that
        is said."""
        try:
            return await self.read(path)
        except errors.PermanentError as lost:
            if not lost.missing:
                raise
        await self.check()
        return None

    async def delete(self, path: str) -> bool:
        """Delete the object at *path*; whether it was still there."""
        try:
            await self.send("DELETE", path)
        except errors.PermanentError as lost:
            if not lost.missing:
                raise
            return False
        return True

    async def listed(self, path: str, offset: int | None, count: int | None) -> list[JsonObject]:
        """One page of the list at *path*, or all of it where neither *offset* nor *count* is given."""
        if offset is None and count is None:
            return await self.pages(path)
        return await self.page(path, offset, count)

    async def pages(self, path: str, enough: int | None = None) -> list[JsonObject]:
        """All objects of the list at *path*, each ``_id`` once.

        A list has neither total nor next page, and the vendor's Ruby client stops at an empty page only: we stop
        where a page brings nothing new. Lists shift while they are paged: pages overlap, so that a deletion meanwhile
        hides nothing. With *enough* objects there is no need to look further.
        """
        found: dict[str, JsonObject] = {}
        offset = 0
        while True:
            page = await self.page(path, offset, PAGE_SIZE)
            new = {record["id"]: record for record in page if record["id"] not in found}
            found |= new
            # A page without news is the last one's overlap, an empty one, or a server's that knows no offsets.
            if not new or (enough is not None and len(found) >= enough):
                return list(found.values())
            offset += max(1, len(page) - OVERLAP)

    async def page(self, path: str, offset: int | None, count: int | None) -> list[JsonObject]:
        """One page of the list at *path*; None leaves the choice to Populr."""
        body = (await self.send("GET", path, query={"count": count, "offset": offset})).json()
        if not isinstance(body, list):
            raise errors.StrangeAnswer("the answer is not a list. Is base_url right?")
        return [as_record(item) for item in body]

    async def check(self) -> str:
        """Return if the credentials work, and the group's own domain: the domains are the cheapest list, and never
        empty."""
        reply = await self.send("GET", "/domains")
        domains = reply.json()
        if not isinstance(domains, list) or not all(isinstance(one, str) for one in domains):
            said = f"answered {reply.status}, but not with Populr's list of domains. Is base_url right?"
            raise errors.PermanentError(said, status=reply.status)
        return domains[0][:LONGEST_TEXT] if domains else ""


def make(settings: Settings, http_client: http.Http) -> PopulrClient:
    """The client of an account."""
    return PopulrClient(settings, http_client)


async def ping(client: PopulrClient) -> declare.Ping:
    """Whether the API key works; other troubles are raised."""
    return await requests.ping(client.check)


def pop_path(pop_id: str, *more: str) -> str:
    """``/pops/ID`` and what stands below it."""
    return "/".join(["/pops", http.segment(pop_id), *(http.segment(one) for one in more)])


def as_record(value: Any) -> JsonObject:
    """A Populr object with its ``_id`` as ``id`` too; :class:`StrangeAnswer` for anything else."""
    if not isinstance(value, dict):
        raise errors.StrangeAnswer("the answer is not an object. Is base_url right?")
    own_id = value.get("_id", value.get("id"))
    if own_id is None or own_id == "":
        raise errors.StrangeAnswer("the answer has no _id. Is base_url right?")
    record = {**value, "id": str(own_id)}
    return record | ({"_id": str(own_id)} if "_id" in value else {})


def raise_for_reply(reply: http.Reply) -> None:
    """Raise what a failed *reply* means.

    The vendor's clients take ``error_type`` in any JSON object for a failure, whatever the status. The
    document says 401 for a bad key, the Ruby client 403. A 404 means that the object is missing only in
    Populr's own words, and not where it says that it does not know the path.
    """
    error_type, said = _own_words(reply)
    if reply.status in (401, 403) or reply.status in (408, 425, 429) or reply.status >= 500:
        http.raise_for_status(reply, said)
    word = error_type.rpartition(".")[2]
    if word in ("unauthorized", "access_denied", "forbidden"):
        raise errors.TemporaryError(f"credentials refused ({said})", status=reply.status, unauthorized=True)
    if error_type:
        missing = word == "not_found" or (reply.status == 404 and word != "not_found_api")
        # Refused in so many words: under whatever status it came, the call took no effect.
        status = max(reply.status, 400)
        raise errors.PermanentError(f"{reply.status}: {said}", status=status, missing=missing)
    if reply.status == 404:
        raise errors.PermanentError("404, and not in Populr's words. Is base_url right?", status=404)
    http.raise_for_status(reply, said)


def _own_words(reply: http.Reply) -> tuple[str, str]:
    """``(error_type, text)``: Populr's own where it is a JSON object, else a quote of a failing answer."""
    body = _object(reply)
    error_type = body.get("error_type")
    if isinstance(error_type, str) and error_type:
        return error_type, f"{str(body.get('error', ''))[:LONGEST_TEXT]} ({error_type[:LONGEST_TEXT]})"
    return "", str(body["error"])[:LONGEST_TEXT] if "error" in body else reply.quote()


def _object(reply: http.Reply) -> JsonObject:
    # Every object is looked at, whatever content type it claims; lists are never errors.
    if reply.body.lstrip()[:1] != b"{":
        return {}
    try:
        return jsons.as_object(jsons.loads(reply.body))
    except jsons.UnfitJson:
        return {}
