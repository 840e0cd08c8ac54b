"""The engine of the tests of ``running``, on both databases."""

from tests.journal.conftest import batches, blank_database, blank_file, journal, server_url, sqlite_url, url
from tests.running.conftest import world

__all__ = ["batches", "blank_database", "blank_file", "journal", "server_url", "sqlite_url", "url", "world"]
