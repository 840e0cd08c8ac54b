"""A step of Compass as the engine takes it: a note before, a call whose answer is lost, a look after."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from daemon.connectors.compass import client, connector
from daemon.contract import declare, errors
from daemon.model import times
from daemon.model.jsons import JsonObject
from daemon.sandbox import compass as simulated
from daemon.sandbox import faults, server
from tests.connectors import stub

PROJECT = simulated.PROJECT_ID
CALL = stub.call_of()
AGAIN = dataclasses.replace(CALL, first_sent_at=CALL.now - times.SECOND)
ACTIONS = {name.removeprefix("compass."): one for name, one in connector.actions.items()}


async def act(compass: client.CompassClient, name: str, call: declare.Call = CALL, /, **given: Any) -> Any:
    """The result of one call."""
    return (await do(compass, name, call, **given)).result


async def do(
    compass: client.CompassClient, name: str, call: declare.Call = CALL, /, **given: Any
) -> declare.Done[Any]:
    action = ACTIONS[name]
    return await action.call(compass, action.parameters.model_validate(given), call)


@dataclass
class Doubtful:
    """One probed step against the sandbox."""

    sandbox: server.Sandbox
    compass: client.CompassClient
    name: str
    given: JsonObject
    before: JsonObject | None = None
    since: int = 0

    @property
    def probe(self) -> declare.Probe:
        probe = ACTIONS[self.name].probe
        assert probe is not None
        return probe

    @property
    def parameters(self) -> Any:
        return ACTIONS[self.name].parameters.model_validate(self.given)

    async def lose(self, kind: str, after: int = 0, method: str = "POST") -> None:
        """Note what is there, then call and lose the answer: of its *after*-th request and all later ones."""
        self.before = await self.probe.note(self.compass, self.parameters) if self.probe.note else None
        self.sandbox.faults.add(faults.Fault("compass", kind, method=method, after=after))
        with pytest.raises(errors.TemporaryError) as lost:
            await ACTIONS[self.name].call(self.compass, self.parameters, CALL)
        assert lost.value.in_doubt

    async def look(self) -> declare.Done[Any] | None:
        return await self.probe.look(self.compass, self.parameters, AGAIN, self.before)

    async def repeat(self) -> declare.Done[Any]:
        return await ACTIONS[self.name].call(self.compass, self.parameters, AGAIN)

    def effects(self) -> list[str]:
        """What changed since the step was made."""
        entries = self.sandbox.ledger.read("compass", self.since)
        return [entry.effect for entry in entries if entry.effect is not None]
