"""One probed call as the engine makes it: note, call, and a look after its answer was lost."""

from dataclasses import dataclass
from typing import Any

import pytest

from daemon.contract import declare, errors
from daemon.contract.calls import Probe
from daemon.sandbox import faults
from daemon.sandbox.server import Sandbox
from tests.connectors import stub

CALL = stub.call_of()


@dataclass
class Probing:
    """An *action* with its parameters, and what was noted before the call."""

    action: declare.Action
    client: Any
    parameters: Any
    before: Any = None

    @property
    def probe(self) -> Probe:
        assert self.action.probe is not None
        return self.action.probe

    async def note(self) -> None:
        if self.probe.note is not None:
            self.before = await self.probe.note(self.client, self.parameters)

    async def lose(self, sandbox: Sandbox, kind: str, path: str) -> None:
        """Note and call, while the POST to *path* meets a fault (``drop_before``, ``drop_after``)."""
        await self.note()
        sandbox.faults.add(faults.Fault("plotly", kind, method="POST", path=path))
        with pytest.raises(errors.TemporaryError) as lost:
            await self.call()
        assert lost.value.in_doubt

    async def call(self) -> Any:
        return (await self.action.call(self.client, self.parameters, CALL)).result

    async def look(self) -> Any:
        """What the probe adopts, or None."""
        done = await self.probe.look(self.client, self.parameters, CALL, self.before)
        return done.result if done is not None else None


def probing(client: Any, action: declare.Action, **given: Any) -> Probing:
    return Probing(action, client, action.parameters.model_validate(given))
