"""Actions of the whole connector against the simulated Plotly, called by their names."""

import dataclasses
from typing import Any

from daemon.connectors.plotly import connector
from daemon.contract import declare
from daemon.sandbox.server import Sandbox
from tests.connectors import stub

ACTIONS = {name.partition(".")[2]: one for name, one in connector.actions.items()}
SIGNUPS = [{"city": "Bonn", "n": 3}, {"city": "Ulm", "n": None}]


async def do(client: Any, name: str, *, again: bool = False, **given: Any) -> Any:
    """The result of one call; *again* makes it the second try of its step."""
    action = ACTIONS[name]
    call = dataclasses.replace(stub.call_of(), first_sent_at=stub.NOON) if again else stub.call_of()
    done: declare.Done[Any] = await action.call(client, action.parameters.model_validate(given), call)
    return done.result


async def make_grid(client: Any, filename: str = "signups") -> str:
    """The id of a grid of cities and numbers."""
    return str((await do(client, "create_grid", filename=filename, rows=SIGNUPS)).fid)


def effects(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    """What has changed at the simulated Plotly, in order."""
    return sandbox.ledger.effects("plotly")


def kept(sandbox: Sandbox, fid: str) -> dict[str, Any]:
    """A file as it stands there."""
    return sandbox.plotly.files[fid]


def data_of(sandbox: Sandbox, fid: str) -> dict[str, list[Any]]:
    """A grid's cells by column name."""
    return {column["name"]: column["data"] for column in kept(sandbox, fid)["columns"]}
