"""The operator's own keys and values (``state.set``, ``state("key")``), and the refused callbacks.

Plain functions of one connection, none commits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import tables
from daemon.journal.tables import rejections, state
from daemon.model import ids, jsons
from daemon.model.jsons import Json

REJECTIONS_KEPT = 1_000  # the newest


def get(connection: Connection, keys: Iterable[str]) -> dict[str, Json]:
    """The values of *keys*; a key that was never set is missing."""
    query = sa.select(state.c.key, state.c.value).where(state.c.key.in_(list(keys)))
    return {row.key: jsons.loads(row.value) for row in connection.execute(query)}


def value(connection: Connection, key: str) -> Json:
    """The value of *key*, None where it was never set."""
    return get(connection, [key]).get(key)


def put(connection: Connection, values: Mapping[str, Json], now: int) -> None:
    """Set each key; None deletes it."""
    for key, value in values.items():
        if value is None:
            connection.execute(sa.delete(state).where(state.c.key == key))
            continue
        row = {"key": key, "value": jsons.dumps(value), "updated_at": now}
        insert = tables.insert_into(connection, state).values(row)
        connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=row))


@dataclass(frozen=True, slots=True)
class Rejection:
    """A callback that was refused: when, on which path (its token blanked), with what, its bounded body."""

    id: str
    at: int
    path: str
    status: int
    error: str
    body: str


def reject(connection: Connection, at: int, path: str, status: int, error: str, body: str) -> None:
    """Keep a refused callback; only the newest ones stay."""
    row = {"id": ids.uuid7(at), "at": at, "path": path, "status": status, "error": error, "body": body}
    connection.execute(sa.insert(rejections).values(row))
    oldest_kept = sa.select(rejections.c.id).order_by(rejections.c.id.desc()).offset(REJECTIONS_KEPT).limit(1)
    edge = connection.scalar(oldest_kept)
    if edge is not None:
        connection.execute(sa.delete(rejections).where(rejections.c.id <= edge))


def rejected(connection: Connection, limit: int) -> list[Rejection]:
    """The newest refused callbacks."""
    query = sa.select(rejections).order_by(rejections.c.id.desc()).limit(limit)
    return [Rejection(**row._mapping) for row in connection.execute(query)]
