"""Searching all queries and their results for a term (the client's ``gdpr-scrub``).

One request for each query that has a result, at the account's own rate.
"""

import asyncio
from collections.abc import Callable
from typing import Literal

from pydantic import Field

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica import events
from daemon.connectors.tonalytica.actions import boards
from daemon.connectors.tonalytica.actions.queries import READS
from daemon.connectors.tonalytica.events import rows
from daemon.contract import declare, errors
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

IN_QUERY = ("name", "description", "query")
LOOKS = 2  # at a result that answers 500: the service may only have stumbled
Contains = Callable[[str], bool]


class SearchResults(declare.Parameters):
    """What to search for, and where."""

    term: str = Field(description="The text to search for, such as an address or a name.", min_length=1)
    case_sensitive: bool = Field(False, description="Whether capitals count.")
    results: bool = Field(True, description="Whether latest results are searched too: a request for each.")
    archived: bool = Field(False, description="Whether archived queries are searched too.")
    dashboards: bool = Field(
        False, description="Whether names and texts of dashboards are searched too: a request for each."
    )


class Hit(declare.Result):
    """A query that refers to the term."""

    query_id: int = Field(description="The query.")
    name: str = Field(description="Its name.")
    url: str = Field(description="Its page.")
    found_in: list[Literal["name", "description", "query", "result"]] = Field(
        description="Where the term was found."
    )
    query_result_id: int | None = Field(None, description="The result that was searched.")
    rows: int = Field(0, description="How many of the result's rows hold the term.")


class DashboardHit(declare.Result):
    """A dashboard that refers to the term."""

    dashboard_id: int = Field(description="The dashboard's number.")
    name: str = Field(description="Its name.")
    url: str = Field(description="Its page.")
    found_in: list[Literal["name", "text"]] = Field(description="Where the term was found.")


class Unreadable(declare.Result):
    """A query whose result could not be searched."""

    query_id: int = Field(description="The query.")
    error: str = Field(description="Why not.")


class Hits(declare.Result):
    """What a search has found."""

    found: list[Hit] = Field(description="The queries that refer to the term.")
    dashboards: list[DashboardHit] = Field(description="The dashboards that do, if they were searched.")
    queries: int = Field(description="How many queries were searched.")
    results: int = Field(description="How many results were searched; a query with parameters has none here.")
    unreadable: list[Unreadable] = Field(description="Queries whose results could not be searched.")


@declare.action("tonalytica.search_results", doubt=Doubt.REPEATABLE, why=READS, example={"term": "signups"})
async def search_results(
    client: vendor.TonalyticaClient, parameters: SearchResults, call: declare.Call
) -> declare.Done[Hits]:
    """Search the text of all queries and their latest results for a term, and list the queries that refer to it."""
    contains = matcher(parameters.term, case_sensitive=parameters.case_sensitive)
    hits = Hits(found=[], dashboards=[], queries=0, results=0, unreadable=[])
    for query in await client.list_every_query(archived=parameters.archived):
        hits.queries += 1
        places: list[Literal["name", "description", "query", "result"]] = [
            place for place in ("name", "description", "query") if contains(str(query.get(place) or ""))
        ]
        result_id = events.latest_result_id(query) if parameters.results else None
        count = await _count_rows(client, query, result_id, contains, hits) if result_id is not None else 0
        if places or count:
            hits.found.append(
                Hit(
                    query_id=query["id"],
                    name=str(query.get("name") or ""),
                    url=client.page_of(f"/queries/{query['id']}"),
                    found_in=[*places, "result"] if count else places,
                    query_result_id=result_id,
                    rows=count,
                )
            )
    if parameters.dashboards:
        hits.dashboards = await _search_dashboards(client, contains)
    return declare.Done(hits)


async def _search_dashboards(client: vendor.TonalyticaClient, contains: Contains) -> list[DashboardHit]:
    hits: list[DashboardHit] = []
    for listed in (await client.list_pages("/dashboards", {}, vendor.EVERY)).results:
        found = await boards.find(client, int(listed["id"]), str(listed.get("slug") or ""))
        board, name = found.fields, str(found.fields.get("name") or "")
        places: list[Literal["name", "text"]] = ["name"] if contains(name) else []
        if any(contains(str(one.get("text") or "")) for one in board.get("widgets") or []):
            places.append("text")
        if places:
            page = client.page_of(found.page)
            hits.append(DashboardHit(dashboard_id=board["id"], name=name, url=page, found_in=places))
    return hits


def matcher(term: str, *, case_sensitive: bool) -> Contains:
    """Whether a text holds *term*."""
    if case_sensitive:
        return lambda text: term in text
    folded = term.casefold()
    return lambda text: folded in text.casefold()


async def _count_rows(
    client: vendor.TonalyticaClient, query: JsonObject, result_id: int, contains: Contains, hits: Hits
) -> int:
    try:
        raw = await _read(client, result_id, int(query["id"]))
        count = await asyncio.to_thread(count_rows, raw, contains)
    except (errors.ServiceError, rows.BrokenResult) as broken:
        if isinstance(broken, errors.TemporaryError) and broken.status != 500:
            raise
        hits.unreadable.append(Unreadable(query_id=query["id"], error=str(broken)))
        return 0
    hits.results += 1
    return count


async def _read(client: vendor.TonalyticaClient, result_id: int, query_id: int) -> bytes:
    """The result. One 500 is bad luck, two are this result's own (observed: some stay so)."""
    for _ in range(LOOKS - 1):
        try:
            return await client.get_raw_result(result_id, query_id)
        except errors.TemporaryError as failed:
            if failed.status != 500:
                raise
    return await client.get_raw_result(result_id, query_id)


def count_rows(raw: bytes, contains: Contains) -> int:
    """How many rows of the result in *raw* hold the term in one of their values."""
    return sum(1 for row in rows.each(raw) if any(contains(_plain(value)) for value in row.values()))


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else jsons.dumps(value)
