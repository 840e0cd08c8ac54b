"""Forgetting: old events and finished runs are deleted in small slices, so that nothing else ever waits long.

Dead and in-doubt runs are kept until someone decides, with their events. Called by ``upkeep``; plain
functions of one connection. Each looks at no more rows than a slice has, however many there are.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import events as journal_events
from daemon.journal import runs as journal_runs
from daemon.journal.tables import events, hints, reactions, remotes, runs, steps

SLICE = 500  # rows to one transaction
PAGES = 500  # free pages of a SQLite file given back at once


def prune_runs(connection: Connection, before: int, behind: str = "") -> tuple[int, str]:
    """Delete one slice of runs that ended before the instant *before*, looking behind the id *behind*.

    Returns how many went and the id to go on behind (``""`` when the end was reached).
    """
    made_before = journal_runs.first_id(before)
    query = sa.select(runs.c.id, runs.c.status, runs.c.finished_at)
    query = query.where(runs.c.id > behind, runs.c.id < made_before).order_by(runs.c.id).limit(SLICE)
    looked = connection.execute(query).all()
    old = [row.id for row in looked if row.status in journal_runs.ENDED and (row.finished_at or 0) < before]
    if old:
        connection.execute(sa.delete(steps).where(steps.c.run_id.in_(old)))
        connection.execute(sa.delete(remotes).where(remotes.c.run_id.in_(old)))
        connection.execute(sa.delete(runs).where(runs.c.id.in_(old)))
    return len(old), looked[-1].id if len(looked) == SLICE else ""


def prune_events(connection: Connection, before: int, behind: int = 0) -> tuple[int, int]:
    """Delete one slice of events recorded before *before*, looking behind the number *behind*.

    Only events that are routed, have no run left and no verdict to wait for go. Returns how many went and the
    number to go on behind (0 when the end was reached).
    """
    has_run = sa.exists().where(runs.c.event_id == events.c.id)
    is_asked = sa.exists().where(hints.c.event_id == events.c.id, hints.c.verdict == "waiting")
    query = (
        sa.select(events.c.seq, events.c.id, events.c.recorded_at, sa.or_(has_run, is_asked).label("needed"))
        .where(events.c.seq > behind, events.c.seq <= journal_events.cursor(connection))
        .order_by(events.c.seq)
        .limit(SLICE)
    )
    looked = connection.execute(query).all()
    old = [row for row in looked if row.recorded_at < before and not row.needed]
    if old:
        connection.execute(sa.delete(hints).where(hints.c.event_id.in_([row.id for row in old])))
        connection.execute(sa.delete(events).where(events.c.seq.in_([row.seq for row in old])))
    more = len(looked) == SLICE and looked[-1].recorded_at < before
    return len(old), looked[-1].seq if more else 0


def prune_reactions(connection: Connection, before: int) -> int:
    """Delete definitions recorded before *before* that no run is pinned to any more."""
    if connection.dialect.name == "postgresql":
        # Another node may be making a run that leans on one of them at this moment.
        connection.exec_driver_sql("LOCK TABLE reactions IN SHARE ROW EXCLUSIVE MODE")
    old = connection.scalars(sa.select(reactions.c.digest).where(reactions.c.recorded_at < before)).all()
    unpinned = [digest for digest in old if not _is_pinned(connection, digest)]
    connection.execute(sa.delete(reactions).where(reactions.c.digest.in_(unpinned)))
    return len(unpinned)


def _is_pinned(connection: Connection, digest: str) -> bool:
    """Asked one by one: as one statement a planner may well read all runs for it."""
    return connection.scalar(sa.select(runs.c.id).where(runs.c.digest == digest).limit(1)) is not None


def give_back(connection: Connection) -> int:
    """Give some free pages of a SQLite file back to the file system; how many are free still."""
    if connection.dialect.name != "sqlite":
        return 0
    free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0)
    for _ in range(min(free, PAGES)):
        # One page a statement: the driver makes but one step of a statement that returns no rows.
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)").close()
    return max(0, free - PAGES)
