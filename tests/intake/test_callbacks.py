"""Populr's callbacks through the door: what they become, and what of them is kept."""

import asyncio
import json

import pytest

from daemon.journal import hints, watches
from tests.intake import doors
from tests.intake.doors import POP

QUERY = f"?pop={POP}&tracer=t1"


async def test_the_documented_body_is_an_opening(door):
    answer = await door.post(doors.path_of() + QUERY, doors.opening(6))
    event = await door.event(answer.json["id"])
    assert (event.type, event.subject, event.source) == ("populr.tracer.opened", POP, "trusted")
    assert event.data["tracer"] == {"id": "t1", "name": "Twitter", "code": "tc"}
    assert (event.data["delta"]["views"], event.data["first"], event.data["firing"]) == (6, True, 1)
    assert (event.data["via"], event.trace, event.depth, event.cause) == ("webhook", event.id, 0, None)


async def test_the_next_callback_tells_what_was_added(door):
    await door.post(doors.path_of() + QUERY, doors.opening(6))
    answer = await door.post(doors.path_of() + QUERY, doors.opening(9))
    data = (await door.event(answer.json["id"])).data
    assert (data["delta"]["views"], data["analytics"]["views"]) == (3, 9)
    assert (data["first"], data["firing"]) == (False, 2)


async def test_counters_that_go_back_answer_with_the_newest_event_of_that_tracer(door):
    await door.post(doors.path_of() + QUERY, doors.opening(6))
    newest = await door.post(doors.path_of() + QUERY, doors.opening(9))
    other = await door.post(doors.path_of() + f"?pop={POP}&tracer=t2", doors.opening(1, code="other"))
    late = await door.post(doors.path_of() + QUERY, doors.opening(7))
    assert (late.status, late.json["id"]) == (200, newest.json["id"])
    assert (other.status, len(await door.events())) == (202, 3)


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(doors.opening())[1:-1].encode(),
        json.dumps(doors.opening())[1:].encode(),
        json.dumps(doors.opening())[:-1].encode(),
        json.dumps(doors.opening()).replace('"id"', '"_id"').encode(),
        json.dumps({"pop": {"id": POP}, "tracer": {"code": "tc", "analytics": {"views": 1}}}).encode(),
    ],
)
async def test_bodies_as_they_have_been_seen_are_understood(door, raw):
    answer = await door.post(doors.path_of(), raw)
    assert answer.status == 202
    assert (await door.event(answer.json["id"])).data["analytics"]["views"] == 1


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("name", ["id", "_id"])
async def test_a_finished_collaboration_is_told_bare_or_wrapped(door, wrapped, name):
    pop = {name: POP, "name": "Offer", "title": "New", "password": "hunter2"}
    path = doors.path_of("trusted", "collaboration")
    answer = await door.post(path, {"pop": pop} if wrapped else pop)
    event = await door.event(answer.json["id"])
    assert (event.type, event.subject) == ("populr.collaboration.finished", POP)
    assert (event.data["pop"]["id"], event.data["pop"]["title"]) == (POP, "New")
    assert "hunter2" not in json.dumps(event.data)
    assert (await door.post(path, pop)).status == 200


async def test_a_callback_to_be_read_back_is_a_waiting_hint_and_a_row_due_now(door):
    answer = await door.post(doors.path_of("careful") + QUERY, doors.opening(6))
    event = await door.event(answer.json["id"])
    hint = await door.journal.read(lambda connection: hints.get(connection, event.id))
    assert (event.type, event.subject) == ("populr.callback.received", POP)
    assert event.data == {"hook": "tracer", "body": doors.opening(6), "pop_id": POP, "tracer_id": "t1"}
    assert hint is not None
    assert (hint.verdict, hint.remote_id, hint.resource) == ("waiting", f"{POP}/t1", "tracers")
    row = await door.journal.read(lambda connection: watches.get(connection, hint.watch))
    assert row is not None
    assert (row.role, row.wanted, row.due_at) == ("hint", (f"{POP}/t1",), door.clock.now())


async def test_many_hints_of_one_tracer_are_one_row(door):
    for views in (1, 2, 3, 3):
        await door.post(doors.path_of("careful") + QUERY, doors.opening(views))
    rows = await door.journal.read(lambda connection: watches.listed(connection, 10))
    assert len(rows) == 1
    waiting = await door.journal.read(lambda connection: hints.waiting(connection, rows[0].name))
    assert [hint.claim["claimed"]["views"] for hint in waiting] == [1, 2, 3]


async def test_a_refuted_callback_that_comes_again_is_read_again(door):
    path = doors.path_of("careful") + QUERY
    id = (await door.post(path, doors.opening(6))).json["id"]

    def refute(connection):
        hint = hints.get(connection, id)
        assert hint is not None
        hints.decide(connection, id, "refuted", None, None, door.clock.now())
        row = watches.get(connection, hint.watch)
        assert row is not None
        watches.drop(connection, row)

    await door.journal.write(refute)
    answer = await door.post(path, doors.opening(6))
    hint = await door.journal.read(lambda connection: hints.get(connection, id))
    rows = await door.journal.read(lambda connection: watches.listed(connection, 10))
    assert (answer.status, answer.json["id"]) == (200, id)
    assert hint is not None
    assert (hint.verdict, len(rows)) == ("waiting", 1)


async def test_what_is_secret_is_blanked_before_it_is_kept(door):
    token = doors.path_of("careful").rpartition("/")[2]
    body = doors.opening(6)
    body["pop"] |= {
        "password": "hunter2hunter2",
        "collaboration_webhook": f"https://h/hooks/careful/tracer/{token}",
        "source": "postgres://ada:hunter2hunter2@db/x",
        "link": "https://x/y?signature=hunter2hunter2",
    }
    for account in ("careful", "trusted"):
        await door.post(doors.path_of(account), body)
        await door.post(doors.path_of(account), json.dumps(body)[5:].encode())
        await door.post(doors.path_of(account), {"password": "hunter2hunter2", "PASSWORD": 'hunter2"hunter2'})
    kept = json.dumps([event.data for event in await door.events()])
    refused = " ".join(f"{one.path} {one.error} {one.body}" for one in await door.rejections())
    assert "Offer" in kept
    assert "Offer" in refused
    assert token not in kept + refused
    assert "hunter2" not in kept + refused


async def test_what_was_forgotten_but_is_in_the_journal_is_answered_with_its_event(door):
    first = await door.post(doors.path_of() + QUERY, doors.opening(6))
    await door.journal.write(lambda c: watches.forget(c, "trusted", "tracers", [f"{POP}/t1"]))
    again = await asyncio.gather(*(door.post(doors.path_of() + QUERY, doors.opening(6)) for _ in range(10)))
    assert {(one.status, one.json["id"]) for one in again} == {(200, first.json["id"])}
