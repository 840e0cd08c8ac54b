"""Forgetting: in slices, and never what someone still needs."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import definitions, events, hints, retention, runs, steps
from daemon.journal.database import Journal
from daemon.journal.hints import Hint
from daemon.model import times
from daemon.model.runs import RunStatus
from tests.journal import making
from tests.journal.making import LEASE, NOW
from tests.journal.test_steps import STEP

BEFORE = NOW + times.DAY


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 4)


async def finish(journal: Journal, event_id: str, status: RunStatus, at: int) -> str:
    (run,) = await making.made(journal, event_id, now=NOW, lease=LEASE)
    await journal.write(lambda c: runs.move(c, run, status, finished_at=at))
    await journal.write(lambda c: runs.touch(c, "popily", [("source", event_id)], run.id, "add", NOW))
    await journal.write(lambda c: steps.put(c, making_step(run.id)))
    return run.id


def making_step(run_id: str) -> Any:
    return replace(STEP, run_id=run_id)


async def prune(journal: Journal, what: Any, before: int, start: Any) -> tuple[int, int]:
    """Prune to the end: how many went, in how many slices."""
    total, slices, behind = 0, 0, start
    while True:
        went, behind = await journal.write(partial(what, before=before, behind=behind))
        total, slices = total + went, slices + 1
        if behind == start:
            return total, slices


async def event_keys(journal: Journal) -> list[str]:
    return [event.key for event in await journal.read(lambda c: events.after(c, 0, 100))]


async def test_ended_runs_go_and_undecided_ones_stay(journal: Journal) -> None:
    for status in (RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.DEAD, RunStatus.IN_DOUBT) * 2:
        await finish(journal, f"{status}{await making.counted(journal, 'runs')}", status, NOW + 5)
    await making.made(journal, "pending")
    await finish(journal, "ended late", RunStatus.SUCCEEDED, BEFORE + 5)
    await making.made(journal, "made late", now=BEFORE + 5)
    assert await prune(journal, retention.prune_runs, BEFORE, "") == (4, 3)
    left = await journal.read(lambda c: runs.listed(c, runs.Filters()))
    assert sorted(run.event_id.rstrip("0123456789") for run in left) == [
        *["dead", "dead", "ended late", "in_doubt", "in_doubt", "made late", "pending"]
    ]
    assert await making.counted(journal, "steps") == 5
    assert await making.counted(journal, "remotes") == 5
    assert await prune(journal, retention.prune_runs, BEFORE + times.DAY, "") == (1, 2)


async def test_events_go_when_nobody_needs_them(journal: Journal) -> None:
    ids = await making.told(journal, *(f"k{n}" for n in range(10)))
    await making.told(journal, "young", now=BEFORE)
    await making.made(journal, ids[2])
    asked = [Hint(id, "w", "populr", "tracers", "t", {}, "waiting", None, None, NOW, None) for id in ids[3:5]]
    await journal.write(lambda c: hints.put(c, asked))
    await journal.write(lambda c: hints.decide(c, ids[4], "confirmed", None, None, NOW))
    assert await prune(journal, retention.prune_events, BEFORE, 0) == (0, 1)
    await journal.write(lambda c: events.move_cursor(c, 0, 9))
    assert await prune(journal, retention.prune_events, BEFORE, 0) == (7, 3)
    assert await event_keys(journal) == ["k2", "k3", "k9", "young"]
    assert await making.counted(journal, "hints") == 1


async def test_numbers_are_not_given_twice_after_everything_was_forgotten(journal: Journal) -> None:
    await making.told(journal, "a", "b")
    last = await journal.read(events.newest_seq)
    await journal.write(lambda c: events.move_cursor(c, 0, last))
    assert await prune(journal, retention.prune_events, BEFORE, 0) == (2, 1)
    await making.told(journal, "c")
    assert await journal.read(events.newest_seq) > last
    assert await journal.read(events.oldest_unrouted) == NOW


async def test_a_slice_of_young_events_ends_the_search(journal: Journal) -> None:
    await making.told(journal, *(f"k{n}" for n in range(20)), now=BEFORE)
    await journal.write(lambda c: events.move_cursor(c, 0, 20))
    assert await prune(journal, retention.prune_events, BEFORE, 0) == (0, 1)


async def test_definitions_go_with_their_last_run(journal: Journal) -> None:
    old, used = making.reaction("old"), making.reaction("used")
    await making.made(journal, "e", reaction=old)
    await making.made(journal, "f", reaction=used)
    await journal.write(lambda c: c.execute(sa.text("DELETE FROM runs WHERE reaction = 'old'")))
    assert await journal.write(lambda c: retention.prune_reactions(c, NOW)) == 0
    assert await journal.write(lambda c: retention.prune_reactions(c, BEFORE)) == 1
    assert await journal.read(lambda c: definitions.get(c, used.digest)) == used

    def is_gone(connection: Connection) -> bool:
        return definitions.get(connection, old.digest) is None

    assert await journal.read(is_gone)
