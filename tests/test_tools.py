"""The tools that the other tests lean on."""

import asyncio
import socket

import asyncpg
import pytest

from daemon.model import times
from tests import clocks, ports, waiting


async def test_wait_for_gives_the_answer_as_soon_as_there_is_one() -> None:
    answers = iter([None, 0, "here"])
    assert await waiting.wait_for(lambda: next(answers)) == "here"


async def test_wait_for_takes_async_conditions() -> None:
    async def condition() -> int:
        return 7

    assert await waiting.wait_for(condition) == 7


async def test_wait_for_says_what_did_not_come() -> None:
    with pytest.raises(AssertionError, match=r"the train did not come true within 0.03 s \(last answer: 0\)"):
        await waiting.wait_for(lambda: 0, timeout=0.03, what="the train")


def test_wait_until_counts_a_failed_assertion_as_not_yet() -> None:
    tries: list[int] = []

    def condition() -> bool:
        tries.append(1)
        assert len(tries) >= 3
        return True

    assert waiting.wait_until(condition)
    assert len(tries) == 3


async def test_the_virtual_clock_wakes_sleepers_in_order_at_their_own_instants() -> None:
    clock = clocks.VirtualClock(start=0)
    woken: list[tuple[str, int]] = []

    async def sleeper(name: str, duration: int) -> None:
        await clock.sleep(duration)
        woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleeper("late", 3 * times.SECOND))
        tasks.create_task(sleeper("early", times.SECOND))
        await clock.advance(2 * times.SECOND)
        assert woken == [("early", times.SECOND)]
        assert clock.sleepers == 1
        await clock.advance(2 * times.SECOND)
    assert woken == [("early", times.SECOND), ("late", 3 * times.SECOND)]
    assert clock.now() == 4 * times.SECOND


async def test_a_task_that_sleeps_again_while_the_clock_advances_is_woken_again() -> None:
    clock = clocks.VirtualClock(start=0)
    ticks: list[int] = []

    async def ticker() -> None:
        while True:
            await clock.sleep(times.SECOND)
            ticks.append(clock.now())

    task = asyncio.create_task(ticker())
    await clock.advance(3 * times.SECOND)
    task.cancel()
    assert ticks == [times.SECOND, 2 * times.SECOND, 3 * times.SECOND]


def test_free_ports_are_free_and_never_given_twice() -> None:
    given = [ports.free_port() for _ in range(20)]
    assert len(set(given)) == 20
    with socket.create_server(("127.0.0.1", given[0])) as server:
        assert server.getsockname()[1] == given[0]


async def test_each_test_has_an_empty_database_of_its_own(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert await connection.fetchval(tables) == 0
        await connection.execute("CREATE TABLE once (n int)")
        assert await connection.fetchval(tables) == 1
    finally:
        await connection.close()


async def test_the_server_keeps_the_default_promise_of_a_commit(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
    finally:
        await connection.close()
