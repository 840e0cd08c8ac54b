"""The clock is set by an hour, forwards or back: what backs off does so no longer and no shorter."""

import asyncio
import random

import pytest

from daemon.app.jumps import Jumps
from daemon.clock import WallClock
from daemon.contract import errors
from daemon.journal import shifting, watches
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.model import times
from daemon.model.runs import RunStatus
from tests import clocks
from tests.journal import making
from tests.running.world import World, reaction, step

HOUR = [times.HOUR, -times.HOUR]


class SetClock(WallClock):
    """A machine's clock that the test sets, and with it a world's virtual one."""

    def __init__(self, virtual: clocks.VirtualClock) -> None:
        super().__init__()
        self.virtual = virtual
        self.raw = virtual.now()
        self.moved = 0

    def now(self) -> int:
        return self.raw + self.correction

    def jumped(self) -> int:
        moved, self.moved = self.moved, 0
        return moved

    def set_by(self, by: int) -> None:
        """Somebody sets the machine's clock."""
        self.raw += by
        self.moved += by


async def set_clock(world: World, by: int) -> None:
    """Set the clock of *world*, and let the daemon notice."""
    shown = SetClock(world.clock)
    shown.set_by(by)
    world.clock.set(shown.raw)
    jumps = Jumps(world.journal, shown, world.courses.carry)
    if world.journal.dialect == "postgresql":  # the server's clock is the world's
        await world.journal.write(lambda connection: shifting.shift(connection, by, shown.raw))
        world.courses.carry(by)
    else:
        await jumps.once()


@pytest.mark.parametrize("by", HOUR)
async def test_a_back_off_stays_as_long_as_it_was(
    world: World, by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)  # the longest pause: two seconds
    world.shop.script["shop.put"] = [errors.TemporaryError("429", status=429)]
    world.react(reaction("stock", step("put"), timeout=10 * times.MINUTE))
    run = await world.react_to()
    await set_clock(world, by)
    await world.settle()
    assert len(world.shop.calls) == 1
    await world.later(times.SECOND)
    assert len(world.shop.calls) == 1
    await world.later(times.SECOND)
    run = await world.run(run.id)
    assert (run.status, len(world.shop.calls)) == (RunStatus.SUCCEEDED, 2)


@pytest.mark.parametrize("by", HOUR)
async def test_what_is_in_hand_takes_no_longer_for_it(world: World, by: int) -> None:
    world.shop.script["shop.put"] = [errors.TemporaryError("429", status=429)]
    world.react(reaction("stock", step("put"), timeout=10 * times.MINUTE))
    world.shop.gate = asyncio.Event()
    await world.tell()
    await world.begin()
    await world.calls(1)
    await set_clock(world, by)
    world.shop.gate.set()
    await world.settle()
    await world.later(3 * times.SECOND)
    (run,) = await world.runs()
    assert (run.status, len(world.shop.calls)) == (RunStatus.SUCCEEDED, 2)


@pytest.mark.parametrize("by", HOUR)
async def test_a_look_comes_when_it_would_have_come(world: World, by: int) -> None:
    world.shop.script["shop.make"] = [errors.TemporaryError("lost", in_doubt=True)]
    world.react(reaction("stock", step("make")))
    await world.react_to()
    await set_clock(world, by)
    await world.later(30 * times.SECOND)  # when the request was given up cannot be told any more
    (run,) = await world.runs()
    assert (run.status, len(world.shop.made)) == (RunStatus.SUCCEEDED, 1)


@pytest.mark.parametrize("by", HOUR)
async def test_polls_come_when_they_would_have_come(journal: Journal, by: int) -> None:
    row = making.polled("sales", due_at=making.NOW + 30 * times.SECOND)
    await journal.write(lambda connection: watches.configure(connection, [row]))
    assert await journal.write(lambda connection: shifting.shift(connection, by, making.NOW + by))
    due = await journal.read(lambda connection: watches.next_due(connection, 0))
    assert due == making.NOW + by + 30 * times.SECOND


async def test_two_nodes_that_notice_one_jump_move_the_rows_once(journal: Journal) -> None:
    def told(connection: Connection) -> list[bool]:
        now = making.NOW + times.HOUR
        return [shifting.shift(connection, times.HOUR, now + n * times.SECOND) for n in range(3)]

    first, *others = await journal.write(told)
    assert first
    assert others == [journal.dialect == "sqlite"] * 2  # a file has one daemon


async def test_a_node_that_alone_has_another_time_keeps_its_pace(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = SetClock(clocks.VirtualClock(making.NOW))
    monkeypatch.setattr(shifting, "server_now", lambda _connection: making.NOW)
    carried: list[int] = []
    jumps = Jumps(journal, shown, carried.append)
    shown.set_by(times.HOUR)
    await jumps.once()
    assert (shown.now(), carried) == (making.NOW, [])
    shown.set_by(-times.HOUR)  # it is put right
    await jumps.once()
    assert (shown.now(), shown.correction, carried) == (making.NOW, 0, [])


async def test_a_jump_that_cannot_be_written_is_taken_later(journal: Journal) -> None:
    class Broken:
        async def read(self, fn: object) -> None:
            raise JournalUnavailable("gone")

    shown = SetClock(clocks.VirtualClock(making.NOW))
    carried: list[int] = []
    jumps = Jumps(Broken(), shown, carried.append)  # type: ignore[arg-type]  # it only fails to read
    shown.set_by(times.HOUR)
    with pytest.raises(JournalUnavailable):
        await jumps.once()
    jumps._journal = journal
    if journal.dialect == "sqlite":
        await jumps.once()
        assert carried == [times.HOUR]
    assert jumps._moved == (0 if carried else times.HOUR)
