"""What is due in some time from now, moved along when the clock is set: a back-off stays as long as it was.

Called by ``app``; plain functions of one connection, none commits. Moments that people name (schedules) stay where they
are, and so does whatever has happened.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import runs as journal_runs
from daemon.journal import tables
from daemon.journal.tables import cursors, runs, steps, watches
from daemon.model import times

ONE_JUMP = 1 * times.MINUTE  # within which all nodes of a database notice that its clock was set
_NAME = "clock"
_LOCK = 4_242_043  # PostgreSQL's advisory lock for a jump: one node moves the rows


def server_now(connection: Connection) -> int | None:
    """The database's own clock, None for a file, which has only the machine's."""
    if connection.dialect.name == "sqlite":
        return None
    told = connection.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
    return int(told or 0)


def shift(connection: Connection, by: int, now: int) -> bool:
    """Move by *by* what waits for some time to pass; *now* is the clock's new instant. False where another node did."""
    if not _is_first(connection, now):
        return False
    connection.execute(sa.update(runs).where(journal_runs.CLAIMABLE).values(due_at=runs.c.due_at + by))
    going_on = (journal_runs.OPEN, runs.c.counting_since.is_not(None))
    connection.execute(sa.update(runs).where(*going_on).values(counting_since=runs.c.counting_since + by))
    doubted = sa.and_(steps.c.doubted_at.is_not(None), steps.c.status.in_(["pending", "running"]))
    connection.execute(sa.update(steps).where(doubted).values(doubted_at=steps.c.doubted_at + by))
    due = watches.c.due_at.is_not(None)
    connection.execute(sa.update(watches).where(due).values(due_at=watches.c.due_at + by))
    return True


def _is_first(connection: Connection, now: int) -> bool:
    if connection.dialect.name == "sqlite":  # it has one daemon
        return True
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    last = connection.scalar(sa.select(cursors.c.seq).where(cursors.c.name == _NAME))
    if last is not None and 0 <= now - last < ONE_JUMP:
        return False
    row = tables.insert_into(connection, cursors).values(name=_NAME, seq=now)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seq": now}))
    return True
