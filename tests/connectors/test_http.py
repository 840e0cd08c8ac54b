"""The one HTTP client against real sockets: what is sent once, what twice, what is read whole."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from daemon.contract import errors, http

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\ntrue"


class Rude:
    """Answers the first request of each connection, and closes when a second one comes."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = True
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.seen.append(head.split()[0].decode())
                if not first:
                    return
                first = False
                writer.write(ANSWER)
                await writer.drain()
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@pytest.fixture
async def rude() -> AsyncIterator[Rude]:
    found = Rude()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


async def test_a_read_is_asked_again_when_its_idle_connection_was_closed(rude: Rude) -> None:
    client = http.Http(f"http://127.0.0.1:{rude.port}")
    answers = [(await client.send("GET", "/x")).json() for _ in range(2)]
    await client.close()
    assert answers == [True, True]
    assert rude.seen == ["GET", "GET", "GET"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_a_write_is_sent_once_and_its_lost_answer_is_a_doubt(rude: Rude, method: str) -> None:
    client = http.Http(f"http://127.0.0.1:{rude.port}")
    assert (await client.send("GET", "/x")).json() is True
    with pytest.raises(errors.TemporaryError) as lost:
        await client.send(method, "/x")
    await client.close()
    assert lost.value.in_doubt
    assert rude.seen == ["GET", method]


class Slow:
    """Answers once it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.let.wait()
        writer.write(ANSWER)
        await writer.drain()
        writer.close()


async def test_a_client_that_retires_lets_a_call_under_way_come_to_its_end() -> None:
    slow = Slow()
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    client = http.Http(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    calling = asyncio.create_task(client.send("POST", "/x"))
    await slow.asked.wait()
    retiring = asyncio.create_task(client.retire())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not retiring.done()
    slow.let.set()
    assert (await calling).json() is True
    await retiring
    server.close()


@pytest.mark.parametrize(("status", "in_doubt"), [(500, False), (502, True), (503, False), (504, True)])
def test_an_answer_that_a_gateway_lost_is_a_doubt(status: int, in_doubt: bool) -> None:
    with pytest.raises(errors.TemporaryError) as failed:
        http.raise_for_status(http.Reply(status, {}, b""), "")
    assert failed.value.in_doubt is in_doubt
