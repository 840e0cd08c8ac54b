"""The way in and out of the journal: ``await journal.write(fn)`` and ``await journal.read(fn)``.

A journal function is a plain function of one SQLAlchemy Core connection; it never commits. One hand-off is
one ``fn``; one commit carries as many as came while the last one was under way. The two engines are in
``sqlite`` and ``postgres``; :func:`open_journal` picks by URL. Used by every room above; opened in ``app``
and ``cli``.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection as Connection

T = TypeVar("T")
Function = Callable[[Connection], T]

LARGEST_BATCH = 512  # functions to one commit


class JournalUnavailable(Exception):
    """The journal cannot commit or read now: full disk, lost server, locked file.

    What was to be written counts as not written. (It may stand there nevertheless if the server was lost at
    the very commit; so whoever tries again must write something that is the same when written twice.)
    """


class JournalMissing(Exception):
    """There is no journal at the path that is named; only ``run``, ``demo`` and ``db upgrade`` create one."""


class JournalOutdated(Exception):
    """The journal's schema is not the one this program needs."""


class LostLease(Exception):
    """Somebody else holds the row now: what was to be written is void."""


class Journal(Protocol):
    """An open journal."""

    dialect: str

    async def write(self, fn: Function[T], *, single: bool = False) -> T:
        """Run *fn* in a transaction and return its result once it is durably committed.

        *single* says that *fn* changes something by one statement at most, so that it needs no transaction around it.
        An exception in *fn* undoes just *fn* and is raised here. :class:`JournalUnavailable` when the commit
        failed. *fn* may be run more than once and must have no effect beside the database; it returns plain
        values, never an open result. (See :func:`run_all` for many that are written at once.)
        """
        ...

    async def read(self, fn: Function[T]) -> T:
        """Run *fn* on one snapshot and a connection that cannot write; errors as with :meth:`write`."""
        ...

    async def lease_now(self) -> int:
        """The instant by which leases are judged: the database's clock, never a fast one."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, and close."""
        ...


@dataclass(slots=True)
class Handed(Generic[T]):
    """A function that waits for its commit."""

    fn: Function[T]
    future: "asyncio.Future[T]"
    single: bool = False


Batch = list[Handed[Any]]


def run_all(connection: Connection, batch: Batch) -> list[object]:
    """Run *batch* in its order, in one go; what each of its functions gave. Neighbours whose class knows how to be done
    ``together`` are: it writes what they would, and gives the same, or their exceptions; or it raises one.
    """
    outcomes: list[object] = []
    for together, alike in groupby(batch, _together):
        fns = [handed.fn for handed in alike]
        if together is None:
            outcomes += [fn(connection) for fn in fns]
        else:
            outcomes += together(connection, fns)
    return outcomes


def is_single(batch: Batch) -> bool:
    """Whether *batch* changes something by one statement at most, where what is done together is one."""
    together = _together(batch[0])
    if together is None:
        return len(batch) == 1 and batch[0].single
    return all(_together(handed) is together for handed in batch)


def _together(handed: Handed[Any]) -> Callable[..., Sequence[object]] | None:
    return getattr(type(handed.fn), "together", None)


class Batches:
    """Forms commits by itself: no timer, no minimum size.

    The first function is kicked off one loop turn after it came, and what comes while a commit is under way
    is the next one.
    """

    def __init__(self, commit: Callable[[Batch], Awaitable[None]], observe: Callable[[int], None]) -> None:
        self._commit = commit
        self._observe = observe
        self._waiting: Batch = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def hand_in(self, fn: Function[T], *, single: bool = False) -> "asyncio.Future[T]":
        """Queue *fn*, which says a *single* statement or more; the future ends with its commit."""
        if self._closed:
            raise JournalUnavailable("the journal is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(Handed(fn, future, single))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._drain())
        return future

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            try:
                self._observe(len(batch))
                await self._commit(batch)
            except Exception as broken:
                _fail(batch, broken)  # a mistake of ours; whoever waits must hear of it
            except BaseException:
                _fail([*batch, *self._waiting], "the journal was stopped in the middle of a commit")
                raise

    async def close(self) -> None:
        """Refuse more, and wait for what is under way."""
        self._closed = True
        if self._task is not None:
            await self._task


def _fail(batch: Batch, why: object) -> None:
    for handed in batch:
        settle(handed, JournalUnavailable(f"the journal cannot be used now: {why}"))


def settle(handed: Handed[Any], outcome: object) -> None:
    """End *handed* with its result or its exception, unless nobody waits any more."""
    if handed.future.done():
        return
    if isinstance(outcome, BaseException):
        handed.future.set_exception(outcome)
    else:
        handed.future.set_result(outcome)


async def open_journal(
    url: str, *, exclusive: bool = False, observe: Callable[[int], None] = lambda _size: None
) -> Journal:
    """The journal at *url* (``sqlite:///PATH`` or ``postgresql://…``), which must exist.

    With *exclusive* a SQLite file is taken for this process alone (the daemon's way; ``sqlite.FileInUse``
    when another has it). *observe* is told how many functions each commit carries. :class:`JournalMissing`,
    :class:`JournalUnavailable`; whether the schema is current is for ``migrate.require_current`` to say.
    """
    with naming(url):
        if url.startswith("sqlite"):
            from daemon.journal import sqlite

            return await sqlite.open_sqlite(url, exclusive=exclusive, observe=observe)
        from daemon.journal import postgres

        return await postgres.open_postgres(url, observe=observe)


@contextlib.contextmanager
def naming(url: str) -> Iterator[None]:
    """Inside, whoever cannot use the journal is told which: its file or its server, never its password."""
    try:
        yield
    except JournalUnavailable as broken:
        given = sa.make_url(url)
        server = sa.URL.create("postgresql", host=given.host, port=given.port, database=given.database)
        place = given.database if given.drivername == "sqlite" else server
        raise JournalUnavailable(f"{place}: {broken}") from broken
