"""A probed call as the engine makes it: noted, sent into a broken connection, looked for."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from daemon.contract import declare, errors
from daemon.model import jsons
from daemon.sandbox.faults import Fault
from daemon.sandbox.server import Sandbox
from tests.connectors import stub


@dataclass
class Doubtful:
    """One call of *action* whose answer was lost; *call* is what its step was told."""

    action: declare.Action
    client: Any
    parameters: Any
    call: declare.Call
    before: Any

    @property
    def probe(self) -> declare.Probe:
        """How it is looked for."""
        assert self.action.probe is not None
        return self.action.probe

    @property
    def lock(self) -> str:
        """What no other run may touch meanwhile."""
        return self.probe.lock(self.parameters) if self.probe.lock else ""

    async def look(self) -> Any:
        """What the probe says of it: the outcome to adopt, or None."""
        return await self.probe.look(self.client, self.parameters, self.call, self.before)

    async def repeat(self) -> declare.Done[Any]:
        """The same call once more."""
        return await self.action.call(self.client, self.parameters, self.call)


def prepare(
    action: declare.Action, client: Any, sandbox: Sandbox, marker: str = "0123456789ab", **given: Any
) -> Doubtful:
    """A call of *action* that nothing is known of yet, first sent now."""
    call = dataclasses.replace(stub.call_of(marker=marker), first_sent_at=sandbox.clock.now())
    return Doubtful(action, client, action.parameters.model_validate(given), call, None)


async def lose(doubtful: Doubtful, sandbox: Sandbox, *, after: bool, method: str = "POST") -> Doubtful:
    """Send the call of *doubtful* so that its answer is lost: *after* its effect, or before it."""
    kind = doubtful.action.name.partition(".")[0]
    await take_note(doubtful)
    sandbox.faults.add(Fault(service=kind, kind="drop_after" if after else "drop_before", method=method))
    with pytest.raises(errors.TemporaryError) as lost:
        await doubtful.repeat()
    assert lost.value.in_doubt
    return doubtful


async def take_note(doubtful: Doubtful) -> None:
    """What the probe notes before the call, through JSON as the journal keeps it."""
    note = doubtful.probe.note
    if note is not None:
        doubtful.before = jsons.loads(jsons.dumps(await note(doubtful.client, doubtful.parameters)))
