"""What the simulated Populr sends: 15 minutes after the first view, hourly, a dozen times, never twice."""

from functools import partial
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model import times
from daemon.sandbox import exchange, populr_calls, populr_hooks
from tests import clocks, waiting
from tests.sandbox import calling

PLACES = "?pop=%{pop-id}&again=%{id}&tracer=%{tracer-id}"


async def traced_pop(caller: calling.Caller, url: str, **fields: object) -> tuple[str, str, str]:
    """A published pop with a tracer that calls *url*: the pop's id, the tracer's id, its code."""
    pop = await caller.published_pop()
    body = {"name": "Twitter", "notify_on_open": True, "notify_webhook": url, **fields}
    tracer = (await caller.call("populr", "POST", f"/pops/{pop['_id']}/tracers", json=body)).body
    return pop["_id"], tracer["_id"], tracer["code"]


def has_received(receiver: calling.Receiver, count: int) -> bool:
    return len(receiver.received) == count


async def test_the_first_call_comes_a_quarter_of_an_hour_after_the_first_view(
    caller: calling.Caller, receiver: calling.Receiver, virtual_clock: clocks.VirtualClock
) -> None:
    pop_id, tracer_id, code = await traced_pop(caller, f"{receiver.url}/hook{PLACES}")
    links = {"http://www.populr.me/": 2}
    opened = await caller.control("/control/populr/open", pop_id=pop_id, code=code, clicks=1, links=links)
    assert opened["tracer"]["analytics"]["clicks"] == 3
    read = await caller.call("populr", "GET", f"/pops/{pop_id}/tracers/{tracer_id}")
    assert read.body["analytics"]["views"] == 1
    await virtual_clock.advance(15 * times.MINUTE - 1)
    assert receiver.received == []
    await virtual_clock.advance(1)
    await waiting.wait_for(lambda: receiver.received)
    path, raw = receiver.received[0]
    assert path == f"/hook?pop={pop_id}&again={pop_id}&tracer={tracer_id}"
    body = orjson.loads(raw)
    assert set(body) == {"group", "pop", "tracer"}
    assert body["pop"]["id"] == pop_id
    assert body["tracer"] == {
        "name": "Twitter",
        "code": code,
        "analytics": {"views": 1, "clicks": 3, "links": {"http://www.populr.me/": {"clicks": 2}}},
    }


async def test_calls_go_on_hourly_while_the_pop_is_viewed_and_stop_after_a_dozen(
    caller: calling.Caller, receiver: calling.Receiver, virtual_clock: clocks.VirtualClock
) -> None:
    pop_id, tracer_id, _ = await traced_pop(caller, f"{receiver.url}/hook")
    began = virtual_clock.now()
    for hour in range(14):
        await caller.control("/control/populr/open", pop_id=pop_id, tracer_id=tracer_id)
        await virtual_clock.advance(times.HOUR)
        expected = min(hour + 1, populr_calls.FIRINGS)
        await waiting.wait_for(partial(has_received, receiver, expected))
    told = [entry for entry in caller.sandbox.ledger.read("populr") if entry.effect == "tracer.told"]
    assert [entry.at - began for entry in told[:3]] == [
        15 * times.MINUTE,
        15 * times.MINUTE + times.HOUR,
        15 * times.MINUTE + 2 * times.HOUR,
    ]
    assert len(told) == 12
    assert [orjson.loads(raw)["tracer"]["analytics"]["views"] for _, raw in receiver.received] == list(
        range(1, 13)
    )


async def test_an_hour_without_a_view_is_an_hour_without_a_call(
    caller: calling.Caller, receiver: calling.Receiver, virtual_clock: clocks.VirtualClock
) -> None:
    pop_id, tracer_id, _ = await traced_pop(caller, f"{receiver.url}/hook")
    await caller.control("/control/populr/open", pop_id=pop_id, tracer_id=tracer_id)
    await virtual_clock.advance(15 * times.MINUTE)
    await waiting.wait_for(lambda: receiver.received)
    await virtual_clock.advance(24 * times.HOUR)
    assert len(receiver.received) == 1


async def test_a_call_that_fails_is_not_repeated(
    caller: calling.Caller, receiver: calling.Receiver, virtual_clock: clocks.VirtualClock
) -> None:
    receiver.status = 503
    pop_id, tracer_id, _ = await traced_pop(caller, f"{receiver.url}/hook")
    await caller.control("/control/populr/open", pop_id=pop_id, tracer_id=tracer_id)
    await virtual_clock.advance(15 * times.MINUTE)
    await waiting.wait_for(lambda: caller.sandbox.ledger.effects("populr")[-1][0] == "tracer.told")
    await virtual_clock.advance(2 * times.HOUR)
    assert len(receiver.received) == 1
    assert caller.sandbox.ledger.read("populr")[-1].status == 503


async def test_a_tracer_that_does_not_notify_is_counted_and_silent(
    caller: calling.Caller, receiver: calling.Receiver, virtual_clock: clocks.VirtualClock
) -> None:
    pop_id, tracer_id, _ = await traced_pop(caller, f"{receiver.url}/hook", notify_on_open=False)
    opened = await caller.control("/control/populr/open", pop_id=pop_id, tracer_id=tracer_id, views=3)
    await virtual_clock.advance(times.HOUR)
    assert opened["next_at"] is None
    assert opened["tracer"]["analytics"] == {"views": 3, "clicks": 0}
    assert receiver.received == []


async def test_firing_by_hand_can_send_the_body_as_the_document_prints_it(
    caller: calling.Caller, receiver: calling.Receiver
) -> None:
    pop_id, tracer_id, _ = await traced_pop(caller, f"{receiver.url}/hook")
    shapes = {"lost_brace": True, "underscore_ids": True, "omit_counters": True}
    done = await caller.control("/control/populr/fire", pop_id=pop_id, tracer_id=tracer_id, **shapes)
    assert done == {"status": 202}
    raw = receiver.received[0][1]
    assert raw.startswith(b'"group":')
    body = orjson.loads(b"{" + raw + b"}")
    assert body["pop"]["_id"] == pop_id
    assert "id" not in body["pop"]
    assert set(body["tracer"]) == {"name", "code"}


async def test_a_collaborator_who_finishes_changes_the_pop_and_it_is_posted(
    caller: calling.Caller, receiver: calling.Receiver
) -> None:
    hook = {"collaboration_link_enabled": True, "collaboration_webhook": f"{receiver.url}/done/%{{pop-id}}"}
    pop = await caller.published_pop(**hook)
    body = {"pop_id": pop["_id"], "changes": {"title": "Better"}}
    assert await caller.control("/control/populr/collaborate", **body) == {"status": 202}
    path, raw = receiver.received[0]
    assert path == f"/done/{pop['_id']}"
    assert orjson.loads(raw)["title"] == "Better"
    assert (await caller.call("populr", "GET", f"/pops/{pop['_id']}")).body == orjson.loads(raw)


async def test_nobody_is_told_while_collaboration_is_off(
    caller: calling.Caller, receiver: calling.Receiver
) -> None:
    pop = await caller.published_pop(collaboration_webhook=f"{receiver.url}/done")
    answer = await caller.control("/control/populr/collaborate", pop_id=pop["_id"], changes={"title": "New"})
    assert answer == {"status": None}
    assert receiver.received == []
    assert (await caller.call("populr", "GET", f"/pops/{pop['_id']}")).body["title"] == "New"


async def test_a_pop_off_the_web_cannot_be_opened(caller: calling.Caller) -> None:
    pop_id, tracer_id, _ = await traced_pop(caller, "http://127.0.0.1:1/hook")
    await caller.call("populr", "POST", f"/pops/{pop_id}/unpublish")
    body = {"pop_id": pop_id, "tracer_id": tracer_id}
    answer = await caller.send("POST", caller.sandbox.control_url + "/control/populr/open", json=body)
    assert answer.status == 409


async def test_the_code_is_left_out_of_tracers_when_told_to(caller: calling.Caller) -> None:
    await caller.control("/control/populr/settings", omit_tracer_codes=True)
    pop = await caller.published_pop()
    made = await caller.call("populr", "POST", f"/pops/{pop['_id']}/tracers", json={"name": "a"})
    assert "code" not in made.body
    assert set(made.body["analytics"]) == {"views", "clicks"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "/hook",
        "http:///x",
        "http://a.example/%{when}",
        "http://a.example/%{}",
        "http://a b/",
    ],
)
def test_callback_urls_with_other_arguments_or_no_host_are_refused(url: str) -> None:
    with pytest.raises(exchange.Refused) as refused:
        populr_hooks.check(url)
    assert refused.value.reply.body["error_type"] == "invalid_webhook_url"


@given(st.text(alphabet="0123456789abcdef", min_size=24, max_size=24), st.text(alphabet="abc/-", max_size=9))
def test_filling_a_url_leaves_everything_but_its_arguments(pop_id: str, path: str) -> None:
    url = f"https://hooks.example/{quote(path)}?p=%{{pop-id}}&x=%20"
    assert populr_hooks.fill(url, pop_id) == f"https://hooks.example/{quote(path)}?p={pop_id}&x=%20"


@given(fired_at=st.integers(0, 10**15), quiet=st.integers(1, 10**12), firings=st.integers(1, 11))
def test_a_later_call_is_a_whole_number_of_hours_after_the_last_and_soon_after_the_view(
    fired_at: int, quiet: int, firings: int
) -> None:
    timer = {"viewed_at": fired_at + quiet, "fired_at": fired_at, "firings": firings}
    due_at = populr_calls.due_at(timer)
    assert due_at is not None
    assert (due_at - fired_at) % times.HOUR == 0
    assert due_at >= fired_at + quiet
    assert due_at < fired_at + quiet + times.HOUR or due_at == fired_at + times.HOUR
