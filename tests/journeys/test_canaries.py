"""Secrets that Populr and Popily answer: planted there, read by actions and watches, and found nowhere afterwards."""

import re

from daemon.sandbox import populr_pops
from tests.journeys.daemons import Daemon, reaction, step
from tests.sandbox import calling

CANARY = "canary-7f31d0"
TEMPLATE = calling.TEMPLATE


def watch(name: str, service: str, resource: str, more: str = "") -> str:
    return (
        f'\n[[watch]]\nname = "{name}"\nservice = "{service}"\nresource = "{resource}"\nevery = "200ms"\n'
        f"backfill = true\n{more}\n"
    )


READ = reaction(
    "read",
    "order.came",
    step("populr.list_pops", id="pops"),
    step("populr.get_pop", 'pop_id = "{{ event.data.pop_id }}"', "pop"),
    step("populr.request", 'path = "/pops/{{ event.data.pop_id }}"', "plain"),
    step("populr.get_tracer", 'pop_id = "{{ event.data.pop_id }}", tracer_id = "t1"', "tracer"),
    step("popily.list_sources", id="sources"),
    step("popily.get_source", "source_id = 7", "source"),
    step("popily.request", 'path = "/sources/7/"', "again"),
    step("popily.list_insights", "source = 7", "insights"),
    step("popily.get_insight", 'insight_id = "{{ steps.insights.insights[0].id }}"', "insight"),
    step(
        "log.write",
        'message = "{{ steps.pop.password }} {{ steps.source.connection_string }} {{ steps.insight.embed_url }}"',
    ),
)


def plant(daemon: Daemon) -> str:
    """A pop with a tracer, and a finished source, each full of canaries; the pop's id."""
    populr, popily = daemon.sandbox.populr, daemon.sandbox.popily
    secret = {
        "password": f"{CANARY}-1",
        "clone_link_url": f"https://populr.me/clone/{CANARY}-2",
        "collaboration_link_url": f"https://populr.me/collaborate/{CANARY}-3",
        "collaboration_webhook": f"https://hooks.example/{CANARY}-4",
    }
    pop = populr_pops.new_pop(populr, populr.templates[TEMPLATE], {}) | secret
    populr.pops[pop["_id"]] = pop
    analytics = {"views": 1, "clicks": 0, "links": {}, "assets": {}}
    hook = f"https://hooks.example/{CANARY}-5"
    tracer = {"_id": "t1", "name": "ada", "code": "tc", "created_at": None, "notify_webhook": hook}
    populr.tracers[pop["_id"]] = {"t1": {**tracer, "analytics": analytics}}
    column = {"id": 1, "column_header": "city", "data_type": "category", "score": 0.0}
    popily.sources[7] = {
        "id": 7,
        "slug": "sales",
        "columns": [column],
        "connection_string": f"mysql://ada:{CANARY}-6@db.example/sales",
        "url": f"https://data.example/sales.csv?token={CANARY}-7",
    }
    popily.courses[7] = {"at": 0, "outcome": "finished", "fixed": "finished", **popily.durations}
    return str(pop["_id"])


async def test_what_is_secret_at_populr_and_popily_is_kept_nowhere(daemon: Daemon) -> None:
    pop_id = plant(daemon)
    daemon.configure(
        READ,
        watch("pops", "populr", "pops"),
        watch("tracers", "populr", "tracers", f'pop_id = "{pop_id}"'),
        watch("sources", "popily", "sources"),
    )
    await daemon.start()
    await daemon.order(pop_id=pop_id)
    await daemon.until_runs("read", "succeeded")
    for type in ("populr.pop.created", "populr.tracer.opened", "popily.source.added"):
        assert await daemon.until_events(type)
    assert await daemon.stop() == 0
    kept = b"".join(place.read_bytes() for place in daemon.folder.glob("journal.db*"))
    shown = kept + daemon.log.read_bytes()
    assert pop_id.encode() in kept
    assert re.findall(rb"canary-7f31d0-\d", shown) == []
    assert re.findall(rb"sig=[0-9a-f]+", shown) == []  # of the signed addresses of charts
    assert b"[blanked]" in daemon.log.read_bytes()
