"""The journal in PostgreSQL, by asyncpg through SQLAlchemy: one connection for the commits, a pool for reads.

The same plain functions run here by ``run_sync``. Several nodes may share one database. Called by
``database.open_journal`` only.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from daemon.journal import database
from daemon.journal.database import Batch, Function, Handed, JournalUnavailable, T

READ_CONNECTIONS = 3
CONNECT_TIMEOUT = 10  # seconds


def async_url(url: str) -> str:
    """*url* with the driver that is used."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


class PostgresJournal:
    """An open PostgreSQL journal (see :class:`~daemon.journal.database.Journal`)."""

    dialect = "postgresql"

    def __init__(self, engine: AsyncEngine, observe: Callable[[int], None]) -> None:
        self._engine = engine
        self._batches = database.Batches(self._commit, observe)
        self._writer: AsyncConnection | None = None

    async def write(self, fn: Function[T]) -> T:
        return await self._batches.hand_in(fn)

    async def read(self, fn: Function[T]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(fn)
        except (DBAPIError, OSError, TimeoutError) as broken:
            raise unavailable(broken) from broken

    async def lease_now(self) -> int:
        return await self.read(_database_now)

    async def close(self) -> None:
        await self._batches.close()
        await self._forget_writer()
        await self._engine.dispose()

    async def _commit(self, batch: Batch) -> None:
        try:
            outcomes = await self._commit_whole(batch)
        except Exception as broken:
            await self._forget_writer()
            outcomes = [unavailable(broken)] * len(batch)
        for handed, outcome in zip(batch, outcomes, strict=True):
            database.settle(handed, outcome)

    async def _commit_whole(self, batch: Batch) -> list[object]:
        """Commit the batch in one go; where one function fails, again with a savepoint for each.

        A savepoint costs two round trips, and failing functions are rare.
        """
        connection = await self._connection()
        try:
            outcomes = await connection.run_sync(_run_all, batch)
        except Exception as broken:
            if is_environmental(broken):
                raise
            await connection.rollback()
            outcomes = await connection.run_sync(_run_each, batch)
        await connection.commit()
        return outcomes

    async def _connection(self) -> AsyncConnection:
        if self._writer is None or self._writer.closed or self._writer.invalidated:
            self._writer = await self._engine.connect()
        return self._writer

    async def _forget_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                await writer.invalidate()
                await writer.close()
            except (DBAPIError, OSError):
                pass  # it is being thrown away


def _database_now(connection: Connection) -> int:
    return int(
        connection.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")) or 0
    )


def _run_all(connection: Connection, batch: Batch) -> list[object]:
    return [handed.fn(connection) for handed in batch]


def _run_each(connection: Connection, batch: Batch) -> list[object]:
    return [_run_one(connection, handed) for handed in batch]


def _run_one(connection: Connection, handed: Handed[Any]) -> object:
    savepoint = connection.begin_nested()
    try:
        outcome: object = handed.fn(connection)
    except Exception as broken:
        savepoint.rollback()
        if is_environmental(broken):
            raise
        return broken
    savepoint.commit()
    return outcome


def is_environmental(broken: Exception) -> bool:
    """Whether the server or the way to it is to blame, so that the whole commit is void."""
    if isinstance(broken, DBAPIError):
        return broken.connection_invalidated or isinstance(broken, OperationalError) or _is_refusal(broken)
    return isinstance(broken, OSError | TimeoutError)


def _is_refusal(broken: DBAPIError) -> bool:
    """Disk full, read-only, shutting down: classes 53, 57, 25006 of the server's error codes."""
    code = str(getattr(broken.orig, "sqlstate", None) or getattr(broken.orig, "pgcode", None) or "")
    return code[:2] in ("53", "57", "58", "08") or code == "25006"


def unavailable(broken: Exception) -> Exception:
    """*broken* as :class:`JournalUnavailable` where the server is to blame, else itself."""
    if isinstance(broken, DBAPIError | OSError | TimeoutError):
        cause = broken.orig if isinstance(broken, DBAPIError) else broken
        return JournalUnavailable(f"the journal cannot be used now: {cause}")
    return broken


def make_engine(url: str) -> AsyncEngine:
    """An engine for *url* with durable commits and UTC."""
    return create_async_engine(
        async_url(url),
        pool_size=READ_CONNECTIONS + 1,
        max_overflow=2,
        pool_pre_ping=False,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "server_settings": {
                "synchronous_commit": "on",
                "timezone": "UTC",
                "application_name": "pointsman",
                "jit": "off",
            },
        },
    )


async def open_postgres(url: str, *, observe: Callable[[int], None]) -> PostgresJournal:
    """Open the database that *url* names; see :func:`~daemon.journal.database.open_journal`."""
    journal = PostgresJournal(make_engine(url), observe)
    try:
        await journal.read(lambda connection: connection.scalar(sa.text("SELECT 1")))
    except JournalUnavailable:
        await journal.close()
        raise
    return journal
