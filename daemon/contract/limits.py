"""An account's own limits: how many calls in which time, how many at once, and none while it is to be left alone.

``app`` makes one :class:`Limits` an account; its :class:`~daemon.contract.http.Http` enters it around each call, and
``running`` takes a place in it before a step's intent is written.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from daemon.model import times

_in_place: ContextVar[bool] = ContextVar("in_place", default=False)
_heard: ContextVar["Heard | None"] = ContextVar("heard", default=None)


class Heard:
    """How many requests this task and those it starts send inside ``with``: a step may well send none."""

    __slots__ = ("_token", "requests")

    def __init__(self) -> None:
        self.requests = 0

    def __enter__(self) -> "Heard":
        self._token = _heard.set(self)
        return self

    def __exit__(self, *_how: object) -> None:
        _heard.reset(self._token)


def _let_pass() -> None:
    """Nobody asked to be left alone."""


@dataclass(slots=True)
class Limits:
    """A token bucket and a bound on calls under way: an account's ``rate`` and ``concurrency``.

    *rate* is calls and *per* microseconds (``5/s`` is 5 and 1,000,000). The bucket holds one second's worth of
    calls, at least one. In real time: a vendor's limits do not run faster because our clock does. *refuse* is asked
    just before a request is sent, and raises where the service has asked meanwhile to be left alone.
    """

    rate: int
    per: int
    concurrency: int
    waiting: int = 0
    refuse: Callable[[], None] = _let_pass
    _next: float = 0.0
    _gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._gate = asyncio.Semaphore(self.concurrency)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of the account's places, held for a whole step: the calls inside need none of their own."""
        self.waiting += 1
        try:
            await self._gate.acquire()
        finally:
            self.waiting -= 1
        token = _in_place.set(True)
        try:
            yield
        finally:
            _in_place.reset(token)
            self._gate.release()

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call, in its turn."""
        async with contextlib.nullcontext() if _in_place.get() else self.place():
            self.refuse()
            wait = self._reserve(asyncio.get_running_loop().time())
            if wait:
                await asyncio.sleep(wait)
                self.refuse()
            if (heard := _heard.get()) is not None:
                heard.requests += 1
            yield

    @property
    def full(self) -> bool:
        """Whether a step would have to wait for a place now."""
        return self._gate.locked()

    def _reserve(self, now: float) -> float:
        """Take the next place in the row; the seconds to wait for it."""
        interval = self.per / times.SECOND / self.rate
        burst = max(0.0, 1.0 - interval)
        place = max(self._next, now - burst)
        self._next = place + interval
        return max(0.0, place - now)

    def busy_for(self, now: float) -> int:
        """Microseconds until the bucket is full again; *now* is the event loop's time."""
        interval = self.per / times.SECOND / self.rate
        burst = max(0.0, 1.0 - interval)
        return max(0, round((self._next - (now - burst)) * times.SECOND))


def left(rate: int, per: int, busy_for: int) -> int:
    """How many calls of ``rate`` in *per* may be made at once, *busy_for* microseconds before the bucket is full."""
    most = max(1, rate * times.SECOND // per)
    return max(0, most - -(-busy_for * rate // per))
