"""Queries: find them, read them, make them, edit them, archive them."""

from typing import Any

from pydantic import Field

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica.actions import edits
from daemon.contract import declare, errors, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

READS = "it only reads"


class Query(declare.Result):
    """A query."""

    id: int = Field(description="The query's id.")
    name: str = Field("", description="Its name.")
    description: str | None = Field(None, description="What it is for.")
    query: str = Field("", description="Its text.")
    query_hash: str | None = Field(None, description="The service's hash of the text.")
    data_source_id: int | None = Field(None, description="The data source it runs on.")
    options: dict[str, Any] | None = Field(None, description="Its `parameters` and other options.")
    tags: list[str] | None = Field(None, description="Its tags.")
    latest_query_data_id: int | None = Field(None, description="The id of its latest result.")
    is_archived: bool | None = Field(None, description="Whether it is archived.")
    is_draft: bool | None = Field(None, description="Whether it is still a draft.")
    version: int | None = Field(None, description="The version that an edit may name.")
    api_key: secrets.SecretText | None = Field(None, description="The query's own key; a secret.")


class Queries(declare.Result):
    """Queries found."""

    count: int = Field(description="How many there are in all, of which `limit` may have cut some off.")
    results: list[Query] = Field(description="The queries.")


class Archived(declare.Result):
    """A query that was archived."""

    query_id: int = Field(description="The query's id.")
    is_archived: bool = Field(description="True.")


class GetQuery(declare.Parameters):
    """Which query."""

    query_id: int = Field(description="The query's id.", ge=1)


class ListQueries(declare.Parameters):
    """Which queries."""

    q: str | None = Field(None, description="Words to search for.")
    order: str | None = Field(None, description="A field to sort by, `-` before it for the other way round.")
    tags: list[str] | None = Field(None, description="Tags that all of them carry.")
    limit: int = Field(1000, description="At most so many; pages are followed by themselves.", ge=1)


class CreateQuery(declare.Parameters):
    """A new query. The service answers 500 where one of the first three is missing."""

    name: str = Field(description="Its name.", min_length=1)
    query: str = Field(description="Its text, with `{{ name }}` for parameters.", min_length=1)
    data_source_id: int = Field(description="The data source it runs on.", ge=1)
    description: str | None = Field(
        None,
        description="What it is for. A short mark of this step is added, by which it is known again.",
    )
    options: JsonObject | None = Field(None, description="Options, such as `parameters`.")
    schedule: JsonObject | None = Field(None, description="When the service itself runs it.")
    tags: list[str] | None = Field(None, description="Tags.")


class UpdateQuery(GetQuery):
    """What to change: only what is given here changes."""

    name: str | None = Field(None, description="Its name.", min_length=1)
    query: str | None = Field(None, description="Its text, with `{{ name }}` for parameters.", min_length=1)
    data_source_id: int | None = Field(None, description="The data source it runs on.", ge=1)
    description: str | None = Field(None, description="What it is for.")
    options: JsonObject | None = Field(None, description="Options, such as `parameters`; all of them.")
    schedule: JsonObject | None = Field(None, description="When the service itself runs it; null: never.")
    tags: list[str] | None = Field(None, description="Its tags, all of them.")
    is_draft: bool | None = Field(None, description="False publishes it.")
    is_archived: bool | None = Field(None, description="True archives it, false brings it back.")
    version: int | None = Field(
        None, description="The version that you have seen: the edit is refused if it is not the present one."
    )


@declare.action("tonalytica.get_query", doubt=Doubt.REPEATABLE, why=READS, example={"query_id": 17})
async def get_query(
    client: vendor.TonalyticaClient, parameters: GetQuery, call: declare.Call
) -> declare.Done[Query]:
    """Read one query."""
    return declare.Done(requests.parse("Redash", Query, await client.get_query(parameters.query_id)))


@declare.action(
    "tonalytica.list_queries", doubt=Doubt.REPEATABLE, why=READS, example={"q": "signups", "limit": 20}
)
async def list_queries(
    client: vendor.TonalyticaClient, parameters: ListQueries, call: declare.Call
) -> declare.Done[Queries]:
    """List queries, newest first unless `order` says otherwise."""
    asked = parameters.model_dump(include={"q", "order", "tags"}, exclude_none=True)
    page = await client.list_pages("/queries", asked, parameters.limit)
    return declare.Done(requests.parse("Redash", Queries, page.model_dump()))


async def note_newest(client: vendor.TonalyticaClient, parameters: CreateQuery) -> JsonObject:
    """The newest query there is: what is made from now on has a higher number."""
    return {"newest_query_id": await client.get_newest_query_id()}


async def look_for_query(
    client: vendor.TonalyticaClient, parameters: CreateQuery, call: declare.Call, before: JsonObject | None
) -> declare.Done[Query] | None:
    """The query that carries this step's mark, among those made since; archived meanwhile or not."""
    newest = int((before or {}).get("newest_query_id", 0))
    marked = [one for one in await client.list_newer_queries(newest) if carries(one, call.marker)]
    if not marked:
        return None
    if len(marked) > 1:
        numbers = ", ".join(str(one.get("id")) for one in marked)
        raise errors.Unclear(f"several queries carry the mark {call.marker} of this step: {numbers}")
    found = requests.parse("Redash", Query, await client.get_query(int(marked[0]["id"])))
    return declare.Done(found, made=[("query", str(found.id))])


@declare.action(
    "tonalytica.create_query",
    doubt=Doubt.PROBED,
    why="names may repeat; the mark in its description tells whether the query is there",
    probe=declare.Probe(
        about="the queries made since the first try are searched for this step's mark in the description",
        note=note_newest,
        look=look_for_query,
        relies_on_marker=lambda _parameters: True,
    ),
    example={
        "name": "Openings",
        "query": "select city, count(*) from openings group by city",
        "data_source_id": 1,
    },
)
async def create_query(
    client: vendor.TonalyticaClient, parameters: CreateQuery, call: declare.Call
) -> declare.Done[Query]:
    """Make a query, as a draft."""
    body = {"options": {}, **parameters.model_dump(exclude_none=True)}
    description = describe(parameters.description, call.marker)
    if description is not None:
        body["description"] = description
    made = requests.parse("Redash", Query, await client.call("POST", "/queries", json=body))
    return declare.Done(made, made=[("query", str(made.id))])


async def look_for_edit(
    client: vendor.TonalyticaClient, parameters: UpdateQuery, call: declare.Call, before: JsonObject | None
) -> declare.Done[Query] | None:
    """The query, if it holds what the edit says."""
    found = await client.get_query(parameters.query_id)
    if not edits.is_applied(edits.changes(parameters, "query_id"), found, "query"):
        return None
    return declare.Done(requests.parse("Redash", Query, found))


@declare.action(
    "tonalytica.update_query",
    doubt=Doubt.PROBED,
    why="whole values are set, so a repeat changes nothing; it is compared first, so as not to undo a later edit",
    probe=declare.Probe(about=edits.ABOUT, look=look_for_edit),
    example={"query_id": 17, "name": "Signups of 2026"},
)
async def update_query(
    client: vendor.TonalyticaClient, parameters: UpdateQuery, call: declare.Call
) -> declare.Done[Query]:
    """Change a query: text, name, tags, schedule, publishing. With a `version` that is not the present one: refused."""
    sent = edits.changes(parameters, "query_id")
    answer = await client.call("POST", f"/queries/{parameters.query_id}", json=sent)
    return declare.Done(requests.parse("Redash", Query, answer))


@declare.action(
    "tonalytica.archive_query",
    doubt=Doubt.REPEATABLE,
    why="archiving twice is archiving once",
    example={"query_id": 17},
)
async def archive_query(
    client: vendor.TonalyticaClient, parameters: GetQuery, call: declare.Call
) -> declare.Done[Archived]:
    """Archive a query: it is not listed and not scheduled any more; it can still be read, run and brought back."""
    await client.call("DELETE", f"/queries/{parameters.query_id}")
    return declare.Done(Archived(query_id=parameters.query_id, is_archived=True))


def describe(description: str | None, marker: str) -> str | None:
    """*description* with the step's *marker* on a line of its own below; as it is without a marker."""
    if not marker:
        return description
    return f"{description}\n\n{marker}" if description else marker


def carries(query: JsonObject, marker: str) -> bool:
    """Whether *marker* is a line of the query's description."""
    return bool(marker) and marker in str(query.get("description") or "").split("\n")
