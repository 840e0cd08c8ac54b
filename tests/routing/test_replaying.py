"""Old events, routed once more."""

from daemon.journal import state
from daemon.journal.database import Connection
from daemon.model.reactions import Reaction
from daemon.model.runs import Run, RunStatus
from daemon.routing import replaying
from daemon.routing.matching import Rules
from tests.running.world import World, reaction, step


async def replayed(world: World, id: str, *reactions: Reaction) -> list[Run]:
    """The runs that a replay made."""
    (event,) = [one for one in await world.events() if one.id == id]

    def write(connection: Connection) -> list[Run]:
        return replaying.replay(connection, Rules(reactions), event, world.clock.now())

    return await world.journal.write(write)


async def test_a_replay_makes_new_runs_of_the_present_reactions(world: World) -> None:
    world.react(reaction("old"))
    id = await world.tell()
    await world.settle()
    first = await replayed(world, id, reaction("old"), reaction("new"))
    second = await replayed(world, id, reaction("new"))
    assert [(run.reaction, run.replay) for run in [*first, *second]] == [("old", 1), ("new", 1), ("new", 2)]
    assert {(run.event_id, run.trace, run.depth) for run in [*first, *second]} == {(id, id, 0)}
    await world.settle()
    assert {run.status for run in await world.runs()} == {RunStatus.SUCCEEDED}
    assert len(world.shop.asked("shop.put")) == 4


async def test_a_replay_makes_a_run_for_each_item_and_reads_state(world: World) -> None:
    id = await world.tell({"lines": [1, 2]})
    put = {"open": True}
    await world.journal.write(lambda connection: state.put(connection, put, world.clock.now()))
    made = await replayed(
        world,
        id,
        reaction("each", step("put", value="{{ item }}"), when='state("open")', for_each="event.data.lines"),
        reaction("closed", when='state("shut")'),
        reaction("off", enabled=False),
    )
    assert [(run.reaction, run.item) for run in made] == [("each", 1), ("each", 2)]


async def test_a_condition_that_breaks_makes_a_dead_run_that_is_told(world: World) -> None:
    id = await world.tell()
    (run,) = await replayed(world, id, reaction("stock", when="event.data.missing"))
    assert run.status is RunStatus.DEAD
    assert [event.data["run"]["id"] for event in await world.events("pointsman.run.dead")] == [run.id]
