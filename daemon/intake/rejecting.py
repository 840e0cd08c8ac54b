"""Refused callbacks: kept in the journal, bounded in size, number and pace, with their tokens blanked.

Called by ``webhooks``. A flood of wrong paths is counted whole and kept in part: it must not wear the disk
out.
"""

import asyncio
from functools import partial

import structlog

from daemon.contract.secrets import BLANK
from daemon.journal import state
from daemon.journal.database import Journal, JournalUnavailable
from daemon.model.times import Clock

LONGEST_BODY = 4_096  # characters of a refused body that are kept
LONGEST_PATH = 300
NOTED_AT_ONCE = 20  # wrong paths that may wait to be written; more are only counted

log = structlog.get_logger()


def blank_path(path: str) -> str:
    """*path* without the token of a service's hook."""
    parts = path[:LONGEST_PATH].split("/")
    return "/".join([*parts[:4], BLANK]) if len(parts) > 4 else "/".join(parts)


class Rejections:
    """Keeps refused callbacks."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._noting: set[asyncio.Task[None]] = set()

    async def keep(self, path: str, status: int, error: str, body: str) -> None:
        """Keep one; a journal that cannot write now loses it, with a log line."""
        write = partial(
            state.reject,
            at=self._clock.now(),
            path=blank_path(path),
            status=status,
            error=error,
            body=body[:LONGEST_BODY].replace("\x00", "\ufffd"),
        )
        try:
            await self._journal.write(write)
        except JournalUnavailable as broken:
            log.error("rejection.not_recorded", status=status, error=str(broken))

    def note(self, path: str, status: int, error: str) -> None:
        """Keep one without making the answer wait for it."""
        if len(self._noting) >= NOTED_AT_ONCE:
            return
        task = asyncio.get_running_loop().create_task(self.keep(path, status, error, ""))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)
