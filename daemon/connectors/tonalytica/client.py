"""How TONalytica, or any Redash, is spoken to: its settings, its paths, and what its failures mean.

Made by the connector's face; called by its actions and its watch. Sources named below: the "TONalytica API
text" (readme of its client), the "vendor's client" (tonalytica-client), "observed" (answers recorded from
Redash 9.0.0-beta, 10.1.0 and 26.08.0-dev), the "Redash source".
"""

import contextlib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, SecretStr, field_validator

from daemon.connectors.tonalytica import events
from daemon.connectors.tonalytica.events import rows
from daemon.contract import declare, errors, http, requests
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

M = TypeVar("M", bound=BaseModel)

LONGEST_TEXT = 300  # characters of the vendor's own words in an error
EVERY = 1_000_000  # as a limit: all there are
JOB_ID = "^[A-Za-z0-9_-]+$"  # a UUID, on every version
PAGE_SIZE = 250  # queries in one page, the most that a server gives (observed)
# The one sign of a wrong or missing key: status 404 and these words, never 401 (observed, 9 to newest).
REFUSED = "couldn't find resource. please login and try again."

NO_RESULT = (
    "no cached result found for this query"  # with or without a capital and a full stop (API text, observed)
)


class Settings(declare.Settings):
    """A TONalytica account, or one of any Redash."""

    base_url: str = Field(
        "https://tonalytica.redoubt.online",
        description="The bare host, with the organisation's slug where there are several; `/api` is added.",
    )
    api_key: SecretStr = Field(description="A user's API key, or a query's.", min_length=1)
    query_id: int | None = Field(
        None,
        description="Only where `api_key` is a query's own key: that query's number, the one thing it opens.",
        ge=1,
    )

    @field_validator("base_url")
    @classmethod
    def is_bare_host(cls, url: str) -> str:
        """The client adds the ``/api`` itself."""
        if url.endswith("/api"):
            raise ValueError("base_url is the bare host: leave /api out, it is added")
        return url

    @field_validator("api_key")
    @classmethod
    def fits_header(cls, key: SecretStr) -> SecretStr:
        """A key is one printable word."""
        text = key.get_secret_value()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("api_key holds blanks or characters that no key has; copy it again")
        return key


class Page(BaseModel):
    """One page of a listing."""

    count: int = 0
    results: list[JsonObject] = []


class TonalyticaClient:
    """One account. Every call goes through :meth:`send`, which sorts its failures."""

    def __init__(self, settings: Settings, way: http.Http) -> None:
        self._http = way
        self._base_url = settings.base_url
        self.query_id = settings.query_id
        # The word's case counts (observed).
        self._authorization = f"Key {settings.api_key.get_secret_value()}"

    def __repr__(self) -> str:
        return f"TonalyticaClient({self._base_url!r})"

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Json = None,
        form: Mapping[str, Any] | None = None,
        files: http.Files | None = None,
    ) -> http.Reply:
        """The answer of *path* (with or without its ``/api``), once :func:`refuse` has sorted its failures.

        Where the account's key belongs to one query, a refusal elsewhere says nothing of it: final.
        """
        below = api_path(path)
        reply = await self._http.send(
            method, below, query=query, json=json, form=form, files=files, auth=self._sign
        )
        try:
            refuse(reply)
        except errors.TemporaryError as refused:
            if refused.unauthorized and self.query_id is not None and not self._opens(below):
                raise errors.PermanentError(
                    f"the key of query {self.query_id} does not open {below}. Use a user's key.", status=404
                ) from None
            raise
        return reply

    def _opens(self, path: str) -> bool:
        own = f"/api/queries/{self.query_id}"
        return path.partition("?")[0] == own or path.startswith((f"{own}/", f"{own}."))

    async def _sign(self) -> Mapping[str, str]:
        return {"Authorization": self._authorization}

    async def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, json: Json = None
    ) -> JsonObject:
        """The JSON object that *path* answers; an empty one for ``null``."""
        return jsons.as_object((await self.send(method, path, query=query, json=json)).json())

    async def check(self) -> JsonObject:
        """The session of a user's key, or the query of a query's key; proves that the key is good.

        :class:`PermanentError` for whatever else answers 200 there: a portal, another program.
        """
        path, sign = ("/session", "user") if self.query_id is None else (f"/queries/{self.query_id}", "id")
        reply = await self.send("GET", path)
        found = reply.json()
        if not isinstance(found, dict) or not found.get(sign):
            said = f"answered {reply.status}, but not as Redash does. Is base_url right (the bare host)?"
            raise errors.PermanentError(said, status=reply.status)
        return found

    async def get_user_id(self) -> int | None:
        """The number of the user whose key the account has."""
        return _number(jsons.as_object((await self.check()).get("user"))) or None

    async def get_job(self, job_id: str, query_id: int | None) -> events.VendorJob:
        """A job as the server tells it.

        The path below the query, where that is known, is open to both sorts of key on every version (Redash
        source 8, observed 9 to newest); ``/jobs/ID`` to user keys only.
        """
        below = f"/queries/{query_id}" if query_id is not None else ""
        body = await self.call("GET", f"{below}/jobs/{http.segment(job_id)}")
        return requests.parse("Redash", events.VendorJob, {"id": job_id, **jsons.as_object(body.get("job"))})

    async def get_query(self, query_id: int) -> JsonObject:
        """A query object."""
        return await self.call("GET", f"/queries/{query_id}")

    async def get_result(self, query_result_id: int, query_id: int | None) -> events.VendorResult:
        """A result with its rows; by its query where that is known, as for jobs."""
        return read_result(await self.get_result_as("json", query_result_id, query_id))

    async def get_raw_result(self, query_result_id: int, query_id: int) -> bytes:
        """The same as it came, for those who read it row by row."""
        return (await self.get_result_as("json", query_result_id, query_id)).body

    async def get_cached_result(self, query_id: int, filetype: str = "json") -> http.Reply:
        """The latest result of a query. Where it has none, the 404 says so (API text, observed)."""
        try:
            return await self.send("GET", f"/queries/{query_id}/results.{filetype}")
        except errors.PermanentError as refused:
            if NO_RESULT not in refused.text.lower():
                raise
            raise errors.PermanentError(
                f"query {query_id} has no cached result. Execute it; one with parameters never has any here.",
                status=404,
                missing=True,
            ) from None

    async def get_result_as(self, filetype: str, query_result_id: int, query_id: int | None) -> http.Reply:
        """A result as a file of *filetype* (``json csv tsv``)."""
        path = _result_path(query_result_id, query_id).removesuffix("json") + filetype
        return await self.send("GET", path)

    async def execute(self, query_id: int, body: JsonObject) -> events.VendorJob | events.VendorResult:
        """Ask for a query's result: the cached one, or the job that makes it.

        While the same text runs on the same source the server answers with that job (observed). A refusal in
        the shape of a job, with 400, 401 or 403 and no id (a missing parameter, a paused source), is a
        :class:`~daemon.contract.errors.PermanentError` with the server's words.
        """
        answer = await self.call("POST", f"/queries/{query_id}/results", json=body)
        if "query_result" in answer:
            return requests.parse("Redash", events.VendorResult, answer["query_result"])
        return _submitted(answer)

    async def execute_for_raw(self, query_id: int, body: JsonObject) -> events.VendorJob | bytes:
        """As :meth:`execute`, with the cached result as it came."""
        reply = await self.send("POST", f"/queries/{query_id}/results", json=body)
        with contextlib.suppress(rows.BrokenResult):
            if rows.find(reply.body, "query_result") is not None:
                return reply.body
        return _submitted(jsons.as_object(reply.json()))

    async def list_pages(self, path: str, query: JsonObject, limit: int) -> Page:
        """Up to *limit* objects of a listing, page by page, each once, and how many there are in all.

        Where the list has shrunk meanwhile, what was read is all.
        """
        found: dict[Any, JsonObject] = {}
        number, count, size = 1, 0, min(limit, PAGE_SIZE)
        while True:
            page = await self._page_or_end(path, {**query, "page": number, "page_size": size})
            count = page.count or count
            found.update((one.get("id"), one) for one in page.results)
            if len(found) >= limit or not page.results or number * size >= count:
                break
            number += 1
        return Page(count=count, results=list(found.values())[:limit])

    async def get_newest_query_id(self) -> int:
        """The highest number that a query has, archived ones aside; 0 where there is none."""
        page = await self._page("/queries", {"order": "-created_at", "page": 1, "page_size": 1})
        return max((_number(one) for one in page.results), default=0)

    async def list_newer_queries(self, newest: int) -> list[JsonObject]:
        """The queries with a number above *newest*, archived ones too, newest first.

        Numbers are given in the order of creation. Searching (``q=``) would be one request, but goes by words
        and rank (Redash source); the newest pages hold what was made just now for certain.
        """
        found: dict[int, JsonObject] = {}
        for path in ("/queries", "/queries/archive"):
            number, more = 1, True
            while more:
                asked: JsonObject = {"order": "-created_at", "page": number, "page_size": PAGE_SIZE}
                page = await self._page_or_end(path, asked)
                newer = {_number(one): one for one in page.results if _number(one) > newest}
                found.update(newer)
                more = bool(newer) and number * PAGE_SIZE < page.count
                number += 1
        return [found[id] for id in sorted(found, reverse=True)]

    async def list_every_query(self, *, archived: bool) -> list[JsonObject]:
        """All queries with their texts, each once; *archived* ones too."""
        paths = ("/queries", "/queries/archive") if archived else ("/queries",)
        found = [one for path in paths for one in (await self.list_pages(path, {}, EVERY)).results]
        return list({_number(one): one for one in found}.values())

    def page_of(self, path: str) -> str:
        """The address of a page for people, such as ``/queries/17``."""
        return self._base_url + path

    async def _page_or_end(self, path: str, query: JsonObject) -> Page:
        """A page; an empty one where the list has shrunk meanwhile and ends before it: a 400 (observed)."""
        try:
            return await self._page(path, query)
        except errors.PermanentError as past:
            if query["page"] > 1 and past.status == 400:
                return Page()
            raise

    async def _page(self, path: str, query: JsonObject) -> Page:
        return requests.parse("Redash", Page, await self.call("GET", path, query=query))


def make_client(settings: Settings, way: http.Http) -> TonalyticaClient:
    """The client of one account."""
    return TonalyticaClient(settings, way)


async def ping(client: TonalyticaClient) -> declare.Ping:
    """Ask for the session, as the vendor's client does first; a query's key asks for its query."""
    try:
        found = await client.check()
    except errors.TemporaryError as refused:
        if not refused.unauthorized:
            raise
        return declare.Ping(authorized=False, detail=refused.text)
    version = jsons.as_object(found.get("client_config")).get("version")
    who = jsons.as_object(found.get("user")).get("name") if client.query_id is None else found.get("name")
    return declare.Ping(authorized=True, version=version and str(version), detail=str(who or ""))


def _result_path(query_result_id: int, query_id: int | None) -> str:
    if query_id is None:
        return f"/query_results/{query_result_id}.json"
    return f"/queries/{query_id}/results/{query_result_id}.json"


def _submitted(answer: JsonObject) -> events.VendorJob:
    job = requests.parse("Redash", events.VendorJob, answer.get("job"))
    if not job.id:
        raise errors.PermanentError(f"the query was not run: {shorten(job.error or 'no job was made')}")
    return job


def read_result(reply: http.Reply) -> events.VendorResult:
    """The result that *reply* holds as JSON."""
    answer = jsons.as_object(reply.json())
    return requests.parse("Redash", events.VendorResult, answer.get("query_result"))


def text_of(reply: http.Reply) -> str:
    """The text of *reply*, which is UTF-8."""
    try:
        return reply.body.decode()
    except UnicodeDecodeError:
        raise errors.StrangeAnswer("the answer is not UTF-8 text. Is base_url right?") from None


def _number(thing: JsonObject) -> int:
    found = thing.get("id")
    return found if isinstance(found, int) else 0


def api_path(path: str) -> str:
    """*path* with ``/api`` before it and no slash behind.

    The API text leaves the first out; the second is answered with a web page (observed).
    """
    bare, mark, query = path.partition("?")
    bare = bare.rstrip("/")
    return (bare if bare == "/api" or bare.startswith("/api/") else f"/api{bare}") + mark + query


def refuse(reply: http.Reply) -> None:
    """Raise what *reply* means if it is a failure.

    A web page under 200 is what a wrong path gets (observed). Refused credentials have one sign,
    :data:`REFUSED` (or a bare page) under 404; 401 and 403 are about a source or a query: final.
    """
    if _is_page(reply) and reply.status < 400:
        raise errors.StrangeAnswer(
            f"answered {reply.status} with a web page instead of JSON. Is base_url right (the bare host), "
            "and the path?",
            status=reply.status,
        )
    text = words(reply)
    if reply.status == 404 and (text.lower() == REFUSED or _is_page(reply)):
        raise errors.TemporaryError(
            f"credentials refused (404: {text or 'a web page'}). Is api_key right, and base_url?",
            status=404,
            unauthorized=True,
        )
    if reply.status in (401, 403):
        raise errors.PermanentError(f"{reply.status}: {text}", status=reply.status)
    http.raise_for_status(reply, text)


def words(reply: http.Reply) -> str:
    """What a failing answer says: ``message``, or the ``error`` of a job that was not made; "" for a page."""
    if _is_page(reply) or reply.status < 400:
        return ""
    try:
        body = jsons.as_object(jsons.loads(reply.body))
    except jsons.UnfitJson:
        return reply.quote()
    return shorten(body.get("message") or jsons.as_object(body.get("job")).get("error") or reply.quote())


def shorten(text: object) -> str:
    """*text* in one line, bounded."""
    return " ".join(str(text).split())[:LONGEST_TEXT]


def _is_page(reply: http.Reply) -> bool:
    return "html" in reply.headers.get("content-type", "").lower()
