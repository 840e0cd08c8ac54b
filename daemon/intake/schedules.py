"""The schedules: the clock's moments become ``schedule.fired`` events, each once.

When a schedule fires next is a row; a firing moves the row on and records the event in one transaction,
under a key made of the moment. So a restart neither repeats nor loses one, and of several nodes one fires.
The clock (APScheduler behind ``clock.Wakes``) only tells when to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import structlog

from daemon import clock
from daemon.clock.wake import Callback
from daemon.contract import configured
from daemon.contract.own_events import ScheduleFired
from daemon.journal import events, schedules
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal
from daemon.journal.events import Admitted
from daemon.journal.schedules import Schedule as Row
from daemon.model import jsons, times
from daemon.model.events import Fact
from daemon.model.times import SECOND, Clock

SOURCE = "schedule"
LATE = 60 * SECOND  # a firing that is later than this was missed: the machine slept
GRACE = 1 * SECOND  # before our start, in which another node may be about to fire
NEVER_FIRED = -1

log = structlog.get_logger()


class Waker(Protocol):
    """Calls back at an instant."""

    def at(self, name: str, instant: int, callback: Callback) -> None:
        """Call *callback* once when the clock shows *instant*."""
        ...


@dataclass(frozen=True, slots=True)
class Planned:
    """One ``[[schedule]]`` with what the clock makes of it."""

    configured: configured.Schedule
    spec: clock.Spec

    @property
    def digest(self) -> str:
        """A fingerprint of when it fires: a changed schedule begins anew."""
        one = self.configured
        return jsons.fingerprint([one.cron, one.every, one.at, one.timezone, one.gap])


def plan(schedule: configured.Schedule) -> Planned:
    """What the clock makes of *schedule*."""
    if schedule.cron is not None:
        return Planned(schedule, clock.Cron(schedule.cron, schedule.timezone, schedule.gap))
    if schedule.every is not None:
        return Planned(schedule, clock.Every(schedule.every))
    assert schedule.at is not None  # noqa: S101 - the config's check allows exactly one of the three
    return Planned(schedule, clock.At(schedule.at))


class Schedules:
    """Fires what is due. ``configure`` takes the schedules of the config, at start and at each reload."""

    def __init__(self, journal: Journal, now: Clock, waker: Waker, bell: Bell, router: Bell) -> None:
        self._journal = journal
        self._clock = now
        self._waker = waker
        self._bell = bell
        self._router = router
        self._planned: dict[str, Planned] = {}
        self._began_at: int | None = None

    async def configure(self, configured_schedules: Sequence[configured.Schedule]) -> None:
        """Make the rows those of the config: new and changed ones begin now, unchanged ones keep their next
        moment.
        """
        planned = {one.name: plan(one) for one in configured_schedules}
        now = self._clock.now()
        await self._journal.write(lambda connection: _configure(connection, planned, now))
        self._planned = planned
        self._began_at = now if self._began_at is None else self._began_at
        self._bell.ring()

    async def once(self) -> bool:
        """Fire what is due; whether anything was."""
        now = self._clock.now()
        rows = await self._journal.read(schedules.all_rows)
        due = await self._turn_back(rows, now)
        ours = [(self._planned[row.name], row) for row in due if row.name in self._planned]
        moved = [await self._fire(planned, row, now) for planned, row in ours]
        await self._wake_when_due()
        return any(moved)

    async def _turn_back(self, rows: dict[str, Row], now: int) -> list[Row]:
        """The rows that are due. An interval whose next moment is further off than the interval is taken back: the
        clock was, and by more than nodes' clocks differ. A cron text and a moment are meant by the clock, and wait.
        """
        for row in rows.values():
            planned = self._planned.get(row.name)
            if planned is None or row.next_at is None or not isinstance(planned.spec, clock.Every):
                continue
            if row.next_at - now <= planned.spec.duration + LATE:
                continue
            following = clock.next_firing(planned.spec, now)
            back = partial(
                schedules.advance, name=row.name, old=row.next_at, next_at=following, fired_at=None
            )
            await self._journal.write(back)
        due = [row for row in rows.values() if row.next_at is not None and row.next_at <= now]
        return sorted(due, key=lambda row: row.next_at or 0)

    async def _fire(self, planned: Planned, row: Row, now: int) -> bool:
        """Move *row* on, and record that it fired; False where another node did."""
        began_at = self._began_at if self._began_at is not None else now
        moment = decide(planned, row, now, began_at)
        following = clock.next_firing(planned.spec, now)

        def write(connection: Connection) -> tuple[bool, Sequence[Admitted]]:
            assert row.next_at is not None  # noqa: S101 - it was due
            moved = schedules.advance(connection, row.name, row.next_at, following, moment)
            if not moved or moment is None:
                return moved, []
            fact = fired(planned.configured, moment)
            told = events.emit(connection, [fact], SOURCE, now)
            if told[0].duplicate and isinstance(
                planned.spec, clock.Every
            ):  # the clock was set back over this moment
                told = events.emit(connection, [replace(fact, key=f"{fact.key}:{now}")], SOURCE, now)
            return moved, told

        moved, admitted = await self._journal.write(write)
        for one in admitted:
            log.info(
                "schedule.fired", schedule=row.name, trace=one.id, scheduled_for=times.rfc3339(moment or now)
            )
        if admitted:
            self._router.ring()
        elif moved:
            log.info("schedule.skipped_missed", schedule=row.name)
        return moved

    async def _wake_when_due(self) -> None:
        instant = await self._journal.read(schedules.next_due)
        if instant is not None:
            self._waker.at("schedules", instant, self._bell.ring)


def decide(planned: Planned, row: Row, now: int, began_at: int) -> int | None:
    """Which moment a due *row* fires for: its own, or after missed ones the latest; None where those are
    skipped. Missed is what came before the daemon *began_at*, or while the machine slept.
    """
    assert row.next_at is not None  # noqa: S101 - it was due
    latest = clock.missed(planned.spec, row.next_at, now)
    if latest is None:
        latest = row.next_at
    is_missed = latest < began_at - GRACE or now - latest > LATE
    return None if is_missed and planned.configured.misfire == "skip" else latest


def fired(schedule: configured.Schedule, moment: int) -> Fact:
    """The fact that *schedule* fired for *moment*."""
    data = {**schedule.data, "scheduled_for": times.rfc3339(moment)}
    return Fact(ScheduleFired.type, schedule.name, f"{schedule.name}:{moment}", data)


def _configure(connection: Connection, planned: dict[str, Planned], now: int) -> None:
    known = schedules.all_rows(connection)
    schedules.drop_others(connection, planned)
    for name, one in planned.items():
        row = known.get(name)
        if row is not None and row.digest == one.digest:
            continue
        # An `at` in the past fires once; everything else begins with its next moment.
        after = NEVER_FIRED if isinstance(one.spec, clock.At) else now
        schedules.set_row(connection, name, one.digest, clock.next_firing(one.spec, after))
