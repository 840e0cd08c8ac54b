"""The router's turn: what is routed is routed once, and older work goes first.

Called by ``routing`` in the transaction that makes the runs.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, events, runs
from daemon.journal.tables import cursors
from daemon.model import records

# Both at once: a way to the server less.
_TAKE = bulk.Statement(
    lambda _: sa.text(
        f"WITH moved AS (UPDATE {cursors.name} SET seq = :new WHERE name = :reader AND seq = :old RETURNING seq) "  # noqa: S608 - our own words only
        f"SELECT (SELECT count(*) FROM moved), (SELECT due_at FROM runs WHERE {runs.CLAIMABLE.text} "
        "AND due_at <= :now ORDER BY due_at LIMIT 1)"
    ).bindparams(*(sa.bindparam(name, type_=sa.BigInteger) for name in ("new", "old", "now")))
)


@records.record
class Turn:
    """Whether the cursor was *moved*, else another node has routed these events; since when the longest waiting due run
    has been due."""

    moved: bool
    oldest_due: int | None


def take(connection: Connection, old: int, new: int, now: int) -> Turn:
    """Move the router's cursor from *old* to *new*, and look what has been due at *now*."""
    if connection.dialect.name == "sqlite" or old == 0:  # the first time there may be no cursor yet
        moved = events.move_cursor(connection, old, new)
        return Turn(moved, runs.oldest_due(connection, now) if moved else None)
    ((moved, due),) = _TAKE.rows(connection, reader=events.ROUTER, old=old, new=new, now=now)
    return Turn(bool(moved), due)
