"""The actions and the watch against the simulated service."""

import dataclasses

import pytest
from pydantic import ValidationError

from daemon.connectors.compass import connector, watches
from daemon.connectors.compass.actions import classifiers, classify, documents, messages
from daemon.contract import declare, errors
from daemon.contract.requests import Request
from daemon.model import times
from daemon.model.events import Fact
from daemon.sandbox import compass as simulated
from daemon.sandbox import faults
from tests.connectors import stub

REQUEST = connector.actions["compass.request"]

PROJECT = simulated.PROJECT_ID
CALL = stub.call_of()
AGAIN = dataclasses.replace(CALL, first_sent_at=CALL.now - times.SECOND)
LABELLED = [{"text": "the food was great", "label": "food"}, {"text": "a slow waiter", "label": "service"}]


async def teach(compass):
    given = documents.AddDocuments.model_validate({"project_id": PROJECT, "documents": LABELLED})
    return await documents.add_documents.call(compass, given, CALL)


async def create(compass, call=CALL, **given):
    fields = {"project_id": PROJECT, "name": "triage", "type": "voting", **given}
    parameters = classifiers.CreateClassifier.model_validate(fields)
    return await classifiers.create_classifier.call(compass, parameters, call)


class Watching:
    """A watch as ``intake`` keeps it: its memory between polls."""

    def __init__(self, compass, memory=None, wanted=None, **options):
        self.compass, self.wanted = compass, wanted
        self.memory = dict(memory or {})
        self.options = watches.ClassifiersOptions.model_validate({"project_id": PROJECT, **options})

    async def poll(self, announce=True):
        wanted = self.wanted or watches.classifiers.wanted(self.options)
        cursor = declare.Cursor(dict(self.memory), wanted, announce, now=CALL.now)
        seen = await watches.classifiers.poll(self.compass, self.options, cursor)
        for one in seen:
            self.memory[one.id] = one.memory
            if one.gone:
                del self.memory[one.id]
        self.seen = {one.id: one for one in seen}
        told: list[Fact] = [fact for one in seen for fact in one.facts]
        return [fact.type.rpartition(".")[2] for fact in told]


async def test_documents_go_in_parts_of_a_thousand(sandbox, compass):
    given = {"project_id": PROJECT, "documents": [{"text": str(n), "label": "a"} for n in range(2001)]}
    done = await documents.add_documents.call(compass, documents.AddDocuments.model_validate(given), CALL)
    posts = [one for one in sandbox.ledger.read("compass", 0) if one.effect == "documents.added"]
    assert [len(one.request) for one in posts] == [1000, 1000, 1]
    assert done.result.count == len(sandbox.compass.projects[PROJECT].documents) == 2001
    assert [one.id for one in done.result.documents] == list(range(1, 2002))


async def test_a_later_part_that_fails_says_what_was_taken(sandbox, compass):
    await compass.call("GET", "/projects/")
    sandbox.faults.add(faults.Fault("compass", "status", path="*/documents/", status=503, after=1))
    given = {"project_id": PROJECT, "documents": [{"text": str(n)} for n in range(1001)]}
    with pytest.raises(errors.TemporaryError, match="after 1000 that were taken: 503") as failed:
        await documents.add_documents.call(compass, documents.AddDocuments.model_validate(given), CALL)
    assert failed.value.in_doubt


async def test_a_classifier_is_made_and_followed_until_it_is_ready(compass, virtual_clock):
    await teach(compass)
    done = await create(compass)
    assert [fact.type.rpartition(".")[2] for fact in done.facts] == ["added", "training"]
    assert done.follow.id == f"{PROJECT}/{done.result.classifier.id}"
    watch = Watching(compass, {done.follow.id: done.follow.memory}, wanted=(done.follow.id,))
    assert await watch.poll() == []
    assert not watch.seen[done.follow.id].final
    await virtual_clock.advance(60 * times.SECOND)
    assert await watch.poll() == ["ready"]
    seen = watch.seen[done.follow.id]
    assert seen.final
    assert seen.result is not None
    assert seen.result["status"] == "active"
    assert seen.result["previous"] == {"training_state": "in_training", "status": "inactive"}
    assert await watch.poll() == []
    assert watch.seen[done.follow.id].resource == seen.result["classifier"]


async def test_one_that_is_to_be_inactive_is_ready_though_inactive(compass, virtual_clock):
    await teach(compass)
    done = await create(compass, status="inactive")
    watch = Watching(compass, {done.follow.id: done.follow.memory}, wanted=(done.follow.id,))
    await virtual_clock.advance(60 * times.SECOND)
    assert await watch.poll() == ["ready"]


async def test_a_training_that_fails_says_why(compass, virtual_clock):
    done = await create(compass)
    watch = Watching(compass, {done.follow.id: done.follow.memory}, wanted=(done.follow.id,))
    await virtual_clock.advance(60 * times.SECOND)
    assert await watch.poll() == ["failed"]
    failure = watch.seen[done.follow.id].failure
    assert failure == "the training failed: No labeled documents were found to train on."


async def test_a_name_that_somebody_else_took_is_refused(compass):
    await create(compass)
    with pytest.raises(errors.PermanentError, match="already exists"):
        await create(compass, AGAIN)


async def test_a_project_is_watched_whole(compass, virtual_clock):
    await create(compass, name="old")
    watch = Watching(compass)
    assert await watch.poll(announce=False) == []
    for number in range(25):
        await create(compass, name=f"new {number}", type="sentiment_combined")
    assert sorted(await watch.poll()) == ["added"] * 25 + ["training"] * 25
    await virtual_clock.advance(60 * times.SECOND)
    assert sorted(await watch.poll()) == ["failed"] + ["ready"] * 25
    assert await watch.poll() == []
    await compass.call("DELETE", watches.path_of(PROJECT, 1))
    assert await watch.poll() == ["removed"]
    assert await watch.poll() == []


async def test_the_first_poll_of_a_watch_swallows_nothing_of_a_followed_one(compass, virtual_clock):
    done = await create(compass, type="sentiment_combined")
    await virtual_clock.advance(60 * times.SECOND)
    watch = Watching(compass, {done.follow.id: done.follow.memory})
    assert await watch.poll(announce=False) == ["ready"]


async def test_only_named_ones_are_looked_at(sandbox, compass):
    await create(compass, name="one")
    await create(compass, name="two")
    watch = Watching(compass, ids=[1, "99"])
    assert await watch.poll() == ["added", "training"]
    assert set(watch.memory) == {f"{PROJECT}/1"}


async def test_refused_credentials_remove_nothing(sandbox, compass):
    await create(compass)
    watch = Watching(compass)
    await watch.poll()
    sandbox.compass.tokens.clear()
    sandbox.compass.passwords[simulated.USERNAME] = "another"
    with pytest.raises(errors.TemporaryError) as refused:
        await watch.poll()
    assert refused.value.unauthorized
    assert set(watch.memory) == {f"{PROJECT}/1"}


async def test_a_text_is_classified_and_not_kept(sandbox, compass, virtual_clock):
    await teach(compass)
    await create(compass)
    await virtual_clock.advance(60 * times.SECOND)
    given = classify.Classify(project_id=PROJECT, text="great food", source_id="note-1")
    done = await classify.classify.call(compass, given, CALL)
    assert done.result.topics[0].name == "food"
    assert done.result.topics[0].source == "triage"
    assert sandbox.compass.projects[PROJECT].messages == {}


async def test_messages_get_a_time_and_an_id_that_stays(sandbox, compass):
    given = {
        "project_id": PROJECT,
        "messages": [{"text": "a"}, {"text": "b", "source_id": "mine", "timestamp": 1_700_000_000}],
    }
    parameters = messages.PostMessages.model_validate(given)
    done = await messages.post_messages.call(compass, parameters, CALL)
    kept = sandbox.compass.projects[PROJECT].messages.values()
    assert [one["source_id"] for one in kept] == ["m-run-step-0", "mine"]
    assert done.result.count == 2
    assert [noun for noun, _ in done.made] == ["message", "message"]
    assert all(id.startswith(f"{PROJECT}/") for _, id in done.made)


def test_replace_is_refused():
    with pytest.raises(ValidationError, match="replace"):
        messages.PostMessages.model_validate(
            {"project_id": PROJECT, "messages": [{"text": "a"}], "replace": True}
        )


async def test_one_classifier_is_read(compass):
    await create(compass)
    given = classifiers.ClassifierId(project_id=PROJECT, classifier_id="1")
    done = await classifiers.get_classifier.call(compass, given, CALL)
    assert (done.result.id, done.result.name) == ("1", "triage")


async def test_any_path_can_be_asked(compass):
    given = Request(method="GET", path=f"/projects/{PROJECT}")
    done = await REQUEST.call(compass, given, CALL)
    assert done.result.status == 200
    assert done.result.body["name"] == "Feedback"
