"""Hints: callbacks that are to be read back, and what the reading said of them.

Called by ``intake``; plain functions of one connection, none commits.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from daemon.journal import bulk
from daemon.journal.tables import hints, watches
from daemon.journal.watches import Polled
from daemon.model import jsons, records
from daemon.model.jsons import JsonObject

READ_AT_ONCE = 1_000  # hints that one look decides: they are written in one transaction
WAITING = sa.text("verdict = 'waiting'")  # the partial index's own words


_INSERT = bulk.Insert(hints, hints.columns.keys(), "DO NOTHING")


@records.record
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


_WAITING = bulk.Statement(
    lambda _: (
        sa.select(*(hints.c[one.name] for one in fields(Hint)))
        .where(hints.c.watch == sa.bindparam("reader"), WAITING)
        .order_by(hints.c.created_at, hints.c.event_id)
        .limit(READ_AT_ONCE)
    )
)
_DECIDE = bulk.Statement(
    lambda _: (
        sa.update(hints)
        .where(hints.c.event_id == sa.bindparam("hint"))
        .values(
            verdict=sa.bindparam("word"),
            found=sa.bindparam("text"),
            became=sa.bindparam("event"),
            decided_at=sa.bindparam("at"),
        )
    )
)


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
    """The undecided hints that the row *watch* reads back, oldest first; those that one look may decide."""
    return [_from_values(row) for row in _WAITING.rows(connection, reader=watch)]


def is_waiting(connection: Connection, watch: str) -> bool:
    """Whether the row *watch* has hints to read back. Whoever holds the row (see ``watches.settle``) is told of all
    that were committed: a hint is put in before its row is requested, which waits for the holder."""
    query = sa.select(hints.c.event_id).where(hints.c.watch == watch, WAITING).limit(1)
    return connection.scalar(query) is not None


def drop_reader(connection: Connection, one: Polled) -> bool:
    """Delete the row *one*, which this node holds, unless hints wait for it; whether it went."""
    waits = sa.exists().where(hints.c.watch == one.name, WAITING)
    query = sa.delete(watches).where(watches.c.name == one.name, watches.c.fence == one.fence, ~waits)
    return connection.execute(query).rowcount == 1


def decide(
    connection: Connection,
    event_id: str,
    verdict: str,
    found: JsonObject | None,
    became: str | None,
    now: int,
) -> None:
    """Write the verdict of a hint."""
    text = jsons.dumps(found) if found is not None else None
    _DECIDE.changed(connection, hint=event_id, word=verdict, text=text, event=became, at=now)


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
    return _from_values([getattr(row, one.name) for one in fields(Hint)])


def _from_values(values: Sequence[Any]) -> Hint:
    """The hint of its fields as they are stored, in their order."""
    event_id, watch, account, resource, remote_id, claim, verdict, found, *rest = values
    known = jsons.loads(found) if found is not None else None
    return Hint(event_id, watch, account, resource, remote_id, jsons.loads(claim), verdict, known, *rest)
