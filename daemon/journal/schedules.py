"""Schedules in the journal: when each fires next.

A firing moves its row on by compare-and-set, so it happens once. Called by ``intake.schedules``; plain
functions of one connection, none commits.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal.tables import insert_into, schedules


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule's row: the digest of its definition, when it fires next (None: never again), when it did."""

    name: str
    digest: str
    next_at: int | None
    fired_at: int | None


def all_rows(connection: Connection) -> dict[str, Schedule]:
    """Every schedule by name."""
    columns = (schedules.c.name, schedules.c.digest, schedules.c.next_at, schedules.c.fired_at)
    return {row.name: Schedule(*row) for row in connection.execute(sa.select(*columns))}


def set_row(connection: Connection, name: str, digest: str, next_at: int | None) -> None:
    """Write a new or changed schedule; when it last fired is kept."""
    changed = connection.execute(
        sa.update(schedules).where(schedules.c.name == name).values(digest=digest, next_at=next_at)
    )
    if changed.rowcount == 0:
        row = insert_into(connection, schedules).values(name=name, digest=digest, next_at=next_at, fence=0)
        connection.execute(row.on_conflict_do_nothing())  # another node that starts just now had it first


def drop_others(connection: Connection, names: Iterable[str]) -> None:
    """Delete the schedules that the config does not have any more."""
    connection.execute(sa.delete(schedules).where(schedules.c.name.not_in(list(names))))


def due(connection: Connection, now: int) -> list[Schedule]:
    """The schedules whose time has come."""
    columns = (schedules.c.name, schedules.c.digest, schedules.c.next_at, schedules.c.fired_at)
    query = sa.select(*columns).where(schedules.c.next_at <= now).order_by(schedules.c.next_at)
    return [Schedule(*row) for row in connection.execute(query)]


def next_due(connection: Connection) -> int | None:
    """When the next schedule fires."""
    query = sa.select(schedules.c.next_at).where(schedules.c.next_at.is_not(None))
    return connection.scalar(query.order_by(schedules.c.next_at).limit(1))


def advance(connection: Connection, name: str, old: int, next_at: int | None, fired_at: int | None) -> bool:
    """Move a schedule from *old* to *next_at*; False when another node did it first."""
    values = {"next_at": next_at} if fired_at is None else {"next_at": next_at, "fired_at": fired_at}
    moved = connection.execute(
        sa.update(schedules).where(schedules.c.name == name, schedules.c.next_at == old).values(values)
    )
    return moved.rowcount == 1
