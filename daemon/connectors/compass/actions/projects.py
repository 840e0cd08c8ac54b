"""Projects: each is one set of documents, classifiers, topics and messages."""

from typing import Literal

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes
from daemon.contract import declare, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

Status = Literal["active", "inactive"]


class ListProjects(shapes.Limited):
    """Which projects."""

    account: str | None = Field(None, description="Only those of the account with this id.")
    status: Status | None = Field(None, description="Only `active` or only `inactive` ones.")


class CreateProject(declare.Parameters):
    """A new project."""

    name: str = Field(description="Its name; several may have the same.", min_length=1)
    account: str = Field(description="The id of the account that is to own it.", min_length=1)
    language: str = Field(description="The language of its messages, two letters.", min_length=1)
    description: str | None = Field(
        None, description="Notes about it; a short mark of this step is added, `[pointsman …]`."
    )
    status: Status = Field("active", description="An `inactive` one takes no new messages.")


class UpdateProject(shapes.InProject, shapes.Changes):
    """Which project, and what to change of it."""

    name: str | None = Field(None, description="Its name.", min_length=1)
    description: str | None = Field(None, description="Notes about it.")
    status: Status | None = Field(None, description="An `inactive` one takes no new messages.")


class Project(declare.Result):
    """A project."""

    id: str = Field(description="Its id: the last part of its `url`.")
    url: str = Field(description="Its address.")
    name: str | None = Field(None, description="Its name.")
    account: str | None = Field(None, description="The id of the account that owns it.")
    description: str | None = Field(None, description="Notes about it.")
    language: str | None = Field(None, description="The language of its messages, two letters.")
    status: str | None = Field(None, description="`active` or `inactive`.")
    creator: str | None = Field(None, description="The name of the user who made it.")
    created: str | None = Field(None, description="When it was made, ISO 8601.")


class Projects(declare.Result):
    """Projects."""

    count: int = Field(description="How many there are.")
    projects: list[Project] = Field(description="The projects.")


@declare.action(
    "compass.list_projects", doubt=Doubt.REPEATABLE, why="it only reads", example={"status": "active"}
)
async def list_projects(
    client: vendor.CompassClient, parameters: ListProjects, call: declare.Call
) -> declare.Done[Projects]:
    """List the projects that the account's user may see."""
    query = shapes.query(parameters, "account", "status")
    found = await client.list_some(vendor.path("projects"), query, parameters.limit)
    projects = [shapes.named(one) for one in found.objects]
    return declare.Done(requests.parse("Compass", Projects, {"count": found.count, "projects": projects}))


async def look_for_project(
    client: vendor.CompassClient, parameters: CreateProject, call: declare.Call, before: JsonObject | None
) -> declare.Done[Project] | None:
    """Adopt the project of the account whose description holds this step's mark."""
    for one in await client.list_all(vendor.path("projects"), {"account": parameters.account}):
        if mark(call) in str(one.get("description") or ""):
            return _made(one)
    return None


@declare.action(
    "compass.create_project",
    doubt=Doubt.PROBED,
    why="names may repeat; it is looked for by the step's mark in its description",
    probe=declare.Probe(
        about="whether one of the account's projects has this step's mark in its description",
        look=look_for_project,
        relies_on_marker=lambda _parameters: True,
    ),
    example={"name": "Complaints", "account": "6ab3311b", "language": "en"},
)
async def create_project(
    client: vendor.CompassClient, parameters: CreateProject, call: declare.Call
) -> declare.Done[Project]:
    """Make a project."""
    body = shapes.given(parameters, "name", "account", "language", "description", "status")
    if call.marker:
        body["description"] = f"{parameters.description or ''} {mark(call)}".strip()
    return _made(await client.write("POST", vendor.path("projects"), body))


@declare.action(
    "compass.get_project", doubt=Doubt.REPEATABLE, why="it only reads", example={"project_id": "ab12cd34"}
)
async def get_project(
    client: vendor.CompassClient, parameters: shapes.InProject, call: declare.Call
) -> declare.Done[Project]:
    """Read one project."""
    return declare.Done(_read(await client.read(_path(parameters))))


@declare.action(
    "compass.update_project",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"project_id": "ab12cd34", "name": "Feedback of 2026"},
)
async def update_project(
    client: vendor.CompassClient, parameters: UpdateProject, call: declare.Call
) -> declare.Done[Project]:
    """Change a project's name, description or status."""
    return _made(await client.write("PUT", _path(parameters), shapes.changed(parameters)))


@declare.action(
    "compass.delete_project",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"project_id": "2535599e"},
)
async def delete_project(
    client: vendor.CompassClient, parameters: shapes.InProject, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete a project and everything in it. One that is not there is no error."""
    return await shapes.delete(client, _path(parameters), call)


def mark(call: declare.Call) -> str:
    """What a description carries, so that a later look recognises it."""
    return f"[pointsman {call.marker}]"


def _made(given: JsonObject) -> declare.Done[Project]:
    project = _read(given)
    return declare.Done(project, made=[("project", project.id)])


def _read(given: JsonObject) -> Project:
    return requests.parse("Compass", Project, shapes.named(given))


def _path(parameters: shapes.InProject) -> str:
    return vendor.path("projects", parameters.project_id)
