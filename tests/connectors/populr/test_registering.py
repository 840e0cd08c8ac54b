"""What a tracer's hook is taken for, and what is looked through for hooks of ours. Pure, then before a stub."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.populr import client, registering, watches
from daemon.contract.registering import Known, State, Wish
from tests.connectors import stub, support

OWN = "https://h.example/hooks/populr/tracer/token?pop=%{pop-id}&tracer=%{tracer-id}"
BARE = OWN.partition("?")[0]

hooks = st.sampled_from(
    [OWN, BARE, f"{BARE}?x=1", "https://other.example/x", "", None, "no url at all", BARE + "x"]
)
tracers = st.lists(
    st.builds(
        lambda id, name, hook, on: {"id": id, "name": name, "notify_webhook": hook, "notify_on_open": on},
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from(["Twitter", "Mail"]),
        hooks,
        st.sampled_from([True, False, None]),
    )
)


@given(tracers)
def test_a_tracer_stands_when_one_of_its_name_calls_us(found: list[dict[str, Any]]) -> None:
    change = registering.compare_tracer("p", "Twitter", found, OWN)
    named = [one for one in found if one["name"] == "Twitter"]
    calling = [
        one
        for one in named
        if (one["notify_webhook"] or "").split("?")[0] == BARE and one["notify_on_open"] is not False
    ]
    expected = State.ADOPT if calling else State.DRIFT if named else State.CREATE
    assert change.state is expected
    assert change.replaces == (expected is State.DRIFT)
    assert (change.object_id is None) == (expected is State.CREATE)
    # What is made stands afterwards, whatever was there before.
    made = {"id": "new", "name": "Twitter", "notify_webhook": OWN, "notify_on_open": True}
    assert registering.compare_tracer("p", "Twitter", [*found, made], OWN).state is State.ADOPT


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("https://user:pass@other.example/secret?k=v", "other.example"),
        ("https://h.example/hooks/populr/tracer/old", "an earlier address of ours, whose token is another"),
        ("no url at all", "something that is no URL"),
        ("http://[broken", "something that is no URL"),
    ],
)
def test_a_strange_hook_is_named_by_its_host_alone(hook: str, said: str) -> None:
    assert registering.where(hook, OWN) == said


@given(st.text(max_size=40))
def test_any_hook_can_be_named(hook: str) -> None:
    assert registering.where(hook, OWN)


async def test_pops_whose_tracers_runs_made_are_not_looked_through(
    vendor: stub.Stub, stubbed: client.PopulrClient
) -> None:
    pops = [{"_id": f"p{n}", "tracers": [{"_id": "t", "name": "mail"}]} for n in range(3)]
    vendor.answer(pops).answer(pops).answer([])  # the second page brings nothing new
    known = Known(made=frozenset({("tracer", "p0/t"), ("tracer", "p1/t")}), readable=True)
    found = await registering.look(stubbed, [Wish("p0")], lambda hook: f"https://h.example/{hook}", known)
    assert [change.state for change in found] == [State.CREATE]
    asked = {request.path.partition("?")[0] for request in vendor.asked}
    assert asked == {"/v0/pops", "/v0/pops/p2/tracers"}


@pytest.mark.parametrize(
    ("fields", "hook"),
    [
        ({"notify_on_open": True, "notify_webhook": OWN}, True),
        ({"notify_on_open": False, "notify_webhook": OWN}, False),
        ({"notify_on_open": True, "notify_webhook": None}, False),
        ({}, None),
    ],
)
async def test_a_look_at_a_tracer_tells_whether_its_hook_is_on(
    vendor: stub.Stub, stubbed: client.PopulrClient, fields: dict[str, Any], hook: bool | None
) -> None:
    counted = {"_id": "t", "name": "mail", "analytics": {"views": 1, "clicks": 0}}
    vendor.answer({"_id": "p", "tracers": []}).answer({**counted, **fields})
    looking = support.Polling(watches.tracers, stubbed, pop_id="p")
    (seen,) = await looking.look(wanted=("p/t",))
    assert (seen.hook, seen.id) == (hook, "p/t")
