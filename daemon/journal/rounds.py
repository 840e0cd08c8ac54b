"""Rounds of polls: what is read and written for many rows at once.

Called by ``intake.claims`` and ``intake.rounds``; plain functions of one connection, none commits.
"""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, watches
from daemon.journal.tables import watches as table
from daemon.journal.watches import Memory, Polled
from daemon.model import records

Known = Mapping[tuple[str, str], Mapping[str, Memory]]  # by account and resource, then by remote id

_PENDING = sa.and_(table.c.due_at.is_not(None), sa.not_(table.c.paused))
_DUE = bulk.Statement(
    lambda _: (
        sa.select(*watches.POLLED)
        .where(_PENDING, table.c.due_at <= sa.bindparam("now"))
        .order_by(table.c.due_at)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
)
_NEXT_AFTER = bulk.Statement(
    lambda _: (
        sa.select(table.c.due_at)
        .where(_PENDING, table.c.due_at > sa.bindparam("now"))
        .order_by(table.c.due_at)
        .limit(1)
    )
)
_SETTLE = bulk.Statement(
    lambda _: (
        sa.update(table)
        .where(
            table.c.name == sa.bindparam("row"),
            table.c.fence == sa.bindparam("held"),
            table.c.created_at == sa.bindparam("made"),
        )
        .values(
            # Written out, not bound: they are the same for every row.
            node=sa.null(),
            lease_until=sa.null(),
            failures=sa.literal_column("0"),
            failing_since=sa.null(),
            error=sa.null(),
            due_at=sa.bindparam("next_at"),
            polled_at=sa.bindparam("at"),
        )
    )
)


@records.record
class Rest:
    """*row*, polled at *polled_at*; *due_at* is its next time."""

    row: Polled
    polled_at: int
    due_at: int | None


def due(connection: Connection, now: int, held: Collection[str], limit: int) -> list[Polled]:
    """Up to *limit* due rows beside those *held*, oldest first: for a daemon that has the journal alone."""
    found = _DUE.rows(connection, now=now, most=limit + len(held))
    return [watches.polled(values) for values in found if values[0] not in held][:limit]


def next_after(connection: Connection, now: int) -> int | None:
    """When the next row falls due after *now*."""
    first: int | None = _NEXT_AFTER.scalar(connection, now=now)
    return first


def is_named(row: Polled) -> bool:
    """Whether what is remembered for *row* can be read together with that of others."""
    return row.role != "hint" and row.wanted is not None


def recall(connection: Connection, rows: Sequence[Polled]) -> Known:
    """What is remembered of all that *rows* name: one query a resource, however many rows."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.wanted is not None and row.role != "hint":
            key = row.account, row.resource
            if key not in wanted:
                wanted[key] = set()
            wanted[key].update(row.wanted)
    return {
        (account, resource): watches.recall(connection, account, resource, ids)
        for (account, resource), ids in wanted.items()
    }


def known_of(row: Polled, known: Known) -> dict[str, Memory]:
    """What is remembered of what *row* names, by remote id."""
    of_resource = known.get((row.account, row.resource), {})
    return {id: of_resource[id] for id in row.wanted or () if id in of_resource}


def settle(connection: Connection, rested: Sequence[Rest]) -> None:
    """Give the leases of *rested* back; a row that another node has taken meanwhile is left to it, and so is one that
    was made anew."""
    given = [
        {
            "row": one.row.name,
            "held": one.row.fence,
            "made": one.row.created_at,
            "at": one.polled_at,
            "next_at": one.due_at,
        }
        for one in rested
    ]
    if given:
        _SETTLE.many(connection, given)
