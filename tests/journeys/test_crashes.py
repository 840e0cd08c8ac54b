"""The daemon is killed at the worst moment, and everything it acknowledged happens all the same."""

import asyncio
from collections import Counter
from functools import partial

import aiohttp

from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

TEMPLATE = "51536582dd02dcccf9000001"
TAGS = '{ city = "Oslo", signups = "42" }'
ORDERS = 50
AT_ONCE = 8  # calls of one account under way, as the fixture's config has it
MAKE = reaction(
    "make",
    "order.came",
    step(
        "populr.create_pop",
        f'template_id = "{TEMPLATE}", name = "Offer {{{{ event.data.n }}}}", populate_tags = {TAGS}',
        "pop",
    ),
    step("populr.publish_pop", 'pop_id = "{{ steps.pop.id }}"'),
    step("state.set", 'key = "offer {{ event.data.n }}", value = "{{ steps.pop.id }}"'),
    step(
        "event.emit",
        'type = "offer.made", subject = "{{ event.data.n }}", data = { pop = "{{ steps.pop.id }}" }',
    ),
)
CHARGE = reaction(
    "charge",
    "order.came",
    step("populr.request", 'method = "POST", path = "/pops", json = { pop = {} }', "ask"),
)


async def test_fifty_runs_survive_a_kill_in_their_middle(daemon: Daemon) -> None:
    daemon.configure(MAKE)
    await daemon.start()
    slow = daemon.sandbox.faults.add(faults.Fault("populr", "delay", seconds=0.15, times=None))
    acknowledged = await asyncio.gather(*(daemon.order(n=n) for n in range(ORDERS)))
    await waiting.wait_for(lambda: len(daemon.effects("populr", "pop.created")) >= 12, PATIENCE)
    await daemon.kill()
    daemon.sandbox.faults.remove(slow)
    finished_before = len(daemon.rows("SELECT id FROM runs WHERE status = 'succeeded'"))
    assert finished_before < ORDERS
    await daemon.start()
    await daemon.until_runs("make", *["succeeded"] * ORDERS)
    assert sorted(event["id"] for event in daemon.events("order.came")) == sorted(acknowledged)
    assert sorted(run["event_id"] for run in daemon.runs("make")) == sorted(acknowledged)
    made = daemon.effects("populr", "pop.created")
    published = Counter(daemon.effects("populr", "pop.published"))
    assert ORDERS <= len(made) <= ORDERS + AT_ONCE
    assert ORDERS <= published.total() <= ORDERS + AT_ONCE
    told = daemon.events("offer.made")
    assert sorted(int(event["subject"]) for event in told) == list(range(ORDERS))
    assert {event["data"]["pop"] for event in told} == set(published)
    kept = daemon.rows("SELECT value FROM state")
    assert {row["value"].strip('"') for row in kept} == set(published)


def is_longer(taken: list[str], count: int) -> bool:
    return len(taken) > count


async def test_kills_while_orders_come_lose_none_that_was_acknowledged(daemon: Daemon) -> None:
    emits = step("event.emit", 'type = "offer.made", subject = "{{ event.data.n }}"')
    daemon.configure(reaction("make", "order.came", emits))
    acknowledged: list[str] = []
    sending = True

    async def send(worker: int) -> None:
        number = 0
        while sending:
            number += 1
            try:
                acknowledged.append(await daemon.order(n=worker * 100_000 + number))
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.02)  # it is down; whoever sends comes again

    await daemon.start()
    senders = [asyncio.create_task(send(worker)) for worker in range(4)]
    for _ in range(2):
        enough = len(acknowledged) + 60
        await waiting.wait_for(partial(is_longer, acknowledged, enough), PATIENCE, "orders taken")
        await daemon.restart()
    sending = False
    await asyncio.gather(*senders)
    known = {event["id"] for event in daemon.events("order.came")}
    assert set(acknowledged) <= known
    await daemon.until_runs("make", *["succeeded"] * len(known))
    assert len(daemon.events("offer.made")) == len(known)


async def test_an_unsafe_call_under_way_is_held_for_a_person(daemon: Daemon) -> None:
    daemon.configure(CHARGE)
    await daemon.start()
    hangs = daemon.sandbox.faults.add(faults.Fault("populr", "hang", method="POST", times=None, seconds=60))
    await daemon.order(n=1)
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM steps WHERE status = 'running'"), PATIENCE)
    await waiting.wait_for(
        lambda: daemon.sandbox.faults._waiting[hangs].taken == 1, PATIENCE, "the call at the service"
    )
    await daemon.restart()
    (run,) = await daemon.until_runs("charge", "in_doubt")
    (told,) = await daemon.until_events("pointsman.run.in_doubt")
    (ask,) = daemon.steps(run["id"])
    assert (told["data"]["run"]["id"], told["data"]["error"]) == (run["id"], run["error"])
    assert (ask["status"], ask["attempts"], run["finished_at"]) == ("in_doubt", 1, None)
    assert daemon.sandbox.faults._waiting[hangs].taken == 1


async def test_a_dropped_connection_before_and_after_the_effect(daemon: Daemon) -> None:
    quick = '{ attempts = 5, first = "100ms", max = "200ms" }'
    daemon.configure(
        reaction(
            "read",
            "order.came",
            step("populr.list_templates", id="all"),
            retry=quick,
            when='"event.data.n == 1"',
        ),
        CHARGE.replace('on = "order.came"', 'on = "order.came"\nwhen = "event.data.n == 2"'),
    )
    await daemon.start()
    daemon.sandbox.faults.add(faults.Fault("populr", "drop_before"))
    daemon.sandbox.faults.add(faults.Fault("populr", "drop_after"))
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("read", "succeeded")
    (read,) = daemon.steps(run["id"])
    # The HTTP client itself asks once more where that is harmless, so one attempt may meet both.
    assert read["attempts"] == len(read["history"]) + 1 > 1
    daemon.sandbox.faults.add(faults.Fault("populr", "drop_before", method="POST"))
    await daemon.order(n=2)
    (held,) = await daemon.until_runs("charge", "in_doubt")
    assert "connection broke" in held["error"]


async def test_a_second_daemon_on_the_same_file_is_refused(daemon: Daemon) -> None:
    daemon.configure()
    await daemon.start()
    first = daemon.process
    daemon.log = daemon.folder / "second.log"
    daemon.spawn()
    second, daemon.process = daemon.process, first
    assert second is not None
    await waiting.wait_for(lambda: second.poll() is not None, PATIENCE, "the second daemon's end")
    assert second.returncode not in (0, None)
    said = daemon.log.read_text()
    assert f"another daemon (process {first.pid if first else 0}) has this journal" in said
    assert "Traceback" not in said
    assert (await daemon.order(n=1)) == daemon.events("order.came")[0]["id"]
    assert await daemon.stop() == 0
