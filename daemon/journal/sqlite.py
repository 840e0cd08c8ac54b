"""The journal in one SQLite file: WAL, ``synchronous=FULL``, one writer thread, readers of their own.

Checkpoints run on a connection of their own, off the commit path; a ceiling on the log bounds it when they
cannot keep up. Called by ``database.open_journal`` only.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.journal import bulk, database
from daemon.journal.database import Batch, Function, Handed, JournalUnavailable, T
from daemon.journal.lanes import Lane
from daemon.model import times

READERS = 2
BUSY = 5_000  # milliseconds to wait for a lock that another process holds
ASK_AGAIN = 0.005  # seconds before a lock is asked for again that SQLite itself does not wait for
BUSY_AT_CEILING = 200  # milliseconds that the writer waits for readers before it commits on top of a long log
CHECKPOINT_AT = 16 * 1024 * 1024  # bytes of log after which a checkpoint is begun
LOG_CEILING = 64 * 1024 * 1024  # bytes of log at which the writer itself checkpoints
ERRORS = (sqlite3.Error, DBAPIError)

# What the disk, the file's rights or another process is to blame for; anything else is our own mistake.
_ENVIRONMENTAL = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


class FileInUse(Exception):
    """Another daemon has this file."""


def path_of(url: str) -> Path:
    """The file that a ``sqlite:///…`` URL names."""
    return Path(url.removeprefix("sqlite:///"))


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A driver connection with the journal's settings; transactions are begun by hand.

    The file must exist: a journal that went missing is an error, never an empty new one.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        connection.execute(f"PRAGMA busy_timeout={BUSY}")
        _set_up(connection, _reader_settings() if readonly else _writer_settings())
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, settings: tuple[str, ...]) -> None:
    """Say *settings*. A new file's change to WAL does not wait for others who make the same change (SQLite answers
    BUSY at once, whatever the time-out), so it is asked for again until the time-out has passed.
    """
    give_up_at = time.monotonic() + BUSY / 1_000
    for setting in settings:
        while True:
            try:
                connection.execute(f"PRAGMA {setting}")
                break
            except sqlite3.OperationalError as busy:
                if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
                time.sleep(ASK_AGAIN)


def _reader_settings() -> tuple[str, ...]:
    return ("query_only=1",)


def _writer_settings() -> tuple[str, ...]:
    return (
        "auto_vacuum=INCREMENTAL",  # says something to a new file only
        "journal_mode=WAL",
        "synchronous=FULL",
        "wal_autocheckpoint=0",
        # A statement of many rows keeps what it may have to undo; beyond 64 KiB it would open a file for it.
        "temp_store=MEMORY",
        # A log that was begun anew is cut to this size: its length then says what is in it.
        f"journal_size_limit={CHECKPOINT_AT}",
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """One thread's connection: the driver's, and Core's over it."""

    raw: sqlite3.Connection
    core: Connection
    inode: int

    def require_file(self, path: Path) -> None:
        """:class:`JournalUnavailable` when *path* is not the file any more that this connection writes to."""
        if inode_of(path) != self.inode:
            raise JournalUnavailable(f"{path} was moved, deleted or replaced while it was open")

    def close(self) -> None:
        """Close both; what was begun and not committed is undone."""
        with contextlib.suppress(*ERRORS):
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")
        with contextlib.suppress(*ERRORS):
            self.core.close()
            self.core.engine.dispose()
        self.raw.close()


def open_connection(path: Path, *, readonly: bool = False) -> Opened:
    """Open *path* for one thread."""
    raw = connect(path, readonly=readonly)
    return Opened(raw, core_connection(raw), inode_of(path))


def inode_of(path: Path) -> int:
    """The number of the file that *path* leads to, 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def core_connection(raw: sqlite3.Connection) -> Connection:
    """A SQLAlchemy Core connection over *raw* that leaves transactions to us."""
    engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    # Core would begin by itself; the driver is in autocommit mode and BEGIN is said by hand.
    return engine.connect().execution_options(isolation_level=bulk.BY_HAND)


class SqliteJournal:
    """An open SQLite journal (see :class:`~daemon.journal.database.Journal`)."""

    dialect = "sqlite"

    def __init__(self, path: Path, lock: TextIO | None, observe: Callable[[int], None]) -> None:
        self.path = path
        self._lock = lock
        self._writer = Lane("journal-writer")
        self._readers = Lane("journal-reader", READERS)
        self._checkpointer = Lane("journal-checkpoint")
        self._checkpointing = threading.Event()
        self._batches = database.Batches(self._commit, observe)
        self._local = threading.local()
        self._writing: Opened | None = None
        self._reading: list[Opened] = []
        self._began = time.time_ns() // 1_000 - times.steady()

    async def write(self, fn: Function[T], *, single: bool = False) -> T:
        """Run *fn* and commit; see the protocol. Here a *single* statement is no cheaper."""
        return await self._batches.hand_in(fn, single=single)

    async def read(self, fn: Function[T]) -> T:
        """Run *fn* on one snapshot of the file."""
        return await self._readers.do(self._read, fn)

    async def lease_now(self) -> int:
        """The machine's own clock as it was when the file was opened, carried on by one that nobody sets: one daemon
        has the file, and voids the leases of the past when it starts.
        """
        return times.steady() + self._began

    async def close(self) -> None:
        """Finish what was handed in, and close."""
        await self._batches.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        for lane in (self._writer, self._readers, self._checkpointer):
            lane.close()
        while self._reading:
            self._reading.pop().close()
        self._forget_writer()
        if self._lock is not None:
            self._lock.close()

    # The writer's thread

    async def _commit(self, batch: Batch) -> None:
        outcomes = await self._writer.do(self._commit_batch, batch)
        for handed, outcome in zip(batch, outcomes, strict=True):
            database.settle(handed, outcome)
        size = log_size(self.path)
        if size > LOG_CEILING:
            await self._writer.do(self._empty_log)
        elif size > CHECKPOINT_AT and not self._checkpointing.is_set():
            self._checkpointing.set()
            self._checkpointer.put(self._checkpoint)

    def _commit_batch(self, batch: Batch) -> list[object]:
        try:
            if self._writing is None:
                self._writing = open_connection(self.path)
            opened = self._writing
            opened.raw.execute("BEGIN IMMEDIATE")
            outcomes = _run_all(opened, batch)
            opened.raw.execute("COMMIT")
            opened.require_file(self.path)  # a commit into a file without a name is lost with its last user
        except Exception as broken:
            # A connection that was opened on a read-only disk stays so: the next commit has a new one.
            self._forget_writer()
            return [unavailable(broken) for _ in batch]
        return outcomes

    def _forget_writer(self) -> None:
        opened, self._writing = self._writing, None
        if opened is not None:
            opened.close()

    def _empty_log(self) -> None:
        """Checkpoint in the writer's place: the log shall not outgrow its ceiling if that can be helped."""
        with contextlib.suppress(*ERRORS):
            if self._writing is not None:
                self._writing.raw.execute(f"PRAGMA busy_timeout={BUSY_AT_CEILING}")
                self._writing.raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
                self._writing.raw.execute(f"PRAGMA busy_timeout={BUSY}")

    # The other threads

    def _checkpoint(self) -> None:
        try:
            self._opened_here(readonly=False).raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            self._forget_here()  # the next commit asks again; the ceiling bounds the log meanwhile
        finally:
            self._checkpointing.clear()

    def _read(self, fn: Function[T]) -> T:
        try:
            opened = self._opened_here(readonly=True)
            opened.require_file(self.path)
            opened.raw.execute("BEGIN")
            try:
                return fn(opened.core)
            finally:
                # Unlike COMMIT it also ends what an exception left half read, and with it the old snapshot.
                opened.raw.execute("ROLLBACK")
        except (*ERRORS, JournalUnavailable) as broken:
            if not is_environmental(broken):
                raise
            self._forget_here()
            raise unavailable(broken) from broken

    def _opened_here(self, *, readonly: bool) -> Opened:
        opened: Opened | None = getattr(self._local, "opened", None)
        if opened is None:
            opened = self._local.opened = open_connection(self.path, readonly=readonly)
            self._reading.append(opened)
        return opened

    def _forget_here(self) -> None:
        opened: Opened | None = getattr(self._local, "opened", None)
        if opened is not None:
            self._local.opened = None
            self._reading.remove(opened)
            opened.close()


def _run_all(opened: Opened, batch: Batch) -> list[object]:
    """Run the batch in one go; where one function fails, again with a savepoint for each: failing ones are rare."""
    try:
        return database.run_all(opened.core, batch)
    except Exception as broken:
        if not opened.raw.in_transaction or is_environmental(broken):
            raise
        _let_go_of_statements(broken)
    opened.raw.execute("ROLLBACK")
    opened.raw.execute("BEGIN IMMEDIATE")
    return [_run_one(opened, handed) for handed in batch]


def _run_one(opened: Opened, handed: Handed[Any]) -> object:
    """Run one function inside a savepoint: its result, or the exception that undid it alone."""
    opened.raw.execute("SAVEPOINT fn")
    try:
        outcome: object = handed.fn(opened.core)
    except Exception as broken:
        if not opened.raw.in_transaction or is_environmental(broken):
            raise
        _let_go_of_statements(broken)
        opened.raw.execute("ROLLBACK TO fn")
        opened.raw.execute("RELEASE fn")
        return broken
    opened.raw.execute("RELEASE fn")
    return outcome


def _let_go_of_statements(broken: BaseException) -> None:
    """Drop what the frames of *broken* hold: a half-read ``RETURNING`` there would forbid every commit."""
    link: BaseException | None = broken
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__


def is_environmental(broken: Exception) -> bool:
    """Whether the disk or another process is to blame, so that the whole commit is void."""
    cause = broken.orig if isinstance(broken, DBAPIError) else broken
    if not isinstance(cause, sqlite3.Error):
        return isinstance(cause, JournalUnavailable)
    code: int | None = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _ENVIRONMENTAL


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
    """Take *path* for this process until the file object is closed.

    :class:`FileInUse` when another process has it.
    """
    beside = f"{path.resolve()}.lock"  # one lock for one file, whatever link leads to it
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as broken:
        raise JournalUnavailable(f"{beside}: cannot make the journal's lock: {broken.strerror}") from None
    lock = os.fdopen(descriptor, "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
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
        raise database.JournalMissing(
            f"{path}: there is no journal. Make one with `pointsman db upgrade`, or start `pointsman run`."
        )
    journal = SqliteJournal(path, take_file(path) if exclusive else None, observe)
    try:
        await journal.read(lambda connection: connection.scalar(sa.text("PRAGMA schema_version")))
    except BaseException:
        await journal.close()
        raise
    return journal
