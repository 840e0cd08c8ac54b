"""Compass, simulated: login and tokens, slashes, projects, documents, training, classification."""

import pytest

from daemon.model import times
from tests import clocks, waiting
from tests.sandbox import calling

P = "/projects/ab12cd34/p"
DOCUMENTS = [
    {"text": "I love this lovely page", "label": "praise", "dataset": "notes"},
    {"text": "the layout is broken again", "label": "complaint", "dataset": "notes"},
    {"text": "prices rise everywhere", "dataset": "other"},
]
CLASSIFIER = {"name": "notes", "type": "voting", "status": "active", "info": {"dataset": "notes"}}


async def trained(caller: calling.Caller, clock: clocks.VirtualClock) -> str:
    """The path of a voting classifier that is ready."""
    await caller.call("compass", "POST", f"{P}/documents/", json=DOCUMENTS)
    made = (await caller.call("compass", "POST", f"{P}/classifiers/", json=CLASSIFIER)).body
    await clock.advance(30 * times.SECOND)
    return str(made["url"]).partition("/api")[2]


async def test_login_takes_forms_and_json_and_answers_the_same_token(caller: calling.Caller) -> None:
    known = caller.sandbox.credentials["compass"]
    url = caller.sandbox.urls["compass"] + "/login/"
    form = await caller.send("POST", url, data=known)
    body = await caller.send("POST", url, json=known)
    assert form.body["token"] == body.body["token"]
    assert form.body["expiration"] == "2025-12-15T00:00:00+00:00"
    assert form.body["user"]["email"] == known["username"]
    wrong = await caller.send("POST", url, json={**known, "password": "no"})
    assert (wrong.status, list(wrong.body)) == (400, ["non_field_errors"])
    missing = await caller.send("POST", url, json={"username": "ada"})
    assert (missing.status, missing.body) == (400, {"password": ["This field is required."]})


async def test_a_token_ends_after_two_weeks(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    first = await caller.log_in()
    headers = {"Authorization": f"Token {first}"}
    await virtual_clock.advance(14 * times.DAY - 1)
    assert (await caller.call("compass", "GET", "/projects/", headers=headers)).status == 200
    assert await caller.log_in() == first
    await virtual_clock.advance(1)
    late = await caller.call("compass", "GET", "/projects/", headers=headers)
    assert (late.status, late.body) == (401, {"detail": "Invalid token."})
    assert await caller.log_in() != first


async def test_without_a_token_nothing_is_told(caller: calling.Caller) -> None:
    for sent in ("", "Bearer x", "Token wrong"):
        answer = await caller.call("compass", "GET", f"{P}/nonesuch/", headers={"Authorization": sent})
        assert answer.status == 401
    url = caller.sandbox.urls["compass"] + "/projects/"
    assert (await caller.send("GET", url)).body == {"detail": "Authentication credentials were not provided."}


async def test_a_deleted_or_reset_token_is_void(caller: calling.Caller) -> None:
    token = await caller.log_in()
    headers = {"Authorization": f"Token {token}"}
    assert (await caller.call("compass", "DELETE", f"/tokens/{token}/", headers=headers)).status == 204
    assert (await caller.call("compass", "GET", "/projects/", headers=headers)).status == 401
    again = await caller.log_in()
    user = caller.sandbox.credentials["compass"]["username"]
    change = {"password": "new", "old_password": caller.sandbox.credentials["compass"]["password"]}
    headers = {"Authorization": f"Token {again}"}
    changed = await caller.call("compass", "PUT", f"/users/{user}/password/", json=change, headers=headers)
    assert (await caller.call("compass", "GET", "/projects/", headers=headers)).status == 401
    assert changed.body["token"] == await caller.log_in()


async def test_slashes_are_needed_but_where_the_text_leaves_them_out(caller: calling.Caller) -> None:
    read = await caller.call("compass", "GET", f"{P}/classifiers?name=a")
    assert (read.status, read.headers["Location"]) == (301, f"/api{P}/classifiers/?name=a")
    for method, path in (("POST", "/classifiers"), ("PUT", "/classifiers/1"), ("DELETE", "/documents")):
        assert (await caller.call("compass", method, P + path, json={})).status == 404
    body = {"name": "food", "type": "topic_based", "status": "active"}
    made = (await caller.call("compass", "POST", f"{P}/classifiers/", json=body)).body
    path = made["url"].partition("/api")[2]
    topic = await caller.call(
        "compass", "POST", f"{path}topics", json={"name": "tea", "info": "tea OR coffee"}
    )
    assert topic.status == 201


async def test_a_classifier_is_trained_and_then_classifies_by_its_documents(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    added = await caller.call("compass", "POST", f"{P}/documents/", json=DOCUMENTS)
    assert (added.status, [document["id"] for document in added.body]) == (201, [1, 2, 3])
    made = await caller.call("compass", "POST", f"{P}/classifiers/", json=CLASSIFIER)
    assert (made.status, made.body["training_state"], made.body["status"]) == (201, "in_training", "inactive")
    path = made.body["url"].partition("/api")[2]
    early = await caller.call("compass", "POST", f"{P}/classify/", json={"text": "a lovely page"})
    assert early.body["topics"] == []
    await virtual_clock.advance(30 * times.SECOND)
    ready = (await caller.call("compass", "GET", path)).body
    assert (ready["training_state"], ready["status"]) == ("ready", "active")
    assert [topic["title"] for topic in ready["topics"]] == ["complaint", "praise"]
    assert ready["last_update"] > made.body["last_update"]
    texts = [{"text": "what a lovely page"}, {"text": "xyzzy"}]
    told = (await caller.call("compass", "POST", f"{P}/classify/", json=texts)).body
    assert [topic["name"] for message in told for topic in message["topics"]] == ["praise", "UNCLASSIFIED"]
    assert told[0]["topics"][0]["source"] == "notes"
    assert told[1]["topics"][0]["score"] == 0
    assert (await caller.call("compass", "GET", f"{P}/messages/")).body["count"] == 0


async def test_training_fails_without_documents_or_when_told_to(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    made = (await caller.call("compass", "POST", f"{P}/classifiers/", json=CLASSIFIER)).body
    await virtual_clock.advance(30 * times.SECOND)
    failed = (await caller.call("compass", "GET", made["url"].partition("/api")[2])).body
    assert (failed["training_state"], failed["status"]) == ("error", "inactive")
    assert "documents" in failed["info"]["error"]
    await caller.control("/control/compass/training", fail="Out of memory.", seconds=1)
    await caller.call("compass", "POST", f"{P}/documents/", json=DOCUMENTS)
    second = (
        await caller.call("compass", "POST", f"{P}/classifiers/", json={**CLASSIFIER, "name": "b"})
    ).body
    await virtual_clock.advance(times.SECOND)
    shown = (await caller.call("compass", "GET", second["url"].partition("/api")[2])).body
    assert shown["info"]["error"] == "Out of memory."


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, ["name", "type", "status"]),
        ({**CLASSIFIER, "type": "guessing"}, ["type"]),
        ({**CLASSIFIER, "status": "ready"}, ["status"]),
        ({**CLASSIFIER, "info": "notes"}, ["info"]),
        ({**CLASSIFIER, "info": {"threshold": 2}}, ["info"]),
        ({**CLASSIFIER, "info": {"num_topics": 0}}, ["info"]),
        ({**CLASSIFIER, "type": "topic_based", "info": {"topics": [{"title": "a"}]}}, ["info"]),
    ],
)
async def test_a_classifier_that_is_wrong_is_refused_by_field(
    caller: calling.Caller, body: dict, fields: list[str]
) -> None:
    answer = await caller.call("compass", "POST", f"{P}/classifiers/", json=body)
    assert (answer.status, list(answer.body)) == (400, fields)


async def test_a_classifiers_name_is_unique_and_found_by(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    path = await trained(caller, virtual_clock)
    again = await caller.call("compass", "POST", f"{P}/classifiers/", json=CLASSIFIER)
    assert (again.status, list(again.body)) == (400, ["name"])
    found = (await caller.call("compass", "GET", f"{P}/classifiers/?name=notes")).body
    assert [one["url"].partition("/api")[2] for one in found["results"]] == [path]
    assert (await caller.call("compass", "DELETE", path)).status == 204
    assert (await caller.call("compass", "DELETE", path)).status == 404


async def test_messages_are_kept_with_their_topics_and_listed_by_id(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    await trained(caller, virtual_clock)
    given = [
        {"text": "love it", "timestamp": "2025-12-01T00:00:10Z", "source_id": "a"},
        {"text": "it is broken", "timestamp": 1_764_547_220, "source_id": "b"},
        {"text": "hm", "timestamp": "2025-12-01T00:00:30+00:00", "source_id": "c"},
    ]
    posted = await caller.call("compass", "POST", f"{P}/messages/", json=given)
    assert posted.status == 201
    assert [message["topics"][0]["name"] for message in posted.body] == [
        "praise",
        "complaint",
        "UNCLASSIFIED",
    ]
    newer = (await caller.call("compass", "GET", f"{P}/messages/?newer_than_id=1")).body
    assert [message["source_id"] for message in newer["results"]] == ["c", "b"]
    since = (await caller.call("compass", "GET", f"{P}/messages/?latest=2025-12-01T00:00:20Z")).body
    assert [message["source_id"] for message in since["results"]] == ["b", "a"]
    stats = (await caller.call("compass", "GET", f"{P}/stats/?interval=10&num_buckets=3")).body
    assert stats["measurements"]["count"] == 3
    assert stats["time_buckets"]["counts"] == [0, 1, 1]
    wrong = await caller.call("compass", "POST", f"{P}/messages/", json={"text": "x", "timestamp": "soon"})
    assert (wrong.status, list(wrong.body)) == (400, ["timestamp"])


async def test_pages_hold_twenty_and_next_names_another_host(caller: calling.Caller) -> None:
    await caller.call("compass", "POST", f"{P}/documents/", json=[{"text": f"t {n}"} for n in range(45)])
    first = (await caller.call("compass", "GET", f"{P}/documents/")).body
    assert (first["count"], len(first["results"])) == (45, 20)
    assert first["next"] == f"http://compass.luminoso.com/api{P}/documents/?page=2"
    last = (await caller.call("compass", "GET", f"{P}/documents/?page=3")).body
    assert (len(last["results"]), last["next"]) == (5, None)
    assert (await caller.call("compass", "GET", f"{P}/documents/?page=4")).status == 404


async def test_projects_are_made_changed_and_deleted(caller: calling.Caller) -> None:
    refused = await caller.call("compass", "POST", "/projects/", json={"account": "xxx"})
    assert (refused.status, list(refused.body)) == (400, ["name", "language"])
    body = {"name": "Second", "account": "xxx", "language": "en"}
    unknown = await caller.call("compass", "POST", "/projects/", json=body)
    assert unknown.body == {"account": ["Invalid pk 'xxx' - object does not exist."]}
    made = await caller.call("compass", "POST", "/projects/", json={**body, "account": "acct0001"})
    path = made.body["url"].partition("/api")[2]
    assert (await caller.call("compass", "PUT", path, json={"status": "inactive"})).body[
        "status"
    ] == "inactive"
    message = {"text": "x", "timestamp": 1_764_547_220}
    assert (await caller.call("compass", "POST", f"{path}p/messages/", json=message)).status == 400
    assert (await caller.call("compass", "DELETE", path)).status == 204
    assert (await caller.call("compass", "GET", path)).status == 404


async def test_who_may_only_read_may_not_write(caller: calling.Caller) -> None:
    user = (
        await caller.call("compass", "POST", "/users/", json={"name": "Bob", "email": "b@example.com"})
    ).body
    reset = await caller.call("compass", "POST", f"/users/{user['email']}/password/reset/")
    grant = {"user": user["email"], "account": "acct0001", "level": "read"}
    assert (await caller.call("compass", "POST", "/permissions/", json=grant)).status == 201
    login = {"username": user["email"], "password": reset.body["password"]}
    token = (await caller.send("POST", caller.sandbox.urls["compass"] + "/login/", json=login)).body["token"]
    headers = {"Authorization": f"Token {token}"}
    assert (await caller.call("compass", "GET", f"{P}/documents/", headers=headers)).status == 403
    change = {"password": "new", "old_password": login["password"]}
    path = f"/users/{user['email']}/password/"
    changed = await caller.call("compass", "PUT", path, json=change, headers=headers)
    headers = {"Authorization": f"Token {changed.body['token']}"}
    assert (await caller.call("compass", "GET", f"{P}/documents/", headers=headers)).status == 200
    written = await caller.call("compass", "POST", f"{P}/documents/", json={"text": "x"}, headers=headers)
    assert written.status == 403


async def test_topics_live_in_the_project_and_its_history(caller: calling.Caller) -> None:
    body = {"title": "Prices", "info": {"terms": {"prices": 1.0}}, "status": "active"}
    made = await caller.call("compass", "POST", f"{P}/topics/", json=body)
    path = made.body["url"].partition("/api")[2]
    message = {"text": "prices rise", "timestamp": 1_764_547_100}
    await caller.call("compass", "POST", f"{P}/messages/", json=message)
    below = (await caller.call("compass", "GET", f"{path}messages/")).body
    assert [found["text"] for found in below["results"]] == ["prices rise"]
    assert (await caller.call("compass", "DELETE", path.rstrip("/"))).status == 204
    assert (await caller.call("compass", "GET", f"{P}/topics/")).body["count"] == 0
    assert (await caller.call("compass", "GET", f"{P}/topics_history/")).body["count"] == 1
    wrong = await caller.call("compass", "POST", f"{P}/topics/", json={**body, "info": {"terms": {"a": 2}}})
    assert (wrong.status, list(wrong.body)) == (400, ["info"])


async def test_the_ledger_tells_every_request_and_each_effect(caller: calling.Caller) -> None:
    await caller.call("compass", "POST", f"{P}/documents/", json=DOCUMENTS[:2])
    await caller.call("compass", "POST", f"{P}/documents/", json={})
    entries = await waiting.wait_for(lambda: caller.sandbox.ledger.read("compass"))
    assert [(entry.path, entry.status, entry.effect, entry.object_id) for entry in entries] == [
        ("/api/login/", 200, None, None),
        (f"/api{P}/documents/", 201, "documents.added", "1,2"),
        (f"/api{P}/documents/", 400, None, None),
    ]
