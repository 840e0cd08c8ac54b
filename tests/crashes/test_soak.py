"""Orders, callbacks, polls and schedules under load, SIGKILL at random moments: nothing is lost, nothing is doubled."""

import asyncio
import random
import time

import pytest

from tests.crashes import chance
from tests.crashes.lives import Lives
from tests.crashes.workload import KINDS, Workload

BREATH = 0.3  # seconds between two offers of one sender
LIVES = (0.1, 1.3)  # seconds that a daemon is left in peace, at least and at most
SENDERS = 3
MANY = 200  # kills of the long form


class Trade:
    """Whoever sends orders, looks at pages, adds sources, for as long as it lasts."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.goes_on = True

    async def send(self) -> None:
        """Offer again and again; what got no answer is sent again, as senders do."""
        while self.goes_on:
            if len(self.work.unsure) < SENDERS * len(KINDS):  # nobody goes on for long without an answer
                await self.work.offer()
            for kind, n in list(self.work.unsure)[: len(KINDS)]:
                await self.work.order(kind, n)
            await asyncio.sleep(BREATH)


async def kill_again_and_again(work: Workload, chances: random.Random, kills: int, seconds: float) -> int:
    """Start and kill the daemon, *kills* times at most, for *seconds* at most; how often."""
    done, until = 0, time.monotonic() + seconds
    while done < kills and time.monotonic() < until:
        Lives(work).mend()
        work.break_something()
        assert await work.daemon.begin(), work.daemon.log.read_text()[-2000:]
        await asyncio.sleep(chances.uniform(*LIVES))
        await work.daemon.kill()
        done += 1
    return done


async def soak(work: Workload, kills: int, seconds: float) -> int:
    """Kill as often as is asked for and time allows, under load, then reckon; how often it was."""
    chances, trade = chance.seeded("soak"), Trade(work)
    senders = [asyncio.create_task(trade.send()) for _ in range(SENDERS)]
    done = await kill_again_and_again(work, chances, kills, seconds)
    trade.goes_on = False
    await asyncio.gather(*senders)
    wrong = await Lives(work).reckon()
    print(f"{done} kills, {len(work.sent)} orders, {len(work.sources)} sources")
    assert wrong == []
    assert len(work.sent) > 2 * done
    assert work.unsure == set()
    return done


@pytest.mark.timeout(200)
async def test_random_kills_for_a_moment_lose_and_double_nothing(work: Workload) -> None:
    assert await soak(work, kills=8, seconds=20) >= 5


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_two_hundred_random_kills_lose_and_double_nothing(work: Workload) -> None:
    assert await soak(work, kills=MANY + 5, seconds=430) >= MANY
