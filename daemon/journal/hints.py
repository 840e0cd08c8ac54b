"""Hints: callbacks that are to be read back, and what the reading said of them.

Called by ``intake``; plain functions of one connection, none commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from daemon.journal import bulk
from daemon.journal.tables import hints
from daemon.model import jsons
from daemon.model.jsons import JsonObject

WAITING = sa.text("verdict = 'waiting'")  # the partial index's own words


_INSERT = bulk.Insert(hints, hints.columns.keys(), "DO NOTHING")


@dataclass(frozen=True, slots=True)
class Hint:
    """A callback's claim about one remote object. *watch* names the row that reads it back; *verdict* is
    ``waiting confirmed superseded`` or ``refuted``; *became* is the event that the reading told."""

    event_id: str
    watch: str
    account: str
    resource: str
    remote_id: str
    claim: JsonObject
    verdict: str
    found: JsonObject | None
    became: str | None
    created_at: int
    decided_at: int | None


def put(connection: Connection, new: Sequence[Hint]) -> None:
    """Insert *new*."""
    _INSERT.run(connection, [_to_row(hint) for hint in new])


def _to_row(hint: Hint) -> tuple[Any, ...]:
    found = jsons.dumps(hint.found) if hint.found is not None else None
    return (
        hint.event_id,
        hint.watch,
        hint.account,
        hint.resource,
        hint.remote_id,
        jsons.dumps(hint.claim),
        hint.verdict,
        found,
        hint.became,
        hint.created_at,
        hint.decided_at,
    )


def waiting(connection: Connection, watch: str) -> list[Hint]:
    """The undecided hints that the row *watch* reads back, oldest first."""
    query = (
        sa.select(hints).where(hints.c.watch == watch, WAITING).order_by(hints.c.created_at, hints.c.event_id)
    )
    return [from_row(row) for row in connection.execute(query)]


def decide(
    connection: Connection,
    event_id: str,
    verdict: str,
    found: JsonObject | None,
    became: str | None,
    now: int,
) -> None:
    """Write the verdict of a hint."""
    connection.execute(
        sa.update(hints)
        .where(hints.c.event_id == event_id)
        .values(
            verdict=verdict,
            found=jsons.dumps(found) if found is not None else None,
            became=became,
            decided_at=now,
        )
    )


def reopen(connection: Connection, event_ids: Sequence[str]) -> list[Hint]:
    """Let refuted hints be read again, because the same callback came once more; those that were reopened."""
    query = (
        sa.update(hints)
        .where(hints.c.event_id.in_(list(event_ids)), hints.c.verdict == "refuted")
        .values(verdict="waiting", decided_at=None, found=None)
        .returning(*hints.columns)
    )
    return [from_row(row) for row in connection.execute(query)]


def get(connection: Connection, event_id: str) -> Hint | None:
    """The hint of a ``populr.callback.received`` event."""
    row = connection.execute(sa.select(hints).where(hints.c.event_id == event_id)).one_or_none()
    return from_row(row) if row is not None else None


def from_row(row: Row[Any]) -> Hint:
    """The hint of a whole row."""
    return Hint(
        event_id=row.event_id,
        watch=row.watch,
        account=row.account,
        resource=row.resource,
        remote_id=row.remote_id,
        claim=jsons.loads(row.claim),
        verdict=row.verdict,
        found=jsons.loads(row.found) if row.found is not None else None,
        became=row.became,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )
