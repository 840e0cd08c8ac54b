"""Locks on remote objects: one run at a time has an object for itself, the others stand in line as rows.

A run that finds the object taken is pending without a due time; who gives the object up hands it, in the same
transaction, to the run that was made first. So nobody asks again and again, and a line survives any crash. Called by
``running``; plain functions of one connection, none commits.
"""

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk
from daemon.journal.tables import runs
from daemon.model.runs import Run

_LINE = 4_242_042  # PostgreSQL's advisory lock for all lines: asking and giving up must see one another

_TAKEN = bulk.Statement(
    lambda _: (
        sa.select(runs.c.id)
        .where(runs.c.lock_key == sa.bindparam("key"), sa.text("locked"), runs.c.id != sa.bindparam("run"))
        .limit(1)
    )
)
_JOIN = bulk.Statement(
    lambda _: (
        sa.update(runs)
        .where(runs.c.id == sa.bindparam("run"))
        .values(lock_key=sa.bindparam("key"), locked=sa.bindparam("has"))
    )
)
_LEAVE = bulk.Statement(
    lambda _: (
        sa.update(runs)
        .where(runs.c.id == sa.bindparam("run"), runs.c.lock_key == sa.bindparam("key"))
        .values(lock_key=sa.null(), locked=sa.false())
    )
)
_NEXT = bulk.Statement(
    lambda _: (
        sa.select(runs.c.id)
        .where(runs.c.lock_key == sa.bindparam("key"), sa.not_(runs.c.locked), runs.c.status == "pending")
        .order_by(runs.c.id)
        .limit(1)
    )
)
_HAND = bulk.Statement(
    lambda _: (
        sa.update(runs)
        .where(runs.c.id == sa.bindparam("run"), runs.c.status == "pending")
        .values(locked=sa.true(), due_at=sa.bindparam("now"))
    )
)


def ask(connection: Connection, run: Run, key: str, now: int) -> Run:
    """*run* with the object *key* for itself, or in line for it (:attr:`Run.locked` tells).

    Another object that it had goes to the next in line. The caller moves *run* under its fence in the same transaction.
    """
    if run.lock_key not in (None, key):
        give_up(connection, run, now)
    _alone(connection)
    has = _TAKEN.scalar(connection, key=key, run=run.id) is None
    _JOIN.changed(connection, run=run.id, key=key, has=has)
    return replace(run, lock_key=key, locked=has)


def give_up(connection: Connection, run: Run, now: int) -> None:
    """*run* needs its object no more, nor stands in line; the first in line has it now, and is due.

    What was given up already is not handed on once more: a commit is tried again that stood there after all.
    """
    if run.lock_key is None:
        return
    _alone(connection)
    had = _LEAVE.changed(connection, run=run.id, key=run.lock_key) == 1
    first = _NEXT.scalar(connection, key=run.lock_key) if had and run.locked else None
    if first is not None:
        _HAND.changed(connection, run=first, now=now)


def _alone(connection: Connection) -> None:
    """Until this commit nobody else asks or gives up. One writer has a SQLite file in any case."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LINE)))
