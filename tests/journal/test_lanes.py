"""Lanes: work is done in order by threads of its own, and its outcome comes back to the loop."""

import asyncio
import threading
from functools import partial

import pytest

from daemon.journal.lanes import Lane


async def test_work_is_done_in_order_on_one_other_thread() -> None:
    lane, seen = Lane("t"), list[int]()

    def work(n: int) -> int:
        seen.append(n)
        return threading.get_ident()

    results = await asyncio.gather(*(lane.do(work, n) for n in range(50)))
    lane.close()
    assert seen == list(range(50))
    assert set(results) == {results[0]} != {threading.get_ident()}


async def test_an_exception_comes_back_and_the_lane_goes_on() -> None:
    lane = Lane("t")
    with pytest.raises(ZeroDivisionError):
        await lane.do(lambda: 1 // 0)
    assert await lane.do(divmod, 7, 2) == (3, 1)
    lane.close()


async def test_two_threads_work_at_once() -> None:
    lane, meeting = Lane("t", threads=2), threading.Barrier(2, timeout=10)
    places = await asyncio.gather(lane.do(meeting.wait), lane.do(meeting.wait))
    lane.close()
    assert sorted(places) == [0, 1]


async def test_what_nobody_waits_for_any_more_is_done_all_the_same() -> None:
    lane, seen = Lane("t"), threading.Event()
    lane.do(seen.set).cancel()
    assert await lane.do(seen.is_set)
    lane.close()


async def test_closing_finishes_what_is_queued_and_takes_no_more() -> None:
    lane, seen = Lane("t"), list[int]()
    for n in range(5):
        lane.put(partial(seen.append, n))
    lane.close()
    lane.close()
    assert seen == [0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="closed"):
        lane.put(seen.clear)


def test_a_lane_that_was_never_used_has_no_threads() -> None:
    before = threading.active_count()
    Lane("t", threads=3).close()
    assert threading.active_count() == before
