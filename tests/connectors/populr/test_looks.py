"""What a look says beside what is remembered: tracers' counters, pops' states, and verdicts on callbacks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.populr.events import pops, tracers
from daemon.contract import declare
from daemon.model import jsons

counts = st.integers(0, 5)
names = st.sampled_from(["a", "b"])
analytics = st.fixed_dictionaries(
    {},
    optional={
        "views": counts,
        "clicks": counts,
        "links": st.dictionaries(names, st.fixed_dictionaries({}, optional={"clicks": counts})),
        "assets": st.dictionaries(names, st.dictionaries(names, st.builds(lambda n: {"clicks": n}, counts))),
    },
).map(tracers.read_counters)

POLLED = tracers.Reason(announce=True)


def look(counters, **tracer):
    pop = tracers.summarise({"id": "p"})
    return tracers.Look(pop, {"id": "t", "name": "n", "code": "c", **tracer}, tracers.read_counters(counters))


def poll(memory, counters, reason=POLLED):
    return tracers.compare("p/t", memory, look(counters), reason)


@given(analytics, analytics)
def test_the_later_reading_is_the_earlier_and_the_rise(left, right):
    latest = tracers.latest(left, right)
    assert tracers.covers(latest, left)
    assert tracers.covers(latest, right)
    assert tracers.latest(right, left) == latest
    assert tracers.is_nothing(tracers.rise(left, right)) == tracers.covers(left, right)
    total = latest["views"]
    assert total == left["views"] + tracers.rise(left, latest)["views"]


@given(st.lists(analytics, min_size=1))
def test_rises_add_up_whatever_order_readings_come_in(readings):
    memory, views, clicks, keys = None, 0, 0, []
    for reading in readings:
        seen = poll(memory, reading)
        memory = seen.memory
        for fact in seen.facts:
            views += fact.data["delta"]["views"]
            clicks += fact.data["delta"]["clicks"]
            keys.append(fact.key)
    assert views == max(reading["views"] for reading in readings)
    assert clicks == max(reading["clicks"] for reading in readings)
    assert len(keys) == len(set(keys))


@given(
    st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text())
)
def test_unfit_analytics_count_as_nothing(value):
    nothing = tracers.read_counters(None)
    assert tracers.read_counters(value) == nothing
    assert tracers.read_counters({"views": value, "links": {"u": value}})["links"] in (
        {},
        {"u": {"clicks": value}},
    )


def test_the_first_silent_look_tells_nothing_and_a_second_neither():
    first = poll(None, {"views": 3}, tracers.Reason(announce=False))
    assert first.facts == []
    assert poll(first.memory, {"views": 3}).facts == []


def test_a_callback_for_what_was_remembered_silently_is_told():
    memory = poll(None, {"views": 3}, tracers.Reason(announce=False)).memory
    seen = poll(memory, {"views": 3}, tracers.Reason(announce=True, called=True, firing=1))
    (fact,) = seen.facts
    assert (fact.data["first"], fact.data["delta"]["views"], fact.data["firing"]) == (True, 0, 1)
    assert poll(seen.memory, {"views": 3}, tracers.Reason(True, called=True, firing=2)).facts == []


def test_a_callback_for_a_tracer_that_nobody_viewed_is_not_told():
    assert poll(None, {}, tracers.Reason(announce=True, called=True, firing=1)).facts == []


def test_code_and_id_once_known_stay_known():
    memory = poll(None, {"views": 1}).memory
    seen = tracers.compare("p/t", memory, look({"views": 2}, code=None, id=None), POLLED)
    assert seen.facts[0].data["tracer"] == {"id": "t", "name": "n", "code": "c"}


def test_without_a_code_the_name_makes_the_key():
    seen = tracers.compare("p/t", None, look({"views": 2}, code=None), POLLED)
    assert seen.facts[0].key.startswith("tracer:p:n:")


@pytest.mark.parametrize(
    "claimed, word",
    [
        ({"views": 3, "clicks": 1}, "confirmed"),
        ({"views": 2, "clicks": 1}, "superseded"),
        ({"views": 2}, "superseded"),
        ({"views": 9000}, "refuted"),
        ({"views": 3, "clicks": 1, "links": {"u": {"clicks": 1}}}, "refuted"),
        ({"views": 3, "clicks": 1, "code": "other"}, "refuted"),
        ({"views": 3, "clicks": 1, "code": "c"}, "confirmed"),
    ],
)
def test_verdicts_on_counters(claimed, word):
    memory = poll(None, {"views": 3, "clicks": 1}).memory
    verdict = tracers.judge_counters({**tracers.read_counters(claimed), "code": claimed.get("code")}, memory)
    assert verdict.word == word
    assert verdict.found is not None
    assert verdict.found["views"] == 3


def test_a_tracer_that_is_not_there_refutes_its_claim():
    assert tracers.judge_counters({}, None) == declare.Verdict("refuted", None)


POP = {
    "_id": "p",
    "id": "p",
    "template_id": "t",
    "created_at": "2013-03-27T22:02:18Z",
    "title": "Offer",
    "published_pop_url": "",
    "unpopulated_api_tags": ["city"],
    "unpopulated_api_regions": [],
    "tracers": [],
    "password": None,
}


def pop(**fields):
    return pops.tidy({**POP, **fields})


def known(found, **reason):
    return pops.compare(None, found, pops.Reason(**{"announce": False, **reason})).memory


def told(memory, found, **reason):
    seen = pops.compare(memory, found, pops.Reason(**{"announce": True, **reason}))
    return [fact.type.removeprefix("populr.") for fact in seen.facts], seen


@pytest.mark.parametrize(
    "fields, types",
    [
        ({}, []),
        ({"tracers": [{"_id": "x"}]}, []),
        ({"published_pop_url": None, "unpopulated_api_regions": {}}, []),
        ({"published_pop_url": "http://a/b"}, ["pop.published"]),
        ({"unpopulated_api_tags": []}, ["pop.populated"]),
        ({"unpopulated_api_tags": ["city", "name"]}, ["pop.changed"]),
        ({"title": "New"}, ["pop.changed"]),
        ({"password": "s3cret"}, ["pop.changed"]),
        ({"new_field": 1}, ["pop.changed"]),
        (
            {"published_pop_url": "http://a/b", "unpopulated_api_tags": None, "title": "New"},
            ["pop.published", "pop.populated", "pop.changed"],
        ),
    ],
)
def test_what_moved_is_told_once(fields, types):
    first = known(pop())
    found, seen = told(first, pop(**fields))
    assert found == types
    assert told(seen.memory, pop(**fields))[0] == []
    assert "s3cret" not in str(seen)


def test_the_same_move_again_is_another_fact():
    keys, memory = [], known(pop())
    for url in ("http://a/b", "", "http://a/b", ""):
        _, seen = told(memory, pop(published_pop_url=url))
        memory = seen.memory
        keys += [fact.key for fact in seen.facts]
    assert len(set(keys)) == 4


def test_a_new_pop_is_created_and_perhaps_published():
    assert told(None, pop())[0] == ["pop.created"]
    assert told(None, pop(published_pop_url="http://a/b"))[0] == ["pop.created", "pop.published"]
    assert told(None, pop(), announce=False)[0] == []


def test_a_pop_first_met_through_a_callback_is_finished_but_not_new():
    types, seen = told(None, pop(), called=True, firing=1)
    assert types == ["collaboration.finished"]
    assert seen.facts[0].data["changed"] == []


def test_a_finish_names_the_fields_that_changed():
    types, seen = told(known(pop()), pop(title="New"), called=True, firing=1)
    assert types == ["pop.changed", "collaboration.finished"]
    assert seen.facts[-1].data["changed"] == ["title"]
    assert not pops.is_news(pop(title="New"), seen.memory)
    assert pops.is_news(pop(title="Newer"), seen.memory)


@pytest.mark.parametrize(
    "before, found, claimed, word",
    [
        ({}, {"title": "New"}, {"title": "New"}, "confirmed"),
        ({}, {"title": "Newest"}, {"title": "New"}, "superseded"),
        ({}, {}, {"title": "Invented"}, "refuted"),
        ({}, {"title": "New"}, {"title": "New", "slug": "x", "domain": None}, "confirmed"),
        ({}, {"title": "Newest"}, {"title": "New", "template_id": "other"}, "refuted"),
        ({}, {"title": "New"}, {"name": "n"}, "confirmed"),
        (
            {},
            {"custom_links": ["http://a/?token=x"]},
            {"custom_links": ["http://a/?token=[blanked]"]},
            "confirmed",
        ),
        ({}, {"title": "New"}, {"title": "New", "password": "[blanked]"}, "refuted"),
    ],
)
def test_verdicts_on_posted_pops(before, found, claimed, word):
    memory = pops.compare(known(pop(**before)), pop(**found), pops.Reason(announce=True)).memory
    assert pops.judge(pops.tidy({"id": "p", **claimed}), memory).word == word


def test_a_removed_pop_is_told_if_it_was_known():
    (fact,) = pops.gone("p", known(pop())).facts
    assert (fact.type, fact.data["pop"]["title"]) == ("populr.pop.deleted", "Offer")
    assert pops.gone("p", None).facts == []


def test_memories_are_json():
    seen = told(known(pop()), pop(title="New"), called=True, firing=1)[1]
    assert jsons.loads(jsons.dumps(seen.memory)) == seen.memory
    opened = poll(None, {"views": 1, "links": {"u": {"clicks": 1}}}).memory
    assert jsons.loads(jsons.dumps(opened)) == opened
