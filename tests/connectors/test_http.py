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
