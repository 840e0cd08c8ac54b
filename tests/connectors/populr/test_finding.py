"""How earlier calls are recognised, over pops, fillings and tracers of all sorts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.populr.actions import finding
from daemon.contract import errors
from daemon.model import times

SENT_AT = 1_764_547_200 * times.SECOND
OURS = "offer-0123456789ab"
PLACES = st.sets(st.sampled_from("abc"))
NAMES = st.sampled_from(["Offer", "Other"])
POPS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "name": NAMES,
            "slug": st.sampled_from([OURS, "offer-ba9876543210", "offer", "", None]),
            "created_at": st.integers(-5, 5).map(lambda s: times.rfc3339(SENT_AT + s * times.SECOND)),
        }
    ),
    max_size=5,
)


@given(POPS, st.sampled_from(["Offer", None]))
def test_a_pop_of_ours_is_adopted_and_nobody_elses_where_slugs_are_kept(pops, name):
    sent = {"slug": OURS, "template_id": "t", **({"name": name} if name else {})}
    try:
        found = finding.choose_pop(pops, sent, SENT_AT, {})
    except errors.Unclear:
        found = None
        assert not any(str(pop["slug"]).endswith("ba9876543210") for pop in pops)
    ours = [pop for pop in pops if pop["slug"] == OURS]
    if ours:
        assert found == ours[0]
    elif found is not None:
        assert (found["name"], not found["slug"]) == (name, True)
        assert times.parse_rfc3339(found["created_at"]) >= SENT_AT


def test_a_pop_of_that_name_made_just_before_the_call_may_be_ours_on_another_clock():
    pop = {"id": "p", "name": "Offer", "created_at": times.rfc3339(SENT_AT - times.MINUTE)}
    sent = {"slug": OURS, "name": "Offer"}
    with pytest.raises(errors.Unclear, match="p"):
        finding.choose_pop([pop], sent, SENT_AT, {})
    assert finding.choose_pop([pop], sent, SENT_AT + finding.CLOCKS_APART, {}) is None
    assert finding.choose_pop([{**pop, "slug": "offer"}], sent, SENT_AT + finding.CLOCKS_APART, {}) is None


@given(POPS, st.booleans())
def test_a_slug_of_the_operators_own_is_adopted_only_if_it_is_new_and_fits(pops, was_there):
    first = next((pop for pop in pops if pop["slug"] == "offer"), None)
    known = {"pop_id": first["id"] if first and was_there else None}
    try:
        found = finding.choose_pop(pops, {"slug": "Offer!", "name": "Offer"}, SENT_AT, known)
    except errors.Unclear:
        assert first is None or first["name"] == "Other"
        return
    if first is not None and was_there:
        assert found is None
    elif first is not None:
        assert found == first
        assert first["name"] == "Offer"


@given(PLACES, PLACES, PLACES, PLACES)
def test_a_filling_is_adopted_only_if_all_was_open_and_nothing_is(tags, regions, open_before, open_now):
    given_ = {"populate_tags": dict.fromkeys(tags, "x"), "populate_regions": dict.fromkeys(regions, "1")}
    pop = {
        "unpopulated_api_tags": sorted(open_now),
        "unpopulated_api_regions": dict.fromkeys(open_now, "image"),
    }
    before = {"unpopulated_api_tags": sorted(open_before), "unpopulated_api_regions": []}
    noted = {"open": finding.open_places(before)}
    wanted = finding.filled_places(given_)
    left = wanted & set(finding.open_places(pop))
    try:
        found = finding.choose_filled(given_, pop, noted)
    except errors.Unclear:
        assert left
        assert left != wanted
        return
    took = bool(wanted) and not left and wanted <= set(noted["open"])
    assert (found is pop) is took


@given(
    st.lists(st.tuples(st.integers(0, 9), NAMES), unique_by=lambda one: one[0]), st.sets(st.integers(0, 9))
)
def test_a_tracer_is_adopted_only_if_it_is_the_one_new_of_its_name(shown, known):
    tracers = [{"id": str(number), "name": name} for number, name in shown]
    new = [one for one in tracers if one["name"] == "Offer" and int(one["id"]) not in known]
    before = {"tracer_ids": [str(number) for number in known]}
    if len(new) > 1:
        with pytest.raises(errors.Unclear):
            finding.choose_tracer(tracers, "Offer", before)
    else:
        assert finding.choose_tracer(tracers, "Offer", before) == (new[0] if new else None)


@given(st.text(), st.text("0123456789abcdef", min_size=12, max_size=12))
def test_a_made_slug_holds_the_marker_and_fits_an_address(name, marker):
    slug = finding.made_slug(name, marker)
    assert slug.endswith(marker)
    assert len(slug) <= finding.LONGEST_SLUG_WORDS + 1 + len(marker)
    assert all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in slug)
