"""What probe tests share: an action whose call is lost, and the look that follows, as the daemon makes them."""

import dataclasses
from typing import Any

import pytest

from daemon.contract import declare, errors
from daemon.sandbox import faults, server
from tests.connectors import stub


@dataclasses.dataclass
class Step:
    """One step of a run: its note is taken before the first call, its look comes after a lost one."""

    action: declare.Action
    client: Any
    parameters: Any
    call: declare.Call
    before: Any = None

    async def note(self) -> None:
        probe = self.probe
        self.before = await probe.note(self.client, self.parameters) if probe.note else None

    async def send(self) -> declare.Done:
        return await self.action.call(self.client, self.parameters, self.call)

    async def look(self) -> Any:
        again = dataclasses.replace(self.call, first_sent_at=self.call.now)
        return await self.probe.look(self.client, self.parameters, again, self.before)

    async def lose(self, sandbox: server.Sandbox, kind: str, path: str = "*", after: int = 0) -> None:
        """Note, then send a call whose answer is lost by a fault of *kind*."""
        await self.note()
        sandbox.faults.add(faults.Fault("tonalytica", kind, method="POST", path=path, after=after))
        with pytest.raises(errors.TemporaryError) as lost:
            await self.send()
        assert lost.value.in_doubt

    @property
    def probe(self) -> declare.Probe:
        assert self.action.probe is not None
        return self.action.probe


def step(action: declare.Action, client: Any, marker: str = "a1b2c3d4e5f6", **given: Any) -> Step:
    """A step that calls *action* with *given*."""
    return Step(action, client, action.parameters.model_validate(given), stub.call_of(marker=marker))


def count(sandbox: server.Sandbox, effect: str) -> int:
    """How often *effect* stands in the service's ledger."""
    return [name for name, _ in sandbox.ledger.effects("tonalytica")].count(effect)
