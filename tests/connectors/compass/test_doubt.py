"""Probed actions that lost an answer: what took effect is adopted, the rest is made, and a stranger fools nobody."""

import dataclasses
from typing import Any

import pytest

from daemon.connectors.compass import connector
from daemon.connectors.compass.actions import documents, messages
from daemon.contract import errors
from daemon.model import times
from daemon.model.runs import Doubt
from tests.connectors import support
from tests.connectors.compass.doubts import ACTIONS, AGAIN, CALL, PROJECT, act

WATCHES = {watch.resource: watch for watch in connector.watches}
OTHER = dataclasses.replace(CALL, marker="m-other")
UNMARKED = dataclasses.replace(CALL, marker="")
TEXTS = [{"text": f"note {n}", "label": "food", "dataset": "set-1"} for n in range(3)]
NOTES = [{"text": f"note {n}"} for n in range(3)]
STEPS: dict[str, dict[str, Any]] = {
    "add_documents": {"project_id": PROJECT, "documents": TEXTS},
    "post_messages": {"project_id": PROJECT, "messages": NOTES},
    "create_classifier": {"project_id": PROJECT, "name": "triage", "type": "sentiment_combined"},
    "create_classifier_topic": {
        "project_id": PROJECT,
        "classifier_id": "1",
        "name": "tea",
        "info": "tea OR mate",
    },
    "create_topic": {"project_id": PROJECT, "title": "prices", "info": {"terms": {"price": 1.0}}},
    "create_project": {"name": "Second", "account": "acct0001", "language": "en", "description": "notes"},
    "create_account": {"name": "Second"},
    "create_user": {"name": "Eve", "email": "eve@example.com"},
    "create_permission": {"user": "bob@example.com", "account": "acct0001", "level": "read"},
}
STRANGERS: dict[str, tuple[dict[str, Any], str]] = {
    "create_classifier": ({"type": "sentiment_split"}, "has the name, but type"),
    "create_classifier_topic": ({"info": "black AND tea"}, "has the title, but another expression"),
    "create_topic": ({"info": {"terms": {"cost": 1.0}}}, "1 topics of that title came since, 0 of them"),
    "create_user": ({"name": "Evelyn"}, "but name differ from what was sent"),
    "create_permission": ({"level": "manage"}, "of the level manage"),
}


@pytest.fixture(autouse=True)
async def furnished(compass):
    """Bob, and a classifier that takes topics: what some steps need."""
    await furnish(compass)


async def furnish(compass):
    await act(compass, "create_user", name="Bob", email="bob@example.com")
    await act(compass, "create_classifier", project_id=PROJECT, name="drinks", type="topic_based")


@pytest.mark.parametrize("kind", ["drop_after", "truncate"])
@pytest.mark.parametrize("name", sorted(STEPS))
async def test_what_took_effect_is_adopted(doubtful, name, kind):
    step = doubtful(name, **STEPS[name])
    await step.lose(kind)
    made = step.effects()
    found = await step.look()
    assert found is not None
    assert step.effects() == made
    assert len(made) == 1


@pytest.mark.parametrize("name", sorted(STEPS))
async def test_an_adopted_one_is_just_what_the_call_would_have_answered(doubtful, sandbox, name):
    step = doubtful(name, **STEPS[name])
    await step.lose("drop_after")
    adopted = await step.look()
    sandbox.compass.reset()
    await furnish(step.compass)
    answered = await step.repeat()
    assert adopted.result.model_dump(mode="json") == answered.result.model_dump(mode="json")
    assert (adopted.made, adopted.follow, adopted.facts) == (answered.made, answered.follow, answered.facts)


@pytest.mark.parametrize("name", sorted(STEPS))
async def test_what_took_no_effect_is_made(doubtful, name):
    step = doubtful(name, **STEPS[name])
    await step.lose("drop_before")
    assert await step.look() is None
    assert step.effects() == []
    await step.repeat()
    assert len(step.effects()) == 1


@pytest.mark.parametrize("name", sorted(STEPS))
async def test_one_that_was_there_before_is_not_taken_for_ours(doubtful, compass, name):
    await act(compass, name, OTHER, **STEPS[name])
    step = doubtful(name, **STEPS[name])
    await step.lose("drop_before")
    assert await step.look() is None


async def test_documents_of_a_stranger_hold_the_step(doubtful, compass):
    step = doubtful("add_documents", **STEPS["add_documents"])
    await step.lose("drop_before")
    await act(compass, "add_documents", project_id=PROJECT, documents=[{"text": "x", "dataset": "set-1"}])
    with pytest.raises(errors.Unclear, match="counted before 0 in set-1, now 1 in set-1"):
        await step.look()


async def test_documents_beside_those_of_a_stranger_hold_the_step(doubtful, compass):
    step = doubtful("add_documents", **STEPS["add_documents"])
    await step.lose("drop_after")
    await act(compass, "add_documents", project_id=PROJECT, documents=TEXTS[:1])
    with pytest.raises(errors.Unclear, match="now 4 in set-1"):
        await step.look()


async def test_documents_in_another_dataset_do_not_matter(doubtful, compass):
    step = doubtful("add_documents", **STEPS["add_documents"])
    await step.lose("drop_after")
    await act(compass, "add_documents", project_id=PROJECT, documents=[{"text": "x", "dataset": "other"}])
    found = await step.look()
    assert [one.dataset for one in found.result.documents] == ["set-1"] * 3


async def test_documents_without_a_dataset_are_counted_in_the_whole_project(doubtful, compass):
    await act(compass, "add_documents", project_id=PROJECT, documents=TEXTS)
    given = [{"text": "a", "label": "x"}, {"text": "b", "dataset": "set-1"}]
    step = doubtful("add_documents", project_id=PROJECT, documents=given)
    await step.lose("drop_after")
    found = await step.look()
    assert step.before == {"counts": {"": 3}}
    assert [(one.label, one.dataset) for one in found.result.documents] == [("x", None), (None, "set-1")]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_a_cut_between_parts_doubles_no_document(doubtful, sandbox, monkeypatch, kind):
    monkeypatch.setattr(documents, "AT_ONCE", 2)
    step = doubtful("add_documents", project_id=PROJECT, documents=[{"text": f"{n}"} for n in range(5)])
    await step.lose(kind, after=1)
    found = await step.look()
    assert [one["text"] for one in sandbox.compass.projects[PROJECT].documents] == ["0", "1", "2", "3", "4"]
    assert [one.id for one in found.result.documents] == [1, 2, 3, 4, 5]
    assert found.result.count == 5


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_a_cut_between_parts_doubles_no_message(doubtful, sandbox, monkeypatch, kind):
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    step = doubtful("post_messages", project_id=PROJECT, messages=[{"text": f"{n}"} for n in range(5)])
    await step.lose(kind, after=1)
    found = await step.look()
    kept = sandbox.compass.projects[PROJECT].messages.values()
    assert [one["text"] for one in kept] == ["0", "1", "2", "3", "4"]
    assert [one.text for one in found.result.messages] == ["0", "1", "2", "3", "4"]
    assert len(found.made) == 5


async def test_messages_are_found_in_a_crowd_that_came_meanwhile(doubtful, sandbox, compass):
    crowd = [{"text": f"c {n}", "source_id": f"c-{n}"} for n in range(60)]
    await act(compass, "post_messages", project_id=PROJECT, messages=crowd)
    step = doubtful("post_messages", **STEPS["post_messages"])
    await step.lose("drop_after")
    await act(compass, "post_messages", project_id=PROJECT, messages=crowd)
    found = await step.look()
    assert step.before == {"newest": 60}
    assert [one.id for one in found.result.messages] == ["61", "62", "63"]


async def test_a_strangers_message_with_our_id_and_another_text_holds_the_step(doubtful, compass):
    step = doubtful("post_messages", project_id=PROJECT, messages=[{"text": "mine", "source_id": "s"}])
    await step.lose("drop_before")
    await act(compass, "post_messages", project_id=PROJECT, messages=[{"text": "other", "source_id": "s"}])
    with pytest.raises(errors.Unclear, match="source_id s is there, but with another text"):
        await step.look()


async def test_an_older_message_with_our_id_does_not_matter(doubtful, compass):
    given: dict[str, Any] = {"project_id": PROJECT, "messages": [{"text": "again", "source_id": "s"}]}
    await act(compass, "post_messages", **given)
    step = doubtful("post_messages", **given)
    await step.lose("drop_before")
    assert await step.look() is None


async def test_replacing_messages_are_found_and_replace_once(doubtful, sandbox, compass, monkeypatch):
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    await act(compass, "post_messages", project_id=PROJECT, messages=NOTES)
    given: dict[str, Any] = {
        "messages": [{"text": f"new {n}"} for n in range(3)],
        "replace": True,
        "latest": 4_000_000_000,
    }
    step = doubtful("post_messages", project_id=PROJECT, **given)
    await step.lose("drop_after", after=1)
    assert await step.look() is not None
    kept = sandbox.compass.projects[PROJECT].messages.values()
    assert [one["text"] for one in kept] == ["new 0", "new 1", "new 2"]


@pytest.mark.parametrize("name", sorted(STRANGERS))
async def test_a_strangers_like_it_holds_the_step(doubtful, compass, name):
    different, words = STRANGERS[name]
    step = doubtful(name, **STEPS[name])
    await step.lose("drop_before")
    await act(compass, name, OTHER, **STEPS[name] | different)
    with pytest.raises(errors.Unclear, match=words):
        await step.look()


@pytest.mark.parametrize("name", ["create_account", "create_topic"])
async def test_two_new_ones_alike_hold_the_step(doubtful, compass, name):
    step = doubtful(name, **STEPS[name])
    await step.lose("drop_after")
    await act(compass, name, OTHER, **STEPS[name])
    with pytest.raises(errors.Unclear, match=r"^2 "):
        await step.look()


async def test_a_project_of_another_step_is_not_ours(doubtful, compass):
    step = doubtful("create_project", **STEPS["create_project"])
    await step.lose("drop_before")
    await act(compass, "create_project", OTHER, **STEPS["create_project"])
    assert await step.look() is None


async def test_a_classifier_with_other_settings_is_not_ours(doubtful, compass):
    ours: dict[str, Any] = {"project_id": PROJECT, "name": "t", "type": "voting", "info": {"threshold": 0.7}}
    step = doubtful("create_classifier", **ours)
    await step.lose("drop_before")
    await act(compass, "create_classifier", **ours | {"info": {"threshold": 0.2}})
    with pytest.raises(errors.Unclear, match="info"):
        await step.look()


async def test_an_adopted_classifier_is_followed(doubtful):
    step = doubtful("create_classifier", **STEPS["create_classifier"])
    await step.lose("drop_after")
    found = await step.look()
    assert found.follow.id == f"{PROJECT}/2"
    assert [fact.type.rpartition(".")[2] for fact in found.facts] == ["added", "training"]


@pytest.mark.parametrize("name", sorted(set(STEPS) - {"create_project"}))
async def test_without_a_note_nothing_is_concluded(doubtful, name):
    step = doubtful(name, **STEPS[name])
    await step.lose("drop_after")
    step.before = None
    with pytest.raises(errors.Unclear, match="what was there before"):
        await step.look()


@pytest.mark.parametrize("watched", [False, True])
async def test_one_that_was_trained_before_it_is_adopted_is_told_once(doubtful, virtual_clock, watched):
    step = doubtful("create_classifier", **STEPS["create_classifier"])
    watch = support.Polling(WATCHES["classifiers"], step.compass, project_id=PROJECT)
    await watch.poll()
    await step.lose("drop_after")
    told = await watch.poll() if watched else []
    await virtual_clock.advance(60 * times.SECOND)
    told += await watch.poll() if watched else []
    found = await step.look()
    told += found.facts
    watch.memory.setdefault(found.follow.id, found.follow.memory)
    (last,) = await watch.look(wanted=(found.follow.id,))
    told += last.facts
    assert last.final
    ours = {fact.key: fact.type.rpartition(".")[2] for fact in told if fact.subject == "2"}
    kinds = sorted(ours.values())
    assert kinds == ["added", "ready", "training"]


async def test_without_a_marker_no_id_is_made_up(sandbox, compass):
    await act(compass, "post_messages", UNMARKED, project_id=PROJECT, messages=[{"text": "plain"}])
    assert [one["source_id"] for one in sandbox.compass.projects[PROJECT].messages.values()] == [None]


@pytest.mark.parametrize(
    "name, given, doubt",
    [
        ("post_messages", {"messages": [{"text": "a"}]}, Doubt.UNSAFE),
        ("post_messages", {"messages": [{"text": "a", "source_id": "s"}]}, Doubt.PROBED),
        ("add_documents", {"documents": [{"text": "a"}]}, Doubt.PROBED),
        ("create_classifier", {"name": "a", "type": "voting"}, Doubt.PROBED),
        ("create_topic", {"title": "a", "info": {"terms": {"a": 1}}}, Doubt.PROBED),
    ],
)
def test_without_markers_only_what_relies_on_them_is_unsafe(name, given, doubt):
    parameters = ACTIONS[name].parameters.model_validate({"project_id": PROJECT, **given})
    assert ACTIONS[name].doubt_for(parameters, marked=False) is doubt
    assert ACTIONS[name].doubt_for(parameters) is Doubt.PROBED


def test_a_project_without_a_marker_is_unsafe():
    action = ACTIONS["create_project"]
    parameters = action.parameters.model_validate(STEPS["create_project"])
    assert action.doubt_for(parameters, marked=False) is Doubt.UNSAFE


def test_every_probed_action_has_a_probe_that_says_what_it_looks_for():
    probed = {name: action.probe for name, action in ACTIONS.items() if action.doubt is Doubt.PROBED}
    assert set(STEPS) | {"change_password"} == set(probed)
    assert [name for name, probe in probed.items() if probe is None or len(probe.about.split()) < 5] == []
    assert AGAIN.first_sent_at is not None
