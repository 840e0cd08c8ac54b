"""A hundred runs append to one grid, and the daemon is killed in their middle: each row once, in their order."""

import time
from typing import Any

from daemon import connectors
from daemon.sandbox import faults
from tests import waiting
from tests.connectors import stub, support
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

MANY = 100
BRISK = 20.0  # seconds for a hundred appends, each with its note: a busy machine takes some three
PLOTLY = connectors.discover().connectors["plotly"]
ACTIONS = PLOTLY.actions


async def ask(daemon: Daemon, name: str, **given: Any) -> Any:
    """The result of one call beside the daemon."""
    action = ACTIONS[name]
    async with support.sandbox_client(PLOTLY, daemon.sandbox) as client:
        return (await action.call(client, action.parameters.model_validate(given), stub.call_of())).result


async def prepare(daemon: Daemon) -> str:
    """A grid, and a daemon that appends each order's number to it; the grid's id."""
    grid = await ask(daemon, "plotly.create_grid", filename="orders", rows=[{"n": -1}])
    rows = 'rows = [{ n = "{{ event.data.n }}" }]'
    daemon.configure(
        reaction("append", "order.came", step("plotly.append_rows", f'fid = "{grid.fid}", {rows}'))
    )
    await daemon.start()
    return str(grid.fid)


async def numbers(daemon: Daemon, fid: str) -> list[int]:
    """The grid's rows."""
    grid = await ask(daemon, "plotly.get_grid", fid=fid)
    return [row["n"] for row in grid.rows]


async def test_a_hundred_appends_go_through_briskly_and_in_order(daemon: Daemon) -> None:
    fid = await prepare(daemon)
    began = time.monotonic()
    for n in range(MANY):
        await daemon.order(n=n)
    await daemon.until_runs("append", *["succeeded"] * MANY)
    assert time.monotonic() - began < BRISK
    assert await numbers(daemon, fid) == [-1, *range(MANY)]


async def test_a_kill_in_the_middle_doubles_no_row_and_loses_none(daemon: Daemon) -> None:
    fid = await prepare(daemon)
    slow = daemon.sandbox.faults.add(faults.Fault("plotly", "delay", method="POST", seconds=0.05, times=None))
    for n in range(MANY // 2):
        await daemon.order(n=n)
    await waiting.wait_for(lambda: len(daemon.effects("plotly", "grid.rows_appended")) >= 5, PATIENCE, "rows")
    await daemon.kill()
    daemon.sandbox.faults.remove(slow)
    await daemon.start()
    await daemon.until_runs("append", *["succeeded"] * (MANY // 2))
    assert await numbers(daemon, fid) == [-1, *range(MANY // 2)]
