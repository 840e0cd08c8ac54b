"""Projects, documents, classifiers and their topics: what each action does at the service."""

import dataclasses

import pytest
from pydantic import ValidationError

from daemon.connectors.compass.actions import classifier_topics, topics
from daemon.contract import errors
from daemon.sandbox import faults
from tests.connectors import stub
from tests.connectors.compass import doubts
from tests.connectors.compass.doubts import AGAIN, CALL, PROJECT, act, do

ACCOUNT = "acct0001"
IN = {"project_id": PROJECT}


def project(sandbox):
    return sandbox.compass.projects[PROJECT]


async def test_projects_are_made_read_changed_and_deleted(sandbox, compass):
    done = await do(compass, "create_project", name="Second", account=ACCOUNT, language="en", description="x")
    made = done.result
    assert done.made == [("project", made.id)]
    assert (made.description, made.status) == ("x [pointsman m-run-step]", "active")
    changed = await act(compass, "update_project", project_id=made.id, status="inactive")
    assert (changed.status, changed.name) == ("inactive", "Second")
    assert (await act(compass, "get_project", project_id=made.id)).language == "en"
    assert (await act(compass, "delete_project", project_id=made.id)).deleted
    assert set(sandbox.compass.projects) == {PROJECT}


async def test_projects_are_listed_by_account_and_status(sandbox, compass):
    for number in range(25):
        given = {"name": str(number), "account": ACCOUNT, "language": "en"}
        sandbox.compass.add_project(f"more{number:04}", creator="ada", **given)
    listed = await act(compass, "list_projects", account=ACCOUNT)
    assert (listed.count, len(listed.projects)) == (26, 26)
    assert listed.projects[0].id == PROJECT
    some = await act(compass, "list_projects", limit=3)
    assert (some.count, len(some.projects)) == (26, 3)
    assert (await act(compass, "list_projects", status="inactive")).projects == []


async def test_without_a_marker_a_project_carries_none(compass):
    unmarked = dataclasses.replace(CALL, marker="")
    made = await act(compass, "create_project", unmarked, name="n", account=ACCOUNT, language="en")
    assert made.description == ""


async def test_documents_are_listed_by_label_and_dataset(compass):
    given = [{"text": f"{n}", "label": "ab"[n % 2], "dataset": "set-1"} for n in range(50)]
    await act(compass, "add_documents", **IN, documents=given)
    listed = await act(compass, "list_documents", **IN, label="a", dataset="set-1")
    assert (listed.count, {one.label for one in listed.documents}) == (25, {"a"})
    assert len(listed.documents) == 25


async def test_classifiers_are_listed_changed_and_deleted(sandbox, compass):
    await act(compass, "create_classifier", **IN, name="one", type="sentiment_combined")
    await act(compass, "create_classifier", **IN, name="two", type="sentiment_split")
    listed = await act(compass, "list_classifiers", **IN)
    assert [(one.id, one.name) for one in listed.classifiers] == [("1", "one"), ("2", "two")]
    assert [one.id for one in (await act(compass, "list_classifiers", **IN, name="two")).classifiers] == ["2"]
    changed = await act(compass, "update_classifier", **IN, classifier_id=1, name="uno", info={"a": 1})
    assert (changed.name, changed.info["a"]) == ("uno", 1)
    await act(compass, "delete_classifier", **IN, classifier_id="2")
    assert list(project(sandbox).classifiers) == [1]


async def test_a_classifiers_topics_are_added_changed_and_taken_away(sandbox, compass):
    await act(compass, "create_classifier", **IN, name="drinks", type="topic_based")
    done = await do(
        compass, "create_classifier_topic", **IN, classifier_id="1", name="tea", info="tea OR mate"
    )
    assert done.made == [("topic", f"{PROJECT}/{done.result.id}")]
    assert (done.result.title, done.result.info) == ("tea", "tea OR mate")
    given = {"topic_id": done.result.id, "title": "green", "info": "green AND tea"}
    changed = await act(compass, "update_classifier_topic", **IN, **given)
    assert (changed.title, changed.info) == ("green", "green AND tea")
    assert [one["title"] for one in project(sandbox).classifiers[1]["topics"]] == ["green"]
    await act(compass, "delete_classifier_topic", **IN, topic_id=done.result.id)
    assert project(sandbox).classifiers[1]["topics"] == []


async def test_an_expression_with_punctuation_is_refused_with_its_reason(compass):
    await act(compass, "create_classifier", **IN, name="drinks", type="topic_based")
    with pytest.raises(errors.PermanentError, match="info: A topic is words"):
        await act(compass, "create_classifier_topic", **IN, classifier_id="1", name="t", info="tea, mate")


@pytest.mark.parametrize("second", [201, 404])
async def test_a_topics_path_without_its_slash_is_tried_too(compass, second):
    made = {"url": f"http://c/api/projects/{PROJECT}/p/topics/9/", "title": "tea"}
    async with stub.serving() as vendor:
        vendor.answer(b"<h1>Not Found</h1>", 404, "text/html").answer(made, second)
        compass._http.base_url, compass._token = f"{vendor.url}/api", "t" * 40
        given = {**IN, "classifier_id": "1", "name": "tea", "info": "tea"}
        if second == 201:
            assert (await act(compass, "create_classifier_topic", **given)).id == "9"
        else:
            with pytest.raises(errors.PermanentError, match="not Compass's own answer"):
                await act(compass, "create_classifier_topic", **given)
    path = f"/api/projects/{PROJECT}/p/classifiers/1/topics"
    assert [asked.path for asked in vendor.asked] == [f"{path}/", path]


@pytest.mark.parametrize("title", ["tea", "cocoa"])
def test_topics_of_a_classifier_may_be_bare_titles(title):
    assert classifier_topics._read(title) == topics.Topic(title=title)


@pytest.mark.parametrize(
    "name, given",
    [
        ("update_project", {}),
        ("update_classifier", {"classifier_id": "1"}),
        ("update_classifier_topic", {"topic_id": "1"}),
        ("update_topic", {"topic_id": "1"}),
    ],
)
def test_an_update_of_nothing_is_refused(name, given):
    with pytest.raises(ValidationError, match="nothing to change"):
        doubts.ACTIONS[name].parameters.model_validate({**IN, **given})


@pytest.mark.parametrize(
    "name, given",
    [
        ("delete_project", {}),
        ("delete_classifier", {"classifier_id": "1"}),
        ("delete_topic", {"topic_id": "1"}),
        ("delete_message", {"message_id": "1"}),
    ],
)
async def test_a_lost_delete_is_repeated_and_done(sandbox, compass, name, given):
    await act(compass, "create_classifier", **IN, name="one", type="sentiment_combined")
    await act(compass, "create_topic", **IN, title="t", info={"terms": {"a": 1}})
    await act(compass, "post_messages", **IN, messages=[{"text": "a"}])
    topic_id = next(iter(project(sandbox).topics))
    given = {**IN, **given, **({"topic_id": str(topic_id)} if "topic_id" in given else {})}
    sandbox.faults.add(faults.Fault("compass", "drop_after", method="DELETE"))
    with pytest.raises(errors.TemporaryError) as lost:
        await act(compass, name, **given)
    assert lost.value.in_doubt
    again = await do(compass, name, AGAIN, **given)
    assert (again.result.deleted, again.result.existed) == (True, False)
    deletions = [
        entry.effect for entry in sandbox.ledger.read("compass") if "deleted" in (entry.effect or "")
    ]
    assert len(deletions) == 1


async def test_what_is_gone_already_is_deleted_by_nobody(sandbox, compass):
    await act(compass, "create_classifier", **IN, name="one", type="sentiment_combined")
    first = await do(compass, "delete_classifier", **IN, classifier_id="1")
    again = await do(compass, "delete_classifier", **IN, classifier_id="1")
    assert (first.result.existed, again.result.existed) == (True, False)
    assert (list(first.made), list(again.made)) == ([("classifier", f"{PROJECT}/1")], [])
    assert (await act(compass, "delete_project", project_id="nowhere")).existed is False


async def test_what_is_hidden_from_a_stranger_is_not_gone(compass):
    async with stub.serving() as vendor:
        vendor.answer({"detail": "Not found."}, 404).answer({"detail": "Invalid token."}, 401)
        compass._http.base_url, compass._token, compass._password = f"{vendor.url}/api", "t" * 40, None
        with pytest.raises(errors.TemporaryError) as refused:
            await act(compass, "delete_topic", **IN, topic_id="1")
    assert refused.value.unauthorized
