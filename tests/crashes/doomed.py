"""A daemon that lives many short lives on one journal: the journeys' daemon, born in the nursery."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests import waiting
from tests.journeys import daemons
from tests.journeys.daemons import Daemon

BORN_SECONDS = 60.0
READY_SECONDS = 40.0


@dataclass
class Forked:
    """A process that another one forked, as far as one may know it: whether it is there."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """None while it is there; how it ended nobody can say but its log."""
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.returncode = 0
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(9)

    def wait(self) -> int:
        """Until it has gone."""
        waiting.wait_until(lambda: self.poll() is not None, READY_SECONDS, "the end of a process")
        return 0


class Nursery:
    """The program that forks daemons."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crashes.nursery"],
            cwd=daemons.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._said() == "ready"

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def bear(self, order: dict[str, Any]) -> Forked:
        """A new life."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Forked(int(self._said()))

    def close(self) -> None:
        """End it, and everybody it bore."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(BORN_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def opened() -> Iterator[Nursery]:
    """A nursery for as long as the block lasts."""
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


@dataclass
class Doomed(Daemon):
    """A daemon that dies at *station*, at the *visit*-th coming; without one it lives until it is killed."""

    nursery: Nursery | None = None
    station: str = ""
    visit: int = 1

    @property
    def book(self) -> Path:
        """Where each life notes the stations that it came to."""
        return self.folder / "visited"

    def spawn(self, *command: str) -> Any:
        """Fork, instead of starting Python anew."""
        self.process = self.bear(*(command or ("run",)))
        return self.process

    def bear(self, *command: str) -> Any:
        """Another process with the same config and doom."""
        assert self.nursery is not None
        order = {
            "folder": str(self.folder),
            "log": str(self.log),
            "station": self.station,
            "visit": self.visit,
            "visited": str(self.book),
            "command": ["--config", str(self.config), *command],
        }
        return self.nursery.bear(order)

    @property
    def is_dead(self) -> bool:
        """Whether there is no process."""
        return self.process is None or self.process.poll() is not None

    async def kill(self) -> None:
        """SIGKILL, where it did not die by itself."""
        if self.process is not None:
            self.process.kill()
            await waiting.wait_for(lambda: self.is_dead, READY_SECONDS, "the daemon's end")

    async def begin(self) -> bool:
        """Start; whether it became ready, or died before."""
        self.spawn()

        async def settled() -> bool:
            return self.is_dead or await self._is_ready()

        await waiting.wait_for(settled, READY_SECONDS, "a daemon that is ready or dead")
        return not self.is_dead

    async def _is_ready(self) -> bool:
        try:
            async with self.session.get(f"http://127.0.0.1:{self.admin}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    def visited(self) -> set[str]:
        """The stations that any life has come to."""
        return set(self.book.read_text().splitlines()) if self.book.exists() else set()
