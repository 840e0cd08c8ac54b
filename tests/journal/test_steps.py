"""Steps: what is written of a call comes back whole."""

from dataclasses import replace
from functools import partial

from daemon.journal import steps
from daemon.journal.database import Connection, Journal
from daemon.model.runs import Doubt, Step, StepStatus
from tests.journal.making import NOW

STEP = Step(
    run_id="r1",
    position=0,
    id="add",
    action="popily.add_source",
    account="popily",
    status=StepStatus.RUNNING,
    attempts=1,
    doubt=Doubt.PROBED,
    request={"url": "https://example.com/a.csv", "columns": [1, "ü", None]},
    before=None,
    remote=None,
    response=None,
    error=None,
    sent_at=NOW,
    doubted_at=NOW,
    finished_at=None,
)


def put_all(connection: Connection, given: list[Step]) -> None:
    for step in given:
        steps.put(connection, step)


async def of_run(journal: Journal, run_id: str) -> list[Step]:
    return await journal.read(lambda c: steps.of_run(c, run_id))


async def test_a_step_comes_back_as_it_was_put(journal: Journal) -> None:
    whole = replace(
        STEP, position=1, before={"n": 1}, remote="w", response=[1, {"a": False}], finished_at=NOW + 1
    )
    await journal.write(partial(put_all, given=[whole, STEP]))
    assert await of_run(journal, "r1") == [STEP, whole]
    assert await of_run(journal, "r2") == []


async def test_an_outcome_is_written_over_its_intent(journal: Journal) -> None:
    await journal.write(lambda c: steps.put(c, STEP))
    failed = steps.failed_attempt(STEP, NOW + 1, "no\0 answer", None)
    done = replace(STEP, status=StepStatus.FAILED, error="no\0 answer", history=failed, finished_at=NOW + 1)
    await journal.write(lambda c: steps.put(c, done))
    (found,) = await of_run(journal, "r1")
    assert found == replace(done, error="no\ufffd answer")
    assert found.history == (
        {"attempt": 1, "at": NOW + 1, "took": 1, "error": "no\0 answer", "status": None},
    )


async def test_steps_of_several_runs_come_by_run(journal: Journal) -> None:
    given = [replace(STEP, run_id=run, position=n) for run in ("r1", "r2") for n in (1, 0)]
    await journal.write(partial(put_all, given=given))
    found = await journal.read(lambda c: steps.of_runs(c, ["r2", "r1", "r3"]))
    assert {run: [step.position for step in each] for run, each in found.items()} == {
        "r1": [0, 1],
        "r2": [0, 1],
        "r3": [],
    }


async def test_steps_that_wait_for_a_remote_work_are_found(journal: Journal) -> None:
    waiting = replace(STEP, status=StepStatus.WAITING, doubted_at=None, remote="popily sources 7")
    done = replace(waiting, run_id="r2", status=StepStatus.SUCCEEDED)
    await journal.write(partial(put_all, given=[waiting, done]))
    assert await journal.read(lambda c: steps.of_remote(c, "popily sources 7")) == [waiting]


def test_a_history_keeps_the_newest_attempts() -> None:
    step = STEP
    for n in range(steps.LONGEST_HISTORY + 5):
        step = replace(step, attempts=n, history=steps.failed_attempt(step, NOW, "no", 500))
    assert [one["attempt"] for one in step.history] == list(range(4, steps.LONGEST_HISTORY + 4))
