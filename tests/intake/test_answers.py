"""Every status of the public side, over real sockets."""

import asyncio
import gzip
import json

import pytest

from daemon.intake import webhooks
from tests import waiting
from tests.intake import doors

NOT_FOUND = doors.path_of()[:-1] + "-"
COLLABORATION_TOKEN = doors.path_of("trusted", "collaboration").rpartition("/")[2]


async def test_a_callback_is_accepted_once_and_known_the_second_time(door):
    first = await door.post(doors.path_of(), doors.opening())
    again = await door.post(doors.path_of(), doors.opening())
    assert (first.status, list(first.json)) == (202, ["id"])
    assert (again.status, again.json) == (200, {"id": first.json["id"], "duplicate": True})
    assert [event.id for event in await door.events()] == [first.json["id"]]


@pytest.mark.parametrize(
    "line",
    [
        f"POST {NOT_FOUND}",
        f"POST {doors.path_of('nobody')}",
        f"POST {doors.path_of('trusted', 'unknown')}",
        f"POST /hooks/trusted/tracer/{COLLABORATION_TOKEN}",
        f"GET {doors.path_of()}",
        f"PUT {doors.path_of()}",
        f"OPTIONS {doors.path_of()}",
        f"DELETE {doors.path_of()}",
        f"POST {doors.path_of()}/",
        f"POST /{doors.path_of()}",
        f"POST {doors.path_of().replace('/hooks', '//hooks')}",
        f"POST {doors.path_of().upper()}",
        "POST /hooks/nobody",
        "GET /hooks/orders",
        "POST /hooks/orders/",
        "POST /hooks//orders",
        "POST /",
        "POST /healthz",
        "GET /metrics",
        "GET /readyz",
        "POST /hooks",
        "POST /hooks/" + "x" * 6_000,
        "POST /hooks/%00%ff/tracer/%zz",
    ],
)
async def test_whatever_is_wrong_is_not_found_in_the_same_bytes(door, line):
    right = (await door.speak(f"POST {NOT_FOUND} HTTP/1.1\r\nhost: a\r\n\r\n".encode()))[0]
    wrong = (await door.speak(f"{line} HTTP/1.1\r\nhost: a\r\n\r\n".encode()))[0]
    assert right.status == 404
    assert (wrong.lines, wrong.body) == (right.lines, right.body)


async def test_a_wrong_method_that_has_no_body_gets_the_same_head(door):
    head = f"HEAD {doors.path_of()} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(head)
    told = await reader.read()
    writer.close()
    assert told.startswith(b"HTTP/1.1 404 ")
    assert told.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("expects", ["", "expect: 100-continue\r\n"])
async def test_the_body_of_a_wrong_token_is_not_waited_for(door, expects):
    head = f"POST {NOT_FOUND} HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n{expects}\r\n"
    async with asyncio.timeout(2):
        answer = (await door.speak(head.encode()))[0]
    assert answer.status == 404


async def test_a_sender_that_asks_before_it_sends_is_told_to_go_on(door):
    raw = json.dumps(doors.opening()).encode()
    head = f"POST {doors.path_of()} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(f"{head}content-length: {len(raw)}\r\n\r\n".encode())
    async with asyncio.timeout(2):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(raw)
    answer = await doors.read_answer(reader)
    writer.close()
    assert answer.status == 202


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"not json",
        b'{"a": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"1e400",
        b"[9223372036854775808]",
        b'{"a": 123456789012345678901234567890}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"name": "caf\xe9"}',
        b'"\\ud800"',
        b"{} {}",
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
async def test_what_is_not_json_is_refused(door, raw):
    called = await door.post(doors.path_of(), raw)
    sent = await door.post("/hooks/parcels", raw, authorization="Bearer parcels-token")
    assert (called.status, sent.status) == (400, 400)
    assert set(called.json) == {"error", "error_type"}
    assert await door.events() == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        7,
        "text",
        {},
        {"pop": {}},
        {"pop": {"id": "p"}, "tracer": {"name": "n", "analytics": {"views": "6"}}},
        {"pop": {"id": "p"}, "tracer": {}},
        {"pop": {"id": "p", "deep": json.loads("[" * 300 + "]" * 300)}, "tracer": {"name": "n"}},
    ],
)
async def test_another_shape_than_the_documented_one_is_refused_and_kept(door, body):
    answer = await door.post(doors.path_of(), body)
    kept = await door.rejections()
    assert (answer.status, answer.json["error_type"]) == (422, "malformed")
    assert [(one.status, one.error) for one in kept] == [(422, answer.json["error"])]
    assert kept[0].body == json.dumps(body)


@pytest.mark.parametrize(
    "head",
    [
        "content-length: 70000\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n" + "4000\r\n" + "x" * 0x4000 + "\r\n",
    ],
)
async def test_a_body_beyond_the_bound_is_refused_before_all_of_it_came(door, head):
    more = "".join("4000\r\n" + "x" * 0x4000 + "\r\n" for _ in range(4)) if "chunked" in head else ""
    sent = f"POST {doors.path_of()} HTTP/1.1\r\nhost: a\r\n{head}{more}"
    answer = (await door.speak(sent.encode()))[0]
    assert (answer.status, answer.json["error_type"]) == (413, "too_large")
    assert answer.headers["connection"] == "close"


async def test_a_small_body_that_unpacks_to_a_large_one_is_too_large(door):
    bomb = gzip.compress(b'{"a": "' + b"x" * 50_000_000 + b'"}')
    answer = await door.post(doors.path_of(), bomb[: doors.MAX_BODY], content_encoding="gzip")
    assert answer.status == 413


async def test_a_packed_body_is_read_and_a_broken_one_refused(door):
    packed = gzip.compress(json.dumps(doors.opening()).encode())
    good = await door.post(doors.path_of(), packed, content_encoding="gzip")
    torn = await door.post(doors.path_of(), b"no gzip at all", content_encoding="gzip")
    chunk = f"POST {doors.path_of()} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
    assert (good.status, torn.status) == (202, 400)
    assert (await door.speak(chunk.encode()))[0].status == 400


@pytest.mark.parametrize(
    "content_type, status",
    [
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
        ("image/png", 415),
        ("application/xml", 415),
        ("-", 202),
        ("text/plain", 202),
        ("text/json; charset=utf-8", 202),
        ("application/json; charset=utf-8", 202),
        ("APPLICATION/JSON", 202),
        ("application/vnd.populr+json", 202),
    ],
)
async def test_what_may_be_json_is_read_as_json(door, content_type, status):
    answer = await door.post(doors.path_of(), doors.opening(), content_type=content_type)
    assert answer.status == status
    assert (b"Content-Type: application/json" in answer.body) == (status == 415)  # what to do


async def test_a_slow_body_is_given_up_while_others_are_answered(door, monkeypatch):
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT", 0.5)
    head = f"POST {doors.path_of()} HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{{"
    slow = [asyncio.create_task(door.speak(head.encode())) for _ in range(20)]
    assert (await door.post(doors.path_of(), doors.opening())).status == 202
    answers = [answer for one in await asyncio.gather(*slow) for answer in one]
    assert {(one.status, one.headers["connection"]) for one in answers} == {(408, "close")}


async def test_a_sender_that_hangs_up_in_its_body_is_no_error_of_ours(door, caplog):
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(f"POST {doors.path_of()} HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{{".encode())
    await writer.drain()
    writer.transport.abort()
    assert (await door.post(doors.path_of(), doors.opening())).status == 202
    assert caplog.records == []


async def test_one_connection_carries_many_requests_in_their_order(door):
    raws = [json.dumps(doors.opening(views)).encode() for views in (1, 2, 3, 3)]
    head = f"POST {doors.path_of()} HTTP/1.1\r\nhost: a\r\ncontent-length: "
    said = b"".join(f"{head}{len(raw)}\r\n\r\n".encode() + raw for raw in raws)
    answers = await door.speak(said, answers=4)
    assert [one.status for one in answers] == [202, 202, 202, 200]
    ids = [one.json["id"] for one in answers]
    assert [event.id for event in await door.events()] == ids[:3]
    assert ids[3] == ids[2]


async def test_an_old_client_is_answered_and_let_go(door):
    raw = json.dumps(doors.opening()).encode()
    head = f"POST {doors.path_of()} HTTP/1.0\r\ncontent-length: {len(raw)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(head.encode() + raw)
    async with asyncio.timeout(5):
        told = await reader.read()
    writer.close()
    assert told.startswith(b"HTTP/1.0 202 ")


@pytest.mark.parametrize(
    "ending", ["?pop=%{pop-id}&tracer=%{tracer-id}", "?", "?a=%zz&&=&pop", "?x=" + "y" * 3_000]
)
async def test_queries_and_percent_signs_change_no_path(door, ending):
    account, hook, token = doors.path_of().split("/")[2:]
    spelt = f"/hooks/%74{account[1:]}/{hook}/{token}"
    answer = await door.post(spelt + ending, doors.opening())
    assert answer.status == 202


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"POST\r\n\r\n"])
async def test_what_is_not_http_is_a_bad_request_without_noise(door, raw, caplog):
    answer = (await door.speak(raw))[0]
    assert answer.status == 400
    assert caplog.records == []


@pytest.mark.parametrize(
    "head, error_type",
    [
        (b"FOO /hooks/trusted/secret HTTP/1.1", "bad_request"),
        (b"post /hooks/trusted/secret HTTP/1.1", "bad_request"),
        (b"POST /hooks/trusted/secret\xff HTTP/1.1", "bad_request"),
        (b"POST * HTTP/1.1", "bad_request"),
        (b"POST /hooks/trusted/secret HTTP/1.1\r\nContent-Encoding: br", "broken_body"),
        (b"POST /anything HTTP/1.1\r\nContent-Encoding: br", "broken_body"),
    ],
)
async def test_what_cannot_be_read_is_answered_in_our_words_alone(door, head, error_type, caplog):
    answer = (await door.speak(head + b"\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}"))[0]
    assert (answer.status, answer.json["error_type"]) == (400, error_type)
    assert (answer.headers["server"], answer.headers["content-type"]) == ("pointsman", "application/json")
    assert b"secret" not in answer.body
    assert b"rotli" not in answer.body
    assert caplog.records == []


@pytest.mark.parametrize("path, status", [("/anything", 404), (doors.path_of(), 400)])
async def test_a_body_that_cannot_be_decoded_leaves_no_trace_in_the_log(door, path, status, caplog):
    answer = await door.post(path, b"xx", content_encoding="deflate")
    await waiting.wait_for(lambda: not door.connections(), what="the connection's end")
    assert answer.status == status
    assert caplog.records == []


async def test_wrong_paths_are_kept_in_part_without_their_tokens(door):
    token = doors.path_of().rpartition("/")[2]
    await door.post(f"/hooks/trusted/{token}", {})
    await door.post(f"/hooks/trusted/collaboration/{token}", {})
    await door.post(f"/hooks/trusted/tracer/{token[:-1]}%{ord(token[-1]):x}x", {})
    kept = await waiting.wait_for(lambda: _kept(door, 3))
    assert {one.status for one in kept} == {404}
    assert not [one for one in kept if token in one.path]
    for _ in range(40):
        await door.post(NOT_FOUND, {})
    assert len(await door.rejections()) <= 25


async def _kept(door, count):
    found = await door.rejections()
    return found if len(found) >= count else None
