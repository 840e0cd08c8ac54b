"""Topics, messages and counts, watched: what is news once, what is not, and what is not concluded."""

import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.compass import connector, watches
from daemon.connectors.compass.events import topics as topic_looks
from daemon.contract import errors
from daemon.model import times
from daemon.model.events import Fact
from daemon.sandbox import faults
from tests.connectors import support
from tests.connectors.compass.doubts import PROJECT, act

IN = {"project_id": PROJECT}
WATCHES = {watch.resource: watch for watch in connector.watches}
NOW = 1_764_547_200  # seconds; the sandbox's clock begins then


def polling(compass, resource, **options):
    return support.Polling(WATCHES[resource], compass, **IN, **options)


def told(facts):
    return [(fact.type.removeprefix("compass."), fact.subject) for fact in facts]


async def post(compass, count, text="m"):
    given = [{"text": f"{text} {n}", "timestamp": NOW} for n in range(count)]
    await act(compass, "post_messages", **IN, messages=given)


async def topic(compass, title, **given):
    made = await act(compass, "create_topic", **IN, title=title, info={"terms": {title: 1.0}}, **given)
    return made.id


async def test_topics_are_told_once_as_they_come_change_and_go(sandbox, compass):
    old = await topic(compass, "old")
    watch = polling(compass, "topics")
    assert await watch.poll() == []
    new = await topic(compass, "new", status="pending")
    assert told(await watch.poll()) == [("topic.added", new)]
    await act(compass, "update_topic", **IN, topic_id=new, status="active")
    (fact,) = await watch.poll()
    assert told([fact]) == [("topic.changed", new)]
    assert (fact.data["topic"]["status"], fact.data["previous"]["status"]) == ("active", "pending")
    assert await watch.poll() == []
    del sandbox.compass.projects[PROJECT].topics[int(old)]
    (fact,) = await watch.poll()
    assert told([fact]) == [("topic.removed", old)]
    assert fact.data["topic"]["title"] == "old"
    assert await watch.poll() == []
    assert set(watch.memory) == {f"{PROJECT}/{new}"}


async def test_that_a_topic_gets_messages_is_no_change(sandbox, compass):
    number = int(await topic(compass, "prices"))
    watch = polling(compass, "topics")
    await watch.poll()
    sandbox.compass.projects[PROJECT].topics[number].update(
        measurements={"count": 9, "velocity": 2.0}, clusters=[{"terms": ["price"]}]
    )
    seen = await watch.look()
    assert [one.facts for one in seen] == [[]]
    assert "measurements" not in seen[0].resource


async def test_there_and_back_again_are_two_changes(compass):
    id = await topic(compass, "prices")
    watch = polling(compass, "topics")
    await watch.poll()
    keys = []
    for status in ("inactive", "active", "inactive"):
        await act(compass, "update_topic", **IN, topic_id=id, status=status)
        keys += [fact.key for fact in await watch.poll()]
    assert len(set(keys)) == 3


async def test_an_unknown_status_is_told_as_it_is_with_one_warning(sandbox, compass):
    number = int(await topic(compass, "prices"))
    watch = polling(compass, "topics")
    await watch.poll()
    sandbox.compass.projects[PROJECT].topics[number]["status"] = "asleep-17"
    watches._warn.cache_clear()
    with structlog.testing.capture_logs() as logged:
        (seen,) = await watch.look()
        await watch.look()
    assert [fact.type for fact in seen.facts] == ["compass.topic.changed"]
    assert (seen.state, seen.final) == ("asleep-17", False)
    assert [(line["log_level"], line["state"]) for line in logged] == [("warning", "asleep-17")]


@pytest.mark.parametrize("resource", ["topics", "classifiers"])
async def test_a_project_that_cannot_be_read_any_more_removes_nothing(sandbox, compass, resource):
    await topic(compass, "prices")
    await act(compass, "create_classifier", **IN, name="c", type="sentiment_combined")
    watch = polling(compass, resource)
    await watch.poll()
    memory = dict(watch.memory)
    sandbox.compass.projects["hidden"] = sandbox.compass.projects.pop(PROJECT)
    with pytest.raises(errors.PermanentError, match="404"):
        await watch.poll()
    with pytest.raises(errors.PermanentError, match="404"):
        await watch.look(wanted=tuple(memory))
    assert watch.memory == memory
    assert memory


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_what_is_refused_is_not_taken_for_removed(sandbox, compass, status):
    await topic(compass, "prices")
    watch = polling(compass, "topics")
    await watch.poll()
    sandbox.compass.projects[PROJECT].topics.clear()
    fault = faults.Fault("compass", "status", path="*/topics/1/", status=status, times=None)
    sandbox.faults.add(fault)
    with pytest.raises(errors.ServiceError):
        await watch.poll()
    assert set(watch.memory) == {f"{PROJECT}/1"}


async def test_messages_are_told_by_their_ids_once(sandbox, compass):
    await post(compass, 30)
    watch = polling(compass, "messages")
    assert await watch.poll() == []
    await post(compass, 3)
    facts = await watch.poll()
    assert told(facts) == [("message.added", "31"), ("message.added", "32"), ("message.added", "33")]
    assert facts[0].data["message"]["text"] == "m 0"
    assert await watch.poll() == []
    assert watch.memory == {f"{PROJECT}/newest": {"newest": 33}}


@pytest.mark.parametrize("order", ["newest", "oldest", "written"])
async def test_a_burst_is_told_whole_though_messages_are_deleted_meanwhile(sandbox, compass, order):
    sandbox.compass.order = order
    watch = polling(compass, "messages")
    await watch.poll()
    await post(compass, 130)
    del sandbox.compass.projects[PROJECT].messages[130]
    del sandbox.compass.projects[PROJECT].messages[60]
    facts = await watch.poll()
    assert [int(fact.subject) for fact in facts] == [n for n in range(1, 130) if n != 60]
    await post(compass, 1)
    assert told(await watch.poll()) == [("message.added", "131")]


async def test_a_backlog_is_told_over_several_polls_the_oldest_first(compass, monkeypatch):
    monkeypatch.setattr(watches, "MOST_MESSAGES", 50)
    await post(compass, 130)
    watch = polling(compass, "messages")
    parts = [[int(fact.subject) for fact in await watch.poll(announce=True)] for _ in range(4)]
    assert [number for part in parts for number in part] == list(range(1, 131))
    assert all(len(part) <= 70 for part in parts)
    assert parts[-1] == [] or len(parts[0]) < 130


async def test_a_project_without_messages_has_a_cursor_too(compass):
    watch = polling(compass, "messages")
    assert await watch.poll() == []
    await post(compass, 1)
    assert told(await watch.poll()) == [("message.added", "1")]


async def test_each_message_has_a_row_of_its_own_that_goes(compass):
    watch = polling(compass, "messages")
    await watch.poll()
    await post(compass, 2)
    seen = await watch.look()
    assert [(one.id, one.gone) for one in seen] == [
        (f"{PROJECT}/1", True),
        (f"{PROJECT}/2", True),
        (f"{PROJECT}/newest", False),
    ]


async def test_counts_are_told_when_they_change(compass, virtual_clock):
    watch = polling(compass, "stats", interval=60, num_buckets=2)
    assert await watch.poll() == []
    await post(compass, 2)
    await virtual_clock.advance(times.SECOND)
    (fact,) = await watch.poll()
    assert told([fact]) == [("stats.sampled", PROJECT)]
    assert (fact.data["measurements"]["count"], fact.data["previous"]["count"]) == (2, 0)
    assert fact.data["time_buckets"]["counts"] == [None, 2]
    assert await watch.poll() == []
    await virtual_clock.advance(2 * times.HOUR)
    (fact,) = await watch.poll()
    assert fact.data["measurements"]["velocity"] == 0


async def test_two_watches_with_other_buckets_do_not_disturb_one_another(compass):
    one, other = polling(compass, "stats", interval=60), polling(compass, "stats", num_buckets=3)
    await one.poll()
    await other.poll()
    assert set(one.memory).isdisjoint(other.memory)
    assert all(key.startswith(f"{PROJECT}/") for key in (*one.memory, *other.memory))


TOPIC = some.fixed_dictionaries(
    {
        "url": some.just("http://c/api/projects/p1/p/topics/7/"),
        "title": some.sampled_from(["a", "b"]),
        "status": some.sampled_from(["active", "inactive", "pending", "odd"]),
        "blocking": some.booleans(),
        "info": some.sampled_from([{}, {"terms": {"a": 1.0}}, "a OR b", None]),
        "measurements": some.dictionaries(some.just("count"), some.integers(0, 9)),
    }
)


@given(some.lists(TOPIC, max_size=8), TOPIC)
def test_the_same_topic_twice_tells_nothing_and_keys_are_unique(readings, last):
    memory: topic_looks.Memory | None = None
    facts: list[Fact] = []
    for reading in [*readings, last]:
        seen = topic_looks.compare("p1", memory, topic_looks.show(reading), announce=True)
        memory = topic_looks.recall(seen.memory)
        facts += seen.facts
    again = topic_looks.compare("p1", memory, topic_looks.show(last), announce=True)
    assert again.facts == []
    assert again.memory == seen.memory
    assert len({fact.key for fact in facts}) == len(facts)
    assert [fact.type for fact in facts][:1] == ["compass.topic.added"]
