"""Runs that go on, and runs that are done: the moves that nearly every call makes, each with the rows of its steps.

Those of one commit are written together: on PostgreSQL by one statement for all of them. Handed in by ``running``;
whatever else becomes of a run is written by ``runs`` and ``steps``.
"""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

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
# The statement on PostgreSQL, in parts: ``births`` has one that begins with others. They are numbered by *place*.
GIVEN = (
    "given AS (SELECT * FROM unnest(CAST(:runs AS text[]), CAST(:fences AS bigint[]), "
    "CAST(:tries AS integer[]), CAST(:ends AS bigint[])) "
    "WITH ORDINALITY AS given (run, held, tried, ended_at, place))"
)
MOVED = (
    "moved AS (UPDATE runs SET attempts = tried, "  # noqa: S608 - names only
    "status = CASE WHEN ended_at IS NULL THEN status ELSE 'succeeded' END, "
    "finished_at = coalesce(ended_at, finished_at), "
    "error = CASE WHEN ended_at IS NULL THEN error END, "
    "counting_since = CASE WHEN ended_at IS NULL THEN counting_since END, "
    "node = CASE WHEN ended_at IS NULL THEN node END, "
    "lease_until = CASE WHEN ended_at IS NULL THEN lease_until END "
    f"FROM given WHERE runs.id = run AND fence = held AND {LEASED.text} RETURNING place)"
)


def put(others: str = "") -> str:
    """The part that writes the steps of those that were moved, and by *others* (``OR …``) of some beside them."""
    return (
        f"put AS (INSERT INTO steps ({_STEP}) SELECT {_STEP} FROM unnest({_ARRAYS}, CAST(:places AS bigint[])) "  # noqa: S608 - names only
        f"AS step ({_STEP}, of_place) WHERE of_place IN (SELECT place FROM moved) {others} "
        f"ON CONFLICT {steps.OVER})"
    )


# One statement is a transaction of its own: where there is nothing else to commit it needs no other around it.
_IN_POSTGRES = bulk.Statement(lambda _: sa.text(f"WITH {GIVEN}, {MOVED}, {put()} SELECT place FROM moved"))  # noqa: S608 - as above


class Lead(Protocol):
    """A function of one connection that makes the runs which others beside it go on with."""

    def write_with(
        self, connection: Connection, going: "Sequence[Progress]"
    ) -> tuple[Any, Sequence[LostLease | None]]:
        """Write it and *going*: what it gives, and who of those has lost its lease."""
        ...


def write_together(connection: Connection, several: "Sequence[Progress | Lead]") -> list[Any]:
    """Write all of *several*, of which one may lead: what each of them gives, or its exception (see
    :func:`~daemon.journal.database.run_all`)."""
    going = [one for one in several if isinstance(one, Progress)]
    leads = [one for one in several if not isinstance(one, Progress)]
    if not leads:
        return list(write(connection, going))
    (lead,) = leads
    if not _are_apart(going):
        raise ValueError("one run goes on twice")  # whoever asked writes them one by one
    given, lost = lead.write_with(connection, going)
    losses = iter(lost)
    return [given if one is lead else next(losses) for one in several]


@records.record
class Progress:
    """A function of one connection: *run* goes on under its fence, and with *finished_at* it is done. *steps* are
    written whole beside that.
    """

    run: Run
    steps: tuple[Step, ...] = ()
    finished_at: int | None = None
    together = staticmethod(write_together)

    def __call__(self, connection: Connection) -> None:
        """Write this alone."""
        (outcome,) = _write(connection, [self])
        if outcome is not None:
            raise outcome


def write(connection: Connection, going: Sequence[Progress]) -> Sequence[LostLease | None]:
    """Write all of *going*: who has lost its lease."""
    if _are_apart(going):
        return _write(connection, going)
    return [lost for one in going for lost in _write(connection, [one])]


def _are_apart(going: Sequence[Progress]) -> bool:
    """Whether *going* are of different runs."""
    return len({one.run.id for one in going}) == len(going)


def _write(connection: Connection, made: Sequence[Progress]) -> Sequence[LostLease | None]:
    """Write all of *made*, which are of different runs. On SQLite nothing may stay of it where one has lost its lease:
    that is raised, and whoever asked writes them one by one.
    """
    if connection.dialect.name != "sqlite":
        return _write_in_postgres(connection, made)
    if _move_in_sqlite(connection, made) != len(made):
        raise LostLease(", ".join(one.run.id for one in made))
    steps.put_rows(connection, [steps.to_row(step) for one in made for step in one.steps])
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


def _write_in_postgres(connection: Connection, made: Sequence[Progress]) -> Sequence[LostLease | None]:
    found = _IN_POSTGRES.rows(connection, **arrays(made))
    return outcomes(made, {place for (place,) in found})


def arrays(made: Sequence[Progress]) -> dict[str, list[Any]]:
    """*made* as its statement on PostgreSQL takes them. They are numbered from one."""
    rows = [steps.to_row(step) for one in made for step in one.steps]
    columns = zip(*rows, strict=True) if rows else [()] * len(steps.NAMES)
    return {
        "runs": [one.run.id for one in made],
        "fences": [one.run.fence for one in made],
        "tries": [one.run.attempts for one in made],
        "ends": [one.finished_at for one in made],
        "places": [place for place, one in enumerate(made, 1) for _ in one.steps],
        **{name: bulk.stored(column) for name, column in zip(steps.NAMES, columns, strict=True)},
    }


def outcomes(made: Sequence[Progress], written: Collection[int]) -> Sequence[LostLease | None]:
    """Who of *made* has lost its lease: all whose number is not among those *written*."""
    return [None if place in written else LostLease(one.run.id) for place, one in enumerate(made, 1)]
