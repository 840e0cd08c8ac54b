"""Popily's client before the simulated Popily, and before a server that answers what a test lays ready."""

from collections.abc import AsyncIterator

import pytest

from daemon.connectors import popily as face
from daemon.connectors.popily import client
from daemon.sandbox.server import Sandbox
from tests.connectors import stub, support


@pytest.fixture
async def popily(sandbox: Sandbox) -> AsyncIterator[client.PopilyClient]:
    async with support.sandbox_client(face.connector, sandbox) as made:
        yield made


@pytest.fixture
async def vendor() -> AsyncIterator[stub.Stub]:
    async with stub.serving() as served:
        yield served


@pytest.fixture
async def stubbed(vendor: stub.Stub) -> AsyncIterator[client.PopilyClient]:
    async with support.client_of(face.connector, f"{vendor.url}/api/", {"token": "t0ken-1234"}) as made:
        yield made
