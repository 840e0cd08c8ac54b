"""Polls on a virtual clock: what they tell, when, and what they survive."""

from dataclasses import replace

import pytest
import structlog

from daemon.contract.errors import PermanentError, TemporaryError
from daemon.journal import watches
from daemon.model.times import HOUR, MINUTE, SECOND
from tests import clocks
from tests.intake import remotes
from tests.intake.remotes import row


@pytest.fixture
def world(journal):
    return remotes.watched(journal)


async def test_the_first_poll_takes_what_is_there_and_the_next_tells_what_changed(world):
    world.remote.things = {"a": (1, "new"), "b": (1, "new")}
    await world.configure(row())
    assert await world.poll() == []
    world.remote.things["a"] = (2, "new")
    told = await world.poll(2 * MINUTE)
    assert [(one.type, one.subject, one.source) for one in told] == [("shelf.thing.changed", "a", "shelf")]
    world.remote.things["c"] = (1, "new")
    assert [one.subject for one in await world.poll(2 * MINUTE)] == ["c"]
    assert await world.poll(2 * MINUTE) == []


async def test_backfill_tells_what_was_there_before(world):
    world.remote.things = {"a": (1, "new"), "b": (1, "new")}
    await world.configure(row(announce=True))
    assert [one.subject for one in await world.poll()] == ["a", "b"]


async def test_a_watch_that_looks_elsewhere_begins_anew_and_one_that_looks_oftener_does_not(world):
    world.remote.things = {"a": (1, "new"), "b": (1, "new")}
    await world.configure(row(options={"ids": ["a"]}, wanted=("a",)))
    await world.poll()
    elsewhere = row(options={"ids": ["a", "b"]}, wanted=("a", "b"), due_at=world.clock.now())
    world.remote.things["a"] = (2, "new")
    await world.configure(elsewhere)
    assert [one.subject for one in await world.poll()] == ["a"]
    world.remote.things["b"] = (2, "new")
    await world.configure(replace(elsewhere, every=30 * SECOND))
    assert [one.subject for one in await world.poll(2 * MINUTE)] == ["b"]


async def test_polls_come_at_their_interval_give_or_take_a_little(world):
    await world.configure(row())
    await world.poll()
    polled = await world.row()
    assert polled is not None
    assert polled.due_at is not None
    assert abs(polled.due_at - world.clock.now() - MINUTE) <= MINUTE // 20
    assert await world.poll(MINUTE // 2) == []
    assert world.remote.polls == 1


async def test_events_and_what_is_remembered_stand_or_fall_together(world):
    world.remote.things = {"a": (1, "new")}
    await world.configure(row())
    await world.poll()
    world.remote.things["a"] = (2, "new")
    world.remote.extra = {"too_long": 2**70}
    assert await world.poll(2 * MINUTE) == []
    failed = await world.row()
    assert failed is not None
    assert failed.failures == 1
    world.remote.extra = {}
    assert [one.data["n"] for one in await world.poll(MINUTE)] == [2]


async def test_data_that_is_too_large_loses_its_largest_fields_alone(world):
    world.remote.things = {"a": (1, "new")}
    await world.configure(row(announce=True))
    lists = {"rows": [{"text": "x" * 60_000}] * 3, "added": ["x" * 60_000] * 2, "removed": ["x"]}
    world.remote.extra = {**lists, "added_count": 2}
    (told,) = await world.poll()
    cut = {"rows": None, "row_count": 3, "added": None, "truncated": True}
    assert told.data == {"n": 1, "callbacks": 0, "removed": ["x"], "added_count": 2, **cut}


async def test_three_failures_are_told_once_and_so_is_the_recovery(world):
    await world.configure(row(every=HOUR))
    await world.poll()
    busy = TemporaryError("503: busy, the-account-key")
    world.remote.failures = [busy] * 5
    world.clock.set(world.clock.now() + HOUR)
    told = [await world.poll(5 * MINUTE) for _ in range(5)]
    assert [[one.type for one in each] for each in told] == [
        [], [], ["pointsman.watch.failing"], [], [],
    ]  # fmt: skip
    failing = told[2][0]
    assert (failing.subject, failing.source, failing.data["failures"]) == ("things", "pointsman", 3)
    assert failing.data["error"] == "503: busy, [blanked]"
    recovered = await world.poll(5 * MINUTE)
    assert [(one.type, one.data["failures"]) for one in recovered] == [("pointsman.watch.recovered", 5)]
    assert await world.poll(2 * HOUR) == []
    world.clock.set(world.clock.now() + HOUR)
    world.remote.failures = [busy] * 3
    again = [one.type for _ in range(3) for one in await world.poll(5 * MINUTE)]
    assert again == ["pointsman.watch.failing"]


async def test_three_intervals_without_success_are_told_before_the_third_failure(world):
    await world.configure(row(every=10 * SECOND))
    await world.poll()
    world.remote.failures = [TemporaryError("503: busy", retry_after=40 * SECOND), TemporaryError("x")]
    assert await world.poll(11 * SECOND) == []
    assert await world.poll(39 * SECOND) == []
    assert world.remote.polls == 2
    assert [one.type for one in await world.poll(2 * SECOND)] == ["pointsman.watch.failing"]


async def test_what_cannot_be_read_fails_its_watch_and_keeps_nothing_from_the_rest(world):
    world.remote.things = {"a": (1, "new"), "b": (1, "new")}
    world.remote.unread = {"b": "b cannot be read: the-account-key"}
    await world.configure(row(wanted=("a", "b")))
    told, rows = [], []
    with structlog.testing.capture_logs() as lines:
        for n in range(1, 6):
            world.remote.things["a"] = (n, "new")
            told.append([one.type for one in await world.poll(2 * MINUTE)])
            rows.append(await world.row())
    news = "shelf.thing.changed"
    assert told == [[], [news], [news, "pointsman.watch.failing"], [news], [news]]
    assert [one.failures for one in rows] == [1, 2, 3, 4, 5]
    assert {one.error for one in rows} == {"b cannot be read: [blanked]"}
    assert abs(rows[-1].due_at - world.clock.now() - MINUTE) <= MINUTE // 20  # as often as ever
    loud = [one["event"] for one in lines if one["log_level"] == "warning"]
    assert loud == ["watch.failed"] * 2  # when it begins, and when it is told as an event
    world.remote.unread = {}
    assert [one.type for one in await world.poll(2 * MINUTE)] == ["pointsman.watch.recovered"]
    good = await world.row()
    assert (good.failures, good.error) == (0, None)


async def test_what_is_not_there_is_named_once_and_shown_until_it_comes(world):
    world.remote.things = {"a": (1, "new")}
    await world.configure(row(wanted=("a", "b", "c")))
    with structlog.testing.capture_logs() as lines:
        assert [await world.poll(2 * MINUTE) for _ in range(4)] == [[]] * 4
        first = await world.row()
        world.remote.things["c"] = (1, "new")
        await world.poll(2 * MINUTE)
        second = await world.row()
        world.remote.things["b"] = (1, "new")
        await world.poll(2 * MINUTE)
    third = await world.row()
    shown = ["there is no thing b, c. Check its ids.", "there is no thing b. Check its ids.", None]
    assert [one.error for one in (first, second, third)] == shown
    assert first.failures == 0
    assert [one["error"] for one in lines if one["event"] == "watch.incomplete"] == shown[:2]


async def test_what_was_removed_is_told_once_and_shown_as_missing_from_then_on(world):
    world.remote.things = {"a": (1, "new"), "b": (1, "new")}
    await world.configure(row(wanted=("a", "b")))
    await world.poll()
    del world.remote.things["b"]
    assert [one.type for one in await world.poll(2 * MINUTE)] == ["shelf.thing.removed"]
    assert (await world.row()).error is None
    assert await world.poll(2 * MINUTE) == []
    assert (await world.row()).error == "there is no thing b. Check its ids."


async def test_one_failure_is_no_news_and_is_forgotten(world):
    await world.configure(row())
    await world.poll()
    world.remote.failures = [PermanentError("404: no such thing", status=404)]
    assert await world.poll(2 * MINUTE) == []
    failed = await world.row()
    assert failed is not None
    assert (failed.failures, failed.error) == (1, "404: no such thing")
    assert await world.poll(2 * MINUTE) == []
    good = await world.row()
    assert good is not None
    assert (good.failures, good.error, good.failing_since) == (0, None, None)


async def test_a_bug_of_a_connector_is_a_failure_of_that_watch_alone(world):
    world.remote.things = {"a": (1, "new")}
    world.remote.failures = [KeyError("oops")]
    await world.configure(row("bad", due_at=clocks.START - 1), row("good"))
    await world.poll()
    rows = [await world.row("bad"), await world.row("good")]
    assert sorted(one.failures for one in rows if one is not None) == [0, 1]


async def test_what_stands_still_for_too_long_is_told_once_for_each_state(world):
    world.remote.things = {"a": (1, "calculating"), "b": (1, "done")}
    await world.configure(row(stalled_after=2 * HOUR))
    await world.poll()
    assert await world.poll(HOUR) == []
    told = await world.poll(HOUR)
    assert [(one.type, one.subject, one.data["state"]) for one in told] == [
        ("shelf.thing.stalled", "a", "calculating")
    ]
    assert told[0].data["thing"] == {"id": "a"}
    assert await world.poll(3 * HOUR) == []
    world.remote.things["a"] = (1, "queued")
    assert await world.poll(HOUR) == []
    assert [one.data["state"] for one in await world.poll(2 * HOUR)] == ["queued"]


async def test_what_is_gone_is_told_and_forgotten(world):
    world.remote.things = {"a": (1, "new")}
    await world.configure(row())
    await world.poll()
    world.remote.things.clear()
    assert [one.type for one in await world.poll(2 * MINUTE)] == ["shelf.thing.removed"]
    kept = await world.journal.read(lambda c: watches.recall(c, remotes.ACCOUNT, "things", None))
    assert kept == {}


async def test_a_paused_watch_is_left_alone_until_it_is_resumed(world):
    await world.configure(row())
    await world.journal.write(lambda connection: watches.change(connection, "things", paused=True))
    await world.poll(HOUR)
    assert world.remote.polls == 0
    await world.journal.write(lambda connection: watches.change(connection, "things", paused=False))
    await world.poll()
    assert world.remote.polls == 1


async def test_secrets_in_what_was_found_are_blanked(world):
    await world.configure(row(announce=True))
    world.remote.things = {"a": (1, "new")}
    world.remote.extra = {"password": "hunter2", "note": "it is the-account-key"}
    told = await world.poll()
    assert (told[0].data["password"], told[0].data["note"]) == ("[blanked]", "it is [blanked]")


async def test_a_row_whose_account_is_gone_fails_and_stays_quiet_otherwise(world):
    await world.configure(row(account="nobody"))
    await world.poll()
    failed = await world.row()
    assert failed is not None
    assert failed.error == "the account nobody is not in the config any more"
