"""Runs that go on, and runs that are done: the moves that nearly every call makes, each with the rows of its steps.

Those of one commit are written together: on PostgreSQL by one statement for all of them. Handed in by ``running``;
whatever else becomes of a run is written by ``runs`` and ``steps``.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.types import TypeEngine

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
_MOVE: dict[str, TypeEngine[Any]] = {
    "run": sa.Text(),
    "held": sa.BigInteger(),
    "tried": sa.Integer(),
    "ended_at": sa.BigInteger(),
}
_OF_MOVE: dict[str, TypeEngine[Any]] = {
    "of_place": sa.BigInteger(),
    **{name: tables.steps.columns[name].type for name in steps.NAMES},
}
# One statement is a transaction of its own: where there is nothing else to commit it needs no other around it.
_IN_POSTGRES = bulk.Statement(
    lambda _: sa.text(
        f"WITH given AS (SELECT * FROM {bulk.recordset(':moves', _MOVE, 'given')}), "  # noqa: S608 - names only
        "moved AS (UPDATE runs SET attempts = tried, "
        "status = CASE WHEN ended_at IS NULL THEN status ELSE 'succeeded' END, "
        "finished_at = coalesce(ended_at, finished_at), "
        "error = CASE WHEN ended_at IS NULL THEN error END, "
        "counting_since = CASE WHEN ended_at IS NULL THEN counting_since END, "
        "node = CASE WHEN ended_at IS NULL THEN node END, "
        "lease_until = CASE WHEN ended_at IS NULL THEN lease_until END "
        f"FROM given WHERE runs.id = run AND fence = held AND {LEASED.text} RETURNING place), "
        f"put AS (INSERT INTO steps ({_STEP}) SELECT {_STEP} FROM {bulk.recordset(':rows', _OF_MOVE, 'step')} "
        f"WHERE of_place IN (SELECT place FROM moved) ON CONFLICT {steps.OVER}) "
        "SELECT place FROM moved"
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
        (outcome,) = _write(connection, [self])
        if outcome is not None:
            raise outcome

    @staticmethod
    def together(connection: Connection, several: "Sequence[Progress]") -> Sequence[LostLease | None]:
        """Write all of *several*; who lost its lease (see :func:`~daemon.journal.database.run_all`)."""
        if len({one.run.id for one in several}) == len(several):
            return _write(connection, several)
        return [lost for one in several for lost in _write(connection, [one])]


def _write(connection: Connection, made: Sequence[Progress]) -> Sequence[LostLease | None]:
    """Write all of *made*, which are of different runs. On SQLite nothing may stay of it where one has lost its lease:
    that is raised, and whoever asked writes them one by one.
    """
    rows = [steps.to_row(step) for one in made for step in one.steps]
    if connection.dialect.name != "sqlite":
        return _write_in_postgres(connection, made, rows)
    if _move_in_sqlite(connection, made) != len(made):
        raise LostLease(", ".join(one.run.id for one in made))
    steps.put_rows(connection, rows)
    return [None] * len(made)


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
) -> Sequence[LostLease | None]:
    moves = [(one.run.id, one.run.fence, one.run.attempts, one.finished_at) for one in made]
    places = [place for place, one in enumerate(made, 1) for _ in one.steps]
    of_moves = [(place, *row) for place, row in zip(places, rows, strict=True)]
    found = _IN_POSTGRES.rows(
        connection, moves=bulk.records(tuple(_MOVE), moves), rows=bulk.records(tuple(_OF_MOVE), of_moves)
    )
    moved = {place for (place,) in found}
    return [None if place in moved else LostLease(one.run.id) for place, one in enumerate(made, 1)]
