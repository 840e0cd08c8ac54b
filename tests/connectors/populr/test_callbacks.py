"""What Populr's callbacks say, in every shape they have been seen in."""

import contextlib
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.populr import webhooks
from daemon.contract import errors
from daemon.model import jsons

POP = "51536c6add02dc42d9000005"
TRACER = "51536c6add02dc42d9000009"
COUNTERS = {
    "views": 6,
    "clicks": 24,
    "links": {"http://www.populr.me/": {"clicks": 4}},
    "assets": {"my_image_region": {"132213ae21f4812f": {"clicks": 10}, "f48121f48121f421": {"clicks": 3}}},
}
BODY = {
    "group": {"id": "51536582dd02dcccf9000000", "name": "Acme"},
    "pop": {"id": POP, "name": "Offer", "title": "An offer", "slug": "offer", "domain": None},
    "tracer": {"name": "Twitter", "code": "tc", "analytics": COUNTERS},
}
QUERY = {"pop": POP, "tracer": TRACER}


def changed(**parts):
    return {**copy.deepcopy(BODY), **parts}


def test_the_documented_body_claims_its_counters():
    claim = webhooks.tracer.understand(BODY, QUERY)
    assert (claim.subject, claim.resource, claim.id) == (POP, "tracers", f"{POP}/{TRACER}")
    assert claim.claimed == {**COUNTERS, "code": "tc"}
    assert claim.options == {"pop_id": POP}
    assert (claim.pop_id, claim.tracer_id) == (POP, TRACER)


def test_ids_may_be_called_as_in_the_api():
    body = changed(pop={"_id": POP, "name": "Offer"}, group={"_id": "g"})
    assert webhooks.tracer.understand(body, {}).pop_id == POP
    seen = webhooks.tracer.told(webhooks.tracer.understand(body, QUERY), None, 1)
    assert seen is not None
    assert seen.facts[0].data["group"] == {"id": "g", "name": None}


@pytest.mark.parametrize(
    "analytics", [None, {}, {"views": None}, {"views": 0, "links": None, "assets": None}]
)
def test_missing_counters_are_nought(analytics):
    body = changed(tracer={"name": "Twitter", "code": "tc", "analytics": analytics})
    claimed = webhooks.tracer.understand(body, {}).claimed
    assert claimed == {"views": 0, "clicks": 0, "links": {}, "assets": {}, "code": "tc"}


def test_a_callback_without_ids_names_its_tracer_by_code_and_name():
    body = changed(tracer={"name": "ada & co/2", "code": "tc"})
    assert webhooks.tracer.understand(body, {}).id == f"{POP}/?code=tc&name=ada%20%26%20co%2F2"


def test_unfilled_placeholders_are_no_ids():
    claim = webhooks.tracer.understand(BODY, {"pop": "%{pop-id}", "tracer": "%{tracer-id}"})
    assert (claim.id, claim.tracer_id) == (f"{POP}/?code=tc&name=Twitter", None)


@pytest.mark.parametrize(
    "body, query",
    [
        (BODY, {"pop": "51536c6add02dc42d9000006"}),
        (BODY, {"pop": POP, "tracer": "a/b"}),
        (BODY, {"tracer": "x" * 129}),
        (BODY, {"tracer": "tc\x00"}),
        (changed(pop={"id": "a\x00b"}), {}),
        (changed(pop={"id": "x" * 129}), {}),
        (changed(pop={"id": "../users"}), {}),
        (changed(pop={"id": True}), {}),
        (changed(pop={}), {}),
        (changed(pop="Offer"), {}),
        (changed(tracer={"name": None}), {}),
        (changed(tracer={"name": "line\nbreak"}), {}),
        (changed(tracer={"name": "n" * 513}), {}),
        (changed(tracer={"name": "n", "analytics": {"views": -1}}), {}),
        (changed(tracer={"name": "n", "analytics": {"views": "6"}}), {}),
        (changed(tracer={"name": "n", "analytics": {"views": True}}), {}),
        (changed(tracer={"name": "n", "analytics": {"links": [1]}}), {}),
        ([], {}),
        (None, {}),
    ],
)
def test_another_shape_is_malformed_and_not_quoted(body, query):
    with pytest.raises(errors.MalformedBody) as refused:
        webhooks.tracer.understand(body, query)
    assert refused.value.text
    assert "x" * 20 not in refused.value.text
    assert "_TracerBody" not in refused.value.text


@pytest.mark.parametrize("body, text", [([], "body: an object"), (changed(pop="Offer"), "pop: an object")])
def test_what_is_no_object_is_told_in_plain_words(body, text):
    with pytest.raises(errors.MalformedBody, match=f"^{text} is expected$"):
        webhooks.tracer.understand(body, {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["id", "_id", "pop", "tracer"]), inner)
        ),
    )
)
def test_no_body_breaks_the_reader(body):
    for hook in (webhooks.tracer, webhooks.collaboration):
        claims = []
        with contextlib.suppress(errors.MalformedBody):
            claims = [hook.understand(body, {})]
        assert all(claim.pop_id for claim in claims)


@pytest.mark.parametrize("lost", ["both", "first", "last", "comma"])
def test_a_lost_outer_brace_is_put_back(lost):
    whole = jsons.dumps(BODY).encode()
    raw = {"both": whole[1:-1], "first": whole[1:], "last": whole[:-1], "comma": b"\n" + whole[1:-1] + b",\n"}
    mended = webhooks.repair(raw[lost])
    assert mended is not None
    assert jsons.loads(mended) == BODY


def test_a_brace_inside_a_text_is_no_brace():
    body = {"pop": {"id": POP, "name": 'a "{{" b\\'}, "tracer": {"code": "tc"}}
    raw = jsons.dumps(body).encode()[1:-1]
    mended = webhooks.repair(raw)
    assert mended is not None
    assert jsons.loads(mended) == body


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[1", b'"text"', b'{"pop": {"id": {', b'"other": {}', b"nonsense"]
)
def test_what_is_broken_otherwise_stays_broken(raw):
    assert webhooks.repair(raw) is None


@given(st.binary())
def test_repair_never_raises(raw):
    assert webhooks.repair(raw) is None or raw.strip()


def test_a_trusted_body_is_told_once_and_counts_on():
    claim = webhooks.tracer.understand(BODY, QUERY)
    first = webhooks.tracer.told(claim, None, 1)
    assert first is not None
    data = first.facts[0].data
    assert data["delta"] == COUNTERS
    assert (data["first"], data["firing"], data["via"]) == (True, 1, "webhook")
    assert data["tracer"] == {"id": TRACER, "name": "Twitter", "code": "tc"}
    assert webhooks.tracer.told(claim, first.memory, 2) is None
    assert not webhooks.tracer.news(claim, first.memory)
    more = changed(tracer={"name": "Twitter", "code": "tc", "analytics": {**COUNTERS, "views": 8}})
    second = webhooks.tracer.told(webhooks.tracer.understand(more, QUERY), first.memory, 2)
    assert second is not None
    assert second.facts[0].data["delta"] == {"views": 2, "clicks": 0, "links": {}, "assets": {}}
    assert second.facts[0].data["first"] is False
    assert second.facts[0].key != first.facts[0].key


def test_an_old_trusted_body_says_nothing():
    first = webhooks.tracer.told(webhooks.tracer.understand(BODY, QUERY), None, 1)
    assert first is not None
    old = changed(tracer={"name": "Twitter", "code": "tc", "analytics": {"views": 2}})
    assert webhooks.tracer.told(webhooks.tracer.understand(old, QUERY), first.memory, 2) is None


def test_a_trusted_body_without_counters_is_an_opening():
    body = changed(tracer={"name": "Twitter", "code": "tc"})
    seen = webhooks.tracer.told(webhooks.tracer.understand(body, {}), None, 1)
    assert seen is not None
    assert seen.facts[0].data["delta"]["views"] == 0


FULL_POP = {
    "_id": POP,
    "title": "New",
    "template_id": "t",
    "password": "s3cret",
    "collaboration_webhook": "u",
}


@pytest.mark.parametrize("body", [FULL_POP, {"pop": FULL_POP}, {**FULL_POP, "id": POP, "_id": None}])
def test_a_collaboration_body_is_the_pop_bare_or_wrapped(body):
    claim = webhooks.collaboration.understand(body, {})
    assert (claim.resource, claim.id, claim.options, claim.claimed["title"]) == ("pops", POP, {}, "New")
    assert "s3cret" not in str(claim.claimed)


def test_a_trusted_collaboration_is_told_once():
    claim = webhooks.collaboration.understand(FULL_POP, {})
    first = webhooks.collaboration.told(claim, None, 1)
    assert first is not None
    assert [fact.type for fact in first.facts] == ["populr.collaboration.finished"]
    assert webhooks.collaboration.told(claim, first.memory, 2) is None
    assert not webhooks.collaboration.news(claim, first.memory)
    again = webhooks.collaboration.understand({**FULL_POP, "title": "Newer"}, {})
    second = webhooks.collaboration.told(again, first.memory, 3)
    assert second is not None
    assert second.facts[-1].data["changed"] == ["title"]
    back = webhooks.collaboration.told(claim, second.memory, 4)
    assert back is not None
    assert back.facts[-1].key not in {first.facts[-1].key, second.facts[-1].key}
