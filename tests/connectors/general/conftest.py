"""The general actions, allowed to speak to one server on loopback."""

from collections.abc import AsyncIterator

import pytest

from daemon.connectors.general import client
from daemon.contract import guard, http
from tests.connectors import stub


@pytest.fixture
async def server() -> AsyncIterator[stub.Stub]:
    async with stub.serving() as served:
        yield served


@pytest.fixture
async def general(server: stub.Stub) -> AsyncIterator[client.GeneralClient]:
    way = http.Http("", guarded=guard.parse_guard([server.url.removeprefix("http://")]))
    yield client.make_client(None, way)
    await way.close()
