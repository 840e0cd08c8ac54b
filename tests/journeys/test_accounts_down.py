"""An account goes down for a while: every effect comes once afterwards, nothing is spent, the others go on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from daemon.model import times
from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import FAST, PATIENCE, ROOT, Daemon, reaction, step

DOWN, UP = "pointsman.service.down", "pointsman.service.up"
RATE = 25
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
    step("populr.publish_pop", 'pop_id = "{{ steps.pop.id }}"'),
    timeout='"30s"',
    retry='{ attempts = 6, first = "100ms", max = "300ms" }',
)
CHART = reaction(
    "chart",
    "order.came",
    step("plotly.create_folder", 'path = "offers/{{ event.data.n }}"'),
)
ASK = reaction("ask", "order.came", step("populr.list_templates", id="all"))


def parked(daemon: Daemon, count: int, account: str = "populr") -> bool:
    """Whether so many runs are parked for *account*, and none of its runs is anywhere else but at its end."""
    found = [run for run in daemon.runs() if run["parked_for"] == account]
    assert len(found) == count, [(run["reaction"], run["status"], run["error"]) for run in daemon.runs()]
    return True


async def until_parked(daemon: Daemon, count: int) -> None:
    await waiting.wait_for(lambda: parked(daemon, count), PATIENCE, f"{count} parked runs")


async def until_back(daemon: Daemon) -> dict[str, Any]:
    """Wait for the account to come up; what is told of it."""
    await waiting.wait_for(lambda: daemon.events(UP), COMES_BACK, "the account's return")
    return dict(daemon.events(UP)[0]["data"])


def told_once(daemon: Daemon) -> bool:
    """Whether each way was told just once, as an event and in the log."""
    events = [len(daemon.events(type)) for type in (DOWN, UP)]
    lines = [len(daemon.said(said)) for said in ("account.went_down", "account.came_up")]
    assert (events, lines) == ([1, 1], [1, 1])
    return True


async def command(daemon: Daemon, *words: str) -> tuple[int, Any]:
    """What a command beside the daemon answers: exit code and document."""
    called = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "daemon", "--config", str(daemon.config), *words, "--json"],
        capture_output=True,
        check=False,
        timeout=PATIENCE,
        cwd=daemon.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return called.returncode, json.loads(called.stdout)


@asynccontextmanager
async def nobody_there(daemon: Daemon) -> AsyncIterator[None]:
    """Populr's port refuses every connection meanwhile."""
    sandbox = daemon.sandbox
    port = int(sandbox.urls["populr"].split(":")[2].split("/")[0])
    await sandbox._runners[0].cleanup()
    try:
        yield
    finally:
        runner = web.AppRunner(sandbox._sites[0].application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        sandbox._runners[0] = runner
        await web.TCPSite(runner, "127.0.0.1", port).start()


async def test_a_storm_of_503_with_a_kill_in_its_middle(daemon: Daemon) -> None:
    daemon.configure(MAKE, CHART)
    await daemon.start()
    storm = daemon.sandbox.faults.add(faults.Fault("populr", "status", status=503, times=None))
    for n in range(12):
        await daemon.order(n=n)
    await until_parked(daemon, 12)
    await daemon.until_runs("chart", *["succeeded"] * 12)
    code, found = await command(daemon, "services")
    shown = {one["name"]: one for one in found["services"]}
    assert code == 1
    assert (shown["populr"]["parked"], shown["populr"]["rate_left"]) == (12, 0)
    assert shown["populr"]["circuit"] in ("open", "half_open")
    assert (shown["populr"]["reason"], shown["plotly"]["circuit"]) == ("unavailable", "closed")
    code, found = await command(daemon, "runs", "--status", "parked")
    assert (code, len(found["runs"])) == (0, 12)
    await daemon.restart()
    for n in range(12, 15):
        await daemon.order(n=n)
    await until_parked(daemon, 15)
    daemon.sandbox.faults.remove(storm)
    await until_back(daemon)
    runs = await daemon.until_runs("make", *["succeeded"] * 15)
    made = daemon.effects("populr", "pop.created")
    assert (len(made), set(made)) == (15, set(daemon.effects("populr", "pop.published")))
    spent = [run["attempts"] - 2 for run in runs]
    assert sum(spent) <= 4  # those that it took to see that the service is down
    assert told_once(daemon)
    (down,) = daemon.events(DOWN)
    assert (down["subject"], down["data"]["reason"]) == ("populr", "unavailable")
    assert "503" in down["data"]["error"]


async def test_nobody_there_over_a_restart(daemon: Daemon) -> None:
    daemon.configure(MAKE)
    await daemon.start()
    async with nobody_there(daemon):
        await asyncio.gather(*(daemon.order(n=n) for n in range(8)))
        await until_parked(daemon, 8)
        assert await daemon.stop() == 0
        await daemon.start()
        await daemon.order(n=8)
        await until_parked(daemon, 9)
    told = await until_back(daemon)
    assert "cannot connect" in told["error"]
    await daemon.until_runs("make", *["succeeded"] * 9)
    assert len(daemon.effects("populr", "pop.created")) == 9
    assert told_once(daemon)
    code, found = await command(daemon, "services")
    assert (code, {one["circuit"] for one in found["services"]}) == (0, {"closed"})


async def test_refused_credentials_kill_nothing_and_end_with_a_reload(daemon: Daemon) -> None:
    watched = (
        '[[watch]]\nname = "pages"\nservice = "populr"\nresource = "pops"\n'
        'template_id = "51536582dd02dcccf9000001"\nevery = "500ms"\n'
    )
    daemon.configure(MAKE, watched)
    good = daemon.config.read_text()
    await daemon.start()
    await daemon.order(n=0)
    await daemon.until_runs("make", "succeeded")
    daemon.config.write_text(good.replace(daemon.sandbox.populr.api_key, "a-key-of-somebody-else"))
    daemon.signal(signal.SIGHUP)
    await waiting.wait_for(lambda: daemon.events(DOWN), PATIENCE, "the refusal")
    await asyncio.gather(*(daemon.order(n=n) for n in range(1, 5)))
    await until_parked(daemon, 4)
    (down,) = daemon.events(DOWN)
    assert down["data"]["reason"] == "unauthorized"
    assert {run["attempts"] for run in daemon.runs() if run["status"] == "parked"} == {0}
    daemon.config.write_text(good)
    daemon.signal(signal.SIGHUP)
    await waiting.wait_for(lambda: daemon.events(UP), PATIENCE, "the account's return at once")
    await daemon.until_runs("make", *["succeeded"] * 5)
    assert len(daemon.effects("populr", "pop.created")) == 5
    assert daemon.events("populr.pop.deleted") == []
    assert told_once(daemon)
    assert "a-key-of-somebody-else" not in daemon.log.read_text()


async def test_a_refusal_that_passes_is_found_out_by_a_probe(daemon: Daemon) -> None:
    daemon.configure(ASK)
    await daemon.start()
    refusal = daemon.sandbox.faults.add(faults.Fault("populr", "status", status=401, times=None))
    await daemon.order(n=0)
    await until_parked(daemon, 1)
    daemon.sandbox.faults.remove(refusal)
    assert (await until_back(daemon))["reason"] == "unauthorized"
    (run,) = await daemon.until_runs("ask", "succeeded")
    assert run["attempts"] == 1


async def test_a_pause_that_a_service_asks_for_is_kept_by_all(daemon: Daemon) -> None:
    daemon.configure(ASK, CHART, accounts=FAST.replace("concurrency = 8", "concurrency = 1"))
    await daemon.start()
    daemon.sandbox.faults.add(
        faults.Fault("populr", "status", status=429, headers={"Retry-After": "3"}, times=1)
    )
    await asyncio.gather(*(daemon.order(n=n) for n in range(6)))
    await daemon.until_runs("chart", *["succeeded"] * 6)
    runs = await daemon.until_runs("ask", *["succeeded"] * 6)
    refused, *others = daemon.sandbox.ledger.read("populr")
    assert refused.status == 429
    assert min(one.at for one in others) >= refused.at + 3 * times.SECOND
    assert sorted(run["attempts"] for run in runs) == [1, 1, 1, 1, 1, 2]
    assert daemon.events(DOWN) == []


async def test_many_runs_go_on_at_the_accounts_rate_over_a_kill(daemon: Daemon) -> None:
    daemon.configure(MAKE, accounts=FAST.replace("1000/s", f"{RATE}/s"))
    await daemon.start()
    async with nobody_there(daemon):
        await asyncio.gather(*(daemon.order(n=n) for n in range(40)))
        await until_parked(daemon, 40)
    await waiting.wait_for(lambda: len(daemon.effects("populr", "pop.created")) >= 8, COMES_BACK, "runs")
    await daemon.kill()
    killed_at = daemon.sandbox.clock.now()
    await daemon.start()
    await daemon.until_runs("make", *["succeeded"] * 40)
    assert len(daemon.effects("populr", "pop.created")) == 40
    calls = [one.at for one in daemon.sandbox.ledger.read("populr")]
    for first, last in ((0, killed_at), (killed_at, daemon.sandbox.clock.now())):
        at = [instant for instant in calls if first <= instant < last]
        windows = [sum(begin <= instant < begin + times.SECOND for instant in at) for begin in at]
        assert max(windows) <= 2 * RATE + 1  # a full bucket, and a second's worth
    assert len(daemon.events(DOWN)) == 1
