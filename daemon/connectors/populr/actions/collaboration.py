"""Collaboration: letting others edit a pop through a link, and being called when they have finished."""

from pydantic import Field

from daemon.connectors.populr import client as populr
from daemon.connectors.populr.actions import pops
from daemon.contract import declare
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class EnableCollaboration(pops.PopId):
    """A pop that others shall edit."""

    collaboration_interstitial_text: str | None = Field(None, description="What new collaborators read.")


@declare.action(
    "populr.enable_collaboration",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"pop_id": "692cda80dd02dc42d9000001"},
)
async def enable_collaboration(
    client: populr.PopulrClient, parameters: EnableCollaboration, call: declare.Call
) -> declare.Done[pops.PopResult]:
    """Let others edit a pop through its collaboration link, and have this daemon called when they finish."""
    fields: JsonObject = {
        "collaboration_link_enabled": True,
        "collaboration_webhook": call.callback_url("collaboration"),
        **parameters.model_dump(exclude_unset=True, exclude={"pop_id"}),
    }
    path = populr.pop_path(parameters.pop_id)
    return pops.touched(await client.write("PUT", path, pops.body_of(fields)))


@declare.action(
    "populr.disable_collaboration",
    doubt=Doubt.REPEATABLE,
    why="it sets a whole value",
    example={"pop_id": "692cda80dd02dc42d9000001"},
)
async def disable_collaboration(
    client: populr.PopulrClient, parameters: pops.PopId, call: declare.Call
) -> declare.Done[pops.PopResult]:
    """Make a pop's collaboration links void.

    Who has used one already can go on editing (Populr API text), so the callback for those who finish stays.
    """
    body = pops.body_of({"collaboration_link_enabled": False})
    return pops.touched(await client.write("PUT", populr.pop_path(parameters.pop_id), body))
