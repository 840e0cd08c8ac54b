"""An engine over a journal of its own, once on SQLite and once on PostgreSQL."""

import pytest

from daemon.journal.database import Journal
from tests import clocks
from tests.journal.conftest import batches, blank_database, blank_file, journal, server_url, sqlite_url, url
from tests.running.world import World

__all__ = ["batches", "blank_database", "blank_file", "journal", "server_url", "sqlite_url", "url"]


@pytest.fixture
def world(journal: Journal, virtual_clock: clocks.VirtualClock) -> World:
    """The engine of one node."""
    return World(journal, virtual_clock)
