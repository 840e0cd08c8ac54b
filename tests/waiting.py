"""Waiting for something to become true, with a deadline; never sleeping and hoping.

Used by every test that watches something run by itself: a task, a thread, another process.
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.01


async def wait_for(condition: Callable[[], object], timeout: float = 10.0, what: str = "") -> Any:
    """What *condition* answers as soon as that is true; :class:`AssertionError` after *timeout* seconds.

    *condition* is asked again and again; it may be async. An AssertionError inside it counts as "not yet",
    and is the cause of the final one.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer, failure = await _ask(condition)
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise _too_late(condition, timeout, what, answer) from failure
        await asyncio.sleep(PAUSE_SECONDS)


def wait_until(condition: Callable[[], T], timeout: float = 10.0, what: str = "") -> T:
    """:func:`wait_for` for a test that has no event loop."""
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        answer: T | None = None
        try:
            answer = condition()
        except AssertionError as error:
            failure = error
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise _too_late(condition, timeout, what, answer) from failure
        time.sleep(PAUSE_SECONDS)


async def _ask(condition: Callable[[], object]) -> tuple[object, AssertionError | None]:
    try:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
    except AssertionError as error:
        return None, error
    return answer, None


def _too_late(condition: object, timeout: float, what: str, answer: object) -> AssertionError:
    name = what or getattr(condition, "__qualname__", repr(condition))
    return AssertionError(f"{name} did not come true within {timeout:g} s (last answer: {answer!r})")
