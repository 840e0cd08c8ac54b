"""Compass's client before the simulated service."""

from collections.abc import AsyncIterator

import pytest

from daemon.connectors.compass import client
from daemon.contract import http
from daemon.sandbox import server
from tests import clocks


@pytest.fixture
async def sandbox(virtual_clock: clocks.VirtualClock) -> AsyncIterator[server.Sandbox]:
    running = server.Sandbox(virtual_clock)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def compass(sandbox: server.Sandbox) -> AsyncIterator[client.CompassClient]:
    settings = client.Settings.model_validate(
        {"base_url": f"{sandbox.urls['compass']}/", **sandbox.credentials["compass"]}
    )
    way = http.Http(settings.base_url)
    yield client.make_client(settings, way)
    await way.close()
