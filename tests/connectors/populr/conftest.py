"""Populr's client before the simulated Populr, and before a server that answers what a test lays ready."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from daemon.connectors import populr as face
from daemon.connectors.populr import client
from daemon.sandbox.server import Sandbox
from tests.connectors import stub, support


@pytest.fixture
async def populr(sandbox: Sandbox) -> AsyncIterator[client.PopulrClient]:
    async with support.sandbox_client(face.connector, sandbox) as made:
        yield made


@pytest.fixture
async def vendor() -> AsyncIterator[stub.Stub]:
    async with stub.serving() as served:
        yield served


@pytest.fixture
async def stubbed(vendor: stub.Stub) -> AsyncIterator[client.PopulrClient]:
    async with support.client_of(face.connector, f"{vendor.url}/v0/", {"api_key": "ABC-DEF"}) as made:
        yield made


@pytest.fixture
def template(sandbox: Sandbox) -> Any:
    """The simulated template with two tags and no region."""
    return next(iter(sandbox.populr.templates.values()))
