"""Compass, simulated: usage, history, settings, topics' messages, people, and the orders a listing may have."""

import pytest

from daemon.model import times
from tests import clocks
from tests.sandbox import calling

P = "/projects/ab12cd34/p"
NOON = 1_764_590_400  # 2025-12-01T12:00:00Z, in seconds
TOPIC = {"title": "Prices", "info": {"terms": {"prices": 1.0}}, "status": "active"}


async def bob(caller: calling.Caller, level: str = "read") -> dict[str, str]:
    """The headers of a user with *level* on the account."""
    body = {"name": "Bob", "email": "b@example.com"}
    await caller.call("compass", "POST", "/users/", json=body)
    grant = {"user": body["email"], "account": "acct0001", "level": level}
    await caller.call("compass", "POST", "/permissions/", json=grant)
    caller.sandbox.compass.users[body["email"]]["must_reset_password"] = False
    return {"Authorization": f"Token {caller.sandbox.compass.login(body['email'])['token']}"}


async def post(caller: calling.Caller, *texts: str, at: int = NOON) -> None:
    given = [{"text": text, "timestamp": at - place} for place, text in enumerate(texts)]
    answer = await caller.call("compass", "POST", f"{P}/messages/", json=given)
    assert answer.status == 201, answer


async def test_usage_is_told_by_month_and_day_from_noon_to_noon(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    await virtual_clock.advance(30 * times.DAY + 11 * times.HOUR)
    await post(caller, "a")
    await virtual_clock.advance(2 * times.HOUR)
    await post(caller, "b", "c")
    months = (await caller.call("compass", "GET", f"{P}/usage/")).body
    assert [(m["month_name"], m["total_counts"]["api"]) for m in months] == [("December", 3)]
    assert [(d["start_time"][:13], d["count"]) for d in months[0]["days"]] == [
        ("2025-12-30T12", 1),
        ("2025-12-31T12", 2),
    ]
    day = months[0]["days"][1]
    path = day["url"].partition("/api")[2]
    assert (await caller.call("compass", "GET", path)).body == day
    assert (await caller.call("compass", "GET", f"{P}/usage/20200101/")).status == 404
    later = (await caller.call("compass", "GET", f"{P}/usage/?earliest=2025-12-31T00:00:00Z")).body
    assert later[0]["days"] == [day]
    assert (await caller.call("compass", "GET", f"{P}/usage/?source=gnip")).body == []


async def test_the_history_keeps_what_ended_and_when(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    made = await caller.call("compass", "POST", f"{P}/topics/", json=TOPIC)
    await virtual_clock.advance(times.HOUR)
    await caller.call("compass", "POST", f"{P}/topics/", json={**TOPIC, "title": "Service"})
    await caller.call("compass", "DELETE", made.body["url"].partition("/api")[2])

    async def titles(query: str) -> list[str]:
        found = await caller.call("compass", "GET", f"{P}/topics_history/?{query}")
        return [topic["title"] for topic in found.body["results"]]

    assert await titles("") == ["Service", "Prices"]
    assert await titles("status=inactive") == ["Prices"]
    assert await titles("earliest_created=2025-12-01T00:30:00Z") == ["Service"]
    assert await titles("earliest_ended=2025-12-01T00:30:00Z") == ["Prices"]
    assert await titles("latest_ended=2025-12-01T00:30:00Z") == []


async def test_a_topics_messages_are_filtered_and_may_hold_outliers(caller: calling.Caller) -> None:
    path = (await caller.call("compass", "POST", f"{P}/topics/", json=TOPIC)).body["url"].partition("/api")[2]
    await post(caller, "prices rise", "prices fall", "hello there")
    found = (await caller.call("compass", "GET", f"{path}messages/?older_than_id=2")).body["results"]
    assert [(one["text"], one["centrality"]) for one in found] == [("prices rise", 1.0)]
    found = (await caller.call("compass", "GET", f"{path}messages/?outliers=True")).body["results"]
    assert [one["centrality"] for one in found] == [-0.5, 1.0, 1.0]


async def test_topics_of_a_topic_based_classifier_are_there_at_once(caller: calling.Caller) -> None:
    info = {"topics": [{"title": "tea", "clause": "tea OR mate"}, {"title": "milk", "clause": "milk"}]}
    body = {"name": "drinks", "type": "topic_based", "status": "active", "info": info}
    made = (await caller.call("compass", "POST", f"{P}/classifiers/", json=body)).body
    assert (made["training_state"], [topic["title"] for topic in made["topics"]]) == (
        "in_training",
        ["milk", "tea"],
    )
    path = made["topics"][0]["url"].partition("/api")[2].rstrip("/")
    changed = await caller.call("compass", "PUT", path, json={"title": "cocoa", "info": "cocoa"})
    assert (changed.status, changed.body["title"]) == (200, "cocoa")
    for wrong in ({"title": "tea"}, {"info": "tea, milk"}):
        assert (await caller.call("compass", "PUT", path, json=wrong)).status == 400


async def test_settings_have_defaults_and_can_be_overridden(caller: calling.Caller) -> None:
    path = f"{P}/config/number_of_clusters/"
    assert (await caller.call("compass", "PUT", path, json={"value": 7})).body["value"] == 7
    told = (await caller.call("compass", "GET", f"{P}/config/")).body
    assert (len(told["default"]), told["overridden"]) == (15, [{"key": "number_of_clusters", "value": 7}])
    assert (await caller.call("compass", "DELETE", path)).status == 204
    assert (await caller.call("compass", "GET", path)).body["value"] == 30
    assert (await caller.call("compass", "PUT", f"{P}/config/nonesuch/", json={"value": 1})).status == 404
    assert (await caller.call("compass", "PUT", path, json={})).status == 400


async def test_messages_can_be_purged_before_a_date(caller: calling.Caller) -> None:
    await post(caller, "old", at=NOON - 86_400)
    await post(caller, "new")
    purge = await caller.call("compass", "DELETE", f"{P}/purge/", params={"to_date": "2025-12-01 00:00:00"})
    assert purge.status == 204
    left = (await caller.call("compass", "GET", f"{P}/messages/")).body["results"]
    assert [one["text"] for one in left] == ["new"]


@pytest.mark.parametrize("order, ids", [("newest", [3, 2, 1]), ("oldest", [1, 2, 3]), ("written", [1, 2, 3])])
async def test_messages_may_be_listed_in_any_order(
    caller: calling.Caller, order: str, ids: list[int]
) -> None:
    caller.sandbox.compass.order = order
    await post(caller, "a", "b", "c")
    found = (await caller.call("compass", "GET", f"{P}/messages/")).body["results"]
    assert [int(one["url"].rstrip("/").rpartition("/")[2]) for one in found] == ids


async def test_buckets_before_there_was_a_project_are_null(caller: calling.Caller) -> None:
    stats = (
        await caller.call("compass", "GET", f"{P}/stats/?at_time=2025-12-01T00:05:00Z&num_buckets=2")
    ).body
    assert stats["time_buckets"]["counts"] == [None, 0]
    assert stats["time_buckets"]["sentiment_counts"][0] is None


async def test_a_user_may_change_its_address_and_nobody_elses(caller: calling.Caller) -> None:
    headers = await bob(caller)
    user = caller.sandbox.credentials["compass"]["username"]
    assert (await caller.call("compass", "GET", f"/users/{user}/", headers=headers)).status == 404
    path = "/users/b@example.com/"
    assert (await caller.call("compass", "PUT", path, json={"email": user}, headers=headers)).status == 400
    assert (await caller.call("compass", "PUT", path, json={"admin": True}, headers=headers)).status == 403
    body = {"email": "rob@example.com", "name": "Rob"}
    changed = await caller.call("compass", "PUT", path, json=body, headers=headers)
    assert (changed.body["email"], changed.body["permissions"][0]["user"]) == (body["email"], body["email"])
    assert (await caller.call("compass", "GET", "/users/rob@example.com/", headers=headers)).status == 200
    assert (await caller.call("compass", "GET", path)).status == 404


async def test_who_manages_an_account_sees_its_users_and_permissions(caller: calling.Caller) -> None:
    headers = await bob(caller, "manage")
    listed = (await caller.call("compass", "GET", "/permissions/", headers=headers)).body["results"]
    assert [one["user"] for one in listed] == ["b@example.com"]
    body = {"name": "Eve", "email": "e@example.com", "default_account": "nonesuch"}
    assert (await caller.call("compass", "POST", "/users/", json=body)).status == 400
    await caller.call("compass", "POST", "/users/", json={**body, "default_account": None})
    assert (await caller.call("compass", "GET", "/users/e@example.com/", headers=headers)).status == 404
    grant = {"user": "e@example.com", "account": "acct0001", "level": "read"}
    made = await caller.call("compass", "POST", "/permissions/", json=grant, headers=headers)
    assert made.status == 201
    assert (await caller.call("compass", "GET", "/users/e@example.com/", headers=headers)).status == 200
    path = made.body["url"].partition("/api")[2]
    caller.sandbox.compass.permissions[1]["level"] = "read"
    assert (await caller.call("compass", "GET", path, headers=headers)).status == 403
    assert (await caller.call("compass", "DELETE", path, headers=headers)).status == 403
