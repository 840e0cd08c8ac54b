"""Polls that found nothing new: many rows move on in one statement.

Called by ``intake.rounds``; a plain function of one connection, it does not commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk
from daemon.journal.tables import watches

_SETTLE = bulk.Statement(
    lambda _: (
        sa.update(watches)
        .where(watches.c.name == sa.bindparam("row"), watches.c.fence == sa.bindparam("held"))
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


@dataclass(frozen=True, slots=True)
class Rest:
    """The row *name*, polled at *polled_at* under the lease *fence*; *due_at* is its next time."""

    name: str
    fence: int
    polled_at: int
    due_at: int | None


def settle(connection: Connection, rested: Sequence[Rest]) -> None:
    """Give the leases of *rested* back; a row that another node has taken meanwhile is left to it."""
    given = [
        {"row": one.name, "held": one.fence, "at": one.polled_at, "next_at": one.due_at} for one in rested
    ]
    if given:
        _SETTLE.many(connection, given)
