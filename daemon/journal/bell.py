"""The bell: wakes the loops of this process when the journal has something for them. It carries no state.

A ring that nobody heard is no loss: every loop looks at the journal again within a second by itself, which is
also how it notices what another process wrote.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from daemon.journal.database import JournalUnavailable

LOOK_AGAIN = 0.5  # seconds after which a loop looks at the journal without a bell
AFTER_TROUBLE = 1.0  # seconds before a loop goes on after a failure of its own or of the journal

log = structlog.get_logger()


class Bell:
    """One wake-up, for one loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, or the next one who does."""
        self._event.set()

    async def heard(self) -> None:
        """Until the bell rings, however long."""
        await self._event.wait()
        self._event.clear()

    async def wait(self, seconds: float) -> None:
        """Until the bell rings, *seconds* at most."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


async def keep(
    name: str,
    once: Callable[[], Awaitable[bool]],
    bell: Bell,
    beat: Callable[[str], None],
    due_in: Callable[[], float] = lambda: LOOK_AGAIN,
) -> None:
    """The one loop: ``once()`` for as long as there is something to do, else wait for the bell.

    *due_in* tells how many seconds away the next thing is that the loop knows of: it is not slept through.
    Trouble with the journal is told once and waited out; a bug of ours is logged and the loop goes on. *beat*
    is told of every round: it feeds the watchdog.
    """
    troubled = False
    while True:
        beat(name)
        try:
            busy = await once()
            if troubled:
                log.info("loop.recovered", loop=name)
            troubled = False
        except JournalUnavailable as broken:
            if not troubled:
                log.error("loop.journal_unavailable", loop=name, error=str(broken))
            troubled, busy = True, False
            await asyncio.sleep(AFTER_TROUBLE)
        except Exception:
            log.exception("loop.broke", loop=name)
            troubled, busy = True, False
            await asyncio.sleep(AFTER_TROUBLE)
        if not busy:
            await bell.wait(min(LOOK_AGAIN, due_in()))
