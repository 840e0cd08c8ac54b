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
from daemon.model.times import SECOND, Clock

LONGEST_BODY = 4_096  # characters of a refused body that are kept
LONGEST_PATH = 300
KEPT_A_SECOND = 20  # of what strangers send; more is only counted
STRANGERS = (401, 404, 408, 413, 415)  # answered before anybody has shown a secret

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
        self._second = 0
        self._in_second = 0

    async def keep(self, path: str, status: int, error: str, body: str) -> None:
        """Keep one; a journal that cannot write now loses it, with a log line."""
        now = self._clock.now()
        if status in STRANGERS and not self._has_room(now):
            return
        write = partial(
            state.reject,
            at=now,
            path=blank_path(path),
            status=status,
            error=error,
            body=body[:LONGEST_BODY].replace("\x00", "\ufffd"),
        )
        try:
            await self._journal.write(write)
        except JournalUnavailable as broken:
            log.error("rejection.not_recorded", status=status, error=str(broken))

    def _has_room(self, now: int) -> bool:
        if now // SECOND != self._second:
            self._second, self._in_second = now // SECOND, 0
        self._in_second += 1
        return self._in_second <= KEPT_A_SECOND

    def note(self, path: str, status: int, error: str) -> None:
        """Keep one without making the answer wait for it."""
        if len(self._noting) >= KEPT_A_SECOND:
            return
        task = asyncio.get_running_loop().create_task(self.keep(path, status, error, ""))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)
