"""Plotly's client before a server that answers what the test lays ready, and before the simulated Plotly."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from daemon.connectors.plotly import client, connector
from daemon.contract import http
from daemon.sandbox.server import Sandbox
from tests.connectors import stub, support
from tests.connectors.plotly import acting


@pytest.fixture
async def vendor() -> AsyncIterator[stub.Stub]:
    async with stub.serving() as served:
        yield served


@pytest.fixture
async def plotly(vendor: stub.Stub) -> AsyncIterator[client.PlotlyClient]:
    settings = client.Settings(
        base_url=f"{vendor.url}/v2/", username="ada", api_key=SecretStr("key-of-ada-é")
    )
    way = http.Http(settings.base_url)
    yield client.make_client(settings, way)
    await way.close()


@pytest.fixture
async def ada(sandbox: Sandbox) -> AsyncIterator[client.PlotlyClient]:
    """A client of the simulated Plotly, with good credentials."""
    async with support.sandbox_client(connector, sandbox) as made:
        yield made


@pytest.fixture
async def grid(ada: client.PlotlyClient) -> str:
    """A grid of two rows."""
    return await acting.make_grid(ada)
