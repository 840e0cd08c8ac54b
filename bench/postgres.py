"""A PostgreSQL server with its own durable settings, for measurements, kept off the measured core."""

import contextlib
from collections.abc import Iterator

from bench import servers
from tests import postgres


@contextlib.contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database on a server that really flushes (``fsync`` and ``synchronous_commit`` on)."""
    servers.pin(servers.CLIENT_CORE)
    with postgres.serving(durable=True) as server:
        settings = {name: server.execute(f"SHOW {name}") for name in ("fsync", "synchronous_commit")}
        assert settings == {"fsync": "on", "synchronous_commit": "on"}, settings
        with server.fresh_database() as url:
            yield url
