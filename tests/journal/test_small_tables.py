"""Hints, schedules, the operator's state, refused callbacks."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from daemon.journal import hints, schedules, state
from daemon.journal.database import Journal
from daemon.journal.hints import Hint
from daemon.journal.schedules import Schedule
from tests.journal import making
from tests.journal.making import NOW

HINT = Hint("e1", "hint:x", "populr", "tracers", "t1", {"views": 3}, "waiting", None, None, NOW, None)


async def test_hints_wait_for_their_verdict(journal: Journal) -> None:
    later = replace(HINT, event_id="e0", created_at=NOW + 1)
    await journal.write(lambda c: hints.put(c, [later, HINT, replace(HINT, event_id="e3", watch="hint:y")]))
    await journal.write(lambda c: hints.put(c, []))
    assert await journal.read(lambda c: hints.waiting(c, "hint:x")) == [HINT, later]
    await journal.write(lambda c: hints.decide(c, "e1", "confirmed", {"views": 3}, "e9", NOW + 2))
    assert await journal.read(lambda c: hints.waiting(c, "hint:x")) == [later]
    decided = replace(HINT, verdict="confirmed", found={"views": 3}, became="e9", decided_at=NOW + 2)
    assert await journal.read(lambda c: hints.get(c, "e1")) == decided
    assert await journal.read(lambda c: hints.get(c, "nothing")) is None


async def test_only_a_refuted_hint_is_read_again(journal: Journal) -> None:
    await journal.write(lambda c: hints.put(c, [HINT, replace(HINT, event_id="e2")]))
    await journal.write(lambda c: hints.decide(c, "e1", "refuted", {"views": 1}, None, NOW))
    await journal.write(lambda c: hints.decide(c, "e2", "confirmed", None, None, NOW))
    assert await journal.write(lambda c: hints.reopen(c, ["e1", "e2"])) == [HINT]
    assert await journal.read(lambda c: hints.waiting(c, "hint:x")) == [HINT]


async def test_a_schedule_fires_once_however_many_try(journal: Journal) -> None:
    await journal.write(lambda c: schedules.set_row(c, "nightly", "d", NOW))
    moves = await asyncio.gather(
        *(journal.write(lambda c: schedules.advance(c, "nightly", NOW, NOW + 9, NOW)) for _ in range(4))
    )
    assert sorted(moves) == [False, False, False, True]
    assert await journal.read(schedules.all_rows) == {"nightly": Schedule("nightly", "d", NOW + 9, NOW)}


async def test_schedules_are_due_in_order_and_dropped_with_the_config(journal: Journal) -> None:
    for name, at in (("b", NOW), ("a", NOW + 1), ("never", None), ("c", NOW - 1)):
        await journal.write(partial(schedules.set_row, name=name, digest="d", next_at=at))
    assert [one.name for one in await journal.read(lambda c: schedules.due(c, NOW))] == ["c", "b"]
    assert await journal.read(schedules.next_due) == NOW - 1
    await journal.write(lambda c: schedules.advance(c, "b", NOW, None, None))
    await journal.write(lambda c: schedules.set_row(c, "c", "changed", NOW + 5))
    await journal.write(lambda c: schedules.drop_others(c, ["b", "c"]))
    assert await journal.read(schedules.all_rows) == {
        "b": Schedule("b", "d", None, None),
        "c": Schedule("c", "changed", NOW + 5, None),
    }
    await journal.write(lambda c: schedules.drop_others(c, []))
    assert await journal.read(schedules.all_rows) == {}


async def test_state_is_set_and_deleted(journal: Journal) -> None:
    await journal.write(lambda c: state.put(c, {"a": 1, "b": {"x": [1]}, "c\0": "text"}, NOW))
    await journal.write(lambda c: state.put(c, {"a": None, "b": False}, NOW + 1))
    found = await journal.read(lambda c: state.get(c, ["a", "b", "c\0", "d"]))
    assert found == {"b": False, "c\ufffd": "text"}
    assert await journal.read(lambda c: state.value(c, "b")) is False
    assert await journal.read(lambda c: state.value(c, "a")) is None


async def test_the_newest_refusals_stay(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "REJECTIONS_KEPT", 5)
    for n in range(9):
        refuse = partial(state.reject, at=NOW, path="/hooks/x/…", status=422, error=f"error {n}", body="a\0b")
        await journal.write(refuse)
    found = await journal.read(lambda c: state.rejected(c, 3))
    assert [one.error for one in found] == ["error 8", "error 7", "error 6"]
    assert (found[0].body, found[0].status, found[0].at) == ("a\ufffdb", 422, NOW)
    assert await making.counted(journal, "rejections") == 5
