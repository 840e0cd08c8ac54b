"""Steps in the journal: the intent of each call before it, its outcome after.

Called by ``running``; plain functions of one connection, none commits. The run's own move rides in the same
function, so that both stand or fall under one fence.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from daemon.journal import bulk
from daemon.journal.tables import steps
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt, Step, StepStatus

LONGEST_HISTORY = 20  # failed attempts that a step remembers
WAITING = sa.text("status = 'waiting'")  # the partial index's own words


NAMES = tuple(
    "run_id position id action account status doubt attempts request before remote response error history "
    "doubted_at looks sent_at finished_at".split()
)
OVER = f"(run_id, position) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in NAMES[2:])}"
_PUT = bulk.Insert(steps, NAMES, OVER)


def of_run(connection: Connection, run_id: str) -> list[Step]:
    """The steps of a run that were begun, in order."""
    query = sa.select(steps).where(steps.c.run_id == run_id).order_by(steps.c.position)
    return [from_row(row) for row in connection.execute(query)]


def of_runs(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[Step]]:
    """The steps of several runs, by run."""
    query = (
        sa.select(steps).where(steps.c.run_id.in_(list(run_ids))).order_by(steps.c.run_id, steps.c.position)
    )
    found: dict[str, list[Step]] = {id: [] for id in run_ids}
    for row in connection.execute(query):
        found[row.run_id].append(from_row(row))
    return found


def put(connection: Connection, step: Step) -> None:
    """Write *step* whole, over what stood there."""
    put_rows(connection, [to_row(step)])


def put_rows(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write the *rows* of steps that are all different ones, as :func:`to_row` gives them."""
    _PUT.run(connection, rows)


def drop(connection: Connection, step: Step) -> None:
    """Delete *step*'s row, so that it is planned anew from its reaction."""
    connection.execute(
        sa.delete(steps).where(steps.c.run_id == step.run_id, steps.c.position == step.position)
    )


def of_remote(connection: Connection, remote: str) -> list[Step]:
    """The steps that wait for the followed work *remote* (``account resource id``)."""
    query = sa.select(steps).where(steps.c.remote == remote, WAITING)
    return [from_row(row) for row in connection.execute(query)]


def awaited(connection: Connection) -> set[str]:
    """The followed work that any step waits for."""
    return {row.remote for row in connection.execute(sa.select(steps.c.remote).where(WAITING)) if row.remote}


def failed_attempt(step: Step, at: int, error: str, status: int | None) -> tuple[JsonObject, ...]:
    """*step*'s history with one more failed attempt; *took* is how long after its intent, in microseconds."""
    took = max(0, at - step.doubted_at) if step.doubted_at is not None else 0
    return _remembered(
        step, {"attempt": step.attempts, "at": at, "took": took, "error": error, "status": status}
    )


def failed_look(step: Step, at: int, error: str, status: int | None) -> tuple[JsonObject, ...]:
    """*step*'s history with one more look that failed."""
    return _remembered(step, {"attempt": step.attempts, "at": at, "error": error, "status": status})


def _remembered(step: Step, failed: JsonObject) -> tuple[JsonObject, ...]:
    return (*step.history, failed)[-LONGEST_HISTORY:]


def to_row(step: Step) -> tuple[Any, ...]:
    """The values of *step* in the order of :data:`NAMES`."""
    return (
        step.run_id,
        step.position,
        step.id,
        step.action,
        step.account,
        step.status.value,
        step.doubt.value,
        step.attempts,
        _dump(step.request),
        _dump(step.before),
        step.remote,
        _dump(step.response),
        step.error,
        jsons.dumps(list(step.history)) if step.history else None,
        step.doubted_at,
        step.looks,
        step.sent_at,
        step.finished_at,
    )


def _dump(value: Any) -> str | None:
    return None if value is None else jsons.dumps(value)


def from_row(row: Row[Any]) -> Step:
    """The step of a whole row."""
    return Step(
        run_id=row.run_id,
        position=row.position,
        id=row.id,
        action=row.action,
        account=row.account,
        status=StepStatus(row.status),
        attempts=row.attempts,
        doubt=Doubt(row.doubt),
        request=_load(row.request),
        before=_load(row.before),
        remote=row.remote,
        response=_load(row.response),
        error=row.error,
        sent_at=row.sent_at,
        finished_at=row.finished_at,
        history=tuple(_load(row.history) or ()),
        doubted_at=row.doubted_at,
        looks=row.looks,
    )


def _load(text: str | None) -> Any:
    return None if text is None else jsons.loads(text)
