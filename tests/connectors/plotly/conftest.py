"""Plotly's client before a server that answers what the test lays ready."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from daemon.connectors.plotly import client
from daemon.contract import http
from tests.connectors import stub


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
