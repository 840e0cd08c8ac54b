"""Tasks for work that mostly waits for services, and now and then for nobody.

A piece of work that waits keeps its task, and another task goes on with the next piece; one that never waits leaves
its task to the next. So there are as many tasks as pieces that wait, and few for a round of pieces that do not.
Used by ``watches``, whose polls these are.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

import structlog

from daemon.model.times import SECOND

T = TypeVar("T")
SLACK = 1.0  # seconds by which a piece may be cut early: setting the timer anew for each costs as much as a short one
TURN = 32  # pieces that one task does: then whoever else has something to do has a turn

log = structlog.get_logger()


class Crew(Generic[T]):
    """Does *work* on each piece, at most *most* of them at once; the others wait for their turn. A piece that takes
    *longest* microseconds from then on is cut short, and given to *late*.
    """

    def __init__(
        self,
        work: Callable[[T], Awaitable[None]],
        late: Callable[[T], Awaitable[None]],
        longest: int,
        most: int,
    ) -> None:
        self._work = work
        self._late = late
        self._longest = longest / SECOND
        self._most = most
        self._waiting: deque[T] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming = False  # whether a task was made that has not begun

    def add(self, pieces: Iterable[T]) -> None:
        """Begin with *pieces*, in their order."""
        self._waiting.extend(pieces)
        self._call_next()

    async def stop(self) -> None:
        """Cut short what is under way, and forget what waits."""
        self._waiting.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._coming = False

    def _call_next(self) -> None:
        if self._waiting and not self._coming and len(self._tasks) < self._most:
            self._coming = True
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._call_next()

    async def _run(self) -> None:
        """Do a few pieces; whoever does the next ones has been called by then."""
        self._coming = False
        if not self._waiting:
            return
        piece, loop = self._waiting[0], asyncio.get_running_loop()
        until = loop.time() + self._longest
        try:
            async with asyncio.timeout_at(until) as limit:
                for _ in range(TURN):
                    if not self._waiting:
                        break
                    piece = self._waiting.popleft()
                    self._call_next()
                    later = loop.time() + self._longest
                    if later - until > SLACK:  # let the piece that begins have its whole time
                        until = later
                        limit.reschedule(until)
                    await self._work(piece)
        except TimeoutError:
            await self._late(piece)
        except Exception:
            log.exception("poll.broke")  # not by what it spoke to: by how we wrote of it
