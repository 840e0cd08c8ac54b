"""Runs that events become and that begin at once: on PostgreSQL the router's turn, the runs, and the first intents that
came with them are one statement.

Handed in by ``routing`` where nothing stands against it; every other way into being is ``runs.make``.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, definitions, events, progress, runs, tables, turn
from daemon.journal.progress import Progress
from daemon.journal.runs import Lease, NewRun
from daemon.model import records
from daemon.model.runs import Run

# The others are the same for all that begin, and the table's own defaults.
_COLUMNS = tuple(name for name in runs.NEW if name not in ("error", "waits_for", "spent", "finished_at"))
_NEW = ", ".join(f'"{name}"' for name in _COLUMNS)
_ARRAYS = ", ".join(f"CAST(:new_{name} AS {tables.runs.columns[name].type}[])" for name in _COLUMNS)
_DEFINED = tuple(tables.reactions.columns.keys())
_KEPT = ", ".join(f'"{name}"' for name in _DEFINED)
_DEFINITIONS = ", ".join(
    f"CAST(:kept_{name} AS {tables.reactions.columns[name].type}[])" for name in _DEFINED
)
_OF_BORN = "OR run_id IN (SELECT made.id FROM made WHERE made.status = 'running')"
# Each run is given twice, as it is where older work is due and as it is where none is: which of the two is written is
# seen in the statement itself.
_IN_POSTGRES = bulk.Statement(
    lambda _: sa.text(
        f"WITH turn AS ({turn.MOVE}), "  # noqa: S608 - names only
        f"older AS (SELECT 1 FROM runs WHERE {runs.CLAIMABLE.text} AND due_at <= :now "
        "ORDER BY due_at LIMIT 1), "
        f"made AS (INSERT INTO runs ({_NEW}) SELECT {_NEW} FROM turn, unnest({_ARRAYS}, "
        f"CAST(:waits AS boolean[])) WITH ORDINALITY AS new ({_NEW}, waits, nth) "
        "WHERE waits = EXISTS (SELECT FROM older) ORDER BY nth ON CONFLICT DO NOTHING RETURNING id, status), "
        f"known AS (INSERT INTO reactions ({_KEPT}) SELECT {_KEPT} FROM turn, unnest({_DEFINITIONS}) AS kept ({_KEPT}) "
        "ON CONFLICT DO NOTHING), "
        f"{progress.GIVEN}, {progress.MOVED}, "
        f"{progress.put(_OF_BORN)} "
        "SELECT (SELECT count(*) FROM turn), ARRAY(SELECT id FROM made), EXISTS (SELECT FROM older), "
        "ARRAY(SELECT place FROM moved)"
    ).bindparams(*(sa.bindparam(name, type_=sa.BigInteger) for name in ("new", "old", "now")))
)


@records.record
class Birth:
    """A function of one connection: moves the router's cursor from *old* to *new*, and makes the runs *made*, all under
    *lease*, or all waiting where older work has been due at *now*. None where another node has moved the cursor, else
    the runs that were inserted.

    None of *made* is dead as it is made. *defined* are digests of definitions that the journal has for certain.
    """

    old: int
    new: int
    now: int
    made: tuple[NewRun, ...]
    lease: Lease
    defined: frozenset[str]
    together = staticmethod(progress.write_together)

    def __call__(self, connection: Connection) -> list[Run] | None:
        """Write this alone."""
        if connection.dialect.name == "postgresql":
            made: list[Run] | None = self.write_with(connection, [])[0]
            return made
        mine = turn.take(connection, self.old, self.new, self.now)
        if not mine.moved:
            return None
        leases = self._leases(mine.oldest_due is not None)
        return runs.make(connection, self.made, self.now, leases, self.defined)

    def write_with(self, connection: Connection, going: Sequence[Progress]) -> tuple[Any, Sequence[Any]]:
        """Write this and *going*, which are of different runs: what came of this, and of each of those."""
        if connection.dialect.name != "postgresql":
            return self(connection), progress.write(connection, going)
        tried = {one.run.id: one.run.attempts for one in going}
        claimed = [{**row, "attempts": tried.get(row["id"], 0)} for row in self._rows(waits=False)]
        waiting = self._rows(waits=True)
        both = [*claimed, *waiting]
        columns = {f"new_{name}": bulk.stored(row[name] for row in both) for name in _COLUMNS}
        ((moved, ids, waits, places),) = _IN_POSTGRES.rows(
            connection,
            reader=events.ROUTER,
            old=self.old,
            new=self.new,
            now=self.now,
            waits=[False] * len(claimed) + [True] * len(waiting),
            **columns,
            **self._definitions(),
            **progress.arrays(going),
        )
        made = [row for row in (waiting if waits else claimed) if row["id"] in ids]
        begun = [] if waits else [place for place, one in enumerate(going, 1) if one.run.id in ids]
        given = [runs.from_values({**row, "attempts": 0}) for row in made] if moved else None
        return given, progress.outcomes(going, {*places, *begun})

    def _rows(self, *, waits: bool) -> list[dict[str, Any]]:
        pairs = zip(self.made, self._leases(waits), strict=True)
        return [runs.new_row(new, self.now, lease) for new, lease in pairs]

    def _definitions(self) -> dict[str, list[Any]]:
        used = {new.reaction.digest: new.reaction for new in self.made}
        missing = [one for digest, one in used.items() if digest not in self.defined]
        rows = [definitions.to_row(one, self.now) for one in missing]
        return {f"kept_{name}": bulk.stored(row[name] for row in rows) for name in _DEFINED}

    def _leases(self, waits: bool) -> list[Lease | None]:
        return [None if waits else self.lease] * len(self.made)
