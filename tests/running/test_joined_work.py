"""A run that begins to wait for work of which another node sees the end at that very moment: it is woken."""

import asyncio
from typing import Any

from sqlalchemy import Connection

from daemon.contract.declare import Cursor, Done, Follow
from daemon.intake import findings
from daemon.intake.findings import Look
from daemon.journal import database, postgres, runs, watches
from daemon.journal.runs import Lease
from daemon.model.runs import Doubt, RunStatus
from daemon.running import outcome
from tests import clocks, waiting
from tests.journal import making
from tests.running import shop as shops
from tests.running.world import World, reaction, step

BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted"
NOW = making.NOW
FOLLOW = Follow("orders", "o1", {"state": "open"}, {"ids": ["o1"]})


async def test_work_that_another_node_sees_end_meanwhile_wakes_the_run(
    server_url: str, virtual_clock: clocks.VirtualClock
) -> None:
    journal = await database.open_journal(server_url)
    world = World(journal, virtual_clock)
    asked = reaction("stock", step("order", wait=True))
    new = runs.NewRun(asked, "e", "t", 0)
    row = outcome.followed("shop", FOLLOW, NOW)

    def prepare(connection: Connection) -> Any:
        """The run, and the row by which somebody else's run follows the same work already."""
        watches.request(connection, [row])
        return runs.make(connection, [new], NOW, [Lease("here", NOW * 2)])[0]

    run = await journal.write(prepare)
    begun = outcome.new_step(run, 0, asked.do[0], Doubt.REPEATABLE, {})
    done = Done(shops.Answer(), follow=FOLLOW)
    wait = outcome.wait(run, begun, done, world.services, NOW, NOW * 2)

    def see_end(connection: Connection) -> None:
        world.shop.orders["o1"] = {"state": "closed"}
        seen = [shops._look({"state": "closed"}, "o1", Cursor({}, ("o1",), True, NOW))]
        look = Look(row, "shop", shops.orders, watches.recall(connection, "shop", "orders", ["o1"]), [], NOW)
        findings.record(connection, look, seen, world.services, NOW)
        watches.drop(connection, row)

    async def is_blocked() -> bool:
        return bool(await journal.read(lambda connection: connection.exec_driver_sql(BLOCKED).scalar_one()))

    engine = postgres.make_engine(server_url, connections=1)
    async with engine.connect() as elsewhere:
        await elsewhere.run_sync(wait)  # not committed yet
        ending = asyncio.create_task(journal.write(see_end))
        await waiting.wait_for(is_blocked, 10, "the end to wait for the beginning")
        await elsewhere.commit()
    await engine.dispose()
    await asyncio.gather(ending, return_exceptions=True)
    found = await journal.read(lambda connection: runs.get(connection, run.id))
    followed = await journal.read(lambda connection: watches.get(connection, row.name))
    assert found is not None
    assert found.status is RunStatus.WAITING
    assert found.waits_for is None or followed is not None, "nobody looks, and nobody wakes it"
    await journal.close()
