"""Other senders: their signatures, their CloudEvents, what makes two deliveries one event."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import standardwebhooks

from daemon.model import times
from tests.intake import doors

BODY = {"id": 7, "kind": "new", "total": 12.5, "password": "hunter2hunter2"}
RAW = json.dumps(BODY).encode()
CLOUD = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop/berlin",
    "type": "shop.order.placed",
    "subject": "o-7",
    "time": "2026-02-03T04:05:06Z",
    "data": {"total": 3},
}


def signed(raw: bytes = RAW, secret: str = "orders-secret") -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def standard_headers(raw: bytes = RAW, id: str = "msg_1", age: int = 0) -> dict[str, str]:
    """What the reference library signs; *age* is in seconds."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    signature = standardwebhooks.Webhook(doors.STANDARD).sign(id, at, raw.decode())
    return {
        "webhook_id": id,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": signature,
    }


def altered(**headers: str) -> dict[str, str]:
    """Good headers with some changed."""
    return standard_headers() | headers


@pytest.fixture
def parcel(door):
    """Posts to the sender that shows a token."""

    async def post(body, **headers):
        return await door.post("/hooks/parcels", body, **{"authorization": "Bearer parcels-token", **headers})

    return post


@pytest.mark.parametrize(
    "path, headers",
    [
        ("orders", {"x_hub_signature_256": f"sha256={signed()}"}),
        ("orders", {"x_hub_signature_256": signed()}),
        ("orders", {"x_hub_signature_256": signed().upper()}),
        ("custom", {"x_signed": signed(secret="custom-secret")}),
        ("parcels", {"authorization": "Bearer parcels-token"}),
        ("parcels", {"authorization": "bearer parcels-token"}),
        ("parcels", {"authorization": "parcels-token"}),
        ("keyed", {"x_token": "keyed-token"}),
        ("keyed", {"x_token": "Bearer keyed-token"}),
        ("standard", standard_headers),
    ],
)
async def test_who_knows_the_secret_is_let_in(door, path, headers):
    given = headers() if callable(headers) else headers
    answer = await door.post(f"/hooks/{path}", RAW, **given)
    assert answer.status == 202
    event = await door.event(answer.json["id"])
    assert (event.source, event.type, event.subject) == (path, f"{path}.received", "")
    assert event.data == BODY | {"password": "[blanked]"}


@pytest.mark.parametrize(
    "path, headers",
    [
        ("orders", {}),
        ("orders", {"x_hub_signature_256": ""}),
        ("orders", {"x_hub_signature_256": f"sha1={signed()}"}),
        ("orders", {"x_hub_signature_256": signed(b"other")}),
        ("orders", {"x_hub_signature_256": "\udcff\udcfe"}),
        ("orders", {"x_signed": signed()}),
        ("parcels", {}),
        ("parcels", {"authorization": "Bearer"}),
        ("parcels", {"authorization": "Basic parcels-token"}),
        ("parcels", {"authorization": "Bearer parcels-token-and-more"}),
        ("standard", {}),
        ("standard", partial(standard_headers, age=301)),
        ("standard", partial(standard_headers, age=-301)),
        ("standard", partial(altered, webhook_timestamp="1e400")),
        ("standard", partial(altered, webhook_timestamp="nan")),
        ("standard", partial(altered, webhook_timestamp="-99999999999999999")),
        ("standard", partial(altered, webhook_id="another")),
        ("standard", partial(altered, webhook_signature="v1")),
        ("standard", partial(altered, webhook_signature="v1,&&&")),
        ("standard", partial(altered, webhook_signature="v1,é")),
        ("standard", partial(standard_headers, b"another body")),
    ],
)
async def test_who_does_not_know_it_is_told_the_same_for_all(door, path, headers):
    given = headers() if callable(headers) else headers
    wrong = await door.post(f"/hooks/{path}", RAW, **given)
    missing = await door.post(f"/hooks/{path}", RAW)
    assert wrong.status == 401
    assert (wrong.lines, wrong.body) == (missing.lines, missing.body)
    assert await door.events() == []
    kept = await door.rejections()
    assert {one.status for one in kept} == {401}
    assert not [one for one in kept if "hunter2" in one.body]


@pytest.mark.parametrize(
    "path, headers, why",
    [
        ("orders", {}, "no X-Hub-Signature-256 came"),
        ("custom", {}, "no X-Signed came"),
        ("orders", {"x_hub_signature_256": signed(b"other")}, "X-Hub-Signature-256 holds another signature"),
        ("parcels", {"authorization": "Bearer parcels-tokens"}, "Authorization holds another token"),
        ("standard", {"webhook_id": "m"}, "no webhook-timestamp, webhook-signature came"),
        ("standard", partial(standard_headers, age=301), "message timestamp too old"),
        ("standard", partial(standard_headers, b"another body"), "no matching signature found"),
        ("standard", partial(altered, webhook_signature="v1"), "the headers or the body cannot be read"),
    ],
)
async def test_the_operator_is_told_why_and_the_sender_is_not(door, path, headers, why):
    answer = await door.post(f"/hooks/{path}", RAW, **(headers() if callable(headers) else headers))
    assert answer.status == 401
    (kept,) = await door.rejections()
    assert kept.error == f"the signature or token is missing or wrong: {why}"
    assert why.encode() not in answer.body


async def test_a_body_that_is_no_text_is_signed_by_nobody(door):
    answer = await door.post("/hooks/standard", b"\xff\xfe", **standard_headers(b"x"))
    assert answer.status == 401


async def test_a_delivery_is_known_by_its_id_then_by_its_body(door, parcel):
    first = await parcel(BODY, webhook_id="d-1")
    other_body = await parcel({"id": 8}, webhook_id="d-1")
    by_body = await parcel(BODY)
    same_body = await parcel(BODY)
    assert [one.status for one in (first, other_body, by_body, same_body)] == [202, 200, 202, 200]
    assert other_body.json["id"] == first.json["id"]
    assert same_body.json["id"] == by_body.json["id"]


async def test_standard_deliveries_are_known_by_their_id_whenever_they_were_signed(door):
    first = await door.post("/hooks/standard", RAW, **standard_headers(age=60))
    again = await door.post("/hooks/standard", RAW, **standard_headers())
    assert (first.status, again.status) == (202, 200)
    assert [event.key for event in await door.events()] == ["msg_1"]


async def test_the_operators_own_key_decides_alone(door):
    async def post(body):
        return await door.post("/hooks/keyed", body, x_token="keyed-token", webhook_id="always-the-same")

    assert (await post({"id": 1, "kind": "a"})).status == 202
    assert (await post({"id": 1, "kind": "b"})).status == 202
    assert (await post({"id": 1, "kind": "a", "more": 1})).status == 200
    assert (await post({"id": "x" * 9_000, "kind": "a"})).status == 202
    assert (await post({"kind": "a"})).status == 422
    assert [event.key for event in await door.events()][:2] == ["1-a", "1-b"]


@pytest.mark.parametrize(
    "id, is_called",
    [
        (None, "none"),
        (False, "true or false"),
        ([1], "a list"),
        ({}, "an object"),
        ("", "blank"),
        (" \t ", "blank"),
    ],
)
async def test_what_tells_no_two_bodies_apart_is_no_key(door, id, is_called):
    answer = await door.post("/hooks/lone", {"id": id}, x_token="lone-token")
    assert (answer.status, await door.events()) == (422, [])
    assert answer.json["error"] == f"the key is {is_called}; it must be text or a number"


async def test_texts_and_numbers_are_keys(door):
    for id in (7, 0, 1.5, "a b", "null"):
        assert (await door.post("/hooks/lone", {"id": id}, x_token="lone-token")).status == 202
    assert [event.key for event in await door.events()] == ["7", "0", "1.5", "a b", "null"]


async def test_a_structured_cloud_event_keeps_its_own_attributes(door, parcel):
    answer = await parcel(CLOUD, content_type="application/cloudevents+json")
    event = await door.event(answer.json["id"])
    assert (event.type, event.subject, event.source) == ("shop.order.placed", "o-7", "parcels")
    assert event.time == 1_770_091_506_000_000
    assert event.data == {"total": 3}


async def test_a_binary_cloud_event_carries_them_in_headers(door, parcel):
    headers = {f"ce_{name}": value for name, value in CLOUD.items() if name != "data"}
    answer = await parcel({"total": 3}, **{**headers, "ce_subject": "o%207"})
    event = await door.event(answer.json["id"])
    assert (event.type, event.subject, event.data) == ("shop.order.placed", "o 7", {"total": 3})
    assert (await parcel(CLOUD)).json == {"id": event.id, "duplicate": True}


async def test_cloud_events_are_one_by_source_and_id_unless_the_delivery_has_one(door, parcel):
    assert (await parcel(CLOUD)).status == 202
    assert (await parcel({**CLOUD, "data": {"other": 1}})).status == 200
    assert (await parcel({**CLOUD, "source": "/shop/paris"})).status == 202
    assert (await parcel(CLOUD, webhook_id="d-1")).status == 202
    assert (await parcel({**CLOUD, "id": "e-2"}, webhook_id="d-1")).status == 200


@pytest.mark.parametrize("source", ["/a b", " ", "/a\u00a0b"])
async def test_a_source_with_a_blank_is_no_source(door, parcel, source):
    answer = await parcel({**CLOUD, "source": source, "id": "c"})
    assert (answer.status, await door.events()) == (422, [])
    assert "source" in answer.json["error"]
    assert (await parcel({**CLOUD, "source": "/a", "id": "b c"})).status == 202


async def test_binary_data_stays_as_it_came(door, parcel):
    body = {name: value for name, value in CLOUD.items() if name != "data"}
    answer = await parcel({**body, "data_base64": base64.b64encode(b"\x00\x01").decode()})
    assert (await door.event(answer.json["id"])).data == {"data_base64": "AAE="}


def coded(raw: bytes, **more: str) -> dict[str, Any]:
    """A CloudEvent whose data is *raw*, in base64."""
    bare = {name: value for name, value in CLOUD.items() if name != "data"}
    return {**bare, "data_base64": base64.b64encode(raw).decode(), **more}


@pytest.mark.parametrize(
    "more", [{}, {"datacontenttype": "Application/JSON; charset=utf-8"}, {"datacontenttype": "a/b+json"}]
)
async def test_binary_data_that_is_json_is_read(door, parcel, more):
    answer = await parcel(coded(b'{"total": 3, "password": "hunter2hunter2"}', **more))
    assert (await door.event(answer.json["id"])).data == {"total": 3, "password": "[blanked]"}


@pytest.mark.parametrize("raw, type", [(b'{"total": 3}', "text/plain"), (b"{total", "application/json")])
async def test_binary_data_that_is_no_json_is_not_read(door, parcel, raw, type):
    body = coded(raw, datacontenttype=type)
    answer = await parcel(body)
    assert (await door.event(answer.json["id"])).data == {"data_base64": body["data_base64"]}


@pytest.mark.parametrize(
    "time, is_taken_as",
    [
        ("2026-02-03t05:05:06.25+01:00", "2026-02-03T04:05:06.25Z"),
        ("2026-02-03T04:05:06.123456789z", "2026-02-03T04:05:06.123456Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"),
        ("2017-01-01T00:59:60.5+01:00", "2016-12-31T23:59:59.999999Z"),
        (None, None),
    ],
)
async def test_times_are_those_of_rfc_3339(door, parcel, time, is_taken_as):
    answer = await parcel({**CLOUD, "time": time})
    event = await door.event(answer.json["id"])
    assert event.time == (times.parse_rfc3339(is_taken_as) if is_taken_as else event.recorded_at)


@pytest.mark.parametrize(
    "change",
    [
        *({"type": f"{word}.x"} for word in ("populr", "popily", "compass", "tonalytica", "plotly")),
        {"type": "schedule"},
        {"type": "pointsman.run.dead"},
        {"type": ""},
        {"type": 7},
        {"type": "a\nb"},
        {"type": "x" * 501},
        {"id": ""},
        {"source": None},
        {"subject": "x" * 501},
        {"type": "a b"},
        {"type": "*"},
        {"type": "a..b"},
        {"type": "[a]"},
        {"specversion": 1.0},
        {"id": 7},
        {"subject": 5},
        {"datacontenttype": ["application/json"]},
        {"dataschema": {}},
        {"data_base64": 5},
        {"time": 5},
        {"time": ""},
        {"time": "yesterday"},
        {"time": "9999-12-31T23:59:59-14:00"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"time": "2026-01-02"},
        {"time": "2026-01-02T03:04:05"},
        {"time": "2026-01-02T03:04Z"},
        {"time": "20260102T030405Z"},
        {"time": "2026-02-30T03:04:05Z"},
        {"time": "2026-01-02T24:00:00Z"},
        {"time": "2026-01-02T03:04:61Z"},
        {"time": "2026-01-02T03:04:05+01:75"},
        {"time": "2026-01-02T03:04:05.Z"},
    ],
)
async def test_what_is_no_fit_cloud_event_is_refused(door, parcel, change):
    answer = await parcel({**CLOUD, **change}, content_type="application/cloudevents+json")
    assert (answer.status, await door.events()) == (422, [])


@pytest.mark.parametrize("text", ["!!", "AAE", "AA\nE=", "é"])
async def test_what_is_no_base64_is_refused(door, parcel, text):
    answer = await parcel({**coded(b""), "data_base64": text})
    assert (answer.status, await door.events()) == (422, [])
    assert answer.json["error"] == "the CloudEvent's data_base64 is not base64"


async def test_batches_of_cloud_events_are_refused(door, parcel):
    answer = await parcel([CLOUD, CLOUD], content_type="application/cloudevents-batch+json")
    assert (answer.status, await door.events()) == (422, [])


@pytest.mark.parametrize("body", [[1, 2], "text", 7, None, True])
async def test_a_body_that_is_no_object_stands_under_body(door, parcel, body):
    answer = await parcel(body)
    assert (await door.event(answer.json["id"])).data == {"body": body}
