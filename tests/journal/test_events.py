"""Events: one fact is one event, and the order is the journal's."""

import asyncio

import pytest

from daemon.journal import events
from daemon.journal.database import Journal
from daemon.journal.events import Filters
from daemon.model import times
from daemon.model.events import Event, Fact, Lineage
from tests.journal import making
from tests.journal.making import NOW

TYPES = [
    "populr.pop.created",
    "populr.pop.changed",
    "populr_pop.created",
    "Populr.pop.created",
    "a%b",
    "a[b]c",
]


async def keys(journal: Journal, filters: Filters) -> list[str]:
    return [event.key for event in await journal.read(lambda c: events.listed(c, filters))]


async def test_an_event_comes_back_as_it_was_told(journal: Journal) -> None:
    lineage = Lineage("trace", 3, "cause", "origin")
    fact = Fact("a.b", "subject ü", "key", {"n": 1, "text": "a\0b", "list": [None, 1.5]}, NOW - 5)
    (told,) = await journal.write(lambda c: events.emit(c, [fact], "shop", NOW, lineage))
    found = await making.event_with(journal, told.id)
    assert found == Event(
        1,
        told.id,
        "shop",
        "a.b",
        "subject ü",
        NOW - 5,
        NOW,
        "key",
        "trace",
        3,
        "cause",
        "origin",
        {"n": 1, "text": "a\0b", "list": [None, 1.5]},
    )


async def test_an_event_from_outside_begins_a_trace_of_its_own(journal: Journal) -> None:
    (id,) = await making.told(journal, "k")
    found = await making.event_with(journal, id)
    assert (found.trace, found.depth, found.cause, found.time) == (id, 0, None, NOW)
    assert await journal.read(lambda c: events.get(c, "nothing")) is None


async def test_one_fact_is_one_event_within_a_batch_and_later(journal: Journal) -> None:
    facts = [making.fact(key) for key in ("a", "b", "a", "c", "b")]
    first = await journal.write(lambda c: events.emit(c, facts, "shop", NOW))
    again = await journal.write(lambda c: events.emit(c, facts[:3], "shop", NOW + 1))
    other = await journal.write(lambda c: events.emit(c, facts[:1], "mill", NOW + 1))
    assert [one.duplicate for one in first] == [False, False, True, False, True]
    assert [one.duplicate for one in again] == [True, True, True]
    assert [one.id for one in again] == [one.id for one in first[:3]]
    assert not other[0].duplicate
    assert first[0].id == first[2].id != other[0].id
    assert await making.counted(journal, "events") == 4


async def test_the_same_fact_told_by_many_at_once_is_one_event(journal: Journal, batches: list[int]) -> None:
    told = await asyncio.gather(*(making.told(journal, "k") for _ in range(8)))
    assert len({id for (id,) in told}) == 1
    assert batches == [8]
    assert await journal.write(lambda c: events.admit(c, [])) == []


async def test_events_are_read_in_the_order_they_were_told(journal: Journal) -> None:
    await asyncio.gather(*(making.told(journal, f"{n}-a", f"{n}-b") for n in range(4)))
    found = await journal.read(lambda c: events.after(c, 0, 100))
    assert [event.key for event in found] == [f"{n}-{end}" for n in range(4) for end in "ab"]
    assert [event.seq for event in found] == sorted(event.seq for event in found)
    assert await journal.read(events.newest_seq) == found[-1].seq
    some = await journal.read(lambda c: events.after(c, found[2].seq, 2))
    assert [event.key for event in some] == ["1-b", "2-a"]


async def test_the_cursor_moves_for_one_reader_only(journal: Journal) -> None:
    assert await journal.read(events.cursor) == 0
    moves = await asyncio.gather(*(journal.write(lambda c: events.move_cursor(c, 0, 5)) for _ in range(3)))
    assert sorted(moves) == [False, False, True]
    assert not await journal.write(lambda c: events.move_cursor(c, 4, 9))
    assert await journal.write(lambda c: events.move_cursor(c, 5, 9))
    assert await journal.read(events.cursor) == 9
    assert await journal.read(lambda c: events.cursor(c, "another")) == 0


async def test_the_oldest_unrouted_event_is_the_first_behind_the_cursor(journal: Journal) -> None:
    assert await journal.read(events.oldest_unrouted) is None
    await making.told(journal, "a", now=NOW)
    await making.told(journal, "b", now=NOW + 7)
    assert await journal.read(events.oldest_unrouted) == NOW
    await journal.write(lambda c: events.move_cursor(c, 0, 1))
    assert await journal.read(events.oldest_unrouted) == NOW + 7


@pytest.mark.parametrize(
    "glob, found",
    [
        ("populr.*", {0, 1}),
        ("populr?pop.*", {0, 1, 2}),
        ("*.created", {0, 2, 3}),
        ("populr.pop.created", {0}),
        ("populr.pop", set()),
        ("a%*", {4}),
        ("a[b]*", {5}),
        ("a?b*", {4, 5}),
        ("*", {0, 1, 2, 3, 4, 5}),
        ("POPULR.*", set()),
        ("*\\*", set()),
    ],
)
async def test_globs_mean_what_the_config_says(journal: Journal, glob: str, found: set[int]) -> None:
    facts = [making.fact(str(n), type=type, subject=type) for n, type in enumerate(TYPES)]
    await journal.write(lambda c: events.emit(c, facts, "shop", NOW))
    assert {int(key) for key in await keys(journal, Filters(type=glob))} == found
    assert {int(key) for key in await keys(journal, Filters(subject=glob))} == found


async def test_a_listing_is_narrowed_and_newest_first(journal: Journal) -> None:
    for n in range(5):
        await making.told(journal, str(n), now=NOW + n * times.SECOND, source="shop" if n % 2 else "mill")
    (third,) = await making.told(journal, "2", source="mill")
    assert await keys(journal, Filters()) == ["4", "3", "2", "1", "0"]
    assert await keys(journal, Filters(limit=2)) == ["4", "3"]
    assert await keys(journal, Filters(source="shop")) == ["3", "1"]
    assert await keys(journal, Filters(since=NOW + 3 * times.SECOND)) == ["4", "3"]
    assert await keys(journal, Filters(until=NOW + times.SECOND)) == ["1", "0"]
    assert await keys(journal, Filters(trace=third)) == ["2"]
    assert await keys(journal, Filters(after_seq=3, limit=9)) == ["3", "4"]


async def test_text_that_no_database_keeps_is_mended(journal: Journal) -> None:
    odd = making.fact("a\0b\ud800", subject="s\0", type="x\0.y")
    (told,) = await journal.write(lambda c: events.emit(c, [odd], "shop", NOW))
    found = await making.event_with(journal, told.id)
    assert (found.type, found.subject, found.key) == ("x\ufffd.y", "s\ufffd", "a\ufffdb?")
    assert await journal.read(lambda c: events.find_by_key(c, "shop", "a\0b\ud800")) == told.id
    assert [event.id for event in await journal.read(lambda c: events.listed(c, Filters(subject="s\0")))]


async def test_keys_too_long_for_an_index_are_told_apart_still(journal: Journal) -> None:
    long = ["ü" * 100_000 + end for end in ("a", "b", "a")]
    facts = [making.fact(key) for key in long]
    told = await journal.write(lambda c: events.emit(c, facts, "shop", NOW))
    assert [one.duplicate for one in told] == [False, False, True]
    assert await journal.read(lambda c: events.find_by_key(c, "shop", long[1])) == told[1].id
