"""Compass's client before the simulated service."""

from collections.abc import AsyncIterator

import pytest

from daemon.connectors.compass import client
from daemon.contract import http
from daemon.sandbox import server


@pytest.fixture
async def compass(sandbox: server.Sandbox) -> AsyncIterator[client.CompassClient]:
    settings = client.Settings.model_validate(
        {"base_url": f"{sandbox.urls['compass']}/", **sandbox.credentials["compass"]}
    )
    way = http.Http(settings.base_url)
    yield client.make_client(settings, way)
    await way.close()
