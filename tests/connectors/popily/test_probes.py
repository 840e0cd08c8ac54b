"""Popily's probes: what a lost call made is found and adopted, what it did not make is not, and a stranger's
work is never taken for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.popily.actions import finding, sources, users
from daemon.contract import errors
from daemon.model import times
from tests.connectors import doubts, support

ROWS = [{"city": "Bergen"}]


@pytest.fixture
def ready(popily, sandbox):
    def prepare(action, marker="0123456789ab", **given):
        return doubts.prepare(action, popily, sandbox, marker, **given)

    return prepare


def effects(sandbox, name):
    return [effect for effect, _ in sandbox.ledger.effects("popily")].count(name)


async def test_a_lost_source_is_found_by_its_mark_and_followed(ready, sandbox, virtual_clock):
    lost = await doubts.lose(ready(sources.add_source, title="Sales", rows=ROWS), sandbox, after=True)
    await virtual_clock.advance(6 * times.SECOND)
    found = await lost.look()
    (kept,) = sandbox.popily.sources.values()
    assert (found.result.id, found.result.status) == (kept["id"], "calculating")
    assert found.made == [("source", str(kept["id"]))]
    assert (found.follow.resource, found.follow.id) == ("sources", str(kept["id"]))
    assert support.types_of(found.facts) == ["popily.source.added"]
    assert effects(sandbox, "source.added") == 1


async def test_a_source_that_was_never_added_is_not_found(ready, sandbox):
    lost = await doubts.lose(ready(sources.add_source, title="Sales", rows=ROWS), sandbox, after=False)
    await ready(sources.add_source, "ba9876543210", title="Sales", rows=ROWS).repeat()
    assert await lost.look() is None
    done = await lost.repeat()
    assert (await lost.look()).result.id == done.result.id
    assert effects(sandbox, "source.added") == 2


async def test_a_strangers_source_of_that_title_is_unclear_until_a_mark_is_seen(ready, sandbox, popily):
    lost = await doubts.lose(ready(sources.add_source, title="Sales", rows=ROWS), sandbox, after=False)
    await popily.send("POST", "/sources/", json={"url": "https://a.example/b.csv", "title": "Sales"})
    with pytest.raises(errors.Unclear, match="2279"):
        await lost.look()
    await ready(sources.add_source, "ba9876543210", title="Other", rows=ROWS).repeat()
    assert await lost.look() is None


async def test_without_a_marker_the_description_stays_as_it_is(ready, sandbox):
    await ready(sources.add_source, "", rows=ROWS).repeat()
    await ready(sources.add_source, "", rows=ROWS, description="Weekly").repeat()
    assert [one["description"] for one in sandbox.popily.sources.values()] == [None, "Weekly"]
    named = ready(sources.add_source, title="Sales", rows=ROWS)
    assert named.probe.relies_on_marker(named.parameters)
    assert (named.lock, ready(sources.add_source, rows=ROWS).lock) == ("source/Sales", "")


def test_a_service_that_shows_no_descriptions_is_searched_by_title_and_id():
    shown = [{"id": 7, "title": "Sales"}, {"id": 8, "title": "Other"}, {"id": 9, "title": "Sales"}]
    assert finding.choose_source(shown, "[pointsman x]", "Sales", {"last_id": 7}) == shown[2]
    assert finding.choose_source(shown, "[pointsman x]", "Sales", {"last_id": 9}) is None
    assert finding.choose_source(shown, "[pointsman x]", None, {"last_id": 9}) is None
    with pytest.raises(errors.Unclear, match="8, 9"):  # one of them may be ours: it was sent without a title
        finding.choose_source(shown, "[pointsman x]", None, {"last_id": 7})
    for before in ({"last_id": 6}, None):
        with pytest.raises(errors.Unclear, match="7, 9"):
            finding.choose_source(shown, "[pointsman x]", "Sales", before)


async def test_a_lost_user_is_found_and_a_missing_one_is_not(ready, sandbox):
    lost = await doubts.lose(ready(users.create_user, username="grace"), sandbox, after=True)
    found = await lost.look()
    assert (found.result.username, found.made) == ("grace", [("user", str(found.result.id))])
    never = await doubts.lose(ready(users.create_user, username="ada"), sandbox, after=False)
    await ready(users.create_user, username="adalbert").repeat()  # a stranger's is none of ours
    assert await never.look() is None
    assert effects(sandbox, "user.created") == 2


async def test_a_name_that_was_taken_before_is_refused_in_the_vendors_words(ready, sandbox):
    await ready(users.create_user, username="grace").repeat()
    lost = await doubts.lose(ready(users.create_user, username="grace"), sandbox, after=True)
    assert await lost.look() is None
    with pytest.raises(errors.PermanentError, match="already exists"):
        await lost.repeat()
    assert lost.lock == "user/grace"


def test_a_name_that_may_have_been_altered_is_unclear():
    shown = [{"id": 3, "username": "grace"}, {"id": 4, "username": "grace2"}]
    with pytest.raises(errors.Unclear, match="grace2"):
        finding.choose_user(shown, "grace", {"last_id": 3, "taken": True})
    assert finding.choose_user(shown, "grace2", {"last_id": 3, "taken": False}) == shown[1]
    with pytest.raises(errors.Unclear, match="not known"):
        finding.choose_user(shown, "grace", None)
    assert finding.choose_user(shown, "eve", None) is None


@given(st.lists(st.sampled_from(["grace", "grace2", "eve"]), max_size=4), st.integers(0, 4), st.booleans())
def test_only_a_new_user_of_that_very_name_is_adopted(names, last, taken):
    shown = [{"id": number, "username": name} for number, name in enumerate(names, start=1)]
    try:
        found = finding.choose_user(shown, "grace", {"last_id": last, "taken": taken})
    except errors.Unclear:
        assert taken
        return
    assert found is None or (found["username"] == "grace" and found["id"] > last)


@given(st.lists(st.integers(0, 99) | st.sampled_from(["slug", "17"]), max_size=5))
def test_the_last_id_is_the_highest_number(ids):
    numbers = [int(one) for one in ids if str(one).isdigit()]
    assert finding.last_id([{"id": one} for one in ids]) == max(numbers, default=0)
