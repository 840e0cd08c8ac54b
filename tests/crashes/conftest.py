"""A nursery for a test file, a doomed daemon with its work for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from daemon.sandbox.server import Sandbox
from tests.crashes import doomed
from tests.crashes.doomed import Doomed, Nursery
from tests.crashes.workload import Workload
from tests.journeys.conftest import sandbox

__all__ = ["sandbox"]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """A program that forks daemons."""
    with doomed.opened() as opened:
        yield opened


@pytest.fixture
async def work(tmp_path: Path, sandbox: Sandbox, nursery: Nursery) -> AsyncIterator[Workload]:
    """A daemon that was prepared for many lives, and what it is to do in them."""
    async with aiohttp.ClientSession() as session:
        daemon = Doomed(tmp_path, sandbox, session, nursery=nursery)
        prepared = Workload(daemon)
        await prepared.prepare()
        try:
            yield prepared
        finally:
            await daemon.kill()


@pytest.fixture
async def daemon(tmp_path: Path, sandbox: Sandbox, nursery: Nursery) -> AsyncIterator[Doomed]:
    """A daemon that is not configured and not started."""
    async with aiohttp.ClientSession() as session:
        made = Doomed(tmp_path, sandbox, session, nursery=nursery)
        try:
            yield made
        finally:
            await made.kill()
