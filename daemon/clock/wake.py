"""Being woken at an instant. The only module that knows APScheduler, and it uses it for nothing else.

What is due lives in the journal; a wake only tells a loop when it is worth asking again. ``app`` starts and
stops the one :class:`Wakes`; loops call :meth:`Wakes.at` with the method that rings their bell. APScheduler
is imported for the first wake, so that a daemon without schedules does not pay for it.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.clock import wall

LOOK_AGAIN_SECONDS = 30  # real; how late a wake may be after the machine slept or its clock was set forward
OVERLAPPING_CALLS = 1_000  # of one name: a callback may ask for its next wake before it returns
_PULSE = "pointsman: look at the clock again"

Callback = Callable[[], Awaitable[None] | None]


class Wakes:
    """Calls back at instants of *clock*. A wake may be late (a suspended machine); it is never early.

    After a clock was set, what was due may have changed: callers look at the journal again, they do not trust
    the wake to mean that its instant has only just come.
    """

    def __init__(self, clock: wall.TimedClock) -> None:
        self._clock = clock
        self._scheduler: Any = None  # there from the first wake on
        self._started = False

    def start(self) -> None:
        """Begin; needs the running event loop. Wakes asked for earlier are kept."""
        self._started = True
        if self._scheduler is not None:
            self._scheduler.start()

    def stop(self) -> None:
        """End; callbacks under way are cancelled. Stopping twice is no error."""
        self._started = False
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def at(self, name: str, instant: int, callback: Callback) -> None:
        """Call *callback* once when the clock shows *instant*; its earlier wake is forgotten."""
        self._timer().add_job(
            self._ring,
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=self._clock.until(instant)),
            args=(name, instant, callback),
            id=name,
            replace_existing=True,
        )

    def cancel(self, name: str) -> None:
        """Forget *name*'s wake; one that is not there is no error."""
        if self._scheduler is not None and self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)

    def _timer(self) -> Any:
        """The scheduler, running if these wakes are."""
        if self._scheduler is None:
            self._scheduler = _make_scheduler()
            if self._started:
                self._scheduler.start()
        return self._scheduler

    async def _ring(self, name: str, instant: int, callback: Callback) -> None:
        if self._clock.now() < instant:  # the machine's clock and this one do not agree: ask again
            self.at(name, instant, callback)
            return
        answer = callback()
        if inspect.isawaitable(answer):
            await answer


def _make_scheduler() -> Any:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    # Its warnings are about jobs that are late; here late is only late, and the loops report it better.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={
            "misfire_grace_time": None,
            "coalesce": True,
            "max_instances": OVERLAPPING_CALLS,
        },
    )
    scheduler.add_job(_look_again, "interval", seconds=LOOK_AGAIN_SECONDS, id=_PULSE, replace_existing=True)
    return scheduler


async def _look_again() -> None:
    """Nothing: any job that comes due makes APScheduler compare all others with the machine's clock."""
