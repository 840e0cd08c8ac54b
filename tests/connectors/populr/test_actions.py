"""Populr's actions before the simulated Populr."""

import pytest
from pydantic import ValidationError

from daemon.connectors.populr import connector
from daemon.connectors.populr.actions import assets, collaboration, domains, pops, templates, tracers
from daemon.contract import errors, own_paths
from tests.connectors import stub

REQUEST = connector.actions["populr.request"]

CALL = stub.call_of()


async def do(action, client, call=CALL, **given):
    """Call *action* as a step whose file stands in the config."""
    with own_paths.said(own_paths.of([given["file"]] if isinstance(given.get("file"), str) else [])):
        return await action.call(client, action.parameters.model_validate(given), call)


async def make(populr, template, call=CALL, **given):
    return await do(pops.create_pop, populr, call, template_id=template["_id"], **given)


async def test_a_pop_is_made_filled_published_and_taken_down(populr, template):
    done = await make(
        populr, template, name="Bergen in May", populate_tags={"city": "Bergen"}, password="pass-1"
    )
    assert done.made == [("pop", done.result.id)]
    assert done.result.unpopulated_api_tags == ["signups"]
    assert done.result.slug == "bergen-in-may-m-run-step"
    filled = await do(
        pops.update_pop, populr, pop_id=done.result.id, populate_tags={"signups": 17}, title="T"
    )
    assert (filled.result.unpopulated_api_tags, filled.result.title) == ([], "T")
    public = await do(pops.publish_pop, populr, pop_id=done.result.id)
    assert public.result.published_pop_url.endswith("/bergen-in-may-m-run-step")
    assert filled.made == public.made == done.made
    down = await do(pops.unpublish_pop, populr, pop_id=done.result.id)
    assert not down.result.published_pop_url
    read = await do(pops.get_pop, populr, pop_id=done.result.id)
    assert (read.result.title, read.result.password) == ("T", "pass-1")


async def test_publishing_an_open_pop_is_refused_in_populrs_words(populr, template):
    made = await make(populr, template)
    with pytest.raises(errors.PermanentError, match=r"unfilled tags: city, signups.*not_fully_populated"):
        await do(pops.publish_pop, populr, pop_id=made.result.id)


async def test_an_error_under_200_is_an_error(populr, template, sandbox):
    made = await make(populr, template)
    sandbox.populr.settings["errors_under_200"] = True
    with pytest.raises(errors.PermanentError, match=r"200: .*not_fully_populated") as refused:
        await do(pops.publish_pop, populr, pop_id=made.result.id)
    assert refused.value.status == 400  # a refusal, which leaves nobody in doubt


def test_regions_are_sent_as_lists_and_tags_as_text():
    given = {
        "template_id": "t",
        "populate_regions": {"a": "1", "b": ["2", "3"]},
        "populate_tags": {"x": True},
    }
    fields = pops.CreatePop.model_validate(given).model_dump(exclude_unset=True)
    assert pops.body_of(fields) == {
        "pop": {"template_id": "t"},
        "populate_regions": {"a": ["1"], "b": ["2", "3"]},
        "populate_tags": {"x": "true"},
    }


async def test_a_tracer_that_notifies_carries_our_url_and_does_not_show_it(populr, template, sandbox):
    made = await make(populr, template)
    done = await do(tracers.create_tracer, populr, pop_id=made.result.id, name="ada@example.com", notify=True)
    kept = sandbox.populr.tracers[made.result.id][done.result.id]
    assert kept["notify_webhook"] == "https://hooks.example/tracer?pop=%{pop-id}&tracer=%{tracer-id}"
    assert kept["notify_on_open"] is True
    assert done.made == [("tracer", f"{made.result.id}/{done.result.id}")]
    assert "hooks.example" not in done.result.model_dump_json()
    read = await do(tracers.get_tracer, populr, pop_id=made.result.id, tracer_id=done.result.id)
    assert (read.result.code, read.result.analytics.views) == (kept["code"], 0)
    assert "hooks.example" not in read.result.model_dump_json()


async def test_a_tracer_without_a_code_is_understood(populr, template, sandbox):
    sandbox.populr.settings["omit_tracer_codes"] = True
    made = await make(populr, template)
    done = await do(tracers.create_tracer, populr, pop_id=made.result.id, name="n")
    assert (done.result.code, done.result.name) == (None, "n")


def test_two_webhooks_are_one_too_many():
    with pytest.raises(ValidationError, match="leave one of them out") as refused:
        tracers.CreateTracer.model_validate(
            {"pop_id": "p", "name": "n", "notify": True, "notify_webhook": "https://secret.example"}
        )
    assert "secret.example" not in str(refused.value)


async def test_collaboration_is_enabled_with_our_url(populr, template, sandbox):
    made = await make(populr, template)
    given = {"pop_id": made.result.id, "collaboration_interstitial_text": "Hello"}
    done = await do(collaboration.enable_collaboration, populr, **given)
    kept = sandbox.populr.pops[made.result.id]
    assert kept["collaboration_webhook"] == "https://hooks.example/collaboration"
    assert kept["collaboration_interstitial_text"] == "Hello"
    assert done.result.collaboration_link_enabled is True
    assert "hooks.example" not in done.result.model_dump_json()


async def test_collaboration_is_disabled_and_those_who_are_at_it_are_still_told_of(populr, template, sandbox):
    made = await make(populr, template)
    await do(collaboration.enable_collaboration, populr, pop_id=made.result.id)
    done = await do(collaboration.disable_collaboration, populr, pop_id=made.result.id)
    kept = sandbox.populr.pops[made.result.id]
    assert (kept["collaboration_link_enabled"], kept["collaboration_link_url"]) == (False, None)
    assert kept["collaboration_webhook"]
    assert done.made == made.made


async def test_pops_are_listed_whole_by_page_and_by_template(populr, template, sandbox):
    other = list(sandbox.populr.templates.values())[1]
    made = [(await make(populr, template, name=f"Pop {n}")).result.id for n in range(3)]
    apart = (await do(pops.create_pop, populr, template_id=other["_id"])).result.id
    every = await do(pops.list_pops, populr)
    assert [one.id for one in every.result.pops] == [apart, *reversed(made)]
    page = await do(pops.list_pops, populr, count=2, offset=1)
    assert [one.id for one in page.result.pops] == [made[2], made[1]]
    mine = await do(pops.list_template_pops, populr, template_id=template["_id"])
    assert [one.id for one in mine.result.pops] == made[::-1]
    last = await do(pops.list_template_pops, populr, template_id=template["_id"], offset=2)
    assert [one.id for one in last.result.pops] == [made[0]]


async def test_a_pop_is_deleted_once_and_it_is_no_error_twice(populr, template, sandbox):
    made = await make(populr, template)
    first = await do(pops.delete_pop, populr, pop_id=made.result.id)
    again = await do(pops.delete_pop, populr, pop_id=made.result.id)
    assert (first.result.existed, again.result.existed) == (True, False)
    assert sandbox.populr.pops == {}
    assert sandbox.ledger.effects("populr")[-1] == ("pop.deleted", made.result.id)


async def test_domains_are_added_listed_and_deleted(populr, sandbox):
    await do(domains.add_domain, populr, domain="pops.example.com")
    listed = await do(domains.list_domains, populr)
    assert listed.result.domains == ["sandbox.populr.me", "pops.example.com"]
    with pytest.raises(errors.PermanentError, match="already in use"):
        await do(domains.add_domain, populr, domain="taken.example.com")
    first = await do(domains.delete_domain, populr, domain="pops.example.com")
    again = await do(domains.delete_domain, populr, domain="pops.example.com")
    assert (first.result.existed, again.result.existed) == (True, False)
    assert sandbox.populr.domains == ["sandbox.populr.me"]


async def test_a_domain_that_stays_although_it_was_to_go_is_an_error(vendor, stubbed):
    vendor.answer({"error": "No.", "error_type": "request.failed"}, 402).answer(["a.example.com"])
    with pytest.raises(errors.PermanentError, match="402: No"):
        await do(domains.delete_domain, stubbed, domain="a.example.com")
    assert vendor.asked[0].path == "/v0/domains?domain=a.example.com"


async def test_templates_are_listed(populr, template, sandbox):
    done = await do(templates.list_templates, populr)
    assert [one.id for one in done.result.templates] == list(sandbox.populr.templates)
    assert done.result.templates[0].api_tags == ["city", "signups"]
    page = await do(templates.list_templates, populr, count=1, offset=1)
    assert [one.id for one in page.result.templates] == list(sandbox.populr.templates)[1:]


async def test_any_path_can_be_called(populr):
    done = await do(REQUEST, populr, method="POST", path="/embeds", json={"source_html": "<b>"})
    assert (done.result.status, done.result.body["source_html"]) == (200, "<b>")
    with pytest.raises(errors.PermanentError, match="not_found_api"):
        await do(REQUEST, populr, path="/nowhere")


async def test_a_missing_pop_is_missing(populr):
    with pytest.raises(errors.PermanentError) as lost:
        await do(pops.get_pop, populr, pop_id="nobody")
    assert lost.value.missing


UPLOADS = {
    assets.upload_document: (assets.delete_document, "document"),
    assets.upload_image: (assets.delete_image, "image"),
    assets.upload_background_image: (assets.delete_background_image, "background_image"),
}


@pytest.mark.parametrize("upload", UPLOADS, ids=lambda one: one.name)
async def test_a_file_is_uploaded_and_deleted(populr, sandbox, tmp_path, upload):
    place = tmp_path / "brochure.pdf"
    place.write_bytes(b"%PDF-1.4 " * 1000)
    done = await do(upload, populr, file=str(place), title="Brochure")
    (kept,) = sandbox.populr.assets.values()
    delete, kind = UPLOADS[upload]
    assert (kept["type"], kept["title"], kept["filename"], kept["size"]) == (
        kind,
        "Brochure",
        "brochure.pdf",
        9000,
    )
    assert (done.result.id, done.result.asset_id) == (kept["_id"], kept["_id"])
    assert done.made == [("asset", kept["_id"])]
    first = await do(delete, populr, asset_id=done.result.id)
    again = await do(delete, populr, asset_id=done.result.id)
    assert (first.result.existed, again.result.existed, sandbox.populr.assets) == (True, False, {})


async def test_an_image_has_a_link_and_rows_become_a_document(populr, sandbox):
    image = {"name": "a.png", "content": "png"}
    done = await do(assets.upload_image, populr, file=image, link="https://a.example/")
    assert done.result.link == "https://a.example/"
    rows = await do(assets.upload_document, populr, file={"name": "s.csv", "rows": [{"a": 1}]})
    assert sandbox.populr.assets[rows.result.id]["size"] == len("a\r\n1\r\n")
    assert sandbox.populr.assets[rows.result.id]["filename"] == "s.csv"


async def test_assets_are_placed_in_a_pop(populr, sandbox):
    brochure = list(sandbox.populr.templates)[1]
    embed = await do(assets.create_embed, populr, source_html="<b>map</b>", title="Map")
    assert (embed.result.source_html, embed.result.title) == ("<b>map</b>", "Map")
    background = await do(assets.upload_background_image, populr, file={"name": "b.png", "content": "x"})
    pop = await do(
        pops.create_pop,
        populr,
        template_id=brochure,
        populate_regions={"map_region": embed.result.id},
        background_image_asset_id=background.result.id,
    )
    assert set(pop.result.unpopulated_api_regions) == {"image_region", "document_region"}
    assert pop.result.background_image_asset_id == background.result.id
    gone = await do(assets.delete_embed, populr, asset_id=embed.result.id)
    assert gone.result.existed
    again = {"template_id": brochure, "slug": "other", "populate_regions": {"map_region": embed.result.id}}
    with pytest.raises(errors.PermanentError, match="valid asset ID"):
        await do(pops.create_pop, populr, **again)


async def test_an_asset_is_known_by_either_of_its_ids(vendor, stubbed):
    vendor.answer({"asset_id": "a1", "title": ""})
    assert (await do(assets.create_embed, stubbed, source_html="<b>")).result.id == "a1"
    vendor.answers[0] = (200, b'{"title": ""}', {"Content-Type": "application/json"})
    with pytest.raises(errors.PermanentError, match="no _id"):
        await do(assets.create_embed, stubbed, source_html="<b>")
