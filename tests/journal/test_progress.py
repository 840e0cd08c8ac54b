"""Runs that go on together: what one commit writes of many stands or falls for each alone."""

import asyncio
from dataclasses import replace
from typing import ClassVar

from daemon.journal import database, runs, steps
from daemon.journal.database import Connection, Handed, Journal, LostLease
from daemon.journal.progress import Progress
from daemon.model.runs import Run, RunStatus, Step, StepStatus
from tests.journal import making
from tests.journal.making import LEASE, NOW
from tests.journal.test_steps import STEP

MANY = 70  # more than go into one statement on SQLite
LATER = LEASE.until + 1


async def many(journal: Journal) -> list[Run]:
    return await making.made(journal, *(f"e{n}" for n in range(MANY)), lease=LEASE)


def intent(run: Run) -> Progress:
    return Progress(replace(run, attempts=run.attempts + 1), (replace(STEP, run_id=run.id),))


def end(run: Run, *before: Step) -> Progress:
    done = replace(STEP, run_id=run.id, status=StepStatus.SUCCEEDED, doubted_at=None, finished_at=NOW + 1)
    return Progress(replace(run, attempts=1), (*before, done), NOW + 1)


async def write_all(journal: Journal, progress: list[Progress]) -> list[BaseException | None]:
    return await asyncio.gather(*(journal.write(one) for one in progress), return_exceptions=True)


async def standing(journal: Journal) -> dict[str, tuple[Run, list[Step]]]:
    found = await journal.read(lambda c: runs.listed(c, runs.Filters(limit=1_000)))
    of_runs = await journal.read(lambda c: steps.of_runs(c, [run.id for run in found]))
    return {run.id: (run, of_runs[run.id]) for run in found}


async def test_many_go_on_and_end_in_one_commit(journal: Journal, batches: list[int]) -> None:
    born = await many(journal)
    half = MANY // 2
    batches.clear()
    first = [intent(run) for run in born]
    assert await write_all(journal, first) == [None] * MANY
    skipped = [
        replace(STEP, run_id=run.id, position=1, status=StepStatus.SKIPPED, doubted_at=None) for run in born
    ]
    ends = [end(run, beside) for run, beside in zip(born[:half], skipped, strict=False)]
    assert await write_all(journal, [*ends, *(intent(one.run) for one in first[half:])]) == [None] * MANY
    assert batches == [MANY, MANY]
    found = await standing(journal)
    for one, beside in zip(ends, skipped, strict=False):
        run, its_steps = found[one.run.id]
        assert run == replace(
            one.run,
            status=RunStatus.SUCCEEDED,
            finished_at=NOW + 1,
            counting_since=None,
            node=None,
            lease_until=None,
        )
        assert its_steps == [one.steps[1], beside]
    for run in born[half:]:
        assert found[run.id] == (replace(run, attempts=2), [replace(STEP, run_id=run.id)])


async def test_who_lost_the_lease_is_refused_alone(journal: Journal) -> None:
    born = await many(journal)
    lost = {run.id: run for run in await making.claimed(journal, LATER, limit=3)}
    told = await write_all(journal, [end(run) if n % 2 else intent(run) for n, run in enumerate(born)])
    assert {run.id for run, one in zip(born, told, strict=True) if isinstance(one, LostLease)} == lost.keys()
    assert sum(one is None for one in told) == MANY - len(lost)
    found = await standing(journal)
    for n, run in enumerate(born):
        if run.id in lost:
            assert found[run.id] == (lost[run.id], [])
        else:
            status = RunStatus.SUCCEEDED if n % 2 else RunStatus.RUNNING
            assert (found[run.id][0].status, len(found[run.id][1])) == (status, 1)


async def test_what_is_written_twice_over_counts_once(journal: Journal) -> None:
    (born,) = await making.made(journal, "e", lease=LEASE)
    (taken,) = await making.claimed(journal, LATER)
    told = await write_all(journal, [intent(born), intent(taken), intent(taken), end(taken), end(taken)])
    assert [type(one) for one in told] == [LostLease, type(None), type(None), type(None), LostLease]
    run, (step,) = (await standing(journal))[born.id]
    assert (run.status, run.attempts, step.status) == (RunStatus.SUCCEEDED, 1, StepStatus.SUCCEEDED)


async def test_an_error_that_ended_a_run_before_goes_with_its_success(journal: Journal) -> None:
    (born,) = await making.made(journal, "e", lease=LEASE)
    await journal.write(
        lambda c: runs.move(c, born, RunStatus.WAITING, due_at=NOW, error="503", counting_since=None)
    )
    (taken,) = await making.claimed(journal)
    await journal.write(intent(taken))
    assert (await making.run_with(journal, born.id)).error == "503"
    await journal.write(end(taken))
    run = await making.run_with(journal, born.id)
    assert (run.status, run.error, run.spent) == (RunStatus.SUCCEEDED, None, taken.spent)


class Noted:
    """A function that says what it was run with."""

    runs: ClassVar[list[list["Noted"]]] = []

    def __call__(self, connection: Connection) -> None:
        self.runs.append([self])

    @staticmethod
    def together(connection: Connection, several: list["Noted"]) -> list[None]:
        Noted.runs.append(several)
        return [None] * len(several)


async def test_only_neighbours_are_run_together_and_all_in_their_order(journal: Journal) -> None:
    a, b, c = Noted(), Noted(), Noted()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    Noted.runs.clear()

    def between(connection: Connection) -> int:
        return len(Noted.runs)

    batch = [Handed(fn, future) for fn in (a, b, between, c)]
    given = await journal.read(lambda connection: database.run_all(connection, batch))
    assert given == [None, None, 1, None]
    assert Noted.runs == [[a, b], [c]]
