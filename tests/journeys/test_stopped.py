"""A node is stopped for longer than its lease, another one takes over, and the first is woken again."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from daemon.sandbox import faults
from daemon.sandbox.server import Sandbox
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step
from tests.journeys.test_postgres import rows, upgrade

TEMPLATE = "51536582dd02dcccf9000001"
ORDERS = 12
LEASE = "1s"
MAKE = reaction(
    "make",
    "order.came",
    step(
        "populr.create_pop",
        f'template_id = "{TEMPLATE}", name = "Offer {{{{ event.data.n }}}}", '
        'populate_tags = { city = "Oslo", signups = "42" }',
        "pop",
    ),
    step("populr.create_tracer", 'pop_id = "{{ steps.pop.id }}", name = "ada"'),
    step("event.emit", 'type = "offer.made", subject = "{{ event.data.n }}"'),
)


async def standing(url: str) -> Counter[str]:
    """How many runs stand in which state."""
    return Counter(row["status"] for row in await rows(url, "SELECT status FROM runs"))


async def test_a_stopped_node_doubles_and_loses_nothing_when_it_wakes(
    daemon: Daemon, tmp_path: Path, sandbox: Sandbox, postgres_url: str
) -> None:
    daemon.url = postgres_url
    daemon.configure(MAKE, lease=LEASE)
    await upgrade(daemon)
    (folder := tmp_path / "second").mkdir()
    async with aiohttp.ClientSession() as session:
        second = Daemon(folder, sandbox, session, postgres_url)
        second.configure(MAKE, lease=LEASE)
        await daemon.start()
        try:
            slow = sandbox.faults.add(faults.Fault("populr", "delay", seconds=0.2, times=None))
            await asyncio.gather(*(daemon.order(n=n) for n in range(ORDERS)))
            await waiting.wait_for(lambda: len(daemon.effects("populr", "pop.created")) >= 3, PATIENCE)
            daemon.signal(signal.SIGSTOP)
            await second.start()

            async def taken_over() -> bool:
                return await standing(postgres_url) == {"succeeded": ORDERS}

            await waiting.wait_for(taken_over, PATIENCE, "runs that the second node ended")
            daemon.signal(signal.SIGCONT)
            await waiting.wait_for(
                lambda: daemon.said("lease.lost"), PATIENCE, "a node that knows what it lost"
            )
            sandbox.faults.remove(slow)
            assert await daemon.stop() == 0
            assert await second.stop() == 0
        finally:
            second.destroy()
    assert await standing(postgres_url) == {"succeeded": ORDERS}
    made, traced = daemon.effects("populr", "pop.created"), daemon.effects("populr", "tracer.created")
    assert (len(made), len(traced)) == (ORDERS, ORDERS)
    told = await rows(postgres_url, "SELECT subject FROM events WHERE type = 'offer.made'")
    assert sorted(int(event["subject"]) for event in told) == list(range(ORDERS))


async def test_one_process_on_sqlite_goes_on_where_it_was_stopped(daemon: Daemon) -> None:
    daemon.configure(MAKE, lease=LEASE)
    await daemon.start()
    slow = daemon.sandbox.faults.add(faults.Fault("populr", "delay", seconds=0.2, times=None))
    await asyncio.gather(*(daemon.order(n=n) for n in range(ORDERS)))
    await waiting.wait_for(lambda: len(daemon.effects("populr", "pop.created")) >= 3, PATIENCE)
    daemon.signal(signal.SIGSTOP)
    await asyncio.sleep(2.5)  # the passing of real time is what is tested: more than two leases
    daemon.signal(signal.SIGCONT)
    daemon.sandbox.faults.remove(slow)
    await daemon.until_runs("make", *["succeeded"] * ORDERS)
    assert len(daemon.effects("populr", "pop.created")) == ORDERS
    assert len(daemon.effects("populr", "tracer.created")) == ORDERS
    assert daemon.said("lease.lost") == []


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
async def test_a_kill_right_after_a_lost_answer_doubles_nothing(daemon: Daemon, kind: str) -> None:
    daemon.configure(MAKE)
    await daemon.start()
    daemon.sandbox.faults.add(faults.Fault("populr", kind, method="POST", path="*/pops"))
    await daemon.order(n=1)
    await waiting.wait_for(lambda: not daemon.sandbox.faults.read(), PATIENCE, "a lost answer")
    await daemon.restart()
    await daemon.until_runs("make", "succeeded")
    assert len(daemon.effects("populr", "pop.created")) == 1
    assert len(daemon.effects("populr", "tracer.created")) == 1
