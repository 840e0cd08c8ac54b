"""The main path with the journal in PostgreSQL: an order, a job that is waited for, a kill on the way."""

from typing import Any

import asyncpg

from daemon.model import times
from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

ASK = reaction(
    "ask",
    "order.came",
    step("populr.list_templates", id="first"),
    step("tonalytica.execute_query", "query_id = 17, wait = true", "ask"),
    step("event.emit", 'type = "rows.came", data = { rows = "{{ steps.ask.rows }}" }'),
)
COUNT = reaction(
    "count",
    "rows.came",
    step("state.set", 'key = "{{ item.city }}", value = 1'),
    for_each='"event.data.rows"',
)


async def rows(url: str, query: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_the_main_path_over_a_kill(daemon: Daemon, postgres_url: str) -> None:
    daemon.url = postgres_url
    daemon.sandbox.tonalytica.durations.update(running=2 * times.SECOND)
    daemon.configure(ASK, COUNT, lease="1s")
    daemon.sandbox.faults.add(faults.Fault("populr", "hang", seconds=60))
    await upgrade(daemon)
    await daemon.start()
    orders = [await daemon.order(n=n) for n in range(2)]
    await waiting.wait_for(lambda: not daemon.sandbox.faults.read(), PATIENCE, "a call that hangs")
    await daemon.restart()

    async def statuses() -> set[str]:
        return {row["status"] for row in await rows(postgres_url, "SELECT status FROM runs")}

    async def ended() -> bool:
        return await statuses() == {"succeeded"} and len(await rows(postgres_url, "SELECT 1 FROM state")) > 0

    await waiting.wait_for(ended, PATIENCE, "runs that succeeded")
    events = await rows(postgres_url, "SELECT * FROM events ORDER BY seq")
    assert [event["id"] for event in events if event["type"] == "order.came"] == orders
    assert len([event for event in events if event["type"] == "tonalytica.job.succeeded"]) == len(
        set(daemon.effects("tonalytica", "job.submitted"))
    )
    assert len([event for event in events if event["type"] == "rows.came"]) == 2
    found = await rows(postgres_url, "SELECT node, lease_until FROM runs")
    assert {(run["node"], run["lease_until"]) for run in found} == {(None, None)}
    assert await daemon.stop() == 0


async def upgrade(daemon: Daemon) -> None:
    """A journal on a server is migrated by hand."""
    process = daemon.spawn("db", "upgrade")
    await waiting.wait_for(lambda: process.poll() is not None, PATIENCE, "the upgrade")
    assert process.returncode == 0, daemon.log.read_text()
