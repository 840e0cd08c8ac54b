"""Populr's watches before the simulated Populr, and read-backs of its callbacks."""

import pytest

from daemon.connectors.populr import watches, webhooks
from daemon.contract import errors
from tests.connectors import support


@pytest.fixture
async def pop(populr, template):
    fields = {"pop": {"template_id": template["_id"], "name": "Offer"}, "populate_tags": {"city": "Bergen"}}
    return await populr.write("POST", "/pops", fields)


@pytest.fixture
async def tracer(populr, pop):
    return await populr.write("POST", f"/pops/{pop['id']}/tracers", {"name": "Twitter"})


@pytest.fixture
def opening(sandbox, pop, tracer):
    """Somebody looks at the pop."""

    def look(views=1, clicks=0, **links):
        sandbox.calls.open(pop["id"], tracer["id"], views, clicks, links, {})

    return look


def body_of(pop, tracer, **counters):
    told = {"name": tracer["name"], "code": tracer["code"], "analytics": counters}
    return {"pop": {"id": pop["id"]}, "tracer": told}


async def read_back(polling, claim, callbacks=1, **cursor):
    return await polling.look(
        announce=True,
        wanted=(claim.id,),
        hinted=frozenset({claim.id}),
        callbacks={claim.id: callbacks},
        claims={claim.id: (claim.claimed,)},
        **cursor,
    )


@pytest.fixture(params=["pop_id", "template_id"])
def tracers(request, populr, pop, template):
    given = {"pop_id": pop["id"], "template_id": template["_id"]}[request.param]
    return support.Polling(watches.tracers, populr, **{request.param: given})


async def test_openings_are_told_by_their_rise(tracers, opening, pop, tracer):
    opening(views=2)
    assert await tracers.poll() == []
    opening(views=1, clicks=0, **{"http://a/": 2})
    (fact,) = await tracers.poll()
    assert (fact.type, fact.subject) == ("populr.tracer.opened", pop["id"])
    assert fact.data["delta"] == {
        "views": 1,
        "clicks": 2,
        "links": {"http://a/": {"clicks": 2}},
        "assets": {},
    }
    assert fact.data["analytics"]["views"] == 3
    assert (fact.data["first"], fact.data["firing"], fact.data["via"]) == (True, 0, "poll")
    assert fact.data["tracer"] == {"id": tracer["id"], "name": "Twitter", "code": tracer["code"]}
    assert fact.data["pop"]["name"] == "Offer"
    assert await tracers.poll() == []


async def test_a_tracer_made_later_is_told_from_nought(tracers, populr, pop, sandbox):
    await tracers.poll()
    made = await populr.write("POST", f"/pops/{pop['id']}/tracers", {"name": "Mail"})
    assert await tracers.poll() == []
    sandbox.calls.open(pop["id"], made["id"], 3, 0, {}, {})
    (fact,) = await tracers.poll()
    assert fact.data["delta"]["views"] == 3


async def test_a_deleted_tracer_is_forgotten(tracers, populr, pop, tracer):
    await tracers.poll()
    await populr.send("DELETE", f"/pops/{pop['id']}/tracers/{tracer['id']}")
    (seen,) = await tracers.look()
    assert (seen.gone, seen.id, list(seen.facts)) == (True, f"{pop['id']}/{tracer['id']}", [])
    await populr.send("DELETE", f"/pops/{pop['id']}")
    assert tracers.memory == {}


async def test_tracers_of_a_deleted_pop_are_forgotten(tracers, populr, pop, tracer):
    await tracers.poll()
    await populr.send("DELETE", f"/pops/{pop['id']}")
    assert [seen.gone for seen in await tracers.look()] == [True]


async def test_a_pop_that_never_was_is_an_error(populr):
    with pytest.raises(errors.PermanentError) as lost:
        await support.Polling(watches.tracers, populr, pop_id="nobody").poll()
    assert lost.value.missing


async def test_other_watches_tracers_are_left_alone(populr, pop, tracer, opening):
    mine = support.Polling(watches.tracers, populr, pop_id=pop["id"])
    await mine.poll()
    foreign = {**mine.memory[f"{pop['id']}/{tracer['id']}"], "template_id": "other"}
    mine.memory["other/x"] = foreign
    assert [seen.id for seen in await mine.look()] == [f"{pop['id']}/{tracer['id']}"]


@pytest.mark.parametrize("codes", ["told", "omitted"])
@pytest.mark.parametrize("named", ["by id", "by code"])
async def test_a_read_back_confirms_and_tells(populr, pop, tracer, opening, sandbox, named, codes):
    opening(views=2)
    sandbox.populr.settings["omit_tracer_codes"] = codes == "omitted"
    query = {"pop": pop["id"], "tracer": tracer["id"]} if named == "by id" else {}
    claim = webhooks.tracer.understand(body_of(pop, tracer, views=2), query)
    polling = support.Polling(watches.tracers, populr, **claim.options)
    (seen,) = await read_back(polling, claim)
    assert seen.id == claim.id
    (fact,) = seen.facts
    assert (fact.data["via"], fact.data["firing"], fact.data["delta"]["views"]) == ("webhook", 1, 2)
    assert webhooks.tracer.judge(claim, seen.memory).word == "confirmed"
    assert not webhooks.tracer.news(claim, seen.memory)
    (again,) = await read_back(polling, claim, 2)
    assert list(again.facts) == []


async def test_an_invented_callback_is_refuted_and_tells_nothing(populr, pop, tracer, opening):
    opening(views=2)
    query = {"pop": pop["id"], "tracer": tracer["id"]}
    claim = webhooks.tracer.understand(body_of(pop, tracer, views=9000), query)
    polling = support.Polling(watches.tracers, populr, pop_id=pop["id"])
    (seen,) = await read_back(polling, claim)
    assert list(seen.facts) == []
    verdict = webhooks.tracer.judge(claim, seen.memory)
    assert verdict.word == "refuted"
    assert verdict.found is not None
    assert verdict.found["views"] == 2
    genuine = webhooks.tracer.understand(body_of(pop, tracer, views=2), query)
    assert webhooks.tracer.news(genuine, seen.memory)
    (seen,) = await read_back(polling, genuine, 2)
    assert support.types_of(seen.facts) == ["populr.tracer.opened"]


@pytest.mark.parametrize("query", [{}, {"tracer": "nobody"}])
async def test_a_callback_for_no_tracer_is_refuted(populr, pop, tracer, query):
    claim = webhooks.tracer.understand(body_of(pop, {"name": "x", "code": "zz"}, views=1), query)
    (seen,) = await read_back(support.Polling(watches.tracers, populr, pop_id=pop["id"]), claim)
    assert (seen.gone, list(seen.facts)) == (True, [])
    assert webhooks.tracer.judge(claim, None).word == "refuted"


async def test_a_callback_and_a_poll_of_one_opening_are_one_fact(populr, pop, tracer, opening):
    polling = support.Polling(watches.tracers, populr, pop_id=pop["id"])
    await polling.poll()
    opening(views=2, **{"http://a/": 1})
    (polled,) = await polling.poll()
    counters = {"views": 2, "clicks": 1, "links": {"http://a/": {"clicks": 1}}}
    claim = webhooks.tracer.understand(body_of(pop, tracer, **counters), {})
    called = webhooks.tracer.told(claim, None, 1)
    assert called is not None
    assert called.facts[0].key == polled.key


async def test_a_tracer_of_two_names_is_told_once(populr, pop, tracer, opening):
    polling = support.Polling(watches.tracers, populr, pop_id=pop["id"])
    await polling.poll()
    opening(views=2)
    claim = webhooks.tracer.understand(body_of(pop, tracer, views=2), {})
    (seen,) = await read_back(polling, claim)
    assert support.types_of(seen.facts) == ["populr.tracer.opened"]
    assert await polling.poll() == []
    opening(views=1)
    (polled,) = await polling.poll()
    assert (polled.data["delta"]["views"], polled.data["first"]) == (1, False)
    opening(views=1)
    claim = webhooks.tracer.understand(body_of(pop, tracer, views=4), {})
    (seen,) = await read_back(polling, claim, 2)
    assert seen.facts[0].data["delta"]["views"] == 1


@pytest.fixture(params=["all", "template_id", "ids"])
def pops(request, populr, pop, template):
    given = {"all": {}, "template_id": {"template_id": template["_id"]}, "ids": {"ids": [pop["id"]]}}
    return support.Polling(watches.pops, populr, **given[request.param])


async def test_a_pops_life_is_told(pops, populr, pop):
    assert await pops.poll() == []
    await populr.write("PUT", f"/pops/{pop['id']}", {"populate_tags": {"signups": "1"}})
    (filled,) = await pops.poll()
    assert (filled.type, filled.data["previous"]["unpopulated_api_tags"]) == (
        "populr.pop.populated",
        ["signups"],
    )
    await populr.write("POST", f"/pops/{pop['id']}/publish")
    assert support.types_of(await pops.poll()) == ["populr.pop.published"]
    await populr.write("PUT", f"/pops/{pop['id']}", {"pop": {"title": "New"}})
    assert support.types_of(await pops.poll()) == ["populr.pop.changed"]
    await populr.write("POST", f"/pops/{pop['id']}/unpublish")
    assert support.types_of(await pops.poll()) == ["populr.pop.unpublished"]
    await populr.send("DELETE", f"/pops/{pop['id']}")
    assert support.types_of(await pops.poll()) == ["populr.pop.deleted"]
    assert await pops.poll() == []


async def test_new_pops_are_told_across_pages(populr, template, sandbox):
    polling = support.Polling(watches.pops, populr, template_id=template["_id"])
    await polling.poll()
    for number in range(53):
        body = {"pop": {"template_id": template["_id"], "name": f"Pop {number}"}}
        await populr.write("POST", "/pops", body)
    facts = await polling.poll()
    assert support.types_of(facts) == ["populr.pop.created"] * 53
    assert await polling.poll() == []


async def test_refused_credentials_take_nothing_away(pops, sandbox):
    await pops.poll()
    sandbox.populr.api_key = "another"
    with pytest.raises(errors.TemporaryError) as refused:
        await pops.poll()
    assert refused.value.unauthorized
    assert pops.memory


async def test_a_finished_collaboration_is_read_back(populr, pop):
    await populr.write("PUT", f"/pops/{pop['id']}", {"pop": {"title": "New"}})
    posted = await populr.read(f"/pops/{pop['id']}")
    polling = support.Polling(watches.pops, populr)
    claim = webhooks.collaboration.understand({"pop": posted}, {})
    (seen,) = await read_back(polling, claim)
    assert support.types_of(seen.facts) == ["populr.collaboration.finished"]
    assert seen.facts[0].data["pop"]["title"] == "New"
    assert webhooks.collaboration.judge(claim, seen.memory).word == "confirmed"
    assert not webhooks.collaboration.news(claim, seen.memory)


async def test_an_invented_collaboration_is_not_told(populr, pop):
    claim = webhooks.collaboration.understand({"id": pop["id"], "title": "Invented"}, {})
    polling = support.Polling(watches.pops, populr)
    (seen,) = await read_back(polling, claim)
    assert list(seen.facts) == []
    assert webhooks.collaboration.judge(claim, seen.memory).word == "refuted"
    stranger = webhooks.collaboration.understand({"id": "nobody"}, {})
    (seen,) = await read_back(polling, stranger)
    assert (seen.gone, list(seen.facts)) == (True, [])


@pytest.mark.parametrize(
    "watch, given",
    [
        (watches.tracers, {}),
        (watches.tracers, {"pop_id": "p", "template_id": "t"}),
        (watches.pops, {"ids": ["p"], "template_id": "t"}),
        (watches.pops, {"pop_id": "p"}),
    ],
)
def test_options_that_contradict_are_refused(watch, given):
    with pytest.raises(ValueError, match="validation error"):
        watch.options.model_validate(given)
