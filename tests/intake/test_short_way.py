"""The short way past aiohttp's own objects: what takes it, what does not, and that nobody can tell from outside."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.app import listening, short_way
from daemon.intake import bodies
from daemon.intake.rejecting import Rejections
from daemon.intake.webhooks import PublicSide
from tests import waiting
from tests.intake import doors


def request(body: bytes, path: str | None = None, *headers: str) -> bytes:
    """A callback as bytes."""
    lines = [
        f"POST {path or doors.path_of()} HTTP/1.1",
        "Host: here",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def opening(views: int, **more: Any) -> bytes:
    """A tracer callback's body."""
    return json.dumps(doors.opening(views, **more)).encode()


class Gate:
    """Stands before the journal's commits while it is shut."""

    def __init__(self, admission: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = asyncio.Event()
        self.waiting = 0
        write = admission._journal.write

        async def gated(fn: Any, *, single: bool = False) -> Any:
            self.waiting += 1
            await self.open.wait()
            return await write(fn, single=single)

        monkeypatch.setattr(admission._journal, "write", gated)


@pytest.fixture
def no_long_way(door, monkeypatch):
    """Whoever goes the long way is told so."""

    async def refuse(_request: Any) -> Any:
        raise AssertionError("the long way")

    for connection_server in door.servers():
        monkeypatch.setattr(connection_server, "request_handler", refuse)


async def test_what_comes_whole_goes_the_short_way(door, no_long_way):
    first, second, same, bad = await door.speak(
        request(opening(1)) + request(opening(2)) + request(opening(2)) + request(b"{nothing"), 4
    )
    assert [one.status for one in (first, second, same, bad)] == [202, 202, 200, 400]
    assert same.json == {"id": second.json["id"], "duplicate": True}
    assert [event.id for event in await door.events()] == [first.json["id"], second.json["id"]]
    assert [one.status for one in await door.rejections()] == [400]


@pytest.mark.parametrize(
    "raw",
    [
        request(opening(1), None, "Connection: close"),
        request(opening(1), None, "Expect: nothing-special"),
        request(opening(1)).replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(opening(1), None, "Content-Encoding: gzip"),
        request(opening(1), doors.path_of()[:-1]),
        request(opening(1)).replace(b"POST", b"PUT"),
        request(b"x" * (doors.MAX_BODY + 1)),
        request(opening(1)).replace(b"application/json", b"image/png"),
    ],
)
async def test_what_is_unusual_goes_the_long_way(door, no_long_way, raw):
    answer = (await door.speak(raw))[0]
    assert answer.status in (
        400,
        500,
    )  # aiohttp's own word for a handler that breaks, or for a body it cannot read
    assert await door.events() == []


async def test_both_ways_word_their_answers_alike(door):
    short, split = await _answers(door, request(opening(1)), request(opening(2)))
    assert (short.status, split.status) == (202, 202)
    assert _shape(short) == _shape(split)
    short, split = await _answers(door, request(b"[1"), request(b"[2"))
    assert (short.status, split.status) == (400, 400)
    assert _shape(short) == _shape(split)


async def _answers(door: Any, whole: bytes, parts: bytes) -> tuple[doors.Answer, doors.Answer]:
    """The answers to one request that comes whole, and to one that comes with its last byte alone."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    async with asyncio.timeout(20):
        writer.write(whole)
        first = await doors.read_answer(reader)
        writer.write(parts[:-1])
        await asyncio.sleep(
            0.05
        )  # so that the rest is a segment of its own; in time or not, both ways must do
        writer.write(parts[-1:])
        second = await doors.read_answer(reader)
    writer.close()
    return first, second


def _shape(answer: doors.Answer) -> tuple[bytes, set[str], set[str]]:
    return answer.lines[0], set(answer.headers), set(answer.json)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_answers_come_in_the_order_of_requests_however_they_are_cut(door, data):
    kinds = data.draw(
        st.lists(st.sampled_from(["good", "bad", "lost", "chunked", "wrong"]), min_size=1, max_size=6)
    )
    views = [data.draw(st.integers(1, 10**6)) for _ in kinds]
    raw = b"".join(_of_kind(kind, view) for kind, view in zip(kinds, views, strict=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    async with asyncio.timeout(20):
        for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            writer.write(raw[start:end])
            await writer.drain()
            await asyncio.sleep(0)
        answers = [await doors.read_answer(reader) for _ in kinds]
    writer.close()
    fits = {"good": (202, 200), "chunked": (202, 200), "bad": (400,), "lost": (422,), "wrong": (404,)}
    assert [one.status in fits[kind] for kind, one in zip(kinds, answers, strict=True)] == [True] * len(kinds)


def _of_kind(kind: str, views: int) -> bytes:
    body = opening(views, pop=f"{views:024x}")
    if kind == "chunked":
        head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    if kind == "wrong":
        return request(body, "/hooks/nobody")
    return request({"good": body, "bad": b"{nothing", "lost": b'{"pop": 1}'}[kind])


async def test_a_sender_that_hangs_up_loses_its_answer_and_not_its_event(door, monkeypatch):
    gate = Gate(door.admission, monkeypatch)
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(request(opening(1)))
    await waiting.wait_for(lambda: gate.waiting, what="a commit under way")
    writer.transport.abort()
    await waiting.wait_for(lambda: not door.connections(), what="the connection's end")
    gate.open.set()
    assert await waiting.wait_for(door.events, what="the event")


async def test_a_stop_waits_for_the_answer_that_is_under_way(journal, monkeypatch):
    async with doors.opened(journal) as door:
        gate = Gate(door.admission, monkeypatch)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(request(opening(1)))
        await waiting.wait_for(lambda: gate.waiting, what="a commit under way")
        stopping = asyncio.create_task(door.listener.stop())
        await waiting.wait_for(lambda: not door.listener.is_open, what="the stop's beginning")
        gate.open.set()
        answer = await asyncio.wait_for(doors.read_answer(reader), 10)
        await asyncio.wait_for(stopping, 10)
        assert (answer.status, await reader.read()) == (202, b"")
        writer.close()


async def _begun(door: Any, raw: bytes) -> tuple[Any, Any, Any]:
    """A connection on which all of *raw* but its end came, as we have it and as the server has it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(raw[:-10])
    await waiting.wait_for(
        lambda: any(one._request_in_progress for one in door.connections()), what="a body under way"
    )
    return reader, writer, door.connections()[0]


@pytest.mark.parametrize("kind", ["good", "chunked"])
async def test_a_stop_waits_for_the_body_that_is_under_way(journal, kind):
    async with doors.opened(journal) as door:
        raw = _of_kind(kind, 1)
        reader, writer, connection = await _begun(door, raw)
        stopping = asyncio.create_task(door.listener.stop())
        await waiting.wait_for(lambda: connection._handler_waiter is not None, what="the stop's waiting")
        writer.write(raw[-10:])
        answer = await asyncio.wait_for(doors.read_answer(reader), 10)
        await asyncio.wait_for(stopping, 10)
        assert (answer.status, await reader.read()) == (202, b"")
        assert [event.id for event in await door.events()] == [answer.json["id"]]
        writer.close()


async def test_a_body_that_a_stop_waits_for_in_vain_is_to_come_again(journal):
    async with doors.opened(journal) as door:
        door.listener._runner._shutdown_timeout = 0.2
        reader, writer, _ = await _begun(door, request(opening(1)))
        stopping = asyncio.create_task(door.listener.stop())
        answer = await asyncio.wait_for(doors.read_answer(reader), 10)
        await asyncio.wait_for(stopping, 10)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert await door.events() == []
        writer.close()


async def test_what_comes_during_a_commit_waits_for_its_turn(door, monkeypatch):
    gate = Gate(door.admission, monkeypatch)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(request(opening(1)))
    await waiting.wait_for(lambda: gate.waiting, what="a commit under way")
    writer.write(request(opening(1), "/hooks/nobody") + request(opening(2)))
    gate.open.set()
    async with asyncio.timeout(10):
        answers = [(await doors.read_answer(reader)).status for _ in range(3)]
    writer.close()
    assert answers == [202, 404, 202]


async def test_what_comes_behind_a_body_that_pauses_reading_is_read(door, monkeypatch):
    door.side.doors = dataclasses.replace(door.side.doors, max_body=4 * 1024 * 1024)
    gate = Gate(door.admission, monkeypatch)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(request(opening(1)))
    await waiting.wait_for(lambda: gate.waiting, what="a commit under way")
    long = json.dumps({**json.loads(opening(2)), "more": "x" * 2_000_000}).encode()
    writer.write(request(long) + request(opening(3)))
    await waiting.wait_for(lambda: door.connections()[0]._reading_paused, what="a pause in reading")
    gate.open.set()
    async with asyncio.timeout(10):
        answers = [(await doors.read_answer(reader)).status for _ in range(3)]
    writer.close()
    assert answers == [202, 202, 202]


async def test_a_mistake_of_ours_is_answered_and_ends_nothing(door, monkeypatch):
    def broken(*_: Any) -> Any:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(bodies, "read_json", broken)
        first, second = await door.speak(request(opening(1)) * 2, 2)
    assert (first.status, second.status) == (500, 500)
    assert (await door.post(doors.path_of(), doors.opening())).status == 202


@contextlib.asynccontextmanager
async def impatient(door: Any, seconds: float) -> AsyncIterator[int]:
    """The same side behind a server that closes idle connections after *seconds*; its port."""
    side = PublicSide(door.admission, Rejections(door.journal, door.clock), doors.built())
    server = short_way.ShortServer(side, access_log=None, keepalive_timeout=seconds)
    listener = listening.bind("127.0.0.1", 0)
    served = await asyncio.get_running_loop().create_server(server, sock=listener)
    yield listener.getsockname()[1]
    served.close()
    await server.shutdown(1)


async def test_an_idle_connection_is_closed_after_the_short_way_too(door):
    async with impatient(door, 0.3) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for views in (1, 2):
            writer.write(request(opening(views)))
            assert (await doors.read_answer(reader)).status == 202
        assert await reader.read() == b""
        writer.close()


def test_the_names_that_aiohttp_does_not_promise_are_there():
    slots = {name for base in short_way.Connection.__mro__ for name in getattr(base, "__slots__", ())}
    leaned_on = "_waiter _messages _parser _paused _buffer_paused _request_in_progress _handler_waiter _close"
    also = "_force_close _keepalive_handle _keepalive_timeout _next_keepalive_close_time _loop transport"
    assert set(f"{leaned_on} {also}".split()) <= slots
