"""What a person decides about a run that stands still: go on, give up, or how a doubtful step ended.

Plain functions of one connection, called by ``cli``, one transaction for each run. A run that a worker has in
hand is refused: its fence is the worker's. The workers find what was decided as a row that is due.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from daemon.journal import locks, runs, steps
from daemon.journal.database import Connection
from daemon.model.jsons import Json
from daemon.model.runs import RUN_MOVES, Run, RunStatus, Step, StepStatus

CANCELLABLE = frozenset(
    status
    for status, moves in RUN_MOVES.items()
    if RunStatus.CANCELLED in moves and status is not RunStatus.RUNNING
)
UNBEGUN = (StepStatus.PENDING, StepStatus.WAITING)


class Undecidable(Exception):
    """The run is not in a state in which this can be decided. The text says why, and what to do."""


def retry(connection: Connection, id: str, now: int) -> None:
    """Let the dead run *id* go on from the step that failed, with its attempts and its time anew.

    A step whose request was never rendered is planned again from its reaction; any other keeps its request,
    and the moment it was first sent, by which a second try may find what the first one made: remote work that
    took too long is waited for again, not begun again.
    :class:`Undecidable` for a run that is not dead, or died before it began.
    """
    run = _find(connection, id)
    had = steps.of_run(connection, id)
    if run.status is RunStatus.DEAD and not had and run.started_at is None:
        raise Undecidable(
            f"run {id} died before it began, so there is no step to go on from. "
            f"Correct its reaction and make a new run: `pointsman events replay {run.event_id}`."
        )
    _go_on(connection, run, RunStatus.DEAD, now)
    for step in had:
        if step.status is StepStatus.FAILED:
            _begin_again(connection, step)


def cancel(connection: Connection, id: str, now: int) -> None:
    """End the run *id* for good. Steps that were still to come, or waited, are skipped; one in doubt stays so.

    :class:`Undecidable` for a run that is in hand or has ended.
    """
    run = _find(connection, id)
    if run.status in CANCELLABLE:
        locks.give_up(connection, run, now)
    nothing = dict.fromkeys(("due_at", "waits_for", "parked_for", "counting_since"))
    values = {"finished_at": now, **nothing}
    if not runs.decide(connection, id, CANCELLABLE, RunStatus.CANCELLED, **values):
        raise Undecidable(_refusal(run, "cancelled", CANCELLABLE))
    for step in steps.of_run(connection, id):
        if step.doubted_at is not None:
            steps.put(connection, replace(step, status=StepStatus.IN_DOUBT))
        elif step.status in UNBEGUN:
            steps.put(connection, replace(step, status=StepStatus.SKIPPED, finished_at=now))


def resolve_done(connection: Connection, id: str, response: Json, now: int) -> None:
    """The step in doubt of the run *id* took effect, with *response*: the run goes on behind it.

    *response* passed the blanker. :class:`Undecidable` for a run that is not in doubt.
    """
    _resolve(
        connection,
        id,
        now,
        lambda step: replace(
            step,
            status=StepStatus.SUCCEEDED,
            response=response,
            error=None,
            finished_at=now,
            doubted_at=None,
            looks=0,
        ),
    )


def resolve_redo(connection: Connection, id: str, now: int) -> None:
    """The step in doubt of the run *id* took no effect: it is called again, with the same request.

    :class:`Undecidable` for a run that is not in doubt.
    """
    _resolve(
        connection,
        id,
        now,
        lambda step: replace(
            step, status=StepStatus.PENDING, attempts=0, error=None, doubted_at=None, looks=0
        ),
    )


def _resolve(connection: Connection, id: str, now: int, decided: Callable[[Step], Step]) -> None:
    _go_on(connection, _find(connection, id), RunStatus.IN_DOUBT, now)
    for step in steps.of_run(connection, id):
        if step.status is StepStatus.IN_DOUBT:
            steps.put(connection, decided(step))


def _find(connection: Connection, id: str) -> Run:
    run = runs.get(connection, id)
    if run is None:
        raise Undecidable(f"there is no run {id}. `pointsman runs` lists them.")
    return run


def _go_on(connection: Connection, run: Run, expected: RunStatus, now: int) -> None:
    """Make *run* due now. The time it took so far counts no more: it may be what the run died of."""
    values: dict[str, Any] = {
        "due_at": now,
        "spent": 0,
        "counting_since": None,
        "finished_at": None,
        "waits_for": None,
        "error": None,
    }
    if not runs.decide(connection, run.id, [expected], RunStatus.PENDING, **values):
        word = "retried" if expected is RunStatus.DEAD else "resolved"
        raise Undecidable(_refusal(run, word, [expected]))


def _begin_again(connection: Connection, step: Step) -> None:
    if step.request is None:
        steps.drop(connection, step)
        return
    again = replace(
        step,
        status=StepStatus.PENDING,
        attempts=0,
        looks=0,
        error=None,
        response=None,
        remote=None,
        finished_at=None,
    )
    steps.put(connection, again)


def _refusal(run: Run, word: str, allowed: Sequence[RunStatus] | frozenset[RunStatus]) -> str:
    if run.status is RunStatus.RUNNING:
        return f"run {run.id} is running now, so it cannot be {word}. Wait until it stands still."
    if run.status is RunStatus.PARKED:
        return (
            f"run {run.id} is parked: it goes on by itself as soon as the account {run.parked_for} is back."
        )
    states = ", ".join(sorted(status.value.replace("_", " ") for status in allowed))
    return f"run {run.id} is {run.status.value.replace('_', ' ')}; only one that is {states} can be {word}."
