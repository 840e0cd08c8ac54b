"""Every documented call has its typed action: which one, and what it sends."""

import pytest

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import connector
from daemon.contract import http
from tests.connectors import stub
from tests.connectors.compass.doubts import ACTIONS, CALL

P = {"project_id": "ab12cd34"}
WHO = {"email": "a+b@example.com"}
BELOW = "/projects/ab12cd34/p"
TOPIC = {**P, "title": "t", "info": {"terms": {"a": 1.0}}}
CLAUSE = {**P, "classifier_id": "7", "name": "t", "info": "a OR b"}
# action: parameters, method, path and query, body
CALLS: dict[str, tuple[dict, str, str, object]] = {
    "list_tokens": ({"user": "a@b.c"}, "GET", "/tokens/?user=a%40b.c", None),
    "get_token": ({"token": "t1"}, "GET", "/tokens/t1/", None),
    "delete_token": ({"token": "t1"}, "DELETE", "/tokens/t1/", None),
    "list_projects": (
        {"account": "a1", "status": "active"},
        "GET",
        "/projects/?account=a1&status=active",
        None,
    ),
    "create_project": (
        {"name": "n", "account": "a1", "language": "en"},
        "POST",
        "/projects/",
        {
            "name": "n",
            "account": "a1",
            "language": "en",
            "status": "active",
            "description": "[pointsman m-run-step]",
        },
    ),
    "get_project": (P, "GET", "/projects/ab12cd34/", None),
    "update_project": ({**P, "name": "n"}, "PUT", "/projects/ab12cd34/", {"name": "n"}),
    "delete_project": (P, "DELETE", "/projects/ab12cd34/", None),
    "list_documents": ({**P, "dataset": "d"}, "GET", f"{BELOW}/documents/?dataset=d", None),
    "add_documents": ({**P, "documents": [{"text": "a"}]}, "POST", f"{BELOW}/documents/", [{"text": "a"}]),
    "list_classifiers": ({**P, "name": "n"}, "GET", f"{BELOW}/classifiers/?name=n", None),
    "create_classifier": (
        {**P, "name": "n", "type": "voting"},
        "POST",
        f"{BELOW}/classifiers/",
        {"name": "n", "type": "voting", "status": "active"},
    ),
    "get_classifier": ({**P, "classifier_id": 7}, "GET", f"{BELOW}/classifiers/7/", None),
    "update_classifier": (
        {**P, "classifier_id": 7, "status": "inactive"},
        "PUT",
        f"{BELOW}/classifiers/7/",
        {"status": "inactive"},
    ),
    "delete_classifier": ({**P, "classifier_id": "7"}, "DELETE", f"{BELOW}/classifiers/7/", None),
    "create_classifier_topic": (
        CLAUSE,
        "POST",
        f"{BELOW}/classifiers/7/topics/",
        {"name": "t", "info": "a OR b", "status": "active", "blocking": False},
    ),
    "update_classifier_topic": (
        {**P, "topic_id": 12, "info": "a"},
        "PUT",
        f"{BELOW}/topics/12/",
        {"info": "a"},
    ),
    "delete_classifier_topic": ({**P, "topic_id": 12}, "DELETE", f"{BELOW}/topics/12/", None),
    "classify": (
        {**P, "text": "a", "source_id": "s"},
        "POST",
        f"{BELOW}/classify/",
        {"text": "a", "source_id": "s"},
    ),
    "list_topics": (
        {**P, "stats": True, "blocking": False, "interval": 60},
        "GET",
        f"{BELOW}/topics/?interval=60&blocking=False&stats=True",
        None,
    ),
    "create_topic": (
        TOPIC,
        "POST",
        f"{BELOW}/topics/",
        {"title": "t", "info": {"terms": {"a": 1.0}}, "status": "active", "blocking": False},
    ),
    "get_topic": ({**P, "topic_id": 12, "stats": True}, "GET", f"{BELOW}/topics/12/?stats=True", None),
    "update_topic": (
        {**P, "topic_id": 12, "blocking": True},
        "PUT",
        f"{BELOW}/topics/12/",
        {"blocking": True},
    ),
    "delete_topic": ({**P, "topic_id": 12}, "DELETE", f"{BELOW}/topics/12/", None),
    "list_topic_messages": (
        {**P, "topic_id": 12, "outliers": True},
        "GET",
        f"{BELOW}/topics/12/messages/?outliers=True",
        None,
    ),
    "list_topics_history": (
        {**P, "earliest_created": "2018-03-01"},
        "GET",
        f"{BELOW}/topics_history/?earliest_created=2018-03-01",
        None,
    ),
    "post_messages": (
        {**P, "messages": [{"text": "a", "timestamp": 5, "source_id": "s"}], "replace": True, "latest": 9},
        "POST",
        f"{BELOW}/messages/?latest=9&replace=True",
        [{"text": "a", "timestamp": 5, "source_id": "s"}],
    ),
    "list_messages": ({**P, "newer_than_id": 3}, "GET", f"{BELOW}/messages/?newer_than_id=3", None),
    "get_message": ({**P, "message_id": 3}, "GET", f"{BELOW}/messages/3/", None),
    "delete_message": ({**P, "message_id": 3}, "DELETE", f"{BELOW}/messages/3/", None),
    "purge_messages": (
        {**P, "to_date": "2018-03-01T00:00:00Z"},
        "DELETE",
        f"{BELOW}/purge/?to_date=2018-03-01%2000%3A00%3A00",
        None,
    ),
    "get_stats": ({**P, "num_buckets": 2}, "GET", f"{BELOW}/stats/?num_buckets=2", None),
    "list_usage": ({**P, "source": "api"}, "GET", f"{BELOW}/usage/?source=api", None),
    "get_usage": ({**P, "usage_id": 5}, "GET", f"{BELOW}/usage/5/", None),
    "list_config": (P, "GET", f"{BELOW}/config/", None),
    "get_config": ({**P, "key": "k"}, "GET", f"{BELOW}/config/k/", None),
    "set_config": ({**P, "key": "k", "value": [1]}, "PUT", f"{BELOW}/config/k/", {"value": [1]}),
    "unset_config": ({**P, "key": "k"}, "DELETE", f"{BELOW}/config/k/", None),
    "list_accounts": ({}, "GET", "/accounts/", None),
    "create_account": ({"name": "n"}, "POST", "/accounts/", {"name": "n"}),
    "get_account": ({"account_id": "a1"}, "GET", "/accounts/a1/", None),
    "update_account": ({"account_id": "a1", "name": "n"}, "PUT", "/accounts/a1/", {"name": "n"}),
    "delete_account": ({"account_id": "a1"}, "DELETE", "/accounts/a1/", None),
    "list_users": ({}, "GET", "/users/", None),
    "create_user": ({"name": "n", **WHO}, "POST", "/users/", {"name": "n", **WHO}),
    "get_user": (WHO, "GET", "/users/a%2Bb@example.com/", None),
    "update_user": (
        {**WHO, "new_email": "c@d.e", "admin": False},
        "PUT",
        "/users/a%2Bb@example.com/",
        {"email": "c@d.e", "admin": False},
    ),
    "delete_user": (WHO, "DELETE", "/users/a%2Bb@example.com/", None),
    "change_password": (
        {**WHO, "password": "new", "old_password": "old"},
        "PUT",
        "/users/a%2Bb@example.com/password/",
        {"password": "new", "old_password": "old"},
    ),
    "reset_password": (WHO, "POST", "/users/a%2Bb@example.com/password/reset/", {}),
    "list_permissions": ({"user": "u", "level": "read"}, "GET", "/permissions/?user=u&level=read", None),
    "create_permission": (
        {"user": "u", "account": "a1", "level": "read"},
        "POST",
        "/permissions/",
        {"user": "u", "account": "a1", "level": "read"},
    ),
    "get_permission": ({"permission_id": 4}, "GET", "/permissions/4/", None),
    "delete_permission": ({"permission_id": 4}, "DELETE", "/permissions/4/", None),
}
ANYTHING = {
    "url": "http://elsewhere.example/api/things/9/",
    "id": "9",
    "email": "a@b.c",
    "key": "k",
    "text": "a",
    "count": 0,
    "results": [],
    "measurements": {},
    "default": [],
    "overridden": [],
}


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_an_action_sends_what_the_text_documents(name):
    given, method, path, body = CALLS[name]
    answered = {**ANYTHING}
    if name in ("classify", "add_documents", "post_messages"):
        del answered["results"]
    async with stub.serving() as server:
        server.answer([] if name == "list_usage" else answered)
        settings = vendor.Settings.model_validate({"base_url": f"{server.url}/api", "token": "t" * 40})
        way = http.Http(settings.base_url)
        action = ACTIONS[name]
        await action.call(vendor.make_client(settings, way), action.parameters.model_validate(given), CALL)
        await way.close()
    (asked,) = server.asked
    assert (asked.method, asked.path.removeprefix("/api")) == (method, path)
    assert (asked.json if asked.body else None) == body
    assert asked.headers["authorization"] == f"Token {'t' * 40}"


def test_every_action_is_among_them():
    assert set(CALLS) | {"request"} == set(ACTIONS)
    assert len(connector.actions) == len(ACTIONS)


def test_every_watch_that_was_promised_is_there():
    told = {watch.resource: watch.noun for watch in connector.watches}
    assert told == {"classifiers": "classifier", "topics": "topic", "messages": "message", "stats": "stats"}
