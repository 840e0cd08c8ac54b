"""Users: people who may log in, each named by an e-mail address. ``passwords`` beside this file changes how."""

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes
from daemon.connectors.compass.actions.permissions import Permission
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class CreateUser(declare.Parameters):
    """A new user."""

    name: str = Field(description="The full name.", min_length=1)
    email: str = Field(description="The e-mail address, which is the user's name too.", min_length=1)
    default_account: str | None = Field(None, description="The id of the account to begin with.")
    admin: bool | None = Field(None, description="Whether the user may do everything.")


class Email(declare.Parameters):
    """Which user."""

    email: str = Field(description="The user's e-mail address.", min_length=1)


class UpdateUser(Email, shapes.Changes):
    """Which user, and what to change."""

    name: str | None = Field(None, description="The full name.", min_length=1)
    new_email: str | None = Field(
        None, description="Another e-mail address: the body's `email`.", min_length=1
    )
    default_account: str | None = Field(None, description="The id of the account to begin with.")
    admin: bool | None = Field(
        None, description="Whether the user may do everything; only a site admin may say so."
    )


class User(declare.Result):
    """A user."""

    email: str = Field(description="The e-mail address, which is the user's name too.")
    url: str | None = Field(None, description="The user's address in the API.")
    name: str | None = Field(None, description="The full name.")
    default_account: str | None = Field(None, description="The id of the account to begin with.")
    must_reset_password: bool | None = Field(
        None, description="Whether the password must be changed before anything else."
    )
    admin: bool | None = Field(None, description="Whether the user may do everything.")
    permissions: list[Permission] | None = Field(None, description="What the user may do.")


class Users(declare.Result):
    """Users."""

    count: int = Field(description="How many there are.")
    users: list[User] = Field(description="The users.")


@declare.action("compass.list_users", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 50})
async def list_users(
    client: vendor.CompassClient, parameters: shapes.Limited, call: declare.Call
) -> declare.Done[Users]:
    """List the users: oneself and those of the accounts one manages; a site admin sees all."""
    found = await client.list_some(vendor.path("users"), limit=parameters.limit)
    users = [_named(one) for one in found.objects]
    return declare.Done(requests.parse("Compass", Users, {"count": found.count, "users": users}))


async def note_user(client: vendor.CompassClient, parameters: CreateUser) -> JsonObject:
    """Whether the e-mail address is taken already: ``{"there": false}``."""
    return {"there": await _find(client, parameters.email) is not None}


async def look_for_user(
    client: vendor.CompassClient, parameters: CreateUser, call: declare.Call, before: JsonObject | None
) -> declare.Done[User] | None:
    """Adopt the user with that e-mail address if there was none *before*, and it is the one we asked for."""
    found = await _find(client, parameters.email)
    if shapes.noted(before)["there"] or found is None:
        return None
    asked = shapes.given(parameters, "name", "default_account", "admin")
    strange = sorted(name for name, value in asked.items() if getattr(found, name) != value)
    if strange:
        raise errors.Unclear(f"the user is there now, but {', '.join(strange)} differ from what was sent")
    return _made(found)


@declare.action(
    "compass.create_user",
    doubt=Doubt.PROBED,
    why="the e-mail address is the user's key: it tells whether the user is there",
    probe=declare.Probe(
        about="whether there is a user with that e-mail address, and was none before",
        look=look_for_user,
        note=note_user,
        lock=lambda parameters: f"users/{parameters.email}",
    ),
    example={"name": "Grace Hopper", "email": "grace@example.com"},
)
async def create_user(
    client: vendor.CompassClient, parameters: CreateUser, call: declare.Call
) -> declare.Done[User]:
    """Make a user. Only a site admin may."""
    body = shapes.given(parameters, "name", "email", "default_account", "admin")
    return _made(read_user(await client.write("POST", vendor.path("users"), body)))


@declare.action(
    "compass.get_user", doubt=Doubt.REPEATABLE, why="it only reads", example={"email": "eve@example.com"}
)
async def get_user(client: vendor.CompassClient, parameters: Email, call: declare.Call) -> declare.Done[User]:
    """Read one user."""
    return declare.Done(read_user(await client.read(_path(parameters.email))))


@declare.action(
    "compass.update_user",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"email": "eve@example.com", "name": "Eve Adams"},
)
async def update_user(
    client: vendor.CompassClient, parameters: UpdateUser, call: declare.Call
) -> declare.Done[User]:
    """Change a user's name, e-mail address or default account. A user may change only itself."""
    body = shapes.changed(parameters)
    if "new_email" in body:
        body["email"] = body.pop("new_email")
    try:
        return _made(read_user(await client.write("PUT", _path(parameters.email), body)))
    except errors.PermanentError as refused:
        if not (refused.missing and parameters.new_email and call.first_sent_at is not None):
            raise
        # An earlier try has given the user its new address: there the rest is set again.
        return _made(read_user(await client.write("PUT", _path(parameters.new_email), body)))


@declare.action(
    "compass.delete_user",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"email": "eve@example.com"},
)
async def delete_user(
    client: vendor.CompassClient, parameters: Email, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete a user. Only a site admin may. One that is not there is no error."""
    return await shapes.delete(client, _path(parameters.email), call)


def read_user(given: JsonObject) -> User:
    """A user of an answer."""
    return requests.parse("Compass", User, _named(given))


async def _find(client: vendor.CompassClient, email: str) -> User | None:
    try:
        return read_user(await client.read(_path(email)))
    except errors.PermanentError as refused:
        if not refused.missing:
            raise
        return None


def _named(given: JsonObject) -> JsonObject:
    """A user as told, its permissions with their ids."""
    held = given.get("permissions")
    return {**given, "permissions": [shapes.named(one) for one in held]} if isinstance(held, list) else given


def _made(user: User) -> declare.Done[User]:
    return declare.Done(user, made=[("user", user.email)])


def _path(email: str) -> str:
    return vendor.path("users", email)
