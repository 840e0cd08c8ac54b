"""SIGKILL at every station: what was acknowledged stands, each effect is there once or held with its evidence."""

import re

import pytest

from tests.crashes import chance, stations
from tests.crashes.lives import Lives
from tests.crashes.workload import Workload

# Where something was just written or said, and nobody knows of it yet.
SHARP = re.compile(r"[.: ](write|commit|COMMIT|told|take|_fire|question|poll|note|request)( \d+)?$")
SPOKEN = re.compile(r"[.: ](question|poll|note|request)( \d+)?$")
A_FEW = 14
# What this work does not come to, and why; those places have tests of their own in their rooms.
RARE = {
    "a journal that cannot be written, see test_outages": (
        "intake.admission._refuse: one.told",
        "running.scribe.Scribe._insist: asyncio.sleep",
        "running.course.Courses._load: self._journal.read",
        "running.worker.Worker._holds: self._hold_on",
        "running.worker.Worker._holds: asyncio.sleep",
        "journal.sqlite.SqliteJournal._commit: self._writer.do 2",
        "journal.sqlite.open_sqlite: journal.close",
        "intake.rounds.Rounds.finish: self._journal.write",
        "intake.rounds.Rounds._commit: asyncio.sleep",
        "intake.rounds.Rounds._commit: asyncio.sleep 2",
        "intake.watches.Watcher._miss: asyncio.sleep",
    ),
    "a mistake of ours": (
        "intake.admission.Admission._commit: self._commit_apart",
        "intake.admission.Admission._commit_apart: self._commit",
        "running.calling.Caller._send: self._scribe.die 3",
        "running.circuits.Circuits.went_wrong: self._nothing",
        "running.course.Courses.take: self._scribe.end",
        "running.course.Courses.take: self._scribe.end 2",
        "running.doubting.Doubts.look: self._scribe.hold 2",
        "running.scribe.Scribe.end: self.commit",
    ),
    "a chain of sixteen events": (
        "running.calling.Caller._after_success: self._scribe.cycle",
        "running.calling.Caller._after_success: self._scribe.die",
        "running.course.Courses._walk: self._scribe.end_loop",
        "running.scribe.Scribe.end_loop: self.cycle",
        "running.scribe.Scribe.end_loop: self.end",
        "running.scribe.Scribe.cycle: self._journal.read",
    ),
    "a death after many failures or much time": (
        "running.calling.Caller._proceed: self._scribe.die",
        "running.calling.Caller._note: self._scribe.die",
        "running.calling.Caller._send: self._scribe.die",
        "running.calling.Caller._after_failure: self._scribe.die",
        "running.calling.Caller._after_failure: self._scribe.die 2",
        "running.course.Courses._step: self._scribe.die",
        "running.course.Courses._step: self._scribe.die 2",
        "running.course.Courses._step: self._journal.read",
        "running.course.Courses._step: self._scribe.commit",
        "running.doubting.Doubts.look: self._scribe.hold",
        "running.doubting.Doubts._look_again: self._scribe.hold",
        "running.doubting.Doubts._look_again: self._scribe.park",
    ),
    "a queue of many, a clock that was set, two nodes": (
        "intake.schedules.Schedules._turn_back: self._journal.write",
        "intake.watches.Watcher._missed: self._journal.write",
        "intake.watches.Watcher._look: self._journal.write",
        "intake.reading_back.Sweep.once: self._journal.write",
        "intake.watches.Watcher._bind_trace: self._journal.read",
        "routing.router.Router._plan: self._journal.read",
        "running.calling.Caller._in_turn: self._circuits.enter",
        "running.calling.Caller._in_turn: self._proceed",
        "running.calling.Caller._in_turn: self._scribe.commit",
        "running.circuits.Circuits.leave: self._move",
        "running.circuits.Circuits._nothing: self._move",
        "running.circuits.Circuits.configure: self._move",
        "running.circuits.Circuits.went_wrong: self._answered",
        "running.parking.Parking._answers: self._circuits.count",
        "running.parking.Parking._note_work: self._journal.write",
    ),
    "several nodes on one journal": (
        "intake.claims.Leased.take: self._journal.lease_now",
        "intake.claims.Leased.take: self._renew",
        "intake.claims.Leased.take: self._journal.read",
        "intake.claims.Leased.take: self._journal.write",
        "intake.claims.Leased.take: self._journal.read 2",
        "intake.claims.Leased._renew: self._journal.write",
        "intake.claims.Leased.hand_back: self._journal.write",
    ),
    "an end in the few milliseconds in which quiet polls wait to be written together": (
        "intake.rounds.Rounds.finish: asyncio.gather",
    ),
    "a poll that takes too long": (
        "intake.crew.Crew._run: self._late",
        "intake.watches.Watcher._cut: self._miss",
    ),
    "a callback that comes in parts": ("intake.admission.Admission.admit: future",),
    "a reload, after which old clients are closed": (
        "contract.http.Http.retire: self._in_use.idle.wait",
        "contract.http.Http.retire: self.close",
    ),
    "files fetched from elsewhere, connections that never stood": (
        "contract.connections.GuardedResolver.resolve: self._inner.resolve",
        "contract.connections.GuardedResolver.close: self._inner.close",
        "contract.http.Http._in_turn: self._exchange",
        "contract.http.Http.stream: get",
        "contract.http.Http._asked: self._once 2",
    ),
}
RARELY = {name for names in RARE.values() for name in names}
EVERY = stations.all_stations()
USUAL = [f"{name} {side}" for name in EVERY if name not in RARELY for side in ("before", "after")]
SHARPEST = [
    f"{name} {side}"
    for name in EVERY
    if name not in RARELY and SHARP.search(name)
    for side in (("before", "after") if SPOKEN.search(name) else ("after",))
]


@pytest.mark.timeout(240)
async def test_a_death_behind_a_commit_or_around_a_call_costs_nothing(work: Workload) -> None:
    chosen = sorted(chance.seeded("stations").sample(SHARPEST, A_FEW), key=SHARPEST.index)
    lives = Lives(work, once=True)
    await lives.end_at(chosen)
    assert await lives.reckon() == []
    assert len(lives.ended) >= A_FEW // 2, lives.missed  # a busy machine may not come everywhere in time


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_a_death_at_every_single_station_costs_nothing(work: Workload) -> None:
    lives = Lives(work)
    await lives.end_at(USUAL)
    assert await lives.reckon() == []
    assert len(lives.missed) <= len(USUAL) // 100, (
        lives.missed
    )  # a busy machine may not come everywhere in time


def test_what_is_named_rare_is_a_station() -> None:
    assert sorted(RARELY - set(EVERY)) == []


def test_whatever_waits_is_a_station() -> None:
    text = "class A:\n async def b(self):\n  await self.c.write(1)\n  async with d():\n   await e\n"
    assert stations.mark(text, "daemon.x.y")[1] == [
        "x.y.A.b: self.c.write",
        "x.y.A.b: e",
        "x.y.A.b: d",
    ]
    assert len(EVERY) == len(set(EVERY)) > 200
    assert len(SHARPEST) > 40
    assert len(USUAL) > 300


def test_the_daemon_itself_knows_of_no_station() -> None:
    texts = [path.read_text() for _, path in stations.modules()]
    assert not [text for text in texts if stations.AROUND in text or stations.PASSING in text]
