"""Threads that do one thing after the other, for an event loop: the SQLite journal's writer, readers, checkpointer.

A ``ThreadPoolExecutor`` does the same for several times the cost: two futures, their locks and a callback for each
piece of work. A commit is as short as that cost is long.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Lane:
    """A queue of work and its *threads*, which begin with the first piece of it."""

    def __init__(self, name: str, threads: int = 1) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        self._begun = self._closed = False

    def do(self, work: Callable[..., T], *given: Any) -> "asyncio.Future[T]":
        """Queue *work*; the future ends with its result or its exception."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def piece() -> None:
            outcome: Any = None
            error: BaseException | None = None
            try:
                outcome = work(*given)
            except BaseException as broken:
                error = broken
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, future, outcome, error)

        self.put(piece)
        return future

    def put(self, piece: Callable[[], None]) -> None:
        """Queue *piece*, which reports to nobody and does not raise. ``RuntimeError`` after :meth:`close`."""
        if self._closed:
            raise RuntimeError("the lane is closed")
        if not self._begun:
            self._begun = True
            for thread in self._threads:
                thread.start()
        self._queue.put(piece)

    def _work(self) -> None:
        while (piece := self._queue.get()) is not None:
            piece()
            del piece  # with what it gave: whoever waited for that lets go of it piece by piece, and sooner

    def close(self) -> None:
        """Finish what is queued, and end the threads."""
        self._closed = True
        begun = self._threads if self._begun else []
        for _ in begun:
            self._queue.put(None)
        for thread in begun:
            thread.join()


def _settle(future: "asyncio.Future[Any]", outcome: Any, error: BaseException | None) -> None:
    if future.done():  # whoever waited was cancelled
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(outcome)
