"""Copying a dashboard whole: its queries, their visualizations, its widgets.

It is the client's script ``clone-dashboard-and-queries``. A copy is many requests: whatever cuts it short, the look
finds the dashboard that was made and the queries that carry the step's mark, and makes only what is missing.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica.actions import boards, dashboards, queries
from daemon.contract import declare, errors
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

COPIED = (
    "query",
    "data_source_id",
)  # of a query, as they are, beside options and tags; a schedule is not copied
LONGEST_QUERY_NAME = 255  # characters, of the column that holds it (Redash source)
SHOWN = ("type", "name", "description", "options")  # what makes one visualization of a query like another


class CloneDashboard(dashboards.GetDashboard):
    """Which dashboard, and what its copy is called."""

    name: str | None = Field(
        None,
        description="The copy's name; `Copy of NAME` if none is given.",
        min_length=1,
        max_length=dashboards.LONGEST_NAME,
    )


class CopiedQuery(declare.Result):
    """A query and its copy."""

    query_id: int = Field(description="The query that was copied.")
    copy_id: int = Field(description="Its copy.")
    name: str = Field(
        description="The copy's name, `Copy of (#ID) NAME`, as the service itself names copies."
    )


class Clone(declare.Result):
    """A copied dashboard."""

    dashboard_id: int = Field(description="The copy's number.")
    slug: str = Field("", description="The part of its address that is made from its name.")
    name: str = Field(description="Its name.")
    queries: list[CopiedQuery] = Field(description="The queries behind it, each copied once.")
    widgets: int = Field(description="How many widgets it has.")
    skipped: list[int] = Field(
        description="Widgets of the original that are not copied: our user may not see their queries."
    )


@dataclass(frozen=True, slots=True)
class Copying:
    """A copy under way, its queries marked with *marker*."""

    client: vendor.TonalyticaClient
    marker: str

    async def make(self, path: str, body: JsonObject) -> JsonObject:
        """What a POST to *path* has made."""
        return await self.client.call("POST", path, json=body)

    async def complete(
        self,
        source: JsonObject,
        originals: Sequence[JsonObject],
        board: JsonObject,
        copies: Mapping[int, JsonObject],
    ) -> declare.Done[Clone]:
        """Make what *board* lacks to be like *source*, behind which stand *originals*; *copies* are those of them that
        are copied already."""
        shown: dict[int, int] = {}
        copied: list[CopiedQuery] = []
        for query in originals:
            copy = copies.get(_number(query)) or await self._copy_query(query)
            shown |= await self._copy_visualizations(query, copy)
            name = str(copy.get("name", ""))
            copied.append(CopiedQuery(query_id=_number(query), copy_id=_number(copy), name=name))
        count = await self._copy_widgets(source, board, shown)
        await self._copy_settings(source, board)
        result = Clone(
            dashboard_id=board["id"],
            slug=board.get("slug") or "",
            name=board.get("name") or "",
            queries=copied,
            widgets=count,
            skipped=[int(one["id"]) for one in widgets(source) if is_restricted(one)],
        )
        made = [("dashboard", str(board["id"])), *[("query", str(one.copy_id)) for one in copied]]
        return declare.Done(result, made=made)

    async def _copy_query(self, query: JsonObject) -> JsonObject:
        body = {name: query.get(name) for name in COPIED}
        body |= {"options": query.get("options") or {}, "tags": query.get("tags") or []}
        body["name"] = f"Copy of (#{query['id']}) {query.get('name', '')}"[:LONGEST_QUERY_NAME]
        body["description"] = queries.describe(query.get("description"), mark(self.marker, int(query["id"])))
        return await self.make("/queries", body)

    async def _copy_visualizations(self, query: JsonObject, copy: JsonObject) -> dict[int, int]:
        """The number of each visualization of *query*, and of the one of *copy* that is like it. A new query has a
        table from the start."""
        present = copy.get("visualizations")
        if present is None:  # lists do not tell them
            present = (await self.client.get_query(int(copy["id"]))).get("visualizations") or []
        left = sorted(present, key=_number)
        pairs: dict[int, int] = {}
        for one in sorted(query.get("visualizations") or [], key=_number):
            like = _take_like(left, one, SHOWN)
            if like is None:
                body = {**{name: one.get(name) for name in SHOWN}, "query_id": copy["id"]}
                like = await self.make("/visualizations", body)
            pairs[_number(one)] = _number(like)
        return pairs

    async def _copy_widgets(self, source: JsonObject, board: JsonObject, shown: Mapping[int, int]) -> int:
        left = [_place(one, _number(one.get("visualization") or {})) for one in widgets(board)]
        count = 0
        for one in widgets(source):
            if is_restricted(one):
                continue
            number = _number(one.get("visualization") or {})
            wanted = _place(one, shown.get(number, 0))
            if wanted in left:
                left.remove(wanted)
            else:
                body = {**wanted, "dashboard_id": board["id"], "width": one.get("width", 1)}
                await self.make("/widgets", body)
            count += 1
        return count

    async def _copy_settings(self, source: JsonObject, board: JsonObject) -> None:
        names = ("tags", "dashboard_filters_enabled", "options")
        unlike = {one: source[one] for one in names if source.get(one) and source[one] != board.get(one)}
        if unlike:
            await boards.edit(self.client, str(board["id"]), unlike)


def name_copy(parameters: CloneDashboard, source: JsonObject) -> str:
    """What the copy of *source* is called."""
    return (parameters.name or f"Copy of {source.get('name', '')}")[: dashboards.LONGEST_NAME]


def query_ids(board: JsonObject) -> list[int]:
    """The queries behind *board*'s widgets, each once, in their order."""
    found = [one.get("visualization") for one in widgets(board) if not is_restricted(one)]
    return list(dict.fromkeys(_number(one.get("query") or {}) for one in found if one))


def widgets(board: JsonObject) -> list[JsonObject]:
    """What stands on *board*, in the order in which it was put there."""
    return sorted(board.get("widgets") or [], key=_number)


def is_restricted(widget: JsonObject) -> bool:
    """Whether our user may not see what the widget shows (Redash source)."""
    return bool(widget.get("restricted"))


def mark(marker: str, query_id: int) -> str:
    """The line in a copy's description by which it is known again."""
    return f"{marker}/{query_id}" if marker else ""


def _number(thing: Mapping[str, Any]) -> int:
    found = thing.get("id")
    return found if isinstance(found, int) else 0


def _place(widget: JsonObject, visualization: int) -> JsonObject:
    """What is sent to put a widget like this one on a dashboard."""
    options = jsons.as_object(widget.get("options"))
    return {"visualization_id": visualization or None, "text": widget.get("text") or "", "options": options}


def _take_like(left: list[JsonObject], wanted: JsonObject, names: tuple[str, ...]) -> JsonObject | None:
    for index, one in enumerate(left):
        if all((one.get(name) or None) == (wanted.get(name) or None) for name in names):
            return left.pop(index)
    return None


async def note_both(client: vendor.TonalyticaClient, parameters: CloneDashboard) -> JsonObject:
    """Who we are, the dashboards that have the name already, and the newest query."""
    name = parameters.name
    if name is None:
        name = name_copy(parameters, await boards.get(client, parameters.dashboard_id))
    newest = await client.get_newest_query_id()
    return {**await boards.note(client, name), "name": name, "newest_query_id": newest}


async def look_for_clone(
    client: vendor.TonalyticaClient, parameters: CloneDashboard, call: declare.Call, before: JsonObject | None
) -> declare.Done[Clone] | None:
    """The copy, made whole if it was cut short; None where nothing of it is there."""
    noted = before or {}
    source = await boards.get(client, parameters.dashboard_id)
    name = str(noted.get("name") or name_copy(parameters, source))
    number = await boards.find_new(client, name, noted)
    copies = await _find_copies(client, call.marker, int(noted.get("newest_query_id", 0)))
    if number is None and not copies:
        return None
    if number is None:
        numbers = ", ".join(str(one["id"]) for one in copies.values())
        raise errors.Unclear(f"queries were copied ({numbers}), but there is no new dashboard {name!r}")
    board = (await boards.find(client, number)).fields
    originals = await read_queries(client, source)
    return await _resumable(Copying(client, call.marker).complete(source, originals, board, copies))


async def _find_copies(client: vendor.TonalyticaClient, marker: str, newest: int) -> dict[int, JsonObject]:
    copies: dict[int, JsonObject] = {}
    for query in await client.list_newer_queries(newest):
        for line in str(query.get("description") or "").split("\n"):
            start, slash, number = line.rpartition("/")
            if not (marker and slash and start == marker and number.isdigit()):
                continue
            if int(number) in copies:
                twins = f"{copies[int(number)]['id']} and {query['id']}"
                raise errors.Unclear(f"query {number} was copied twice by this step: {twins}")
            copies[int(number)] = query
    return copies


async def _resumable(copying: Awaitable[declare.Done[Clone]]) -> declare.Done[Clone]:
    """What *copying* makes. Once part of it stands, no failure may lead to a second copy: it leads to a look."""
    try:
        return await copying
    except errors.TemporaryError as failed:
        failed.in_doubt = True
        raise


async def read_queries(client: vendor.TonalyticaClient, board: JsonObject) -> list[JsonObject]:
    """The queries behind *board*, whole. :class:`PermanentError` for one that cannot be copied: before anything is
    made, where the service would answer 500 (observed)."""
    found = [await client.get_query(query_id) for query_id in query_ids(board)]
    for query in found:
        if query.get("data_source_id") is None:
            said = f"query {query.get('id')} has no data source any more, and cannot be copied"
            raise errors.PermanentError(said)
    return found


@declare.action(
    "tonalytica.clone_dashboard",
    doubt=Doubt.PROBED,
    why="a copy is many requests; what was made is known by its name and the mark, and the rest is made",
    probe=declare.Probe(
        about="a new dashboard of that name and the queries with this step's mark are looked for; what they lack is "
        "made",
        note=note_both,
        lock=lambda parameters: f"dashboard:{parameters.name or 'copy of ' + parameters.dashboard_id}",
        look=look_for_clone,
        relies_on_marker=lambda _parameters: True,
    ),
    example={"dashboard_id": "1", "name": "Signups of 2026"},
)
async def clone_dashboard(
    client: vendor.TonalyticaClient, parameters: CloneDashboard, call: declare.Call
) -> declare.Done[Clone]:
    """Copy a dashboard with its queries, their visualizations and its widgets. The copy and its queries are drafts;
    schedules are not copied."""
    source = await boards.get(client, parameters.dashboard_id)
    originals = await read_queries(client, source)
    copying = Copying(client, call.marker)
    board = await copying.make("/dashboards", {"name": name_copy(parameters, source)})
    return await _resumable(copying.complete(source, originals, board, {}))
