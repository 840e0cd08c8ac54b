"""Reading back: verdicts, many hints for one read, what happens while a read is under way."""

import asyncio
import json

import pytest
import sqlalchemy as sa
import structlog

from daemon.contract.declare import Webhook
from daemon.contract.errors import TemporaryError
from daemon.intake import reading_back
from daemon.intake.admission import Admission
from daemon.intake.arrivals import Arrival, Callback
from daemon.journal import hints, watches
from daemon.model.times import MINUTE
from tests.intake import remotes


class Callers:
    """Callbacks of the made-up service, admitted as the public side would."""

    def __init__(self, world: remotes.Watched, hook: Webhook = remotes.HOOK) -> None:
        self.world = world
        self.hook = hook
        self.admission = Admission(world.journal, world.clock, lambda _: None, world.watcher.hurry)

    async def call(self, id: str, n: int, *, readback: bool = True) -> str:
        """A callback that says thing *id* has the number *n*; the id that answers it."""
        body = {"id": id, "n": n}
        claim = remotes.HOOK.understand(body, {})
        callback = Callback(remotes.ACCOUNT, self.hook, claim, json.dumps(body), readback)
        return (await self.admission.admit(Arrival(remotes.ACCOUNT, claim=callback))).id

    async def verdict(self, id: str) -> str:
        """What was said of the callback whose event is *id*."""
        return (await self.hint(id)).verdict

    async def hint(self, id: str) -> hints.Hint:
        """The hint whose event is *id*."""
        found = await self.world.journal.read(lambda connection: hints.get(connection, id))
        assert found is not None
        return found

    async def rows(self) -> list[watches.Polled]:
        """The polled rows there are."""
        return await self.world.journal.read(lambda connection: watches.listed(connection, 10))


@pytest.fixture
def world(journal):
    return remotes.watched(journal)


@pytest.fixture
def callers(world):
    return Callers(world)


async def test_a_callback_that_the_service_bears_out_is_confirmed(world, callers):
    world.remote.things = {"a": (3, "new")}
    id = await callers.call("a", 3)
    assert await callers.verdict(id) == "waiting"
    told = await world.poll()
    hint = await callers.hint(id)
    assert [(one.type, one.data["n"], one.trace) for one in told] == [("shelf.thing.changed", 3, id)]
    assert (hint.verdict, hint.became, hint.found) == ("confirmed", told[0].id, {"n": 3})
    assert await world.poll(watches.PAUSE) == []
    assert (await callers.rows(), world.remote.polls) == ([], 1)  # it went without another look


async def test_a_callback_that_came_late_is_superseded(world, callers):
    world.remote.things = {"a": (5, "new")}
    id = await callers.call("a", 3)
    told = await world.poll()
    hint = await callers.hint(id)
    assert (hint.verdict, hint.became) == ("superseded", told[0].id)


@pytest.mark.parametrize("things", [{"a": (1, "new")}, {}])
async def test_a_callback_that_the_service_contradicts_is_refuted_and_told(world, callers, things):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row())
    await world.poll()
    world.remote.things = things
    id = await callers.call("a", 9000)
    told = [one for one in await world.poll() if one.source == "pointsman"]
    assert await callers.verdict(id) == "refuted"
    assert [(one.type, one.subject, one.trace) for one in told] == [("pointsman.callback.refuted", "a", id)]
    found = {"n": 1} if things else None
    assert told[0].data == {"claimed": {"n": 9000}, "found": found, "differing": ["n"] if things else []}


async def test_many_hints_cost_one_read(world, callers):
    world.remote.things = {"a": (3, "new")}
    ids = [await callers.call("a", n) for n in (1, 2, 3)]
    told = await world.poll()
    assert (world.remote.polls, len(told)) == (1, 1)
    assert [await callers.verdict(id) for id in ids] == ["superseded", "superseded", "confirmed"]
    assert world.remote.cursors[0].claims == {"a": [{"n": 1}, {"n": 2}, {"n": 3}]}
    assert told[0].data["callbacks"] == 3


async def test_a_hint_that_comes_during_the_read_is_read_again(world, callers):
    world.remote.things = {"a": (3, "new")}
    first = await callers.call("a", 3)
    await world.begin()
    world.remote.things = {"a": (4, "new")}
    second = await callers.call("a", 4)
    await world.finish()
    assert (await callers.verdict(first), await callers.verdict(second)) == ("confirmed", "waiting")
    told = await world.poll(watches.PAUSE)
    assert await callers.verdict(second) == "confirmed"
    assert [one.data["n"] for one in told] == [4]
    await world.poll(watches.PAUSE)
    assert await callers.rows() == []


async def test_however_many_hints_come_a_thing_is_read_once_in_each_pause(world, callers):
    world.remote.things = {"a": (1, "new")}
    ids = []
    for second in range(6):
        ids += [await callers.call("a", 100 * (second + 1) + n) for n in range(20)]
        await world.poll(watches.PAUSE // 2)
    assert world.remote.polls <= 4  # in three pauses
    await world.poll(watches.PAUSE)
    verdicts = {await callers.verdict(id) for id in ids}
    assert (len(ids), verdicts) == (120, {"refuted"})


async def test_a_hint_that_comes_before_an_idle_row_goes_keeps_it(world, callers, journal):
    world.remote.things = {"a": (3, "new")}
    await callers.call("a", 3)
    await world.poll()
    (row,) = await callers.rows()
    world.remote.things = {"a": (4, "new")}
    second = await callers.call("a", 4)
    await journal.write(lambda c: reading_back.end(c, row, world.clock.now()))
    assert [one.name for one in await callers.rows()] == [row.name]
    assert [one.data["n"] for one in await world.poll()] == [4]
    assert await callers.verdict(second) == "confirmed"


async def test_hints_wait_for_a_service_that_is_down(world, callers):
    world.remote.things = {"a": (3, "new")}
    world.remote.failures = [TemporaryError("503: busy")] * 4
    id = await callers.call("a", 3)
    for _ in range(4):
        assert await world.poll(5 * MINUTE) == []
        assert await callers.verdict(id) == "waiting"
    assert [one.type for one in await world.poll(5 * MINUTE)] == ["shelf.thing.changed"]
    assert await callers.verdict(id) == "confirmed"


async def test_callbacks_do_not_hurry_a_service_that_asked_to_be_left_alone(world, callers):
    world.remote.things = {"a": (3, "new")}
    world.remote.failures = [TemporaryError("429: slow down", retry_after=60 * MINUTE)]
    ids = [await callers.call("a", 2)]
    await world.poll()
    ids.append(await callers.call("a", 3))
    await world.poll(59 * MINUTE)
    assert world.remote.polls == 1
    told = await world.poll(MINUTE * 2)
    assert (world.remote.polls, [one.data["n"] for one in told]) == (2, [3])
    assert [await callers.verdict(id) for id in ids] == ["superseded", "confirmed"]


async def test_a_watch_and_a_callback_of_one_thing_tell_it_once(world, callers):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row())
    await world.poll()
    world.remote.things = {"a": (2, "new")}
    id = await callers.call("a", 2)
    told = await world.poll(2 * MINUTE)
    told += await world.poll(MINUTE)  # one of the two looks came late, and looks again
    assert [one.data["n"] for one in told] == [2]
    assert await callers.verdict(id) == "confirmed"
    assert (await callers.hint(id)).became == told[0].id


async def test_a_trusted_callback_that_overtakes_a_poll_is_not_told_twice(world, callers):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row())
    await world.poll()
    world.remote.things = {"a": (2, "new")}
    world.clock.set(world.clock.now() + 2 * MINUTE)
    await world.begin()
    id = await callers.call("a", 3, readback=False)
    await world.finish()
    stale = await world.row()
    assert stale is not None
    assert stale.due_at is not None
    assert (stale.failures, stale.due_at - world.clock.now() < MINUTE) == (0, True)
    world.remote.things = {"a": (3, "new")}
    assert await world.poll(MINUTE) == []
    kept = await world.journal.read(lambda c: watches.recall(c, remotes.ACCOUNT, "things", ["a"]))
    assert (kept["a"].memory, kept["a"].event_id) == ({"n": 3}, id)


async def test_two_looks_at_once_tell_a_change_once(world):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row("one"), remotes.row("two"))
    await world.poll()
    world.remote.things = {"a": (2, "new")}
    told = await world.poll(2 * MINUTE)
    told += await world.poll(MINUTE)
    assert [one.data["n"] for one in told] == [2]


async def test_a_row_that_another_node_took_over_is_written_by_that_one(world, journal):
    other = remotes.watched(journal, "there")
    world.remote.things = other.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row(announce=True))
    await world.begin()
    assert await other.poll() == []
    assert other.remote.polls == 0
    await journal.write(lambda connection: watches.change(connection, "things", lease_until=1))
    assert [one.subject for one in await other.poll()] == ["a"]
    await world.finish()
    row = await world.row()
    assert row is not None
    assert (row.failures, row.fence, other.remote.polls) == (0, 2, 1)


async def test_a_long_poll_keeps_its_row(world, journal):
    await world.configure(remotes.row())
    await world.begin()
    held = await _lease(journal)
    world.watcher._claims._renewed_at = 0
    await asyncio.gather(world.watcher.once(), world.watcher.once())
    renewed = await _lease(journal)
    await world.finish()
    assert held < renewed
    assert world.remote.polls == 1


async def test_a_poll_that_is_cut_short_is_due_still(world, journal):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row(announce=True))
    await world.begin()
    await world.watcher.drain()
    world.remote.gate = None
    other = remotes.watched(journal, "there")
    other.remote.things = world.remote.things
    assert [one.subject for one in await other.poll()] == ["a"]


async def _lease(journal) -> int:
    return await journal.read(
        lambda connection: connection.exec_driver_sql("SELECT max(lease_until) FROM watches").scalar()
    )


async def test_every_line_about_a_callback_carries_its_trace(world, callers):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row())
    await world.poll()
    world.remote.things = {"a": (2, "new")}
    world.remote.failures = [TemporaryError("503: busy")]
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        good = await callers.call("a", 2)
        await world.poll()
        await world.poll(MINUTE // 2)
        bad = await callers.call("b", 9000)
        await world.poll()
    about = [(one["event"], one.get("trace")) for one in lines]
    assert about == [
        ("callback.admitted", good),
        ("watch.failed", good),
        ("watch.told", good),
        ("callback.admitted", bad),
        ("callback.refuted", bad),
    ]


async def test_a_hint_that_an_earlier_version_kept_is_judged(world, callers):
    world.remote.things = {"a": (1, "new")}
    await world.configure(remotes.row())
    await world.poll()
    world.remote.things = {"a": (2, "new")}
    claimed = await callers.call("a", 2)

    def as_before(connection):
        [(text,)] = connection.exec_driver_sql("SELECT claim FROM hints").all()
        old = json.dumps({**json.loads(text), "body": {"id": "a", "n": 2}})
        connection.execute(sa.text("UPDATE hints SET claim = :old"), {"old": old})

    await world.journal.write(as_before)
    await world.poll()
    assert await callers.verdict(claimed) == "confirmed"
