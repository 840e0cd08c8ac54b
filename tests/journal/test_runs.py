"""Runs: made once, held under a lease, moved by nobody but the holder."""

import asyncio
import time
from functools import partial

import pytest

from daemon.journal import definitions, runs
from daemon.journal.database import Connection, Journal, LostLease
from daemon.journal.runs import Filters, Lease, NewRun
from daemon.model import times
from daemon.model.reactions import Do
from daemon.model.runs import Run, RunStatus
from tests.journal import making
from tests.journal.making import LEASE, NOW

LATER = NOW + times.MINUTE  # the lease has run out
OTHER = Lease("there", LATER + 30 * times.SECOND)


async def move(journal: Journal, run: Run, status: RunStatus, **values: object) -> None:
    await journal.write(lambda c: runs.move(c, run, status, **values))


async def listed(journal: Journal, **values: object) -> list[str]:
    filters = Filters(**values)  # type: ignore[arg-type]  # each test gives what its filter takes
    return [run.event_id for run in await journal.read(lambda c: runs.listed(c, filters))]


async def test_a_run_is_made_once_for_each_event_item_and_replay(journal: Journal) -> None:
    new = [
        making.new_run("e"),
        making.new_run("e"),
        making.new_run("e", item_key="1", item={"id": 1}),
        making.new_run("e", replay=1),
        making.new_run("e", reaction=making.reaction("other")),
        making.new_run("f"),
    ]
    first = await journal.write(lambda c: runs.make(c, new, NOW, [None] * len(new)))
    again = await journal.write(lambda c: runs.make(c, new, NOW + 1, [None] * len(new)))
    assert [(run.reaction, run.event_id, run.item_key, run.replay) for run in first] == [
        ("copy", "e", "", 0),
        ("copy", "e", "1", 0),
        ("copy", "e", "", 1),
        ("other", "e", "", 0),
        ("copy", "f", "", 0),
    ]
    assert again == []
    assert await journal.read(lambda c: runs.next_replay(c, "e")) == 2
    assert [run.id for run in await journal.read(lambda c: runs.of_event(c, "e"))] == [
        run.id for run in first[:4]
    ]


async def test_as_many_runs_as_one_event_may_ask_for_hold_nobody_up(journal: Journal) -> None:
    new = [making.new_run("e", item_key=str(n), item={"n": n}) for n in range(10_000)]

    def make(connection: Connection) -> tuple[int, float]:
        began = time.thread_time()
        return len(runs.make(connection, new, NOW, [None] * len(new))), time.thread_time() - began

    made, seconds = await journal.write(make)
    assert made == len(new)
    assert seconds < 2.5  # of work; a statement for each takes more than twice that


async def test_what_make_gives_back_is_what_stands_there(journal: Journal) -> None:
    new = [
        making.new_run("e", item_key="0", item=None, due_at=NOW + 9),
        making.new_run("f", error="no such field"),
    ]
    given = await journal.write(lambda c: runs.make(c, new, NOW, [None, LEASE]))
    assert given == [await making.run_with(journal, run.id) for run in given]
    waiting, dead = given
    assert (waiting.status, waiting.due_at, waiting.item_key) == (RunStatus.PENDING, NOW + 9, "0")
    assert (dead.status, dead.error, dead.finished_at) == (RunStatus.DEAD, "no such field", NOW)
    assert dead.lease_until is None


async def test_a_run_born_claimed_is_claimed_by_nobody_else(journal: Journal) -> None:
    (born,) = await making.made(journal, "e", lease=LEASE)
    assert (born.status, born.node, born.fence) == (RunStatus.RUNNING, "here", 1)
    assert await making.claimed(journal) == []
    await move(journal, born, RunStatus.SUCCEEDED, finished_at=NOW)
    found = await making.run_with(journal, born.id)
    assert (found.status, found.node, found.lease_until) == (RunStatus.SUCCEEDED, None, None)


async def test_a_definition_is_kept_as_it_was_when_its_run_began(journal: Journal) -> None:
    old = making.reaction(when="event.data.n > 1")
    new = making.reaction(do=(Do("say", "log.write", None, "true", {"message": "{{ event.id }}"}),))
    await making.made(journal, "e", reaction=old)
    await making.made(journal, "f", reaction=new)
    await making.made(journal, "g", reaction=new)
    assert await journal.read(lambda c: definitions.get(c, old.digest)) == old
    assert await journal.read(lambda c: definitions.get(c, new.digest)) == new
    assert await journal.read(lambda c: definitions.get(c, "nothing")) is None
    assert await making.counted(journal, "reactions") == 2


async def test_due_runs_are_claimed_oldest_first_and_no_more_than_asked(journal: Journal) -> None:
    await making.made(journal, "late", due_at=NOW - 1)
    await making.made(journal, "early", due_at=NOW - 9)
    await making.made(journal, "future", due_at=NOW + 1)
    assert [run.event_id for run in await making.claimed(journal, limit=1)] == ["early"]
    (taken,) = await making.claimed(journal, limit=5)
    assert (taken.event_id, taken.status, taken.node) == ("late", RunStatus.RUNNING, "here")
    assert (taken.fence, taken.lease_until, taken.started_at, taken.due_at) == (2, LEASE.until, NOW, None)
    assert await making.claimed(journal) == []
    assert await journal.read(runs.next_due) == NOW + 1


async def test_many_claims_at_once_share_the_work(journal: Journal) -> None:
    await making.made(journal, *(f"e{n}" for n in range(40)))
    taken = await asyncio.gather(*(making.claimed(journal, limit=9) for _ in range(6)))
    ids = [run.id for some in taken for run in some]
    assert len(ids) == len(set(ids)) == 40


async def test_a_lease_that_ran_out_is_taken_over_and_its_holder_refused(journal: Journal) -> None:
    (born,) = await making.made(journal, "e", lease=LEASE)
    assert not await journal.read(lambda c: runs.has_expired(c, LEASE.until))
    assert await making.claimed(journal, LEASE.until) == []
    assert await journal.read(lambda c: runs.has_expired(c, LATER))
    (taken,) = await making.claimed(journal, LATER, OTHER)
    assert (taken.id, taken.fence, taken.node, taken.started_at) == (born.id, 2, "there", NOW)
    for status in (RunStatus.SUCCEEDED, RunStatus.RUNNING, RunStatus.DEAD):
        with pytest.raises(LostLease, match=born.id):
            await move(journal, born, status)
    assert await making.run_with(journal, born.id) == taken
    await move(journal, taken, RunStatus.SUCCEEDED)
    with pytest.raises(LostLease):
        await move(journal, taken, RunStatus.SUCCEEDED)


async def test_a_lease_is_renewed_by_its_holder_only(journal: Journal) -> None:
    mine, lost = await making.made(journal, "e", "f", lease=LEASE)
    await journal.write(lambda c: runs.move(c, lost, RunStatus.PENDING, due_at=NOW))
    await making.claimed(journal, lease=OTHER)
    held = [mine.id, lost.id, "nothing"]
    assert await journal.write(lambda c: runs.renew(c, "here", held, LATER + 5)) == {mine.id}
    assert (await making.run_with(journal, mine.id)).lease_until == LATER + 5
    assert (await making.run_with(journal, lost.id)).lease_until == OTHER.until
    assert await making.claimed(journal, LATER) == []


async def test_an_outcome_stands_or_falls_with_its_lease(journal: Journal) -> None:
    (born,) = await making.made(journal, "e", lease=LEASE)
    await making.claimed(journal, LATER, OTHER)

    def finish(connection: Connection) -> None:
        runs.touch(connection, "popily", [("source", "7")], born.id, "add", NOW)
        runs.move(connection, born, RunStatus.SUCCEEDED)

    with pytest.raises(LostLease):
        await journal.write(finish)
    assert await making.counted(journal, "remotes") == 0


async def test_leases_of_a_daemon_that_is_gone_are_void_at_once(journal: Journal) -> None:
    born = await making.made(journal, "e", "f", lease=LEASE)
    await making.made(journal, "g")
    assert await journal.write(lambda c: runs.release_all(c, NOW + 1)) == 2
    with pytest.raises(LostLease):
        await move(journal, born[0], RunStatus.SUCCEEDED)
    taken = await making.claimed(journal, NOW + 1)
    assert {(run.event_id, run.fence) for run in taken} == {("e", 2), ("f", 2), ("g", 2)}


async def test_runs_are_handed_back_by_their_node(journal: Journal) -> None:
    born = await making.made(journal, "e", "f", lease=LEASE)
    await journal.write(lambda c: runs.hand_back(c, "another", [born[0].id], NOW))
    assert (await making.run_with(journal, born[0].id)).status is RunStatus.RUNNING
    await journal.write(lambda c: runs.hand_back(c, "here", [born[0].id], NOW))
    assert [run.id for run in await making.claimed(journal, lease=OTHER)] == [born[0].id]


async def made_in_turn(journal: Journal, count: int) -> list[str]:
    """The ids of runs in hand, each made after the one before it."""
    return [(await making.made(journal, f"e{n}", now=NOW + n, lease=LEASE))[0].id for n in range(count)]


@pytest.mark.parametrize("by_its_node", [False, True])
async def test_what_was_in_hand_stays_before_what_only_waited(journal: Journal, by_its_node: bool) -> None:
    held = await made_in_turn(journal, 3)
    behind = (await making.made(journal, "f", now=NOW + 3))[0].id

    def free(connection: Connection) -> None:
        if by_its_node:
            runs.hand_back(connection, "here", held, LATER)
        else:
            runs.release_all(connection, LATER)

    await journal.write(free)
    assert [run.id for run in await making.claimed(journal, LATER)] == [*held, behind]


async def test_work_counts_until_it_was_given_up_and_rest_does_not(journal: Journal) -> None:
    ended, handed = await making.made(journal, "e", "f", lease=LEASE)
    await journal.write(lambda c: runs.hand_back(c, "here", [handed.id], NOW + 7))
    await journal.write(lambda c: runs.release_all(c, LEASE.until + 50))
    found = [await making.run_with(journal, run.id) for run in (ended, handed)]
    assert [(run.elapsed(LATER), run.due_at) for run in found] == [(LEASE.until - NOW, NOW), (7, NOW)]
    again = await making.claimed(journal, LATER)
    assert {run.id: run.elapsed(LATER + 3) for run in again} == {
        ended.id: LEASE.until - NOW + 3,
        handed.id: 7 + 3,
    }


async def test_a_run_whose_making_is_yet_to_come_is_due_at_once(journal: Journal) -> None:
    (born,) = await making.made(journal, "e", lease=LEASE)
    before = NOW - times.HOUR  # the clock was set back
    await journal.write(lambda c: runs.release_all(c, before))
    assert [run.id for run in await making.claimed(journal, before)] == [born.id]


async def test_leases_that_ran_out_are_taken_over_in_the_order_of_their_runs(journal: Journal) -> None:
    held = await made_in_turn(journal, 3)
    await journal.write(lambda c: runs.renew(c, "here", held[:1], LEASE.until + 9))
    assert [run.id for run in await making.claimed(journal, LATER, OTHER)] == held


async def test_a_run_that_waits_is_woken_by_its_work_alone(journal: Journal) -> None:
    born = await making.made(journal, "e", "f", lease=LEASE)
    for run, work in zip(born, ("popily sources 1", "popily sources 2"), strict=True):
        await move(journal, run, RunStatus.WAITING, waits_for=work, due_at=None)
    assert await making.claimed(journal, LATER) == []
    assert await journal.write(lambda c: runs.wake(c, "popily sources 1", NOW)) == [born[0].id]
    assert await journal.write(lambda c: runs.wake(c, "popily sources 1", NOW)) == []
    (woken,) = await making.claimed(journal, lease=OTHER)
    assert (woken.id, woken.waits_for, woken.fence) == (born[0].id, None, 2)


async def test_a_person_decides_only_what_may_be_decided(journal: Journal) -> None:
    dead, running = await making.made(journal, "e", "f", lease=LEASE)
    await move(journal, dead, RunStatus.DEAD, error="no", finished_at=NOW)
    allowed = [RunStatus.DEAD, RunStatus.IN_DOUBT]

    outcomes = [
        await journal.write(
            partial(runs.decide, id=run.id, allowed=allowed, status=RunStatus.PENDING, due_at=NOW)
        )
        for run in (dead, running, dead)
    ]
    assert outcomes == [True, False, False]
    assert (await making.run_with(journal, running.id)).node == "here"
    assert [run.id for run in await making.claimed(journal, lease=OTHER)] == [dead.id]


async def test_the_last_run_that_touched_an_object_is_known(journal: Journal) -> None:
    first, second = await making.made(journal, "e", "f")
    made = [("source", "7"), ("pop", "7")]
    for run, at in ((first, NOW), (second, NOW + 5), (first, NOW + 3), (first, NOW + 4)):
        await journal.write(
            partial(runs.touch, account="popily", made=made, run_id=run.id, step_id="add", now=at)
        )
    found = await journal.read(lambda c: runs.toucher(c, "popily", "source", "7"))
    assert found == (second, NOW + 5)
    assert await journal.read(lambda c: runs.toucher(c, "other", "source", "7")) is None
    assert await making.counted(journal, "remotes") == 4


async def test_a_listing_is_narrowed_and_newest_first(journal: Journal) -> None:
    for n in range(4):
        name = "copy" if n % 2 else "move"
        await making.made(journal, f"e{n}", now=NOW + n, reaction=making.reaction(name))
    (dead,) = await making.made(journal, "e4", now=NOW + 4, error="no")
    assert await listed(journal) == ["e4", "e3", "e2", "e1", "e0"]
    assert await listed(journal, limit=2) == ["e4", "e3"]
    assert await listed(journal, reaction="move") == ["e2", "e0"]
    assert await listed(journal, status="dead") == ["e4"]
    assert await listed(journal, status="succeeded") == []
    assert await listed(journal, since=NOW + 3) == ["e4", "e3"]
    assert await journal.read(runs.open_counts) == {
        ("copy", "pending"): 2,
        ("move", "pending"): 2,
        ("copy", "dead"): 1,
    }
    assert await journal.read(lambda c: runs.oldest_due(c, NOW + 9)) == NOW
    assert await journal.read(lambda c: runs.get(c, "nothing")) is None
    assert dead.status is RunStatus.DEAD


async def test_a_due_time_in_the_journal_needs_no_run_to_be_running(journal: Journal) -> None:
    assert await journal.read(runs.next_due) is None
    assert await journal.read(lambda c: runs.oldest_due(c, NOW)) is None
    assert await journal.write(lambda c: runs.make(c, list[NewRun](), NOW, [])) == []
