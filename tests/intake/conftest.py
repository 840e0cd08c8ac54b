"""A public side on loopback over a real journal, once on SQLite and once on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from daemon.journal.database import Journal
from tests.intake import doors
from tests.journal.conftest import (
    batches,
    blank_database,
    blank_file,
    journal,
    server_url,
    sqlite_url,
    url,
)

__all__ = ["batches", "blank_database", "blank_file", "journal", "server_url", "sqlite_url", "url"]


@pytest.fixture
async def door(journal: Journal) -> AsyncIterator[doors.Door]:
    """What listens, with an account that reads back, one that does not, and a sender of each kind."""
    async with doors.opened(journal) as opened:
        yield opened
