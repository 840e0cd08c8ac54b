"""The journal in one SQLite file: WAL, ``synchronous=FULL``, one writer thread, readers of their own.

Checkpoints run on a connection of their own, off the commit path; a ceiling on the log bounds it when they cannot
keep up. Called by ``database.open_journal`` only.
"""

import asyncio
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.journal import database
from daemon.journal.database import Batch, Function, Handed, JournalUnavailable, T

READERS = 2
BUSY = 5_000  # milliseconds to wait for a lock that another process holds
CHECKPOINT_AT = 4 * 1024 * 1024  # bytes of log after which a checkpoint is begun
ERRORS = (sqlite3.Error, DBAPIError)
LOG_CEILING = 64 * 1024 * 1024  # bytes of log at which the writer itself checkpoints


class FileInUse(Exception):
    """Another daemon has this file."""


def path_of(url: str) -> Path:
    """The file that a ``sqlite:///…`` URL names."""
    return Path(url.removeprefix("sqlite:///"))


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A driver connection with the journal's settings; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute(f"PRAGMA busy_timeout={BUSY}")
    connection.execute("PRAGMA case_sensitive_like=1")
    if readonly:
        connection.execute("PRAGMA query_only=1")
        return connection
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def core_connection(raw: sqlite3.Connection) -> Connection:
    """A SQLAlchemy Core connection over *raw* that leaves transactions to us."""
    engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    # Core would begin by itself; the driver is in autocommit mode and BEGIN is said by hand.
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


class SqliteJournal:
    """An open SQLite journal (see :class:`~daemon.journal.database.Journal`)."""

    dialect = "sqlite"

    def __init__(self, path: Path, lock: TextIO | None, observe: Callable[[int], None]) -> None:
        self.path = path
        self._lock = lock
        self._writer = ThreadPoolExecutor(1, "journal-writer")
        self._readers = ThreadPoolExecutor(READERS, "journal-reader")
        self._checkpointer = ThreadPoolExecutor(1, "journal-checkpoint")
        self._checkpointing = threading.Event()
        self._batches = database.Batches(self._commit, observe)
        self._local = threading.local()
        self._raw: sqlite3.Connection | None = None
        self._core: Connection | None = None
        self._opened: list[sqlite3.Connection] = []

    async def write(self, fn: Function[T]) -> T:
        return await self._batches.hand_in(fn)

    async def read(self, fn: Function[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    async def lease_now(self) -> int:
        return time.time_ns() // 1_000

    async def close(self) -> None:
        await self._batches.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        for pool in (self._writer, self._readers, self._checkpointer):
            pool.shutdown()
        for connection in (*self._opened, *([self._raw] if self._raw else [])):
            connection.close()
        if self._lock is not None:
            self._lock.close()

    # The writer's thread

    async def _commit(self, batch: Batch) -> None:
        outcomes = await asyncio.get_running_loop().run_in_executor(self._writer, self._commit_batch, batch)
        for handed, outcome in zip(batch, outcomes, strict=True):
            database.settle(handed, outcome)

    def _commit_batch(self, batch: Batch) -> list[object]:
        try:
            raw, core = self._connections()
            raw.execute("BEGIN IMMEDIATE")
            outcomes = [_run_one(raw, core, handed) for handed in batch]
            raw.execute("COMMIT")
        except Exception as broken:
            self._forget_transaction()
            return [unavailable(broken)] * len(batch)
        self._consider_checkpoint()
        return outcomes

    def _connections(self) -> tuple[sqlite3.Connection, Connection]:
        if self._raw is None or self._core is None:
            self._raw = connect(self.path)
            self._core = core_connection(self._raw)
        return self._raw, self._core

    def _forget_transaction(self) -> None:
        if self._raw is not None and self._raw.in_transaction:
            try:
                self._raw.execute("ROLLBACK")
            except sqlite3.Error:
                self._raw.close()
                self._raw = self._core = None

    def _consider_checkpoint(self) -> None:
        size = log_size(self.path)
        if size > LOG_CEILING and self._raw is not None:
            self._raw.execute("PRAGMA wal_checkpoint(RESTART)")
        elif size > CHECKPOINT_AT and not self._checkpointing.is_set():
            self._checkpointing.set()
            self._checkpointer.submit(self._checkpoint)

    # The other threads

    def _checkpoint(self) -> None:
        try:
            if not hasattr(self._local, "raw"):
                self._local.raw = connect(self.path)
                self._opened.append(self._local.raw)
            self._local.raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:
            pass  # the next commit asks again; the ceiling bounds the log meanwhile
        finally:
            self._checkpointing.clear()

    def _read(self, fn: Function[T]) -> T:
        try:
            if not hasattr(self._local, "core"):
                raw = connect(self.path, readonly=True)
                self._opened.append(raw)
                self._local.raw, self._local.core = raw, core_connection(raw)
            self._local.raw.execute("BEGIN")
            try:
                return fn(self._local.core)
            finally:
                self._local.raw.execute("COMMIT")
        except (sqlite3.Error, DBAPIError) as broken:
            raise unavailable(broken) from broken


def _run_one(raw: sqlite3.Connection, core: Connection, handed: Handed[Any]) -> object:
    """Run one function inside a savepoint: its result, or the exception that undid it alone."""
    raw.execute("SAVEPOINT fn")
    try:
        outcome: object = handed.fn(core)
    except Exception as broken:
        raw.execute("ROLLBACK TO fn")
        raw.execute("RELEASE fn")
        if isinstance(broken, sqlite3.Error | DBAPIError) and is_environmental(broken):
            raise
        return broken
    raw.execute("RELEASE fn")
    return outcome


def is_environmental(broken: Exception) -> bool:
    """Whether the disk or another process is to blame, so that the whole commit is void."""
    cause = broken.orig if isinstance(broken, DBAPIError) else broken
    return isinstance(cause, sqlite3.OperationalError) and "no such" not in str(cause)


def unavailable(broken: Exception) -> Exception:
    """*broken* as :class:`JournalUnavailable` where the journal is to blame, else itself."""
    if isinstance(broken, sqlite3.Error | DBAPIError):
        cause = broken.orig if isinstance(broken, DBAPIError) else broken
        return JournalUnavailable(f"the journal cannot be used now: {cause}")
    return broken


def log_size(path: Path) -> int:
    """Bytes of the write-ahead log beside *path*."""
    try:
        return os.stat(f"{path}-wal").st_size
    except OSError:
        return 0


def take_file(path: Path) -> TextIO:
    """Take *path* for this process until the file object is closed; :class:`FileInUse` when another has it."""
    lock = Path(f"{path}.lock").open("a+")  # noqa: SIM115 - held as long as the daemon runs
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise FileInUse(
            f"{path}: another daemon (process {owner}) has this journal. Stop it first, or name another file."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


async def open_sqlite(url: str, *, exclusive: bool, observe: Callable[[int], None]) -> SqliteJournal:
    """Open the file that *url* names; see :func:`~daemon.journal.database.open_journal`."""
    path = path_of(url)
    if not path.exists():
        raise database.JournalMissing(str(path))
    lock = take_file(path) if exclusive else None
    return SqliteJournal(path, lock, observe)
