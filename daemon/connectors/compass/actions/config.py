"""A project's settings: ``number_of_clusters``, ``sentiment_threshold`` and such."""

from typing import Any

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes
from daemon.contract import declare, requests
from daemon.model.runs import Doubt


class Key(shapes.InProject):
    """Which setting."""

    key: str = Field(description="The setting's name, as in `number_of_clusters`.", min_length=1)


class SetConfig(Key):
    """Which setting, and its value."""

    value: Any = Field(description="Its value: a number, a list or an object.")


class Setting(declare.Result):
    """A setting."""

    key: str = Field(description="Its name.")
    value: Any = Field(None, description="Its value.")


class Settings(declare.Result):
    """All settings of a project."""

    default: list[Setting] = Field(description="Every setting with its default value, overridden or not.")
    overridden: list[Setting] = Field(description="Those that were set.")


@declare.action(
    "compass.list_config", doubt=Doubt.REPEATABLE, why="it only reads", example={"project_id": "ab12cd34"}
)
async def list_config(
    client: vendor.CompassClient, parameters: shapes.InProject, call: declare.Call
) -> declare.Done[Settings]:
    """List a project's settings, defaults and overridden ones."""
    found = await client.read(vendor.inside(parameters.project_id, "config"))
    return declare.Done(requests.parse("Compass", Settings, found))


@declare.action(
    "compass.get_config",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "key": "assoc_axes"},
)
async def get_config(
    client: vendor.CompassClient, parameters: Key, call: declare.Call
) -> declare.Done[Setting]:
    """Read one setting."""
    return declare.Done(requests.parse("Compass", Setting, await client.read(_path(parameters))))


@declare.action(
    "compass.set_config",
    doubt=Doubt.REPEATABLE,
    why="it sets a whole value",
    example={"project_id": "ab12cd34", "key": "assoc_axes", "value": 200},
)
async def set_config(
    client: vendor.CompassClient, parameters: SetConfig, call: declare.Call
) -> declare.Done[Setting]:
    """Set one setting."""
    answered = await client.write("PUT", _path(parameters), {"value": parameters.value})
    return declare.Done(requests.parse("Compass", Setting, {"key": parameters.key, **answered}))


@declare.action(
    "compass.unset_config",
    doubt=Doubt.REPEATABLE,
    why="the default stays the default",
    example={"project_id": "ab12cd34", "key": "assoc_axes"},
)
async def unset_config(
    client: vendor.CompassClient, parameters: Key, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Give one setting its default value again."""
    return await shapes.delete(client, _path(parameters), call)


def _path(parameters: Key) -> str:
    return vendor.inside(parameters.project_id, "config", parameters.key)
