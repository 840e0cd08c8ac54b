"""Populr's probes: what a lost call made is found and adopted, what it did not make is not, and a stranger's
work is never taken for ours."""

import pytest

from daemon.connectors.populr.actions import domains, pops, tracers
from daemon.contract import errors
from daemon.model import times
from tests.connectors import doubts

TAGS = {"city": "Bergen", "signups": 17}


@pytest.fixture
def ready(populr, sandbox):
    def prepare(action, marker="0123456789ab", **given):
        return doubts.prepare(action, populr, sandbox, marker, **given)

    return prepare


@pytest.fixture
async def pop(ready, template):
    done = await ready(pops.create_pop, template_id=template["_id"], name="Offer").repeat()
    return done.result


def effects(sandbox, name):
    return [effect for effect, _ in sandbox.ledger.effects("populr")].count(name)


@pytest.mark.parametrize("given", [{}, {"name": "Bergen"}, {"name": "Bergen", "slug": "bergen-in-may"}])
async def test_a_lost_pop_is_found_by_its_slug(ready, template, sandbox, given):
    lost = await doubts.lose(
        ready(pops.create_pop, template_id=template["_id"], **given), sandbox, after=True
    )
    found = await lost.look()
    (kept,) = sandbox.populr.pops.values()
    assert found.result.id == kept["_id"]
    assert found.made == [("pop", kept["_id"])]
    assert effects(sandbox, "pop.created") == 1


@pytest.mark.parametrize("given", [{}, {"name": "Bergen"}, {"name": "Bergen", "slug": "bergen-in-may"}])
async def test_a_pop_that_was_never_made_is_not_found(ready, template, sandbox, given):
    lost = await doubts.lose(
        ready(pops.create_pop, template_id=template["_id"], **given), sandbox, after=False
    )
    other = ready(pops.create_pop, "ba9876543210", template_id=template["_id"], name="Bergen")
    await other.repeat()  # another run's, of the same name
    assert await lost.look() is None
    done = await lost.repeat()
    assert (await lost.look()).result.id == done.result.id
    assert effects(sandbox, "pop.created") == 2


async def test_a_slug_that_was_taken_before_is_not_ours(ready, template, sandbox):
    given = {"template_id": template["_id"], "name": "Bergen", "slug": "bergen"}
    await ready(pops.create_pop, **given).repeat()
    lost = await doubts.lose(ready(pops.create_pop, "ba9876543210", **given), sandbox, after=True)
    assert await lost.look() is None
    with pytest.raises(errors.PermanentError, match="already in use"):
        await lost.repeat()
    assert effects(sandbox, "pop.created") == 1


async def test_a_slug_that_a_stranger_took_meanwhile_is_unclear(ready, template, sandbox):
    given = {"template_id": template["_id"], "slug": "bergen"}
    lost = await doubts.lose(ready(pops.create_pop, name="Bergen", **given), sandbox, after=False)
    await ready(pops.create_pop, name="Theirs", **given).repeat()
    with pytest.raises(errors.Unclear, match="another name"):
        await lost.look()


async def test_a_pop_without_a_marker_gets_no_slug_from_us(ready, template, sandbox):
    bare = ready(pops.create_pop, "", template_id=template["_id"], name="Bergen")
    await bare.repeat()
    (kept,) = sandbox.populr.pops.values()
    assert kept["slug"] == "bergen"
    named = ready(pops.create_pop, "", template_id=template["_id"], slug="own")
    assert [one.probe.relies_on_marker(one.parameters) for one in (bare, named)] == [True, False]
    assert (bare.lock, named.lock) == ("", "slug/own")


async def test_a_service_without_slugs_is_searched_by_name_and_time(ready, template, sandbox, virtual_clock):
    await ready(pops.create_pop, template_id=template["_id"], name="Bergen").repeat()
    await virtual_clock.advance(times.HOUR)
    later = ready(pops.create_pop, "ba9876543210", template_id=template["_id"], name="Bergen")
    lost = await doubts.lose(later, sandbox, after=True)
    for kept in sandbox.populr.pops.values():
        kept["slug"] = None
    newest = list(sandbox.populr.pops)[-1]
    assert (await lost.look()).result.id == newest
    twin = dict(sandbox.populr.pops[newest], _id="twin")
    sandbox.populr.pops["twin"] = twin
    with pytest.raises(errors.Unclear, match="twin"):
        await lost.look()


@pytest.mark.parametrize("given", [{"populate_tags": TAGS}, {"populate_tags": TAGS, "title": "T"}])
async def test_a_lost_filling_is_found(ready, pop, sandbox, given):
    lost = await doubts.lose(
        ready(pops.update_pop, pop_id=pop.id, **given), sandbox, after=True, method="PUT"
    )
    found = await lost.look()
    assert found.result.unpopulated_api_tags == []
    assert effects(sandbox, "pop.updated") == 1


async def test_a_filling_that_never_was_is_made(ready, pop, sandbox):
    first = ready(pops.update_pop, pop_id=pop.id, populate_tags=TAGS)
    lost = await doubts.lose(first, sandbox, after=False, method="PUT")
    assert await lost.look() is None
    await lost.repeat()
    assert sandbox.populr.pops[pop.id]["unpopulated_api_tags"] == []
    assert effects(sandbox, "pop.updated") == 1


async def test_a_tag_that_was_filled_before_is_refused_in_the_vendors_words(ready, pop, sandbox):
    await ready(pops.update_pop, pop_id=pop.id, populate_tags={"city": "Oslo"}).repeat()
    again = ready(pops.update_pop, pop_id=pop.id, populate_tags=TAGS)
    lost = await doubts.lose(again, sandbox, after=False, method="PUT")
    assert await lost.look() is None
    with pytest.raises(errors.PermanentError, match="tag_not_found"):
        await lost.repeat()


@pytest.mark.parametrize(
    "theirs", [{"populate_tags": {"city": "Oslo"}}, {"populate_tags": TAGS, "title": "Theirs"}]
)
async def test_what_a_stranger_filled_meanwhile_is_unclear(ready, pop, sandbox, theirs):
    ours = ready(pops.update_pop, pop_id=pop.id, populate_tags=TAGS, title="Ours")
    lost = await doubts.lose(ours, sandbox, after=False, method="PUT")
    await ready(pops.update_pop, pop_id=pop.id, **theirs).repeat()
    with pytest.raises(errors.Unclear, match=r"city|filled"):
        await lost.look()


async def test_plain_fields_need_neither_note_nor_lock(ready, pop, sandbox):
    plain = ready(pops.update_pop, pop_id=pop.id, title="T")
    before = len(sandbox.ledger.read("populr"))
    await doubts.take_note(plain)
    assert len(sandbox.ledger.read("populr")) == before
    filling = ready(pops.update_pop, pop_id=pop.id, populate_tags=TAGS)
    assert (plain.lock, filling.lock) == ("", f"pop/{pop.id}")
    doubt = [pops.update_pop.doubt_for(one.parameters).value for one in (plain, filling)]
    assert doubt == ["repeatable", "probed"]


async def test_a_pop_that_is_gone_was_not_filled(ready, pop, sandbox):
    first = ready(pops.update_pop, pop_id=pop.id, populate_tags=TAGS)
    lost = await doubts.lose(first, sandbox, after=False, method="PUT")
    await ready(pops.delete_pop, pop_id=pop.id).repeat()
    assert await lost.look() is None


async def test_a_lost_tracer_is_found_by_its_name(ready, pop, sandbox):
    await ready(tracers.create_tracer, pop_id=pop.id, name="ada").repeat()
    lost = await doubts.lose(
        ready(tracers.create_tracer, pop_id=pop.id, name="ada", notify=True), sandbox, after=True
    )
    found = await lost.look()
    kept = list(sandbox.populr.tracers[pop.id].values())
    assert (found.result.id, found.result.code) == (kept[1]["_id"], kept[1]["code"])
    assert found.made == [("tracer", f"{pop.id}/{kept[1]['_id']}")]
    assert effects(sandbox, "tracer.created") == 2


async def test_a_tracer_that_was_never_made_is_not_found(ready, pop, sandbox):
    await ready(tracers.create_tracer, pop_id=pop.id, name="ada").repeat()
    first = ready(tracers.create_tracer, pop_id=pop.id, name="ada")
    lost = await doubts.lose(first, sandbox, after=False)
    await ready(tracers.create_tracer, pop_id=pop.id, name="eve").repeat()  # a stranger's is none of ours
    assert await lost.look() is None


@pytest.mark.parametrize("after, notify, said", [(True, False, "2 tracers"), (False, True, "notify_webhook")])
async def test_a_strangers_tracer_of_the_same_name_is_unclear(ready, pop, sandbox, after, notify, said):
    first = ready(tracers.create_tracer, pop_id=pop.id, name="ada", notify=notify)
    lost = await doubts.lose(first, sandbox, after=after)
    await ready(tracers.create_tracer, pop_id=pop.id, name="ada").repeat()
    with pytest.raises(errors.Unclear, match=said) as held:
        await lost.look()
    assert "hooks.example" not in held.value.text


async def test_without_a_note_a_tracer_of_that_name_is_unclear(ready, pop, sandbox):
    await ready(tracers.create_tracer, pop_id=pop.id, name="ada").repeat()
    doubtful = ready(tracers.create_tracer, pop_id=pop.id, name="ada")
    with pytest.raises(errors.Unclear, match="not known"):
        await doubtful.look()
    doubtful.before = {}
    with pytest.raises(errors.Unclear, match="not known"):
        await doubtful.look()
    assert await ready(tracers.create_tracer, pop_id=pop.id, name="eve").look() is None


async def test_what_cannot_be_noted_is_left_to_the_call_to_say(vendor, stubbed, sandbox):
    vendor.answer({"error": "We do not understand.", "error_type": "request.not_found_api"}, 404)
    for action, given in (
        (tracers.create_tracer, {"name": "ada"}),
        (pops.update_pop, {"populate_tags": TAGS}),
    ):
        doubtful = doubts.prepare(action, stubbed, sandbox, pop_id="p", **given)
        await doubts.take_note(doubtful)
        assert doubtful.before == {}
        with pytest.raises(errors.PermanentError, match="do not understand"):
            await doubtful.repeat()


async def test_tracers_without_ids_in_their_pop_are_listed(vendor, stubbed):
    vendor.answer({"_id": "p", "tracers": [{"name": "ada"}]}).answer([{"_id": "t", "name": "ada"}]).answer([])
    assert [one["id"] for one in await tracers.tracers_of(stubbed, "p")] == ["t"]
    assert vendor.asked[1].path.startswith("/v0/pops/p/tracers?")


async def test_a_lost_domain_is_found_and_a_missing_one_is_not(ready, sandbox):
    lost = await doubts.lose(ready(domains.add_domain, domain="Pops.example.com"), sandbox, after=True)
    assert (await lost.look()).result.domain == "Pops.example.com"
    never = await doubts.lose(ready(domains.add_domain, domain="other.example.com"), sandbox, after=False)
    assert await never.look() is None
    assert effects(sandbox, "domain.added") == 1


async def test_a_look_that_cannot_ask_tells_so(ready, pop, sandbox):
    doubtful = ready(tracers.create_tracer, pop_id=pop.id, name="ada")
    sandbox.populr.api_key = "ANOTHER-KEY"
    with pytest.raises(errors.TemporaryError) as failed:
        await doubtful.look()
    assert failed.value.unauthorized
