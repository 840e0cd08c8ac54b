"""Compass's client before the simulated service."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from daemon.connectors.compass import client
from daemon.contract import http
from daemon.sandbox import server
from tests.connectors.compass import doubts


@pytest.fixture
async def compass(sandbox: server.Sandbox) -> AsyncIterator[client.CompassClient]:
    settings = client.Settings.model_validate(
        {"base_url": f"{sandbox.urls['compass']}/", **sandbox.credentials["compass"]}
    )
    way = http.Http(settings.base_url)
    yield client.make_client(settings, way)
    await way.close()


@pytest.fixture
async def doubtful(sandbox: server.Sandbox, compass: client.CompassClient) -> Callable[..., doubts.Doubtful]:
    """Make a step of a probed action; the client is logged in, so that faults meet the step's own requests."""
    await compass.call("GET", "/projects/")

    def make(name: str, /, **given: Any) -> doubts.Doubtful:
        since = max(entry.n for entry in sandbox.ledger.read("compass"))
        return doubts.Doubtful(sandbox, compass, name, given, since=since)

    return make
