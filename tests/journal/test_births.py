"""Runs that begin as they are made: the router's turn, the runs and their first intents stand or fall together."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.journal import definitions, events, runs, steps, tables
from daemon.journal.births import Birth
from daemon.journal.database import Journal, LostLease
from daemon.journal.progress import Progress
from daemon.journal.runs import NewRun
from daemon.model import ids
from daemon.model.runs import Run, RunStatus, Step
from tests.journal import making
from tests.journal.making import LEASE, NOW
from tests.journal.test_progress import intent
from tests.journal.test_steps import STEP


@pytest.fixture(autouse=True)
async def routed(journal: Journal) -> None:
    """A router that has read three events."""
    assert await journal.write(lambda connection: events.move_cursor(connection, 0, 3))


def new_runs(*event_ids: str, **values: Any) -> tuple[NewRun, ...]:
    return tuple(making.new_run(id, id=ids.uuid7(NOW), **values) for id in event_ids)


def birth(made: tuple[NewRun, ...], **values: Any) -> Birth:
    return Birth(
        **{"old": 3, "new": 5, "now": NOW, "made": made, "lease": LEASE, "defined": frozenset(), **values}
    )


def expected(made: tuple[NewRun, ...]) -> list[Run]:
    return [runs.born(new, NOW, LEASE) for new in made]


async def write_all(journal: Journal, *several: Birth | Progress) -> list[Any]:
    return await asyncio.gather(*(journal.write(one) for one in several), return_exceptions=True)


async def standing(journal: Journal) -> dict[str, tuple[Run, list[Step]]]:
    found = await journal.read(lambda c: runs.listed(c, runs.Filters(limit=100)))
    of_runs = await journal.read(lambda c: steps.of_runs(c, [run.id for run in found]))
    return {run.id: (run, of_runs[run.id]) for run in found}


async def cursor(journal: Journal) -> int:
    return await journal.read(events.cursor)


async def test_runs_are_born_with_what_they_intend_in_one_commit(
    journal: Journal, batches: list[int]
) -> None:
    made = new_runs("a", "b", item_key="k", item={"n": "\u00e9"})
    (other,) = await making.made(journal, "elsewhere", lease=LEASE)
    batches.clear()
    born = expected(made)
    outcome = await write_all(journal, intent(other), birth(made), intent(born[0]))
    assert outcome == [None, born, None]
    assert batches == [3]
    found = await standing(journal)
    assert found[born[0].id] == (replace(born[0], attempts=1), [replace(STEP, run_id=born[0].id)])
    assert found[born[1].id] == (born[1], [])
    assert found[other.id] == (replace(other, attempts=1), [replace(STEP, run_id=other.id)])
    assert await cursor(journal) == 5
    kept = await journal.read(lambda c: definitions.get(c, made[0].reaction.digest))
    assert kept == made[0].reaction


async def test_where_older_work_is_due_they_wait_and_what_they_intended_is_void(journal: Journal) -> None:
    await making.made(journal, "older", now=NOW - 1)
    made = new_runs("a", "b")
    given, *lost = await write_all(journal, birth(made), *map(intent, expected(made)))
    assert [(run.status, run.node, run.due_at) for run in given] == [(RunStatus.PENDING, None, NOW)] * 2
    assert [type(one) for one in lost] == [LostLease] * 2
    found = await standing(journal)
    assert [found[run.id] for run in given] == [(run, []) for run in given]
    assert await cursor(journal) == 5


async def test_what_is_due_later_is_not_older(journal: Journal) -> None:
    await making.made(journal, "later", due_at=NOW + 1)
    made = new_runs("a")
    assert await write_all(journal, birth(made)) == [expected(made)]


async def test_where_another_node_was_faster_nothing_is_made(journal: Journal) -> None:
    assert await journal.write(lambda connection: events.move_cursor(connection, 3, 4))
    made = new_runs("a")
    given, lost = await write_all(journal, birth(made), *map(intent, expected(made)))
    assert given is None
    assert isinstance(lost, LostLease)
    assert await standing(journal) == {}
    assert await cursor(journal) == 4
    assert (
        await journal.read(lambda c: c.scalar(sa.select(sa.func.count()).select_from(tables.reactions))) == 0
    )


async def test_a_run_that_is_there_already_is_left_alone(journal: Journal) -> None:
    (there,) = await making.made(journal, "a", lease=LEASE)
    made = new_runs("a", "b")
    given, lost, well = await write_all(journal, birth(made), *map(intent, expected(made)))
    assert given == expected(made)[1:]
    assert isinstance(lost, LostLease)
    assert well is None
    found = await standing(journal)
    assert found.keys() == {there.id, made[1].id}
    assert found[there.id] == (there, [])


async def test_a_run_that_goes_on_twice_beside_a_birth_is_written_one_after_the_other(
    journal: Journal,
) -> None:
    made = new_runs("a")
    (born,) = expected(made)
    first = intent(born)
    second = Progress(replace(born, attempts=2), (replace(STEP, run_id=born.id, position=1),))
    assert await write_all(journal, birth(made), first, second) == [[born], None, None]
    run, its_steps = (await standing(journal))[born.id]
    assert run == replace(born, attempts=2)
    assert [one.position for one in its_steps] == [0, 1]
