"""Polled rows: due once, held by one, and what is remembered of remote objects."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from daemon.journal import watches
from daemon.journal.database import Journal, LostLease
from daemon.journal.watches import Polled
from daemon.model import times
from tests.journal import making
from tests.journal.making import NOW, polled

UNTIL = NOW + 30 * times.SECOND


async def claim(journal: Journal, now: int = NOW, limit: int = 10) -> list[Polled]:
    return await journal.write(lambda c: watches.claim(c, now, "here", now + 30 * times.SECOND, now, limit))


async def names(journal: Journal) -> list[str]:
    return [one.name for one in await journal.read(lambda c: watches.listed(c, 100))]


async def test_the_config_decides_which_watches_there_are(journal: Journal) -> None:
    await journal.write(lambda c: watches.configure(c, [polled("a"), polled("b")]))
    await journal.write(lambda c: watches.request(c, [polled("follow:x", role="follow", every=None)]))
    await journal.write(lambda c: watches.configure(c, [polled("b"), polled("c", wanted=("1", "2"))]))
    assert await names(journal) == ["b", "c", "follow:x"]
    assert await journal.read(lambda c: watches.get(c, "c")) == polled("c", wanted=("1", "2"))
    await journal.write(lambda c: watches.configure(c, []))
    assert await names(journal) == ["follow:x"]


async def test_an_unchanged_watch_keeps_its_time_and_a_changed_one_its_past(journal: Journal) -> None:
    await journal.write(lambda c: watches.configure(c, [polled("a"), polled("b")]))
    past: dict[str, Any] = {"due_at": NOW + times.HOUR, "failures": 4, "polled_at": NOW, "paused": True}
    for name in ("a", "b"):
        await journal.write(partial(watches.change, name=name, **past))
    later = NOW + times.MINUTE
    wished = [polled("a", due_at=later), polled("b", due_at=later, every=times.SECOND)]
    await journal.write(lambda c: watches.configure(c, wished))
    a, b = await journal.read(lambda c: watches.listed(c, 9))
    assert (a.due_at, a.failures, a.polled_at, a.paused) == (NOW + times.HOUR, 4, NOW, True)
    assert (b.due_at, b.failures, b.every, b.paused) == (later, 4, times.SECOND, True)
    assert not await journal.write(lambda c: watches.change(c, "nothing", paused=True))


async def test_what_is_asked_for_is_due_at_the_earlier_time(journal: Journal) -> None:
    await journal.write(lambda c: watches.request(c, []))
    for due_at in (NOW + 5, NOW + 3, NOW + 9, None):
        row = polled("hint:x", role="hint", due_at=due_at)
        await journal.write(partial(watches.request, rows=[row]))
    found = await journal.read(lambda c: watches.get(c, "hint:x"))
    assert found is not None
    assert found.due_at == NOW + 3
    await journal.write(lambda c: watches.change(c, "hint:x", due_at=None))
    await journal.write(lambda c: watches.request(c, [polled("hint:x", role="hint", due_at=NOW + 7)]))
    assert await journal.read(watches.next_due) == NOW + 7


async def test_due_rows_are_claimed_by_one_node_at_a_time(journal: Journal) -> None:
    rows = [polled("late", due_at=NOW - 1), polled("early", due_at=NOW - 2), polled("future", due_at=NOW + 1)]
    await journal.write(lambda c: watches.configure(c, [*rows, polled("resting", due_at=NOW - 9)]))
    await journal.write(lambda c: watches.change(c, "resting", paused=True))
    taken = await asyncio.gather(*(claim(journal, limit=1) for _ in range(3)))
    assert [[one.name for one in some] for some in taken] == [["early"], ["late"], []]
    assert taken[0][0].fence == 1
    assert await journal.read(watches.next_due) == NOW + 1


async def test_who_lost_the_lease_writes_nothing(journal: Journal) -> None:
    await journal.write(lambda c: watches.configure(c, [polled("a")]))
    (old,) = await claim(journal)
    (new,) = await claim(journal, UNTIL + 1)
    assert new.fence == 2
    for void in (lambda c: watches.settle(c, old, due_at=0), lambda c: watches.drop(c, old)):
        with pytest.raises(LostLease, match="a"):
            await journal.write(void)
    await journal.write(lambda c: watches.settle(c, new, due_at=UNTIL + 9, failures=1, error="no\0"))
    found = await journal.read(lambda c: watches.get(c, "a"))
    assert found == replace(polled("a"), due_at=UNTIL + 9, failures=1, error="no\ufffd", fence=2)
    (again,) = await claim(journal, UNTIL + 9)
    await journal.write(lambda c: watches.drop(c, again))
    assert await names(journal) == []


async def test_leases_of_a_daemon_that_is_gone_are_void_at_once(journal: Journal) -> None:
    await journal.write(lambda c: watches.configure(c, [polled("a")]))
    await claim(journal)
    assert await claim(journal) == []
    await journal.write(watches.release_all)
    assert [one.name for one in await claim(journal)] == ["a"]


async def test_what_is_remembered_comes_back_by_id_and_by_scope(journal: Journal) -> None:
    kept = [making.memory(id, state="ready") for id in ("p/1", "p/2", "p0", "p", "q/1", "P/3")]
    await journal.write(lambda c: watches.remember(c, "compass", "classifiers", kept))
    await journal.write(lambda c: watches.remember(c, "compass", "topics", [making.memory("p/9")]))
    await journal.write(lambda c: watches.remember(c, "compass", "topics", []))

    async def recall(wanted: list[str] | None, scope: str = "") -> set[str]:
        found = await journal.read(lambda c: watches.recall(c, "compass", "classifiers", wanted, scope))
        assert all(one.remote_id == id and one.state == "ready" for id, one in found.items())
        return set(found)

    assert await recall(None) == {"p/1", "p/2", "p0", "p", "q/1", "P/3"}
    assert await recall(None, "p") == {"p/1", "p/2"}
    assert await recall(["p/1", "p0", "x"]) == {"p/1", "p0"}
    assert await recall([]) == set()
    await journal.write(lambda c: watches.forget(c, "compass", "classifiers", ["p/1", "P/3"]))
    assert await recall(None) == {"p/2", "p0", "p", "q/1"}


async def test_what_is_remembered_is_written_over(journal: Journal) -> None:
    old = making.memory("1")
    new = making.memory(
        "1", memory=None, version=2, state="done", since=NOW, stalled_told=True, callbacks=3, event_id="e"
    )
    for kept in (old, new):
        await journal.write(partial(watches.remember, account="popily", resource="sources", kept=[kept]))
    assert await journal.read(lambda c: watches.recall(c, "popily", "sources", None)) == {"1": new}


async def test_many_thousand_objects_are_recalled_and_forgotten(journal: Journal) -> None:
    kept = [making.memory(f"{n}") for n in range(2_500)]
    ids = [one.remote_id for one in kept]
    await journal.write(lambda c: watches.remember(c, "popily", "sources", kept))
    found = await journal.read(lambda c: watches.recall(c, "popily", "sources", ids * 20))
    assert len(found) == 2_500
    await journal.write(lambda c: watches.forget(c, "popily", "sources", ids[1:]))
    assert await making.counted(journal, "memories") == 1
