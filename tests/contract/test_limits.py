"""An account's own limits: how many calls are left, who is refused in the middle, what was really asked."""

import asyncio

import pytest

from daemon.contract import errors, limits
from daemon.contract.limits import Limits
from daemon.model import times


async def spend(lane: Limits, calls: int) -> int:
    """Make *calls* at once; how many microseconds until the bucket is full again."""
    for _ in range(calls):
        async with lane.call():
            pass
    return lane.busy_for(asyncio.get_running_loop().time())


async def test_what_is_left_of_a_rate() -> None:
    lane = Limits(5, times.SECOND, 2)
    assert limits.left(5, times.SECOND, lane.busy_for(asyncio.get_running_loop().time())) == 5
    assert limits.left(5, times.SECOND, await spend(lane, 2)) == 3
    assert limits.left(5, times.SECOND, await spend(lane, 3)) == 0


@pytest.mark.parametrize(
    "rate, per, busy, left",
    [
        (5, times.SECOND, 0, 5),
        (5, times.SECOND, 1, 4),
        (5, times.SECOND, 200_000, 4),
        (5, times.SECOND, 10 * times.SECOND, 0),
        (10, times.HOUR, 0, 1),
        (10, times.HOUR, 1, 0),
        (1_000, times.SECOND, 3_000, 997),
    ],
)
def test_a_bucket_holds_a_second_of_calls_and_one_at_least(rate: int, per: int, busy: int, left: int) -> None:
    assert limits.left(rate, per, busy) == left


async def test_whoever_waits_for_the_rate_is_refused_when_the_account_is() -> None:
    lane = Limits(10, times.SECOND, 2)
    asked = 0

    def refuse() -> None:
        nonlocal asked
        asked += 1
        if asked > 11:  # ten that have their turn at once, and the eleventh as it comes
            raise errors.TemporaryError("leave me alone")

    lane.refuse = refuse
    await spend(lane, 10)
    with limits.Heard() as heard, pytest.raises(errors.TemporaryError):
        async with lane.call():
            pytest.fail("it was sent")
    assert (asked, heard.requests) == (12, 0)


async def test_requests_are_heard_from_tasks_too() -> None:
    lane = Limits(1_000, times.SECOND, 4)
    with limits.Heard() as heard:
        await asyncio.gather(spend(lane, 2), spend(lane, 1))
    await spend(lane, 1)
    assert heard.requests == 3
