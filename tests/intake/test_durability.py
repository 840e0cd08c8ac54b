"""No 2xx for what is not committed, and no arrival that harms those beside it."""

import asyncio
import json
import sqlite3

import pytest
import sqlalchemy as sa

from daemon.contract import declare
from daemon.intake import admission, arrivals
from daemon.intake.arrivals import Arrival
from daemon.journal import database, sqlite
from daemon.model.events import Fact
from tests import waiting
from tests.intake import doors


def arrival(key: str, **values) -> Arrival:
    """A plain fact of the sender ``shop``."""
    return Arrival("shop", fact=Fact(**{"type": "a.b", "subject": "", "key": key, "data": {}, **values}))


@pytest.fixture
async def sqlite_door(sqlite_url):
    journal = await database.open_journal(sqlite_url)
    async with doors.opened(journal) as opened:
        yield opened
    await journal.close()


async def test_a_locked_journal_is_answered_with_come_again(sqlite_door, sqlite_url, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY", 200)
    thief = sqlite3.connect(sqlite.path_of(sqlite_url), isolation_level=None)
    thief.execute("BEGIN IMMEDIATE")
    refused = await sqlite_door.post(doors.path_of(), doors.opening())
    thief.execute("ROLLBACK")
    thief.close()
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert await sqlite_door.events() == []
    again = await sqlite_door.post(doors.path_of(), doors.opening())
    assert (again.status, len(await sqlite_door.events())) == (202, 1)


async def test_a_journal_that_was_taken_away_is_answered_with_come_again(sqlite_door, sqlite_url):
    path = sqlite.path_of(sqlite_url)
    assert (await sqlite_door.post(doors.path_of(), doors.opening())).status == 202
    path.rename(f"{path}.away")
    assert (await sqlite_door.post(doors.path_of(), doors.opening(2))).status == 503


async def test_a_server_that_refuses_to_write_is_answered_with_come_again(server_url, postgres_server):
    journal = await database.open_journal(server_url)
    name = server_url.rpartition("/")[2]
    async with doors.opened(journal) as door:
        assert (await door.post(doors.path_of(), doors.opening())).status == 202
        postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres_server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        refused = await door.post(doors.path_of(), doors.opening(2))
        postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        accepted = await door.post(doors.path_of(), doors.opening(2))
        assert (refused.status, accepted.status, len(await door.events())) == (503, 202, 2)
    await journal.close()


async def test_a_full_backlog_is_answered_with_come_again(door, monkeypatch):
    monkeypatch.setattr(admission, "LONGEST_BACKLOG", 3)
    answers = await asyncio.gather(*(door.post(doors.path_of(), doors.opening(n)) for n in range(1, 60)))
    accepted = {one.json["id"] for one in answers if one.status == 202}
    refused = [one for one in answers if one.status == 503]
    assert len(accepted) + len(refused) + sum(one.status == 200 for one in answers) == 59
    assert {event.id for event in await door.events()} == accepted
    assert all(one.headers["retry-after"] == "5" for one in refused)


async def test_many_at_once_are_few_commits_and_each_waits_for_its_own(door, batches):
    before = len(batches)
    admitted = await asyncio.gather(*(door.admission.admit(arrival(f"k{n}")) for n in range(500)))
    assert len(batches) - before <= 4
    assert {one.id for one in admitted} == {event.id for event in await door.events()}
    assert [event.key for event in await door.events()] == [f"k{n}" for n in range(500)]


async def test_what_cannot_be_written_harms_nobody_beside_it(door):
    bad = arrival("bad", data={"n": 2**70})
    several = [arrival("a"), bad, arrival("b"), arrival("a")]
    outcomes = await asyncio.gather(*map(door.admission.admit, several), return_exceptions=True)
    assert isinstance(outcomes[1], admission.NotAdmitted)
    assert [getattr(one, "duplicate", None) for one in outcomes] == [False, None, False, True]
    assert [event.key for event in await door.events()] == ["a", "b"]


async def test_a_sender_that_went_away_leaves_the_others_alone(door):
    tasks = [asyncio.create_task(door.admission.admit(arrival(f"k{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in outcomes[::2])
    known = {event.id for event in await door.events()}
    assert {getattr(one, "id", None) for one in outcomes[1::2]} <= known
    later = await door.admission.admit(arrival("later"))
    assert later.id in {event.id for event in await door.events()}


async def test_one_callback_that_comes_fifty_times_at_once_is_one_event(door):
    for account in ("trusted", "careful"):
        path = doors.path_of(account)
        answers = await asyncio.gather(*(door.post(path, doors.opening()) for _ in range(50)))
        assert sorted(one.status for one in answers) == [200] * 49 + [202]
        assert len({one.json["id"] for one in answers}) == 1
        assert len(await door.events(source=account)) == 1


async def test_kinds_of_arrivals_are_recorded_together_in_their_order(door):
    hook = doors.CATALOG.webhooks["populr", "tracer"]

    def called(account: str, views: int) -> Arrival:
        body = doors.opening(views)
        claim = hook.understand(body, {})
        callback = arrivals.Callback(account, hook, claim, json.dumps(body), account == "careful")
        return Arrival(account, claim=callback)

    several = [called("careful", 1), arrival("a"), called("trusted", 1), called("trusted", 2), arrival("a")]
    several += [called("careful", 1), called("trusted", 1), called("careful", 2)]
    admitted = await asyncio.gather(*map(door.admission.admit, several))
    duplicates = [one.duplicate for one in admitted]
    assert duplicates == [False, False, False, False, True, True, True, False]
    assert [event.id for event in await door.events()] == [one.id for one in admitted if not one.duplicate]
    assert admitted[6].id == admitted[3].id  # counters that went back: the newest event of that tracer


async def test_the_bells_ring_behind_a_commit(door):
    await door.post(doors.path_of("careful"), doors.opening())
    async with asyncio.timeout(2):
        await door.router.heard()
        await door.watches.heard()
    due = await door.journal.read(
        lambda c: c.execute(sa.text("SELECT name, due_at FROM watches")).one_or_none()
    )
    assert due is not None
    assert (due.name, due.due_at) == (
        f"hint:careful:tracers:{doors.POP}/?code=tc&name=Twitter",
        door.clock.now(),
    )


async def test_a_claim_that_breaks_its_reader_is_no_5xx_for_others(door, monkeypatch):
    hooks = dict(door.side.doors.hooks)

    def broken(*_):
        raise KeyError("a bug")

    hook = hooks["trusted", "tracer"]
    mended = declare.Webhook(
        **{**{n: getattr(hook.webhook, n) for n in hook.webhook.__slots__}, "told": broken}
    )
    body = doors.opening()
    callback = arrivals.Callback("trusted", mended, mended.understand(body, {}), json.dumps(body), False)
    bad = Arrival("trusted", claim=callback)
    outcomes = await asyncio.gather(
        door.admission.admit(bad), door.admission.admit(arrival("good")), return_exceptions=True
    )
    assert isinstance(outcomes[0], admission.NotAdmitted)
    assert await waiting.wait_for(door.events)
    assert [event.key for event in await door.events()] == ["good"]
