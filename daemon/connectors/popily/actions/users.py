"""Users: accounts of one's own application's people, each with sources and insights of its own."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.connectors.popily import client as popily
from daemon.connectors.popily.actions import finding
from daemon.contract import declare, errors, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class CreateUser(declare.Parameters):
    """A user to make."""

    username: str = Field(description="The user's name, unique.", min_length=1)
    email: str | None = Field(
        None, description="An e-mail address; one that shall use Popily's pages needs it."
    )
    groups_member: list[Any] | None = Field(
        None, description="Groups that the user shall belong to, beside the default one."
    )


class ListUsers(declare.Parameters):
    """All users of the account."""


class User(BaseModel):
    """A user as the API shows it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: int | str = Field(description="The user's id.")
    username: str | None = Field(None, description="The user's name; Popily forces it to be unique.")
    email: str | None = Field(None, description="The user's e-mail address.")
    groups_member: list[Any] | None = Field(None, description="Groups that the user belongs to.")
    token: secrets.SecretText | None = Field(None, description="The user's own API token. Blanked.")


class UserResult(declare.Result, User):
    """A user as the API shows it."""


class Users(declare.Result):
    """Users of the account."""

    users: list[User] = Field(description="The users, in Popily's order.")


async def note_users(client: popily.PopilyClient, parameters: CreateUser) -> JsonObject:
    """The highest id of a user before the call, and whether the name was taken."""
    users = await client.pages(popily.USERS, {})
    taken = any(user.get("username") == parameters.username for user in users)
    return {"last_id": finding.last_id(users), "taken": taken}


async def look_for_user(
    client: popily.PopilyClient, parameters: CreateUser, call: declare.Call, before: JsonObject | None
) -> declare.Done[UserResult] | None:
    """The user that an earlier try made."""
    users = await client.pages(popily.USERS, {})
    found = finding.choose_user(users, parameters.username, before)
    return _made(found) if found is not None else None


@declare.action(
    "popily.create_user",
    doubt=Doubt.PROBED,
    why="a second POST would be refused, or make a second user of an altered name",
    probe=declare.Probe(
        about="a user of exactly that name, newer than those that were there before the call",
        look=look_for_user,
        note=note_users,
        lock=lambda parameters: f"user/{parameters.username}",
    ),
    example={"username": "grace", "email": "grace@example.com"},
)
async def create_user(
    client: popily.PopilyClient, parameters: CreateUser, call: declare.Call
) -> declare.Done[UserResult]:
    """Make a user, whose sources and insights this account can reach."""
    fields = parameters.model_dump(exclude_none=True)
    return _made(popily.as_record((await client.send("POST", popily.USERS, json=fields)).json()))


@declare.action("popily.list_users", doubt=Doubt.REPEATABLE, why="it only reads")
async def list_users(
    client: popily.PopilyClient, parameters: ListUsers, call: declare.Call
) -> declare.Done[Users]:
    """List all users of the account, page after page."""
    found = await client.pages(popily.USERS, {})
    return declare.Done(Users(users=[requests.parse("Popily", User, one) for one in found]))


def _made(user: JsonObject) -> declare.Done[UserResult]:
    if "id" not in user:
        raise errors.StrangeAnswer("the new user has no id. Is base_url right?")
    result = requests.parse("Popily", UserResult, user)
    return declare.Done(result, made=[("user", str(result.id))])
