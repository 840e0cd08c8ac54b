"""Every creating call of Populr and Popily loses its answer once; each effect is there once all the same."""

from collections import Counter
from pathlib import Path

from daemon.sandbox import populr_pops
from daemon.sandbox.faults import Fault
from tests.journeys.daemons import Daemon, reaction, step

BROCHURE = "51536582dd02dcccf9000002"
CREATING = {
    "populr": (
        ("POST", "*/images"),
        ("POST", "*/documents"),
        ("POST", "*/embeds"),
        ("POST", "*/pops"),
        ("PUT", "*/pops/*"),
        ("POST", "*/publish"),
        ("POST", "*/tracers"),
        ("POST", "*/domains"),
    ),
    "popily": (("POST", "*/users/"), ("POST", "*/sources/")),
}
ONCE = {
    "populr": {
        "pop.created": 1,
        "pop.updated": 1,
        "tracer.created": 1,
        "domain.added": 1,
        # What nobody can look for is held for a person, unless its reaction says that it be done again.
        "image.created": 2,
        "document.created": 2,
        "embed.created": 2,
        "pop.published": 2,
    },
    "popily": {"user.created": 1, "source.added": 1},
}


def page(brochure: Path) -> str:
    return reaction(
        "page",
        "order.came",
        step("populr.upload_image", 'file = { name = "a.png", content = "png" }', "image"),
        step("populr.upload_document", f'file = "{brochure}"', "document"),
        step("populr.create_embed", 'source_html = "<b>map</b>"', "embed"),
        step("populr.create_pop", f'template_id = "{BROCHURE}", name = "Offer"', "pop"),
        step(
            "populr.update_pop",
            'pop_id = "{{ steps.pop.id }}", populate_tags = { first_name = "Ada", last_name = "L" },'
            'populate_regions = { image_region = "{{ steps.image.id }}", map_region = "{{ steps.embed.id }}",'
            'document_region = "{{ steps.document.id }}" }',
        ),
        step("populr.publish_pop", 'pop_id = "{{ steps.pop.id }}"'),
        step("populr.create_tracer", 'pop_id = "{{ steps.pop.id }}", name = "ada", notify = true'),
        step("populr.add_domain", 'domain = "pops.example.com"'),
        retry='{ first = "50ms" }',
        on_doubt='"redo"',
    )


def intake() -> str:
    return reaction(
        "intake",
        "order.came",
        step("popily.create_user", 'username = "ada"', "user"),
        step(
            "popily.add_source",
            'title = "Orders", created_by = "{{ steps.user.id }}", file = { rows = [{ city = "Oslo" }] },'
            'columns = [{ column_header = "city", data_type = "category" }], wait = true',
            "source",
        ),
        retry='{ first = "50ms" }',
    )


async def test_each_effect_is_there_once_though_every_answer_was_lost(daemon: Daemon, tmp_path: Path) -> None:
    brochure = tmp_path / "brochure.pdf"
    brochure.write_bytes(b"%PDF" * 1000)
    for kind, calls in CREATING.items():
        for method, path in calls:
            daemon.sandbox.faults.add(Fault(service=kind, kind="drop_after", method=method, path=path))
    daemon.configure(page(brochure), intake())
    await daemon.start()
    await daemon.order(n=1)
    await daemon.until_runs("page", "succeeded")
    await daemon.until_runs("intake", "succeeded")
    assert daemon.sandbox.faults.read() == []
    for kind, expected in ONCE.items():
        done = Counter(effect for effect, _ in daemon.sandbox.ledger.effects(kind))
        assert dict(done) == expected
    (pop,) = daemon.sandbox.populr.pops.values()
    assert (pop["unpopulated_api_tags"], pop["unpopulated_api_regions"]) == ([], {})
    (source,) = daemon.sandbox.popily.sources.values()
    assert source["created_by"] == 4


async def test_two_runs_at_once_that_lose_their_answers_make_one_thing_each(daemon: Daemon) -> None:
    trace = reaction(
        "trace",
        "order.came",
        step(
            "populr.create_pop", f'template_id = "{BROCHURE}", slug = "shared-{{{{ event.data.n }}}}"', "pop"
        ),
        step("populr.create_tracer", 'pop_id = "{{ event.data.pop_id }}", name = "ada"', "tracer"),
        step("popily.add_source", 'title = "Orders", rows = [{ city = "Oslo" }]'),
        step("state.set", 'key = "{{ event.data.n }}", value = "{{ steps.tracer.id }}"'),
        retry='{ first = "50ms" }',
    )
    daemon.configure(trace)
    await daemon.start()
    pop_id = "51536c6add02dc42d9000005"
    shared = daemon.sandbox.populr
    shared.pops[pop_id] = populr_pops.new_pop(shared, shared.templates[BROCHURE], {}) | {"_id": pop_id}
    shared.tracers[pop_id] = {}
    for kind, path in (("populr", "*/tracers"), ("populr", "*/pops"), ("popily", "*/sources/")):
        for fault in ("drop_after", "drop_before"):
            daemon.sandbox.faults.add(Fault(service=kind, kind=fault, method="POST", path=path))
    for number in (1, 2):
        await daemon.order(n=number, pop_id=pop_id)
    await daemon.until_runs("trace", "succeeded", "succeeded")
    tracers = list(shared.tracers[pop_id])
    told = sorted(str(row["value"]).strip('"') for row in daemon.rows("SELECT value FROM state"))
    assert told == sorted(tracers)
    assert len(tracers) == 2
    assert sorted(pop["slug"] for pop in shared.pops.values()) == ["brochure", "shared-1", "shared-2"]
    assert len(daemon.sandbox.popily.sources) == 2
