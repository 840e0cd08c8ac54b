"""Runs that go on, and runs that are done: the moves that nearly every call makes, each with the rows of its steps.

Those of one commit are written together: on PostgreSQL by one statement for all of them. Handed in by ``running``;
whatever else becomes of a run is written by ``runs`` and ``steps``.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, steps, tables
from daemon.journal.database import LostLease
from daemon.journal.runs import LEASED
from daemon.journal.tables import runs
from daemon.model import records
from daemon.model.runs import Run, Step

_HELD = (runs.c.id == sa.bindparam("run"), runs.c.fence == sa.bindparam("held"), LEASED)
# The status is not written once more: SQLite would write it anew into each index that names it.
_GO_ON = bulk.Statement(lambda _: sa.update(runs).where(*_HELD).values(attempts=sa.bindparam("tried")))
_END = bulk.Statement(
    lambda _: (
        sa.update(runs)
        .where(*_HELD)
        .values(
            status="succeeded",
            finished_at=sa.bindparam("at"),
            error=sa.null(),
            counting_since=sa.null(),
            node=sa.null(),
            lease_until=sa.null(),
        )
    )
)
_STEP = ", ".join(f'"{name}"' for name in steps.NAMES)
_ARRAYS = ", ".join(f"CAST(:{name} AS {tables.steps.columns[name].type}[])" for name in steps.NAMES)
# The steps ride in the same statement: one way to the server less.
_IN_POSTGRES = bulk.Statement(
    lambda _: sa.text(
        f"WITH put AS (INSERT INTO steps ({_STEP}) SELECT * FROM unnest({_ARRAYS}) ON CONFLICT {steps.OVER}) "  # noqa: S608 - names only
        "UPDATE runs SET attempts = given.tried, "
        "status = CASE WHEN ended_at IS NULL THEN status ELSE 'succeeded' END, "
        "finished_at = coalesce(ended_at, finished_at), "
        "error = CASE WHEN ended_at IS NULL THEN error END, "
        "counting_since = CASE WHEN ended_at IS NULL THEN counting_since END, "
        "node = CASE WHEN ended_at IS NULL THEN node END, "
        "lease_until = CASE WHEN ended_at IS NULL THEN lease_until END "
        "FROM unnest(CAST(:runs AS text[]), CAST(:fences AS bigint[]), CAST(:tries AS integer[]), "
        "CAST(:ends AS bigint[])) AS given (run, held, tried, ended_at) "
        f"WHERE runs.id = run AND fence = held AND {LEASED.text}"
    )
)


@records.record
class Progress:
    """A function of one connection: *run* goes on under its fence, and with *finished_at* it is done. *steps* are
    written whole beside that.
    """

    run: Run
    steps: tuple[Step, ...] = ()
    finished_at: int | None = None

    def __call__(self, connection: Connection) -> None:
        """Write this alone."""
        _write(connection, [self])

    @staticmethod
    def together(connection: Connection, several: "Sequence[Progress]") -> None:
        """Write all of *several*, or raise (see :func:`~daemon.journal.database.run_all`)."""
        _write(connection, several)


def _write(connection: Connection, made: Sequence[Progress]) -> None:
    """Write all of *made*; :class:`LostLease` where any of their runs is held under another fence, and whoever asked
    writes them one by one.
    """
    rows = [steps.to_row(step) for one in made for step in one.steps]
    if connection.dialect.name == "sqlite":
        moved = _move_in_sqlite(connection, made)
        steps.put_rows(connection, rows)
    else:
        moved = _write_in_postgres(connection, made, rows)
    if moved != len(made):
        raise LostLease(", ".join(one.run.id for one in made))


def _move_in_sqlite(connection: Connection, made: Sequence[Progress]) -> int:
    going = [
        {"run": one.run.id, "held": one.run.fence, "tried": one.run.attempts}
        for one in made
        if one.finished_at is None
    ]
    ended = [
        {"run": one.run.id, "held": one.run.fence, "at": one.finished_at}
        for one in made
        if one.finished_at is not None
    ]
    moved = _GO_ON.many(connection, going) if going else 0
    return moved + (_END.many(connection, ended) if ended else 0)


def _write_in_postgres(
    connection: Connection, made: Sequence[Progress], rows: Sequence[tuple[Any, ...]]
) -> int:
    columns = zip(*rows, strict=True) if rows else [()] * len(steps.NAMES)
    stored = ([tables.storable(v) if type(v) is str else v for v in column] for column in columns)
    return _IN_POSTGRES.changed(
        connection,
        runs=[one.run.id for one in made],
        fences=[one.run.fence for one in made],
        tries=[one.run.attempts for one in made],
        ends=[one.finished_at for one in made],
        **dict(zip(steps.NAMES, stored, strict=True)),
    )
