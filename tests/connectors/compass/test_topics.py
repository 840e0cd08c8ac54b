"""Topics, messages, counts, usage and settings: what each action does at the service."""

import pytest
from pydantic import ValidationError

from daemon.connectors.compass.actions import messages, topics
from daemon.contract import errors
from daemon.model import times
from tests.connectors.compass import doubts
from tests.connectors.compass.doubts import PROJECT, act, do

IN = {"project_id": PROJECT}
NOW = 1_764_547_200  # seconds; the sandbox's clock begins then


def kept(sandbox):
    return [one["text"] for one in sandbox.compass.projects[PROJECT].messages.values()]


async def post(compass, *texts, **given):
    posted = [{"text": text, "timestamp": NOW + place} for place, text in enumerate(texts)]
    return await act(compass, "post_messages", **IN, messages=posted, **given)


async def test_topics_are_made_read_changed_and_deleted(sandbox, compass):
    terms = {"terms": {"prices": 1.0, "expensive": 0.9}}
    done = await do(compass, "create_topic", **IN, title="Prices", info=terms, blocking=True)
    assert done.made == [("topic", f"{PROJECT}/{done.result.id}")]
    assert (done.result.blocking, done.result.info) == (True, terms)
    given = {**IN, "topic_id": done.result.id}
    changed = await act(compass, "update_topic", **given, status="inactive", blocking=False)
    assert (changed.status, changed.blocking) == ("inactive", False)
    await act(compass, "delete_topic", **given)
    assert sandbox.compass.projects[PROJECT].topics == {}
    history = await act(compass, "list_topics_history", **IN, status="inactive")
    assert [one.title for one in history.topics] == ["Prices"]
    late = await act(compass, "list_topics_history", **IN, earliest_created="2030-01-01T00:00:00")
    assert late.topics == []


@pytest.mark.parametrize("info", [{}, {"terms": {}}, {"terms": {"a": 2}}, {"terms": "a OR b"}])
def test_a_topic_without_weighted_terms_is_refused(info):
    with pytest.raises(ValidationError, match="terms"):
        topics.CreateTopic.model_validate({**IN, "title": "t", "info": info})


async def test_what_else_stands_in_a_topics_info_is_kept(sandbox, compass):
    info = {"terms": {"a": 1.0}, "owner": "ada"}
    made = await act(compass, "create_topic", **IN, title="t", info=info)
    assert sandbox.compass.projects[PROJECT].topics[int(made.id)]["info"] == info


async def test_topics_are_listed_with_their_counts(compass):
    await act(compass, "create_topic", **IN, title="Prices", info={"terms": {"prices": 1}})
    await act(compass, "create_topic", **IN, title="Spam", info={"terms": {"spam": 1}}, blocking=True)
    await post(compass, "prices rise", "prices fall")
    blocking = await act(compass, "list_topics", **IN, blocking=True)
    assert [one.title for one in blocking.topics] == ["Spam"]
    counted = await act(
        compass, "list_topics", **IN, blocking=False, stats=True, num_buckets=2, at_time=NOW + 60
    )
    assert counted.topics[0].measurements["count"] == 2
    assert counted.topics[0].time_buckets["counts"] == [None, 2]
    one = await act(compass, "get_topic", **IN, topic_id=counted.topics[0].id)
    assert (one.title, one.time_buckets) == ("Prices", None)


async def test_a_topics_messages_are_listed_with_their_centrality(compass):
    made = await act(compass, "create_topic", **IN, title="Prices", info={"terms": {"prices": 1}})
    await post(compass, "prices rise", "hello", "prices fall")
    listed = await act(compass, "list_topic_messages", **IN, topic_id=made.id, outliers=True)
    assert [(one.text, one.centrality) for one in listed.messages] == [
        ("prices fall", 1.0),
        ("hello", -0.5),
        ("prices rise", 1.0),
    ]
    newer = await act(compass, "list_topic_messages", **IN, topic_id=made.id, newer_than_id=1)
    assert [one.text for one in newer.messages] == ["prices fall"]


async def test_messages_are_listed_read_and_deleted(sandbox, compass):
    await post(compass, *[f"m {n}" for n in range(30)])
    listed = await act(compass, "list_messages", **IN, newer_than_id=5)
    assert (listed.count, len(listed.messages)) == (25, 25)
    assert len((await act(compass, "list_messages", **IN, limit=7)).messages) == 7
    early = await act(compass, "list_messages", **IN, latest="2025-12-01T00:00:01+00:00")
    assert [one.id for one in early.messages] == ["2", "1"]
    assert (await act(compass, "get_message", **IN, message_id=3)).text == "m 2"
    await act(compass, "delete_message", **IN, message_id=3)
    assert "m 2" not in kept(sandbox)


async def test_messages_replace_those_that_a_filter_names(sandbox, compass):
    await post(compass, "a", "b", "c")
    await post(compass, "new", replace=True, newer_than_id=1)
    assert kept(sandbox) == ["a", "new"]


@pytest.mark.parametrize(
    "given, words", [({"replace": True}, "needs a filter"), ({"latest": 5}, "replace = true")]
)
def test_replacing_without_a_filter_is_refused_and_a_filter_alone_too(given, words):
    with pytest.raises(ValidationError, match=words):
        messages.PostMessages.model_validate({**IN, "messages": [{"text": "a"}], **given})


@pytest.mark.parametrize("to_date", ["2025-12-01 00:00:02", "2025-12-01T02:00:02+02:00"])
async def test_messages_before_a_moment_are_purged(sandbox, compass, to_date):
    await post(compass, "a", "b", "c")
    await act(compass, "purge_messages", **IN, to_date=to_date)
    assert kept(sandbox) == ["c"]
    with pytest.raises(ValidationError, match="isoformat"):
        messages.PurgeMessages.model_validate({**IN, "to_date": "soon"})


async def test_counts_and_usage_are_read(compass, virtual_clock):
    await post(compass, "a", "b")
    stats = await act(compass, "get_stats", **IN, interval=10, num_buckets=2, at_time=NOW + 10)
    assert stats.measurements.count == 2
    assert stats.time_buckets.counts == [None, 2]
    await virtual_clock.advance(times.DAY)
    await post(compass, "c")
    months = (await act(compass, "list_usage", **IN, source="api")).months
    assert [day.count for month in months for day in month.days] == [2, 1]
    day = months[-1].days[-1]
    assert (await act(compass, "get_usage", **IN, usage_id=day.id)).count == 1


async def test_settings_are_set_and_unset(sandbox, compass):
    changed = await act(compass, "set_config", **IN, key="number_of_clusters", value=7)
    assert (changed.key, changed.value) == ("number_of_clusters", 7)
    listed = await act(compass, "list_config", **IN)
    assert [one.value for one in listed.overridden] == [7]
    await act(compass, "unset_config", **IN, key="number_of_clusters")
    assert sandbox.compass.projects[PROJECT].config == {}
    assert (await act(compass, "get_config", **IN, key="number_of_clusters")).value == 30
    with pytest.raises(errors.PermanentError) as refused:
        await act(compass, "get_config", **IN, key="nonesuch")
    assert refused.value.missing


@pytest.mark.parametrize("order", ["newest", "oldest", "written"])
@pytest.mark.parametrize("count", [0, 3, 21, 130])
async def test_the_newest_message_is_found_in_any_order(sandbox, compass, order, count):
    sandbox.compass.order = order
    await fill(sandbox, compass, count)
    assert await compass.newest_message(PROJECT) == count


@pytest.mark.parametrize("order", ["newest", "oldest", "written"])
@pytest.mark.parametrize("after, most, ids", [(0, 1000, 130), (125, 1000, 130), (0, 30, 40), (130, 1000, 0)])
async def test_messages_after_an_id_are_read_without_a_gap(sandbox, compass, order, after, most, ids):
    sandbox.compass.order = order
    await fill(sandbox, compass, 130)
    found = await compass.messages_after(PROJECT, after, most)
    last = ids if most == 1000 else max(found)
    assert list(found) == list(range(after + 1, last + 1))
    assert len(found) <= most + 20


async def test_ids_with_wide_gaps_are_read_in_few_requests(sandbox, compass):
    await fill(sandbox, compass, 60)
    project = sandbox.compass.projects[PROJECT]
    for number, message in list(project.messages.items()):
        del project.messages[number]
        message.update(number=number * 10_000, url=f"http://c/p/messages/{number * 10_000}/")
        project.messages[number * 10_000] = message
    before = len(sandbox.ledger.read("compass"))
    found = await compass.messages_after(PROJECT, 0, 1000)
    assert list(found) == [number * 10_000 for number in range(1, 61)]
    assert len(sandbox.ledger.read("compass")) - before < 400


async def fill(sandbox, compass, count):
    """*count* messages whose own times are in no order."""
    given = [{"text": f"{n}", "timestamp": NOW + n * 7919 % 1000} for n in range(count)]
    if given:
        await doubts.act(compass, "post_messages", **IN, messages=given)
