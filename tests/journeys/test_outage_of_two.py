"""Two nodes on one PostgreSQL share an account that goes down: one of them tells of it, either goes on after it."""

from pathlib import Path

from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step
from tests.journeys.test_postgres import rows, upgrade

COMES_BACK = 60.0  # seconds: probes come at growing pauses
MAKE = reaction(
    "make",
    "order.came",
    step(
        "populr.create_pop",
        'template_id = "51536582dd02dcccf9000001", name = "Offer {{ event.data.n }}", '
        'populate_tags = { city = "Oslo", signups = "42" }',
        "pop",
    ),
    retry='{ attempts = 6, first = "100ms", max = "300ms" }',
)


async def test_two_nodes_share_an_outage(daemon: Daemon, postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    other = Daemon(tmp_path / "second", daemon.sandbox, daemon.session, postgres_url)
    daemon.url = postgres_url
    daemon.configure(MAKE, lease="1s")
    other.configure(MAKE, lease="1s")
    await upgrade(daemon)

    async def standing(status: str, count: int) -> bool:
        found = await rows(postgres_url, "SELECT status, count(*) AS runs FROM runs GROUP BY status")
        assert {row["status"]: row["runs"] for row in found} == {status: count}
        return True

    try:
        await daemon.start()
        await other.start()
        storm = daemon.sandbox.faults.add(faults.Fault("populr", "status", status=503, times=None))
        for n in range(10):
            await (daemon, other)[n % 2].order(n=n)
        await waiting.wait_for(lambda: standing("parked", 10), PATIENCE, "parked runs")
        await daemon.kill()
        daemon.sandbox.faults.remove(storm)
        await waiting.wait_for(lambda: standing("succeeded", 10), COMES_BACK, "runs that go on")
    finally:
        other.destroy()
    assert len(daemon.effects("populr", "pop.created")) == 10
    told = await rows(
        postgres_url, "SELECT type FROM events WHERE type LIKE 'pointsman.service.%' ORDER BY seq"
    )
    assert [row["type"] for row in told] == ["pointsman.service.down", "pointsman.service.up"]
    spent = await rows(postgres_url, "SELECT sum(attempts) - count(*) AS spent FROM runs")
    assert spent[0]["spent"] <= 4  # those that it took to see that the service is down
