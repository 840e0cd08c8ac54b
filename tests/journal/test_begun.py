"""What claimed runs go on with is read for all of them at once."""

from dataclasses import replace
from functools import partial

from daemon.journal import begun, steps
from daemon.journal.database import Connection, Journal
from daemon.model.runs import Run, Step
from tests.journal import making
from tests.journal.test_steps import STEP


def put_all(connection: Connection, given: list[Step]) -> None:
    for step in given:
        steps.put(connection, step)


async def test_events_and_steps_come_whole_and_what_is_gone_is_left_out(journal: Journal) -> None:
    told = await making.told(journal, "a", "b", "c")
    made: list[Run] = await making.made(journal, *told[:2], "gone", lease=making.LEASE)
    given = [replace(STEP, run_id=made[0].id, position=n) for n in (1, 0)]
    await journal.write(partial(put_all, given=given))
    events, found = await journal.read(partial(begun.of_runs, runs=made))
    assert events == {id: await making.event_with(journal, id) for id in told[:2]}
    assert found == {made[0].id: given[::-1], made[1].id: [], made[2].id: []}
