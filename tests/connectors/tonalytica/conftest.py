"""Fixtures of the TONalytica tests."""

from collections.abc import AsyncIterator

import pytest

from daemon.connectors.tonalytica import client
from tests.connectors.tonalytica import replay


@pytest.fixture
async def tonalytica(sandbox) -> AsyncIterator[client.TonalyticaClient]:
    """A client of the simulated service with the user's key."""
    key = sandbox.credentials["tonalytica"]["api_key"]
    async with replay.speaking(sandbox.urls["tonalytica"], key) as account:
        yield account
