"""Permissions: what a user may do on an account. A user has at most one on each account."""

from typing import Literal

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

Level = Literal["read", "readwrite", "manage"]


class ListPermissions(shapes.Limited):
    """Which permissions."""

    user: str | None = Field(None, description="Only of the user with this e-mail address.")
    level: Level | None = Field(None, description="Only of this level.")


class CreatePermission(declare.Parameters):
    """A new permission."""

    user: str = Field(description="The user's e-mail address.", min_length=1)
    account: str = Field(description="The account's id.", min_length=1)
    level: Level = Field(
        description="`read` shows the account's projects, `readwrite` changes and makes them, `manage` changes the "
        "account too."
    )


class PermissionId(declare.Parameters):
    """Which permission."""

    permission_id: str = Field(description="The permission's id: the last part of its `url`.", min_length=1)


class Permission(declare.Result):
    """A permission."""

    id: str | None = Field(None, description="Its id: the last part of its `url`.")
    url: str | None = Field(None, description="Its address.")
    user: str | None = Field(None, description="The user's e-mail address.")
    account: str | None = Field(None, description="The account's id.")
    level: str | None = Field(None, description="`read`, `readwrite` or `manage`.")


class Permissions(declare.Result):
    """Permissions."""

    count: int = Field(description="How many there are.")
    permissions: list[Permission] = Field(description="The permissions.")


@declare.action(
    "compass.list_permissions", doubt=Doubt.REPEATABLE, why="it only reads", example={"level": "read"}
)
async def list_permissions(
    client: vendor.CompassClient, parameters: ListPermissions, call: declare.Call
) -> declare.Done[Permissions]:
    """List the permissions on the accounts that the user manages."""
    query = shapes.query(parameters, "user", "level")
    found = await client.list_some(vendor.path("permissions"), query, parameters.limit)
    listed = [shapes.named(one) for one in found.objects]
    return declare.Done(requests.parse("Compass", Permissions, {"count": found.count, "permissions": listed}))


async def note_permission(client: vendor.CompassClient, parameters: CreatePermission) -> JsonObject:
    """Whether the user has a permission on the account already: ``{"there": false}``."""
    return {"there": await _find(client, parameters) is not None}


async def look_for_permission(
    client: vendor.CompassClient, parameters: CreatePermission, call: declare.Call, before: JsonObject | None
) -> declare.Done[Permission] | None:
    """Adopt the user's permission on the account if there was none *before*, and its level is ours."""
    found = await _find(client, parameters)
    if shapes.noted(before)["there"] or found is None:
        return None
    if found.level != parameters.level:
        raise errors.Unclear(f"the user has a permission on the account now, but of the level {found.level}")
    return _made(found)


@declare.action(
    "compass.create_permission",
    doubt=Doubt.PROBED,
    why="a user has at most one on an account: it tells whether it is there",
    probe=declare.Probe(
        about="whether the user has a permission on the account, and had none before",
        look=look_for_permission,
        note=note_permission,
        lock=lambda parameters: f"permissions/{parameters.account}/{parameters.user}",
    ),
    example={"user": "eve@example.com", "account": "6ab3311b", "level": "read"},
)
async def create_permission(
    client: vendor.CompassClient, parameters: CreatePermission, call: declare.Call
) -> declare.Done[Permission]:
    """Give a user a permission on an account."""
    body = shapes.given(parameters, "user", "account", "level")
    return _made(_read(await client.write("POST", vendor.path("permissions"), body)))


@declare.action(
    "compass.get_permission", doubt=Doubt.REPEATABLE, why="it only reads", example={"permission_id": "1"}
)
async def get_permission(
    client: vendor.CompassClient, parameters: PermissionId, call: declare.Call
) -> declare.Done[Permission]:
    """Read one permission."""
    return declare.Done(_read(await client.read(_path(parameters))))


@declare.action(
    "compass.delete_permission",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"permission_id": "1"},
)
async def delete_permission(
    client: vendor.CompassClient, parameters: PermissionId, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Take a permission away. One that is not there is no error."""
    return await shapes.delete(client, _path(parameters), call)


async def _find(client: vendor.CompassClient, parameters: CreatePermission) -> Permission | None:
    listed = await client.list_all(vendor.path("permissions"), {"user": parameters.user})
    wanted = (parameters.user, parameters.account)
    return next((_read(one) for one in listed if (one.get("user"), one.get("account")) == wanted), None)


def _made(permission: Permission) -> declare.Done[Permission]:
    return declare.Done(permission, made=[("permission", permission.id)] if permission.id else [])


def _read(given: JsonObject) -> Permission:
    return requests.parse("Compass", Permission, shapes.named(given))


def _path(parameters: PermissionId) -> str:
    return vendor.path("permissions", parameters.permission_id)
