"""Callbacks that are registered by ``apply``, counted until Populr calls no more, and carried on by polling."""

import asyncio
import json
import os
import sys
from functools import partial
from typing import Any

from daemon.sandbox import populr_pops
from tests import waiting
from tests.journeys.daemons import PATIENCE, ROOT, Daemon, reaction, step

OPENED = reaction(
    "opened",
    "populr.tracer.opened",
    step(
        "tonalytica.create_query",
        'name = "views {{ event.data.analytics.views }}", query = "select 1", data_source_id = 1',
    ),
)


def stand(daemon: Daemon) -> str:
    """A published pop; its id."""
    group = daemon.sandbox.populr
    pop = populr_pops.new_pop(group, next(iter(group.templates.values())), {"name": "Offer"})
    pop["published_pop_url"] = "http://pops.example/offer"
    group.pops[pop["_id"]], group.tracers[pop["_id"]] = pop, {}
    return str(pop["_id"])


async def command(daemon: Daemon, *arguments: str) -> tuple[int, Any]:
    """A command beside the daemon; its exit code and its JSON document."""
    called = await begin(daemon, *arguments, "--json")
    out, err = await asyncio.wait_for(called.communicate(), PATIENCE)
    assert called.returncode in (0, 1), err.decode()
    return called.returncode, json.loads(out)


async def begin(daemon: Daemon, *arguments: str) -> asyncio.subprocess.Process:
    """A command that is under way."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", "--config", str(daemon.config), *arguments),
        cwd=daemon.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def calling(document: Any) -> dict[str, Any]:
    """What ``watches`` says of the one tracer that is called about."""
    (found,) = [one for one in document["watches"] if one["role"] == "hint"]
    return dict(found)


async def test_a_registered_tracer_is_followed_beyond_its_dozen(daemon: Daemon) -> None:
    pop_id = stand(daemon)
    callback = f'\n[[callback]]\nservice = "populr"\npop_id = "{pop_id}"\ntracer = "Twitter"\n'
    daemon.configure(OPENED, callback)
    await daemon.start()
    assert (await command(daemon, "plan"))[0] == 1
    assert (await command(daemon, "apply"))[0] == 0
    assert (await command(daemon, "plan"))[1]["changes"] == 0
    (tracer_id,) = daemon.sandbox.populr.tracers[pop_id]
    row = f"hint:populr:tracers:{pop_id}/{tracer_id}"
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM memories WHERE calling IS NOT NULL"), PATIENCE)
    found = calling((await command(daemon, "watches"))[1])
    assert (found["name"], found["in_charge"], found["firings"]) == (row, "callback", 0)
    for _ in range(12):
        daemon.sandbox.calls.open(pop_id, tracer_id, 1, 0, {}, {})
        # Where a poll was faster, a callback says nothing new, and is counted all the same.
        assert await daemon.sandbox.calls.fire(pop_id, tracer_id, {}) in (200, 202)
    await waiting.wait_for(lambda: told(daemon) == 12, PATIENCE, "all twelve")
    found = calling((await command(daemon, "watches"))[1])
    assert (found["in_charge"], found["because"], found["firings"]) == ("poll", "budget", 12)
    await daemon.restart()
    daemon.sandbox.calls.open(pop_id, tracer_id, 5, 0, {}, {})  # Populr calls no more
    daemon.change("UPDATE watches SET due_at = 0 WHERE name = ?", row)
    await waiting.wait_for(lambda: told(daemon) == 17, PATIENCE, "the rise that nobody called about")
    rises = [event["data"]["delta"]["views"] for event in daemon.events("populr.tracer.opened")]
    assert sum(rises) == 17
    assert [one["percent"] for one in daemon.said("callbacks.budget_used")] == [50, 75, 100]
    await waiting.wait_for(
        lambda: len(daemon.effects("tonalytica", "query.created")) == len(rises),
        PATIENCE,
        "an effect for each",
    )


async def test_an_apply_that_is_killed_and_repeated_makes_everything_once(daemon: Daemon) -> None:
    pop_id = stand(daemon)
    names = [f"tracer {n}" for n in range(12)]
    daemon.configure(
        *(f'\n[[callback]]\nservice = "populr"\npop_id = "{pop_id}"\ntracer = "{name}"\n' for name in names)
    )
    for enough in (2, 6, 9):
        called = await begin(daemon, "apply")
        await waiting.wait_for(partial(has_tracers, daemon, pop_id, enough), PATIENCE, f"{enough} tracers")
        called.kill()
        await called.communicate()
    assert (await command(daemon, "apply"))[0] == 0
    standing = sorted(one["name"] for one in daemon.sandbox.populr.tracers[pop_id].values())
    assert standing == sorted(names)
    assert (await command(daemon, "plan"))[0] == 0


def has_tracers(daemon: Daemon, pop_id: str, enough: int) -> bool:
    return len(daemon.sandbox.populr.tracers[pop_id]) >= enough


def told(daemon: Daemon) -> int:
    """How many views the events tell of."""
    return sum(event["data"]["delta"]["views"] for event in daemon.events("populr.tracer.opened"))
