"""Forgetting: old events and finished runs are deleted in small slices, so that nothing else ever waits long.

Dead and in-doubt runs are kept until someone decides. Called by ``upkeep``; plain functions of one connection.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import events as journal_events
from daemon.journal.tables import events, hints, reactions, remotes, runs, steps

SLICE = 500  # rows to one transaction
VACUUM_PAGES = 2_000  # free pages given back to the file system at once

_ENDED = ("succeeded", "cancelled", "skipped")


def prune_runs(connection: Connection, before: int, behind: str = "") -> tuple[int, str]:
    """Delete one slice of runs that ended before the instant *before*, looking behind the id *behind*.

    Returns how many went and the id to go on behind (``""`` when the end was reached).
    """
    query = sa.select(runs.c.id, runs.c.status, runs.c.finished_at).where(runs.c.id > behind)
    looked = connection.execute(query.order_by(runs.c.id).limit(SLICE)).all()
    old = [row.id for row in looked if row.status in _ENDED and (row.finished_at or before) < before]
    if old:
        connection.execute(sa.delete(steps).where(steps.c.run_id.in_(old)))
        connection.execute(sa.delete(remotes).where(remotes.c.run_id.in_(old)))
        connection.execute(sa.delete(runs).where(runs.c.id.in_(old)))
    more = len(looked) == SLICE and any((row.finished_at or 0) < before for row in looked)
    return len(old), looked[-1].id if more else ""


def prune_events(connection: Connection, before: int, behind: int = 0) -> tuple[int, int]:
    """Delete one slice of events recorded before *before*, looking behind the number *behind*.

    Only events that are routed and have no run left go. Returns how many went and the number to go on behind
    (0 when the end was reached).
    """
    query = (
        sa.select(
            events.c.seq, events.c.id, sa.exists().where(runs.c.event_id == events.c.id).label("needed")
        )
        .where(
            events.c.seq > behind,
            events.c.seq <= journal_events.cursor(connection),
            events.c.recorded_at < before,
        )
        .order_by(events.c.seq)
        .limit(SLICE)
    )
    looked = connection.execute(query).all()
    old = [row for row in looked if not row.needed]
    if old:
        connection.execute(sa.delete(hints).where(hints.c.event_id.in_([row.id for row in old])))
        connection.execute(sa.delete(events).where(events.c.seq.in_([row.seq for row in old])))
    return len(old), looked[-1].seq if len(looked) == SLICE else 0


def prune_reactions(connection: Connection) -> int:
    """Delete definitions that no run is pinned to any more."""
    needed = sa.exists().where(runs.c.digest == reactions.c.digest)
    return connection.execute(sa.delete(reactions).where(~needed)).rowcount


def give_back(connection: Connection) -> None:
    """Give free pages of a SQLite file back to the file system."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
