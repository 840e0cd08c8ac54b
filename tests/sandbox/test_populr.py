"""Populr, simulated: keys, pops and their filling, assets, domains, paging."""

import aiohttp
import pytest

from tests.sandbox import calling


async def test_only_the_key_as_basic_user_is_taken(caller: calling.Caller) -> None:
    good = caller.sandbox.credentials["populr"]["api_key"]
    for sent in (calling.basic("wrong", ""), f"Bearer {good}", "Basic ???", ""):
        answer = await caller.call("populr", "GET", "/pops", headers={"Authorization": sent})
        assert (answer.status, answer.body["error_type"]) == (401, "request.unauthorized")
    answer = await caller.call("populr", "GET", "/pops", headers={"Authorization": calling.basic(good, "x")})
    assert (answer.status, answer.body) == (200, [])


async def test_an_unknown_path_is_told_in_the_documents_words(caller: calling.Caller) -> None:
    for path in ("/nonesuch", "/pops/1/nonesuch"):
        answer = await caller.call("populr", "GET", path)
        assert (answer.status, answer.body["error_type"]) == (404, "request.not_found_api")
    outside = await caller.send("GET", caller.sandbox.urls["populr"].removesuffix("/v0") + "/pops")
    assert outside.status == 401


async def test_lists_answer_with_and_without_a_slash(caller: calling.Caller) -> None:
    with_slash = await caller.call("populr", "GET", "/templates/")
    without = await caller.call("populr", "GET", "/templates")
    assert with_slash.body == without.body
    assert [template["name"] for template in without.body] == ["City page", "Brochure"]


async def test_a_pop_is_made_filled_published_and_taken_down(caller: calling.Caller) -> None:
    body = {"pop": {"template_id": calling.TEMPLATE, "name": "Offer 17"}, "populate_tags": {"city": "Oslo"}}
    pop = (await caller.call("populr", "POST", "/pops", json=body)).body
    assert pop["published_pop_url"] == ""
    assert pop["unpopulated_api_tags"] == ["signups"]
    assert pop["unpopulated_api_regions"] == []
    assert pop["slug"] == "offer-17"
    early = await caller.call("populr", "POST", f"/pops/{pop['_id']}/publish")
    assert (early.status, early.body["error_type"]) == (402, "not_fully_populated")
    filled = await caller.call(
        "populr", "PUT", f"/pops/{pop['_id']}", json={"populate_tags": {"signups": "3"}}
    )
    assert filled.body["unpopulated_api_tags"] == []
    published = await caller.call("populr", "POST", f"/pops/{pop['_id']}/publish", json={})
    assert published.body["published_pop_url"] == "http://sandbox.populr.me/offer-17"
    down = await caller.call("populr", "POST", f"/pops/{pop['_id']}/unpublish")
    assert down.body["published_pop_url"] == ""
    assert caller.sandbox.ledger.effects("populr") == [
        (effect, pop["_id"]) for effect in ("pop.created", "pop.updated", "pop.published", "pop.unpublished")
    ]


@pytest.mark.parametrize(
    "body, error_type",
    [
        ({}, "missing_param"),
        ({"pop": {"name": "x"}}, "missing_param"),
        ({"pop": {"template_id": "0"}}, "not_found"),
        ({"pop": {"template_id": calling.TEMPLATE, "slug": "offer"}}, "request.validation"),
        ({"pop": {"template_id": calling.TEMPLATE, "label_names": "a"}}, "request.validation"),
        ({"pop": {"template_id": calling.TEMPLATE, "name": None}}, "request.validation"),
        ({"pop": {"template_id": calling.TEMPLATE, "domain": "a.example"}}, "domain_not_available"),
        ({"pop": {"template_id": calling.TEMPLATE}, "populate_tags": {"no": "x"}}, "tag_not_found"),
        ({"pop": {"template_id": calling.TEMPLATE}, "populate_tags": {"city": {}}}, "request.validation"),
        ({"pop": {"template_id": calling.TEMPLATE}, "populate_regions": {"a": ["1"]}}, "region_not_found"),
        (
            {"pop": {"template_id": calling.BROCHURE}, "populate_regions": {"map_region": "1"}},
            "request.validation",
        ),
        (
            {"pop": {"template_id": calling.TEMPLATE, "collaboration_webhook": "http://a.example/%{when}"}},
            "invalid_webhook_url",
        ),
    ],
)
async def test_a_pop_that_is_wrong_is_refused_whole(
    caller: calling.Caller, body: dict, error_type: str
) -> None:
    await caller.published_pop(slug="offer")
    before = len((await caller.call("populr", "GET", "/pops")).body)
    answer = await caller.call("populr", "POST", "/pops", json=body)
    assert answer.body["error_type"] == error_type
    assert answer.status == (404 if error_type == "not_found" else 400)
    assert len((await caller.call("populr", "GET", "/pops")).body) == before


async def test_a_tag_is_filled_once(caller: calling.Caller) -> None:
    pop = await caller.published_pop()
    again = await caller.call(
        "populr", "PUT", f"/pops/{pop['_id']}", json={"populate_tags": {"city": "Rome"}}
    )
    assert (again.status, again.body["error_type"]) == (400, "tag_not_found")


async def test_errors_come_under_a_200_when_told_to(caller: calling.Caller) -> None:
    await caller.control("/control/populr/settings", errors_under_200=True)
    answer = await caller.call("populr", "POST", "/pops", json={})
    assert (answer.status, answer.body["error_type"]) == (200, "missing_param")
    missing = await caller.call("populr", "GET", "/pops/0")
    assert missing.status == 404


async def test_forms_nest_as_the_ruby_client_sends_them(caller: calling.Caller) -> None:
    form = [
        ("pop[template_id]", calling.TEMPLATE),
        ("pop[name]", "From a form"),
        ("pop[label_names][]", "a"),
        ("pop[label_names][]", "b"),
        ("populate_tags[city]", "Oslo"),
    ]
    pop = (await caller.call("populr", "POST", "/pops/", data=form)).body
    assert (pop["name"], pop["label_names"], pop["unpopulated_api_tags"]) == (
        "From a form",
        ["a", "b"],
        ["signups"],
    )


async def test_lists_are_bare_arrays_by_offset_and_count(caller: calling.Caller) -> None:
    names = [(await caller.published_pop(name=f"Pop {n}"))["name"] for n in range(5)]
    seen: list[str] = []
    offset = 0
    while shown := (await caller.call("populr", "GET", f"/pops?count=2&offset={offset}")).body:
        seen += [pop["name"] for pop in shown]
        offset += len(shown)
    assert seen == names[::-1]
    below = await caller.call("populr", "GET", f"/templates/{calling.TEMPLATE}/pops?count=3")
    assert [pop["name"] for pop in below.body] == names[:1:-1]


async def test_assets_are_uploaded_and_placed_by_their_type(caller: calling.Caller) -> None:
    refused = await caller.call("populr", "POST", "/images", json={"file": "a"})
    assert (refused.status, refused.body["error_type"]) == (400, "file_upload_required")
    form = aiohttp.FormData()
    form.add_field("file", b"\x89PNG", filename="a.png", content_type="image/png")
    form.add_field("title", "A picture")
    image = (await caller.call("populr", "POST", "/images", data=form)).body
    assert image["asset_id"] == image["_id"]
    kept = caller.sandbox.populr.state()["assets"][0]
    assert (kept["type"], kept["filename"], kept["size"]) == ("image", "a.png", 4)
    assert not {"type", "filename", "size"} & set(image)
    embed = (await caller.call("populr", "POST", "/embeds", json={"source_html": "<p>"})).body
    pop = {"template_id": calling.BROCHURE}
    wrong = {"pop": pop, "populate_regions": {"image_region": [embed["_id"]]}}
    answer = await caller.call("populr", "POST", "/pops", json=wrong)
    assert answer.body["error_type"] == "illegial_asset_type"
    right = {"pop": pop, "populate_regions": {"image_region": [image["_id"]], "map_region": embed["_id"]}}
    made = await caller.call("populr", "POST", "/pops", json=right)
    assert made.body["unpopulated_api_regions"] == {"document_region": {"type": "document"}}
    gone = await caller.call("populr", "DELETE", f"/images/{image['_id']}")
    again = await caller.call("populr", "DELETE", f"/images/{image['_id']}")
    assert (gone.status, again.status) == (200, 404)


async def test_domains_are_texts_and_refuse_what_is_taken(caller: calling.Caller) -> None:
    added = await caller.call("populr", "POST", "/domains", json={"domain": "pops.example.com"})
    listed = await caller.call("populr", "GET", "/domains")
    assert added.status == 200
    assert listed.body == ["sandbox.populr.me", "pops.example.com"]
    for domain in ("pops.example.com", "taken.example.com", "no domain", "localhost"):
        refused = await caller.call("populr", "POST", "/domains", json={"domain": domain})
        assert (refused.status, refused.body["error_type"]) == (400, "request.validation")
    await caller.call("populr", "DELETE", "/domains?domain=pops.example.com")
    assert (await caller.call("populr", "GET", "/domains")).body == ["sandbox.populr.me"]


async def test_the_links_of_a_pop_come_and_go_with_their_switches(caller: calling.Caller) -> None:
    pop = await caller.published_pop(collaboration_link_enabled=True)
    assert pop["collaboration_link_url"].startswith(f"https://populr.me/collaborate/{pop['_id']}/")
    off = {"pop": {"collaboration_link_enabled": False}}
    answer = await caller.call("populr", "PUT", f"/pops/{pop['_id']}", json=off)
    assert answer.body["collaboration_link_url"] is None
