"""Events in the journal: put there once for each fact, read back in the journal's order.

Called by ``intake``, ``running`` and ``routing``; plain functions of one connection, none commits.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from daemon.journal import bulk, tables
from daemon.journal.tables import cursors, events, storable
from daemon.model import ids, jsons, records
from daemon.model.events import ROOT, Event, Fact, Fresh, Lineage

COLUMNS = tuple(column.name for column in events.columns if column.name != "seq")
SEQUENCE_LOCK = 7_070_001  # PostgreSQL advisory lock: numbers are given in the order of commits
ROUTER = "router"
LONGEST_KEY = 512  # characters; PostgreSQL's indexes take no entry much over 2,700 bytes

_INSERT = bulk.Insert(events, COLUMNS, "DO NOTHING", "seq", SEQUENCE_LOCK)
_TAKE_TURN = bulk.Statement(lambda _: sa.text(f"SELECT 1 FROM pg_advisory_xact_lock({SEQUENCE_LOCK})"))  # noqa: S608 - a number
_TYPES_AFTER = bulk.Statement(
    lambda _: (
        sa.select(events.c.seq, events.c.type)
        .where(events.c.seq > sa.bindparam("after"))
        .order_by(events.c.seq)
        .limit(sa.bindparam("most"))
    )
)
_WHOLE = sa.select(*(events.c[field.name] for field in fields(Event)))
_NUMBERED = bulk.Statement(
    lambda dialect: _WHOLE.where(bulk.is_one_of(events.c.seq, "seqs", dialect)).order_by(events.c.seq)
)
_GET = bulk.Statement(lambda _: _WHOLE.where(events.c.id == sa.bindparam("wanted")))
_CURSOR = bulk.Statement(lambda _: sa.select(cursors.c.seq).where(cursors.c.name == sa.bindparam("reader")))
_MOVE_CURSOR = bulk.Statement(
    lambda _: (
        sa.update(cursors)
        .where(cursors.c.name == sa.bindparam("reader"), cursors.c.seq == sa.bindparam("old"))
        .values(seq=sa.bindparam("new"))
    )
)


@records.record
class Admitted:
    """What became of a fact: the id of its event, whether the journal had it already, and the event's number where it
    was just given."""

    id: str
    duplicate: bool
    seq: int | None = None


def take_turn(connection: Connection) -> None:
    """Until this commit no other node records an event: what is read from now on is what they have left. One writer
    has a SQLite file in any case."""
    if connection.dialect.name == "postgresql":
        _TAKE_TURN.rows(connection)


def make_row(fact: Fact, source: str, now: int, lineage: Lineage = ROOT) -> tuple[Any, ...]:
    """The row of an event about to be recorded, in the order of :data:`COLUMNS`.

    A new trace begins where *lineage* gives none; a key over :data:`LONGEST_KEY` is replaced by its digest.
    """
    id = ids.uuid7(now)
    key = _stored_key(fact.key)
    return (
        id,
        source,
        storable(fact.type),
        storable(fact.subject),
        now if fact.time is None else fact.time,
        now,
        key,
        _digest(source, key),
        lineage.trace or id,
        lineage.depth,
        lineage.cause,
        lineage.origin,
        fact.data if isinstance(fact.data, str) else jsons.dumps(fact.data),
    )


def _digest(source: str, key: str) -> bytes:
    """What tells one fact from another in the index: a fifth of the size of source and key, for every event."""
    return hashlib.blake2b(f"{source}\0{key}".encode(), digest_size=16).digest()


def as_fresh(row: tuple[Any, ...], seq: int, fact: Fact) -> Fresh:
    """The event that *row* (from :func:`make_row`) of *fact* became as number *seq*."""
    return Fresh(seq, row[2], partial(_as_event, row, seq, fact))


def _as_event(row: tuple[Any, ...], seq: int, fact: Fact) -> Event:
    id, source, type, subject, time, recorded_at, key, _, trace, depth, cause, origin, _ = row
    data = jsons.kept(fact.data) if isinstance(fact.data, str) else fact.data
    return Event(seq, id, source, type, subject, time, recorded_at, key, trace, depth, cause, origin, data)


def _stored_key(key: str) -> str:
    return storable(key) if len(key) <= LONGEST_KEY else f"digest:{ids.digest(storable(key))}"


def admit(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Admitted]:
    """Record *rows* (from :func:`make_row`); the same source and key twice is one event, the earlier one."""
    if not rows:
        return []
    numbers = _INSERT.numbered(connection, rows)
    if len(numbers) == len(rows):
        return [Admitted(row[0], False, seq) for row, seq in zip(rows, numbers, strict=True)]
    return [_find(connection, row) for row in rows]


def _find(connection: Connection, row: tuple[Any, ...]) -> Admitted:
    found = find_by_key(connection, row[1], row[6])
    assert found is not None  # noqa: S101 - it was inserted or stood there
    return Admitted(found, duplicate=found != row[0])


def find_by_key(connection: Connection, source: str, key: str) -> str | None:
    """The id of the event that *source* told under *key*."""
    fact = _digest(source, _stored_key(key))
    return connection.scalar(sa.select(events.c.id).where(events.c.fact == fact))


def emit(
    connection: Connection, facts: Iterable[Fact], source: str, now: int, lineage: Lineage = ROOT
) -> list[Admitted]:
    """Record *facts* of one source, all with the same *lineage*."""
    return admit(connection, [make_row(fact, source, now, lineage) for fact in facts])


def from_row(row: Row[Any]) -> Event:
    """The event of a whole row."""
    values = dict(row._mapping)
    return Event(**{**values, "data": jsons.loads(values["data"])})


def _from_values(values: Sequence[Any]) -> Event:
    """The event of its fields as they are stored, in their order."""
    return Event(*(*values[:-1], jsons.loads(values[-1])))


def get(connection: Connection, id: str) -> Event | None:
    """The event with *id*."""
    rows = _GET.rows(connection, wanted=id)
    return _from_values(rows[0]) if rows else None


def after(connection: Connection, seq: int, limit: int) -> list[Event]:
    """Up to *limit* events behind *seq*, in the journal's order."""
    query = _WHOLE.where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
    return [from_row(row) for row in connection.execute(query)]


def types_after(connection: Connection, seq: int, limit: int) -> list[tuple[int, str]]:
    """``(seq, type)`` of up to *limit* events behind *seq*: enough to see whether any reaction listens."""
    return [(row[0], row[1]) for row in _TYPES_AFTER.rows(connection, after=seq, most=limit)]


def numbered(connection: Connection, seqs: Sequence[int]) -> list[Event]:
    """The events with the numbers *seqs*, in the journal's order."""
    rows = _NUMBERED.rows(connection, seqs=bulk.several(connection, seqs))
    return [_from_values(row) for row in rows]


def cursor(connection: Connection, name: str = ROUTER) -> int:
    """How far *name* has read: the ``seq`` of the last event it dealt with, 0 at first."""
    return _CURSOR.scalar(connection, reader=name) or 0


def move_cursor(connection: Connection, old: int, new: int, name: str = ROUTER) -> bool:
    """Move the cursor from *old* to *new*; False when another node has moved it meanwhile."""
    if old == 0:
        insert = tables.insert_into(connection, cursors).values(name=name, seq=0).on_conflict_do_nothing()
        connection.execute(insert)
    return _MOVE_CURSOR.changed(connection, reader=name, old=old, new=new) == 1


@dataclass(frozen=True, slots=True)
class Filters:
    """What a listing is narrowed to. Instants are inclusive; *type* and *subject* may be globs."""

    type: str | None = None
    subject: str | None = None
    source: str | None = None
    since: int | None = None
    until: int | None = None
    trace: str | None = None
    after_seq: int | None = None
    limit: int = 100


def listed(connection: Connection, filters: Filters) -> list[Event]:
    """The newest events that pass *filters*, newest first (oldest first behind ``after_seq``)."""
    query = _WHOLE.limit(filters.limit)
    for column, glob in ((events.c.type, filters.type), (events.c.subject, filters.subject)):
        if glob is not None:
            query = query.where(glob_clause(connection, column, glob))
    if filters.source is not None:
        query = query.where(events.c.source == filters.source)
    if filters.since is not None:
        query = query.where(events.c.recorded_at >= filters.since)
    if filters.until is not None:
        query = query.where(events.c.recorded_at <= filters.until)
    if filters.trace is not None:
        # The index holds the events that did not begin their trace.
        follows = sa.and_(events.c.trace == filters.trace, sa.text("trace <> id"))
        query = query.where(sa.or_(follows, events.c.id == filters.trace))
    if filters.after_seq is not None:
        query = query.where(events.c.seq > filters.after_seq).order_by(events.c.seq)
    else:
        query = query.order_by(events.c.seq.desc())
    return [from_row(row) for row in connection.execute(query)]


def glob_clause(connection: Connection, column: Any, glob: str) -> Any:
    """A condition for a glob: ``*`` is any text, ``?`` one character, case counts, all else is itself."""
    if "*" not in glob and "?" not in glob:
        return column == glob
    if connection.dialect.name == "sqlite":  # its LIKE does not look at case
        return column.op("GLOB")(glob.replace("[", "[[]"))
    escaped = glob.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")


def oldest_unrouted(connection: Connection) -> int | None:
    """When the first event that is not routed yet was recorded."""
    query = (
        sa.select(events.c.recorded_at)
        .where(events.c.seq > cursor(connection))
        .order_by(events.c.seq)
        .limit(1)
    )
    return connection.scalar(query)


def newest_seq(connection: Connection) -> int:
    """The ``seq`` of the newest event, 0 in an empty journal."""
    return connection.scalar(sa.select(sa.func.max(events.c.seq))) or 0
