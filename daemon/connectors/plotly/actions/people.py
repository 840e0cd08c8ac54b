"""What people do on Plotly: who they are, what they say of a file, how grids are searched."""

from typing import Any

from pydantic import Field

from daemon.connectors.plotly.actions import cells, files
from daemon.connectors.plotly.client import PlotlyClient
from daemon.contract import declare, http, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class GetUser(declare.Parameters):
    """Whom."""

    username: str | None = Field(
        None, description="A user's name; the account's own by default.", min_length=1
    )


class User(declare.Result):
    """A user, as far as the account may know."""

    username: str = Field(description="The user's name, the first part of each of their files' ids.")
    email: str | None = Field(None, description="The address; only one's own is told.")


@declare.action("plotly.get_user", doubt=Doubt.REPEATABLE, why="it only reads", example={"username": "ada"})
async def get_user(client: PlotlyClient, parameters: GetUser, call: declare.Call) -> declare.Done[User]:
    """Read what is known of a user."""
    name = parameters.username or "current"
    found = await client.call("GET", f"/users/{http.segment(name)}")
    return declare.Done(requests.parse("Plotly", User, found))


class ListUsers(declare.Parameters):
    """How many."""

    limit: int = Field(100, description="How many at most.", ge=1, le=files.MOST)


class Users(declare.Result):
    """Users of the server."""

    users: list[User] = Field(description="The users.")
    more: bool = Field(description="Whether there are more than were asked for.")


@declare.action("plotly.list_users", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 20})
async def list_users(client: PlotlyClient, parameters: ListUsers, call: declare.Call) -> declare.Done[Users]:
    """List users, as far as the account may know them."""
    found, more = await client.pages("/users", {}, parameters.limit)
    return declare.Done(requests.parse("Plotly", Users, {"users": found, "more": more}))


class Search(declare.Parameters):
    """What to look for."""

    q: str = Field(description="Words that a grid's metadata must hold.", min_length=1)
    limit: int = Field(100, description="How many at most.", ge=1, le=files.MOST)


@declare.action("plotly.search", doubt=Doubt.REPEATABLE, why="it only reads", example={"q": "signups"})
async def search(client: PlotlyClient, parameters: Search, call: declare.Call) -> declare.Done[files.Files]:
    """Search grids by their metadata. Names and contents are not searched (Plotly API text)."""
    found, more = await client.pages("/search", {"q": parameters.q}, parameters.limit)
    return declare.Done(requests.parse("Plotly", files.Files, {"files": found, "more": more}))


class CreateComment(declare.Parameters):
    """A comment on a file."""

    fid: cells.Fid
    comment: str = Field(description="What is said.", min_length=1)
    fields: JsonObject = Field({}, description="Further fields of the body, for servers that want them.")


class Comment(declare.Result):
    """A comment, as Plotly tells it."""

    id: Any = Field(None, description="The comment's id, by which it is deleted.")


@declare.action(
    "plotly.create_comment",
    doubt=Doubt.UNSAFE,
    why="a second call would say it twice, and comments cannot be listed to see whether the first did",
    example={"fid": "ada:0", "comment": "Oslo is ahead again."},
)
async def create_comment(
    client: PlotlyClient, parameters: CreateComment, call: declare.Call
) -> declare.Done[Comment]:
    """Comment on a file.

    Plotly's text names the endpoint and not its fields; `fid` and `comment` are the likely ones, and `fields`
    adds to them.
    """
    body = {"fid": parameters.fid, "comment": parameters.comment, **parameters.fields}
    made = Comment.model_validate(await client.call("POST", "/comments", json=body))
    return declare.Done(made, made=[("comment", str(made.id))] if made.id is not None else [])


class DeleteComment(declare.Parameters):
    """Which comment."""

    comment_id: str = Field(description="The comment's id, as `create_comment` answers it.", min_length=1)


class DeletedComment(declare.Result):
    """What is gone."""

    comment_id: str = Field(description="The id that the comment had.")
    deleted: bool = Field(True, description="True: it is gone for good.")
    existed: bool = Field(description="Whether it was still there when it was deleted.")


@declare.action(
    "plotly.delete_comment",
    doubt=Doubt.REPEATABLE,
    why="a comment can be deleted only once",
    example={"comment_id": "1"},
)
async def delete_comment(
    client: PlotlyClient, parameters: DeleteComment, call: declare.Call
) -> declare.Done[DeletedComment]:
    """Delete a comment. One that is not there is no error."""
    deleting = client.call("DELETE", f"/comments/{http.segment(parameters.comment_id)}")
    there = await files.existed(client, deleting)
    return declare.Done(DeletedComment(comment_id=parameters.comment_id, deleted=True, existed=there))


class ListEndpoints(declare.Parameters):
    """Nothing need be said."""


class Endpoints(declare.Result):
    """What the server offers."""

    endpoints: JsonObject = Field(description="Addresses by the name of their family.")


@declare.action("plotly.list_endpoints", doubt=Doubt.REPEATABLE, why="it only reads")
async def list_endpoints(
    client: PlotlyClient, parameters: ListEndpoints, call: declare.Call
) -> declare.Done[Endpoints]:
    """List the families of endpoints that the server has: on-premise servers differ."""
    return declare.Done(Endpoints(endpoints=await client.call("GET", "/")))
