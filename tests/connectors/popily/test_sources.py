"""Popily's sources: what a look says beside what is remembered, and the watch before the simulated Popily."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog import testing

from daemon.connectors.popily import events, watches
from daemon.contract import errors
from daemon.model import jsons, times
from tests.connectors import support

statuses = st.sampled_from(
    ["inspecting", "calculating", "reinspecting", "Adding", "finished", "error", "brand-new"]
)


def look(memory, status, announce=True):
    return events.compare(memory, {"id": 7, "status": status, "title": "t"}, announce)


def words(seen):
    return [fact.type.removeprefix("popily.source.") for fact in seen.facts]


@pytest.mark.parametrize(
    "course, told",
    [
        (["inspecting", "calculating"], ["status_changed"]),
        (["calculating", "finished"], ["status_changed", "finished"]),
        (["calculating", "error"], ["status_changed", "failed"]),
        (["finished", "reinspecting", "finished"], ["status_changed", "status_changed", "finished"]),
        (["finished", "finished"], []),
        (["Adding", "adding"], []),
        (["calculating", "Finished"], ["status_changed", "finished"]),
        (["calculating", "brand-new"], ["status_changed"]),
        (["calculating", None], ["status_changed"]),
    ],
)
def test_what_moved_is_told(course, told):
    memory, found = None, []
    for status in course:
        seen = look(memory, status, announce=memory is not None)
        memory = seen.memory
        found += words(seen)
    assert found == told


@given(st.lists(statuses, min_size=1))
def test_each_move_is_told_once_with_a_key_of_its_own(course):
    memory, keys, told = None, [], []
    for status in course:
        for _ in range(2):
            seen = look(memory, status)
            memory = jsons.loads(jsons.dumps(seen.memory))
            keys += [fact.key for fact in seen.facts]
            told += words(seen)
            assert seen.final == (status in ("finished", "error"))
    moves = [now for before, now in zip([None, *course], course, strict=False) if before != now]
    assert len(keys) == len(set(keys))
    assert told.count("added") + told.count("status_changed") == len(moves)
    assert (told.count("finished"), told.count("failed")) == (moves.count("finished"), moves.count("error"))


def test_a_final_state_wakes_or_fails_who_waits():
    done = look(None, "finished", announce=False)
    source = {"id": 7, "status": "finished", "title": "t"}
    assert done.result == {**source, "source": source, "status": "finished", "previous": None}
    assert (done.failure, done.final, done.facts) == (None, True, [])
    failed = look(None, "error")
    assert failed.result is None
    assert "error" in str(failed.failure)
    assert look(None, "brand-new").final is False


def test_a_connection_string_is_not_remembered():
    seen = events.compare(None, {"id": 7, "connection_string": "mysql://u:p@h/d"}, True)
    assert "mysql" not in str(seen)


@pytest.fixture
async def added(popily):
    async def add(title):
        body = {"url": "https://example.com/a.csv", "title": title}
        return (await popily.send("POST", "/sources/", json=body)).json()

    return add


async def test_a_source_is_watched_until_finished(popily, added, virtual_clock):
    polling = support.Polling(watches.sources, popily)
    assert await polling.poll() == []
    source = await added("one")
    (fact,) = await polling.poll()
    assert (fact.type, fact.subject, fact.data["status"]) == (
        "popily.source.added",
        str(source["id"]),
        "inspecting",
    )
    await virtual_clock.advance(6 * times.SECOND)
    (fact,) = await polling.poll()
    assert (fact.data["status"], fact.data["previous"]) == ("calculating", "inspecting")
    await virtual_clock.advance(30 * times.SECOND)
    assert support.types_of(await polling.poll()) == [
        "popily.source.status_changed",
        "popily.source.finished",
    ]
    assert await polling.poll() == []


async def test_what_is_there_already_is_not_told_by_a_listing_of_several_pages(popily, added):
    for number in range(23):
        await added(f"source {number}")
    polling = support.Polling(watches.sources, popily)
    assert len(await polling.look()) == 23
    await added("another")
    assert support.types_of(await polling.poll()) == ["popily.source.added"]


@pytest.mark.parametrize("by", ["list", "ids"])
async def test_a_removed_source_is_told_after_the_token_proved_good(popily, added, sandbox, by):
    source = await added("one")
    polling = support.Polling(watches.sources, popily, **({"ids": [source["id"]]} if by == "ids" else {}))
    await polling.poll()
    del sandbox.popily.sources[source["id"]]
    (fact,) = await polling.poll()
    assert (fact.type, fact.data["source"]["title"]) == ("popily.source.removed", "one")
    assert polling.memory == {}


async def test_a_refused_token_takes_nothing_away(popily, added, sandbox):
    await added("one")
    polling = support.Polling(watches.sources, popily)
    await polling.poll()
    sandbox.popily.tokens.clear()
    with pytest.raises(errors.TemporaryError) as refused:
        await polling.poll()
    assert refused.value.unauthorized
    assert polling.memory


def test_an_id_is_a_number():
    assert watches.sources.wanted(watches.SourcesOptions(ids=[2279, "2280"])) == ("2279", "2280")
    with pytest.raises(ValueError, match="slug"):
        watches.SourcesOptions(ids=["dc-wikia"])


async def test_a_status_that_no_document_knows_is_told_and_logged_once(popily, added, sandbox):
    polling = support.Polling(watches.sources, popily)
    await polling.poll()
    status = f"brand-new-{sandbox.urls['popily'].rpartition(':')[2]}"  # one that no other test has warned of
    for title in ("one", "two"):
        source = await added(title)
        sandbox.popily.courses[source["id"]]["fixed"] = status
    with testing.capture_logs() as lines:
        facts = [*(await polling.poll()), *(await polling.poll())]
    assert [fact.data["status"] for fact in facts] == [status, status]
    assert [line["state"] for line in lines if line["event"] == "state.unknown"] == [status.casefold()]
    assert not any(seen.final for seen in await polling.look())
