"""A server that is lost at the very commit: what was to be written stands there, and is written once more."""

from typing import Any

import pytest

from daemon.journal.database import Journal, JournalUnavailable
from daemon.model import times
from daemon.model.runs import RunStatus
from daemon.running import scribe
from tests.running.world import World, reaction, step

MANY = 4


class Forgetful:
    """A journal that commits each function and then says that it could not, the first time."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: list[Any] = []
        self.forgot = 0

    async def write(self, fn: Any, *, single: bool = False) -> Any:
        told = await self._journal.write(fn, single=single)
        if any(one is fn for one in self._seen):
            return told
        self._seen.append(fn)
        self.forgot += 1
        raise JournalUnavailable("the connection is closed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


async def test_each_outcome_that_is_written_twice_counts_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribe, "AFTER_OUTAGE", 0.0)
    forgetful = Forgetful(world.journal)
    monkeypatch.setattr(world.courses._scribe, "_journal", forgetful)
    world.react(
        reaction(
            "append",
            step("append", value="{{ event.data.n }}"),
            step("event.emit", type="row.appended", data={"n": "{{ event.data.n }}"}),
            step("state.set", key="n", value="{{ event.data.n }}"),
        )
    )
    for n in range(MANY):
        await world.tell({"n": n}, key=f"n{n}")
    await world.settle()
    await world.later(times.MINUTE)
    found = await world.runs()
    assert [(run.status, run.error, run.locked) for run in found] == [
        (RunStatus.SUCCEEDED, None, False)
    ] * MANY
    assert forgetful.forgot >= 2 * MANY
    assert world.shop.rows == {"t": list(range(MANY))}
    assert [event.data["n"] for event in await world.events("row.appended")] == list(range(MANY))
