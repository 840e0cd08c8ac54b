"""Many rows in one statement, its text made once and handed to the driver: the hot path's way of writing.

SQLite takes statements of many rows, PostgreSQL one array a column. Used by ``events``, ``hints`` and ``watches``,
where a statement is written for each commit; everything else goes through SQLAlchemy's own execution.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, Table
from sqlalchemy.util import await_only

from daemon.journal import tables

MOST_ROWS = 64  # to one statement in SQLite, which takes 32,766 values; 20 columns are the most there are


class Insert:
    """Inserts rows of *columns* into *table*; *conflict* is what follows ``ON CONFLICT``."""

    def __init__(self, table: Table, columns: Sequence[str], conflict: str) -> None:
        self.columns = tuple(columns)
        names = ", ".join(f'"{name}"' for name in columns)
        head = f'INSERT INTO "{table.name}" ({names})'
        tail = f"ON CONFLICT {conflict}"
        self._sqlite = (f"{head} VALUES ", f"({', '.join('?' * len(columns))})", f" {tail}")
        self._texts: dict[int, str] = {}
        arrays = ", ".join(f"${place}::{_array_type(table, name)}[]" for place, name in enumerate(columns, 1))
        given = f"unnest({arrays}) WITH ORDINALITY AS given({names}, place)"
        self._postgres = f"{head} SELECT {names} FROM {given} ORDER BY place {tail} RETURNING 1"  # noqa: S608 - names only

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert *rows* (in the order of :attr:`columns`); how many were inserted or changed."""
        if not rows:
            return 0
        driver: Any = connection.connection.driver_connection
        stored = [tuple(tables.storable(v) if type(v) is str else v for v in row) for row in rows]
        if connection.dialect.name == "sqlite":
            return self._run_sqlite(driver, stored)
        if not driver.is_in_transaction():
            # SQLAlchemy begins its transaction with its own first statement.
            connection.exec_driver_sql("SELECT 1")
        told = await_only(driver.fetch(self._postgres, *map(list, zip(*stored, strict=True))))
        return len(told)

    def _run_sqlite(self, driver: Any, rows: Sequence[tuple[Any, ...]]) -> int:
        """Statements of 64, 32, 16 … rows: few texts to prepare, and few steps. Each step lets go of the
        interpreter and asks for it again, which costs more than the row where another thread is busy.
        """
        changed = place = 0
        while place < len(rows):
            size = min(MOST_ROWS, 1 << (len(rows) - place).bit_length() - 1)
            values = list(chain.from_iterable(rows[place : place + size]))
            changed += driver.execute(self._sqlite_text(size), values).rowcount
            place += size
        return changed

    def _sqlite_text(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            head, row, tail = self._sqlite
            text = self._texts[size] = f"{head}{', '.join([row] * size)}{tail}"
        return text


def _array_type(table: Table, name: str) -> str:
    kind = table.columns[name].type
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"
