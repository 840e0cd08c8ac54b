"""Dashboards: find them, read them, make them, edit them, archive them.

A dashboard is named by its number or its slug, on every version of the service; ``boards`` knows which goes where.
"""

from typing import Any

from pydantic import Field

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica.actions import boards, edits
from daemon.connectors.tonalytica.actions.queries import READS
from daemon.contract import declare, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

LONGEST_NAME = 100  # characters, of the column that holds it (Redash source); a longer one is a 500
NAME_OR_NUMBER = "^[A-Za-z0-9_-]+$"  # nothing else stands in a slug (Redash source)


class Dashboard(declare.Result):
    """A dashboard."""

    id: int = Field(description="The dashboard's number.")
    slug: str = Field("", description="The part of its address that is made from its name.")
    name: str = Field("", description="Its name.")
    user_id: int | None = Field(None, description="The user who made it.")
    widgets: list[dict[str, Any]] | None = Field(
        None, description="What stands on it: texts and visualizations with their places; null in lists."
    )
    layout: Any = Field(None, description="The order of its widgets, on old servers.")
    options: dict[str, Any] | None = Field(None, description="Its options; older servers have none.")
    tags: list[str] | None = Field(None, description="Its tags.")
    dashboard_filters_enabled: bool | None = Field(None, description="Whether it has filters of its own.")
    is_archived: bool | None = Field(None, description="Whether it is archived.")
    is_draft: bool | None = Field(None, description="Whether it is still a draft.")
    version: int | None = Field(None, description="Counts its edits; an edit may name it.")
    public_url: secrets.SecretText | None = Field(None, description="Its shared link, which holds a key.")
    api_key: secrets.SecretText | None = Field(None, description="The key of its shared link; a secret.")


class Dashboards(declare.Result):
    """Dashboards found."""

    count: int = Field(description="How many there are in all, of which `limit` may have cut some off.")
    results: list[Dashboard] = Field(description="The dashboards, without their widgets.")


class GetDashboard(declare.Parameters):
    """Which dashboard."""

    dashboard_id: str = Field(
        description="Its number or its slug, such as `7` or `sales-board`.", pattern=NAME_OR_NUMBER
    )


class ListDashboards(declare.Parameters):
    """Which dashboards."""

    q: str | None = Field(None, description="Words to search names for.")
    order: str | None = Field(None, description="A field to sort by, `-` before it for the other way round.")
    tags: list[str] | None = Field(None, description="Tags that all of them carry.")
    limit: int = Field(1000, description="At most so many; pages are followed by themselves.", ge=1)


class CreateDashboard(declare.Parameters):
    """A new dashboard. The service takes nothing but its name; `update_dashboard` does the rest."""

    name: str = Field(description="Its name.", min_length=1, max_length=LONGEST_NAME)


class UpdateDashboard(GetDashboard):
    """What to change: only what is given here changes."""

    name: str | None = Field(None, description="Its name.", min_length=1, max_length=LONGEST_NAME)
    layout: list[Any] | None = Field(None, description="The order of its widgets, on old servers.")
    options: JsonObject | None = Field(None, description="Its options.")
    tags: list[str] | None = Field(None, description="Its tags, all of them.")
    dashboard_filters_enabled: bool | None = Field(None, description="Whether it has filters of its own.")
    is_draft: bool | None = Field(None, description="False publishes it.")
    is_archived: bool | None = Field(None, description="True archives it, false brings it back.")
    version: int | None = Field(
        None, description="The version that you have seen: the edit is refused if it is not the present one."
    )


@declare.action(
    "tonalytica.list_dashboards", doubt=Doubt.REPEATABLE, why=READS, example={"order": "name", "limit": 20}
)
async def list_dashboards(
    client: vendor.TonalyticaClient, parameters: ListDashboards, call: declare.Call
) -> declare.Done[Dashboards]:
    """List dashboards, newest first unless `order` says otherwise."""
    asked = parameters.model_dump(include={"q", "order", "tags"}, exclude_none=True)
    page = await client.list_pages("/dashboards", asked, parameters.limit)
    return declare.Done(requests.parse("Redash", Dashboards, page.model_dump()))


@declare.action("tonalytica.get_dashboard", doubt=Doubt.REPEATABLE, why=READS, example={"dashboard_id": "1"})
async def get_dashboard(
    client: vendor.TonalyticaClient, parameters: GetDashboard, call: declare.Call
) -> declare.Done[Dashboard]:
    """Read one dashboard with its widgets, by number or by slug."""
    found = await boards.get(client, parameters.dashboard_id)
    return declare.Done(requests.parse("Redash", Dashboard, found))


async def note_names(client: vendor.TonalyticaClient, parameters: CreateDashboard) -> JsonObject:
    """Who we are, and the dashboards that have the name already."""
    return await boards.note(client, parameters.name)


async def look_for_dashboard(
    client: vendor.TonalyticaClient,
    parameters: CreateDashboard,
    call: declare.Call,
    before: JsonObject | None,
) -> declare.Done[Dashboard] | None:
    """The dashboard of that name that our user has made since the first try."""
    number = await boards.find_new(client, parameters.name, before or {})
    if number is None:
        return None
    found = requests.parse("Redash", Dashboard, (await boards.find(client, number)).fields)
    return declare.Done(found, made=[("dashboard", str(number))])


@declare.action(
    "tonalytica.create_dashboard",
    doubt=Doubt.PROBED,
    why="names may repeat; one of that name that our user has made since the first try is ours",
    probe=declare.Probe(
        about="the dashboards of that name are compared with those there were before the first try; a new one of "
        "our own user is ours",
        note=note_names,
        lock=lambda parameters: f"dashboard:{parameters.name}",
        look=look_for_dashboard,
    ),
    example={"name": "Openings"},
)
async def create_dashboard(
    client: vendor.TonalyticaClient, parameters: CreateDashboard, call: declare.Call
) -> declare.Done[Dashboard]:
    """Make an empty dashboard, as a draft."""
    answer = await client.call("POST", "/dashboards", json={"name": parameters.name})
    made = requests.parse("Redash", Dashboard, answer)
    return declare.Done(made, made=[("dashboard", str(made.id))])


async def look_for_edit(
    client: vendor.TonalyticaClient,
    parameters: UpdateDashboard,
    call: declare.Call,
    before: JsonObject | None,
) -> declare.Done[Dashboard] | None:
    """The dashboard, if it holds what the edit says."""
    found = await boards.get(client, parameters.dashboard_id)
    if not edits.is_applied(edits.changes(parameters, "dashboard_id"), found, "dashboard"):
        return None
    return declare.Done(requests.parse("Redash", Dashboard, found))


@declare.action(
    "tonalytica.update_dashboard",
    doubt=Doubt.PROBED,
    why="every edit counts up its version, so a repeat that names one would be refused; it is compared instead",
    probe=declare.Probe(about=edits.ABOUT, look=look_for_edit),
    example={"dashboard_id": "1", "name": "Signups of 2026"},
)
async def update_dashboard(
    client: vendor.TonalyticaClient, parameters: UpdateDashboard, call: declare.Call
) -> declare.Done[Dashboard]:
    """Change a dashboard: name, tags, layout, publishing. With a `version` that is not the present one: refused."""
    sent = edits.changes(parameters, "dashboard_id")
    answer = await boards.edit(client, parameters.dashboard_id, sent)
    return declare.Done(requests.parse("Redash", Dashboard, answer))


@declare.action(
    "tonalytica.archive_dashboard",
    doubt=Doubt.REPEATABLE,
    why="archiving twice is archiving once",
    example={"dashboard_id": "1"},
)
async def archive_dashboard(
    client: vendor.TonalyticaClient, parameters: GetDashboard, call: declare.Call
) -> declare.Done[Dashboard]:
    """Archive a dashboard: it is not listed any more, and can be brought back by an edit."""
    answer = await boards.archive(client, parameters.dashboard_id)
    return declare.Done(requests.parse("Redash", Dashboard, answer))
