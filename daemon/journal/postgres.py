"""The journal in PostgreSQL, by asyncpg through SQLAlchemy: one connection for the commits, a pool for reads.

The same plain functions run here by ``run_sync``. Several nodes may share one database. Called by
``database.open_journal`` only.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy import exc as core_errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from daemon.journal import bulk, database, silence
from daemon.journal.database import Batch, Function, Handed, JournalUnavailable, T
from daemon.model import times

ASK_AGAIN = 10_000_000  # microseconds for which the server's clock is carried on by ours
READ_CONNECTIONS = 3
CONNECT_TIMEOUT = 10  # seconds
ANSWER_TIMEOUT = 30  # seconds for one statement: a server that went silent is an error, not a wait for ever
TRIES = 3  # of a commit that lost a race, or whose connection had gone stale

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
ERRORS = (DBAPIError, core_errors.TimeoutError, *DRIVER_ERRORS, OSError, TimeoutError)

_LOST_RACE = {"40001", "40P01"}  # serialization failure, deadlock
# The server's codes for: the connection, who may connect, the database, resources, its operator, its disk.
_ENVIRONMENTAL_CLASSES = {"08", "28", "3D", "53", "57", "58"}
_READ_ONLY = "25006"
_SAID_NOTHING = "25P03"


def async_url(url: str) -> sa.URL:
    """*url* with the driver that is used, and libpq's ``sslmode`` by the driver's name for it."""
    given = sa.make_url(url)
    query = {"ssl" if key == "sslmode" else key: value for key, value in given.query.items()}
    return given.set(drivername="postgresql+asyncpg", query=query)


class PostgresJournal:
    """An open PostgreSQL journal (see :class:`~daemon.journal.database.Journal`)."""

    dialect = "postgresql"

    def __init__(self, url: str, observe: Callable[[int], None]) -> None:
        self._asked_at = 0
        self._server_ahead: int | None = None  # microseconds from our steady clock to the server's
        # Two pools, so that readers never keep the commits waiting for a connection.
        self._commits = make_engine(url, connections=1)
        self._reads = make_engine(url, connections=READ_CONNECTIONS)
        self._snapshots = self._reads.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # Core would begin by itself, with the first statement, and say that one in its own slow way.
        self._writers = self._commits.execution_options(isolation_level=bulk.BY_HAND)
        self._batches = database.Batches(self._commit, observe)
        self._writer: AsyncConnection | None = None
        self._ending = asyncio.create_task(silence.keep_ending(self._reads, ERRORS), name="silence")

    async def write(self, fn: Function[T], *, single: bool = False) -> T:
        """Run *fn* and commit; see the protocol. A *single* statement is spared two ways to the server."""
        return await self._batches.hand_in(fn, single=single)

    async def read(self, fn: Function[T]) -> T:
        """Run *fn* on one snapshot of the database."""
        try:
            return await self._read(fn)
        except ERRORS as broken:
            if not is_stale(broken):
                raise unavailable(broken) from broken
        try:  # once more: the pool has dropped what it kept of a server or a schema that is gone
            return await self._read(fn)
        except ERRORS as broken:
            raise unavailable(broken) from broken

    async def _read(self, fn: Function[T]) -> T:
        async with self._snapshots.connect() as connection:
            return await connection.run_sync(fn)

    async def lease_now(self) -> int:
        """The server's clock, which all nodes share; asked now and then, and carried on by our steady one.

        The steady one goes on while the machine sleeps, so that a lease which ended meanwhile is seen to have ended.
        """
        steady = times.steady()
        if self._server_ahead is None or steady - self._asked_at > ASK_AGAIN:
            told = await self.read(_database_now)
            steady = self._asked_at = times.steady()
            self._server_ahead = told - steady
        return steady + self._server_ahead

    async def close(self) -> None:
        """Finish what was handed in, and close."""
        await self._batches.close()
        self._ending.cancel()
        await asyncio.gather(self._ending, return_exceptions=True)
        await self._forget_writer()
        await self._commits.dispose()
        await self._reads.dispose()

    async def _commit(self, batch: Batch) -> None:
        try:
            outcomes = await self._run(batch)
        except Exception as broken:
            await self._forget_writer()
            outcomes = [unavailable(broken) for _ in batch]
        for handed, outcome in zip(batch, outcomes, strict=True):
            database.settle(handed, outcome)

    async def _run(self, batch: Batch) -> list[object]:
        """Run the batch in one go; where one function fails, again with a savepoint for each.

        A savepoint costs two round trips, and failing functions are rare. Until the commit is said, a lost race or a
        connection that had died since the last one is tried again.
        """
        for _ in range(TRIES):
            fresh = self._writer is None
            connection = await self._connection()
            try:
                if database.is_single(batch):
                    return await connection.run_sync(database.run_all, batch)
                outcomes = await self._begun(connection, database.run_all, batch)
            except Exception as broken:
                if is_environmental(broken) and fresh:
                    raise
                await self._forget_writer_of(broken)
                if not (is_environmental(broken) or is_lost_race(broken)):
                    break
            else:
                await _say(connection, "COMMIT")
                return outcomes
        connection = await self._connection()
        outcomes = await self._begun(connection, _run_each, batch)
        await _say(connection, "COMMIT")
        return outcomes

    async def _begun(
        self, connection: AsyncConnection, run: Callable[[Connection, Batch], list[object]], batch: Batch
    ) -> list[object]:
        """What *run* makes of *batch* inside a transaction that is begun here and not ended."""
        await _say(connection, "BEGIN")
        return await connection.run_sync(run, batch)

    async def _forget_writer_of(self, broken: Exception) -> None:
        """Undo what the commit has done so far, by way of its connection where that has gone."""
        if is_environmental(broken) or self._writer is None:
            await self._forget_writer()
        else:
            await _say(self._writer, "ROLLBACK")

    async def _connection(self) -> AsyncConnection:
        if self._writer is None or self._writer.closed or self._writer.invalidated:
            self._writer = await self._writers.connect()
        return self._writer

    async def _forget_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(Exception):  # it is being thrown away
                await writer.invalidate()
            with contextlib.suppress(Exception):
                await writer.close()


async def _say(connection: AsyncConnection, word: str) -> None:
    """Begin or end the transaction. A commit that the server turns into a rollback (somebody swallowed its error) is
    an error."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - only a closed connection has none
    if await driver.execute(word) != word:
        raise JournalUnavailable(f"the server answered {word} with another word")


def _database_now(connection: Connection) -> int:
    return int(
        connection.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")) or 0
    )


def _run_each(connection: Connection, batch: Batch) -> list[object]:
    return [_run_one(connection, handed) for handed in batch]


def _run_one(connection: Connection, handed: Handed[Any]) -> object:
    """Run one function inside a savepoint: its result, or the exception that undid it alone."""
    savepoint = connection.begin_nested()
    try:
        outcome: object = handed.fn(connection)
        savepoint.commit()  # fails where the function swallowed an error of the server
    except Exception as broken:
        if is_environmental(broken):
            raise
        savepoint.rollback()
        return _beaten(broken) if is_lost_race(broken) else broken
    return outcome


def _beaten(broken: Exception) -> JournalUnavailable:
    """A race that was lost again and again is nobody's mistake: whoever wrote that comes again later."""
    return JournalUnavailable(f"the journal cannot be written now: {_driver_error(broken)}")


def is_environmental(broken: Exception) -> bool:
    """Whether the server or the way to it is to blame, so that the whole commit is void."""
    cause = _driver_error(broken)
    if isinstance(broken, DBAPIError) and broken.connection_invalidated:
        return True
    if isinstance(cause, asyncpg.exceptions.ClientConfigurationError):  # a certificate that is not there
        return True
    if isinstance(cause, asyncpg.InterfaceError):  # "connection is closed"
        return not isinstance(cause, ValueError)  # a value that does not fit its column
    if isinstance(cause, asyncpg.InternalClientError):  # it was closed while the driver was about to speak
        return not isinstance(cause, asyncpg.OutdatedSchemaCacheError)
    state = _state(cause)
    return (
        state[:2] in _ENVIRONMENTAL_CLASSES
        or state in (_READ_ONLY, _SAID_NOTHING)
        or isinstance(cause, OSError | TimeoutError | core_errors.TimeoutError)
    )


def is_lost_race(broken: Exception) -> bool:
    """Whether the same statements may do better at once: another node, or a migration, came between."""
    cause = _driver_error(broken)
    outdated = asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError
    return _state(cause) in _LOST_RACE or isinstance(cause, outdated)


def is_stale(broken: Exception) -> bool:
    """Whether only the pooled connection is to blame, so that another one may do."""
    gone = isinstance(broken, DBAPIError) and broken.connection_invalidated
    return gone or is_lost_race(broken) or _state(_driver_error(broken)) == "57P01"


def _driver_error(broken: BaseException | None) -> BaseException | None:
    """The driver's own exception behind Core's and the dialect's."""
    while broken is not None and not isinstance(broken, DRIVER_ERRORS):
        deeper = broken.orig if isinstance(broken, DBAPIError) else broken.__cause__
        if deeper is None:
            break
        broken = deeper
    return broken


def _state(cause: BaseException | None) -> str:
    """The server's five-letter code, "" where there is none."""
    return str(getattr(cause, "sqlstate", None) or "")


def unavailable(broken: Exception) -> Exception:
    """*broken* as :class:`JournalUnavailable` where the server is to blame, else itself."""
    if is_environmental(broken):
        said = str(_driver_error(broken)) or type(broken).__name__
        return JournalUnavailable(f"the journal cannot be used now: {said}")
    return broken


def make_engine(url: str, *, connections: int, answer_timeout: float | None = ANSWER_TIMEOUT) -> AsyncEngine:
    """An engine for *url* with durable commits and UTC."""
    return create_async_engine(
        async_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=ANSWER_TIMEOUT,
        pool_pre_ping=False,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": answer_timeout,
            "server_settings": {
                "synchronous_commit": "on",
                "timezone": "UTC",
                "application_name": silence.PROGRAM,
                "jit": "off",
                # A process that was stopped in the middle of a commit must not keep its locks from other nodes.
                "idle_in_transaction_session_timeout": str(silence.SILENT),
            },
        },
    )


async def open_postgres(url: str, *, observe: Callable[[int], None]) -> PostgresJournal:
    """Open the database that *url* names; see :func:`~daemon.journal.database.open_journal`."""
    journal = PostgresJournal(url, observe)
    try:
        await journal.read(lambda connection: connection.scalar(sa.text("SELECT 1")))
    except BaseException:
        await journal.close()
        raise
    return journal
