"""Statements of the hot path: their text is made once by SQLAlchemy, or from its tables, and handed to the driver.

:class:`Statement` is any one statement, :class:`Insert` writes many rows in one: SQLite takes a list of rows,
PostgreSQL one text of JSON (see :func:`recordset`). Used by the rooms' functions that are called for every commit, run
or round of a loop; everything else goes through SQLAlchemy's own execution, which costs five to ten times as much a
statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, Table
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import await_only

from daemon.journal.tables import storable
from daemon.model import jsons

BY_HAND = "AUTOCOMMIT"  # how SQLAlchemy calls a connection whose transactions it leaves to us
# Rows to one statement in SQLite, which takes 32,766 values (23 columns are the most there are); fewer than the
# smallest are one statement, too.
SIZES = (64, 48, 32, 16)


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement as a driver takes it: its words, its values' names in their order, those that are fixed."""

    words: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]


class Statement:
    """A statement whose values are bound by name. *make* gives it for a dialect, once."""

    def __init__(self, make: Callable[[str], sa.Executable]) -> None:
        self._make = make
        self._made: dict[str, sa.Executable] = {}
        self._texts: dict[str, _Text] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Sequence[Any]]:
        """The rows, as sequences of what was selected."""
        dialect = connection.dialect.name
        driver: Any = connection.connection.driver_connection
        if dialect == "sqlite":
            found: list[Sequence[Any]] = driver.execute(*self._ready(connection, values)).fetchall()
            return found
        if not _is_ready(connection, driver):
            return [tuple(row) for row in connection.execute(self._statement(dialect), values)]
        words, given = self._ready(connection, values)
        return list(await_only(driver.fetch(words, *given)))

    def scalar(self, connection: Connection, **values: Any) -> Any:
        """The first column of the first row, None where there is no row."""
        found = self.rows(connection, **values)
        return found[0][0] if found else None

    def changed(self, connection: Connection, **values: Any) -> int:
        """How many rows the statement changed."""
        dialect = connection.dialect.name
        driver: Any = connection.connection.driver_connection
        if dialect == "sqlite":
            return int(driver.execute(*self._ready(connection, values)).rowcount)
        if not _is_ready(connection, driver):
            return int(connection.execute(self._statement(dialect), values).rowcount)
        words, given = self._ready(connection, values)
        said: str = await_only(driver.execute(words, *given))  # "UPDATE 1", "INSERT 0 1"
        return int(said.rpartition(" ")[2])

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run the statement for each of *rows*, of which there is one at least; how many rows it changed, where the
        driver tells (-1 where not)."""
        dialect = connection.dialect.name
        driver: Any = connection.connection.driver_connection
        if dialect != "sqlite" and not _is_ready(connection, driver):
            connection.execute(self._statement(dialect), rows)
            return -1
        words, _ = self._ready(connection, rows[0])
        text = self._texts[dialect]
        given = ({**text.fixed, **row} for row in rows)
        ready = [_all_stored(map(row.__getitem__, text.names)) for row in given]
        if dialect == "sqlite":
            return int(driver.executemany(words, ready).rowcount)
        await_only(driver.executemany(words, ready))
        return -1

    def _statement(self, dialect: str) -> sa.Executable:
        if dialect not in self._made:
            self._made[dialect] = self._make(dialect)
        return self._made[dialect]

    def _ready(self, connection: Connection, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        text = self._texts.get(connection.dialect.name)
        if text is None:
            compiled: Any = self._statement(connection.dialect.name).compile(dialect=connection.dialect)  # type: ignore[attr-defined]  # every statement compiles
            text = _Text(compiled.string, tuple(compiled.positiontup), compiled.params)
            self._texts[connection.dialect.name] = text
        given = {**text.fixed, **values}
        return text.words, [_stored(given[name]) for name in text.names]


def _is_ready(connection: Connection, driver: Any) -> bool:
    """Whether *driver* may be spoken to directly: where transactions are SQLAlchemy's it begins them with its own
    first statement."""
    by_hand = connection.get_execution_options().get("isolation_level") == BY_HAND
    return by_hand or bool(driver.is_in_transaction())


def _stored(value: Any) -> Any:
    return storable(value) if type(value) is str else value


def _all_stored(values: Iterable[Any]) -> list[Any]:
    """*values* as the databases keep them; what :func:`storable` would leave alone is seen without calling it."""
    return [v if type(v) is not str or (v.isascii() and "\0" not in v) else storable(v) for v in values]


def is_one_of(column: sa.Column[Any], name: str, dialect: str) -> sa.ColumnElement[bool]:
    """That *column* is one of the values bound as *name* (see :func:`several`): one text for any number of them."""
    if dialect == "sqlite":
        listed = sa.func.json_each(sa.bindparam(name, type_=sa.String)).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    from sqlalchemy.dialects.postgresql import ARRAY  # a daemon with a SQLite file does not load it

    return column == sa.any_(sa.bindparam(name, type_=ARRAY(column.type)))


def several(connection: Connection, values: Iterable[Any]) -> Any:
    """*values* as :func:`is_one_of` takes them."""
    given = [_stored(value) for value in values]
    return jsons.dumps(given) if connection.dialect.name == "sqlite" else given


def recordset(text: str, kinds: Mapping[str, TypeEngine[Any]], name: str) -> str:
    """What PostgreSQL reads the rows of :func:`records` from, bound as *text* and called *name*: their columns, which
    are of *kinds*, and ``place``, from 1. To bind an array for each column would cost the driver twice as much, which
    asks of every single value whether it is another array.
    """
    columns = ", ".join(f'"{column}" {_kind(kind)}' for column, kind in kinds.items())
    names = ", ".join(f'"{column}"' for column in kinds)
    # Bound as text: for JSON the dialect has given the driver a function of its own.
    rows = f"json_to_recordset(CAST({text} AS text)::json) AS ({columns})"
    return f"ROWS FROM ({rows}) WITH ORDINALITY AS {name} ({names}, place)"


def records(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """*rows* of *names* as :func:`recordset` takes them."""
    named = [dict(zip(names, _all_stored(row), strict=True)) for row in rows]
    return orjson.dumps(named, default=_in_words).decode()


def _in_words(value: Any) -> str:
    """Bytes as PostgreSQL reads them from text."""
    if not isinstance(value, bytes):
        raise TypeError
    return f"\\x{value.hex()}"


class Insert:
    """Inserts rows of *columns* into *table*; *conflict* is what follows ``ON CONFLICT``, *number* the column whose
    values the table gives by itself. Whoever inserts waits for the advisory lock *turn* first, in PostgreSQL, and
    keeps it until the commit."""

    def __init__(
        self, table: Table, columns: Sequence[str], conflict: str, number: str = "1", turn: int | None = None
    ) -> None:
        self.columns = tuple(columns)
        self._names = tuple(map(str, columns))  # a table's own are of a class that JSON does not know
        names = ", ".join(f'"{name}"' for name in columns)
        head = f'INSERT INTO "{table.name}" ({names})'
        tail = f"ON CONFLICT {conflict}"
        self._sqlite = (f"{head} VALUES ", f"({', '.join('?' * len(columns))})", f" {tail}")
        self._texts: dict[int, str] = {}
        given = recordset("$1", {name: table.columns[name].type for name in columns}, "given")
        lock, source = "", given
        if turn is not None:  # in the same statement: one way to the server less
            lock, source = (
                f"WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock({turn})) ",
                f"{given}, turn",
            )
        self._postgres = f"{lock}{head} SELECT {names} FROM {source} ORDER BY place {tail} RETURNING {number}"  # noqa: S608 - names only

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert *rows* (in the order of :attr:`columns`); how many were inserted or changed."""
        return len(self.numbered(connection, rows))

    def numbered(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Sequence[int]:
        """Insert *rows*; the numbers that those were given which were inserted, in their order (in a table that gives
        none: as many numbers as rows were inserted or changed)."""
        if not rows:
            return ()
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            return self._run_sqlite(driver, rows)
        text = records(self._names, rows)
        if _is_ready(connection, driver):
            told = await_only(driver.fetch(self._postgres, text))
        else:
            told = connection.exec_driver_sql(self._postgres, (text,)).all()
        return sorted(row[0] for row in told)

    def _run_sqlite(self, driver: Any, rows: Sequence[tuple[Any, ...]]) -> Sequence[int]:
        """A few statements of sizes that come again, so that they are prepared once. Each lets go of the interpreter
        and asks for it again, which costs more than the row where another thread is busy.
        """
        numbers: list[int] = []
        place = 0
        while place < len(rows):
            left = len(rows) - place
            size = next((size for size in SIZES if size <= left), left)
            values = chain.from_iterable(rows[place : place + size])
            done = driver.execute(self._sqlite_text(size), _all_stored(values))
            numbers += range(done.lastrowid - done.rowcount + 1, done.lastrowid + 1)
            place += size
        return numbers

    def _sqlite_text(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            head, row, tail = self._sqlite
            text = self._texts[size] = f"{head}{', '.join([row] * size)}{tail}"
        return text


def _kind(kind: TypeEngine[Any]) -> str:
    """How PostgreSQL calls *kind*."""
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, LargeBinary):
        return "bytea"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"
