"""What the service manager is told: ready, reloading, stopping, and that the loops make progress.

Without ``$NOTIFY_SOCKET`` everything here is silent. Called by ``house``.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable

MICROSECONDS = 1_000_000
LONGEST_SILENCE = 15.0  # seconds without a round of some loop after which the watchdog is not fed any more


def notify(*lines: str) -> None:
    """Send *lines* (``READY=1`` …) to the service manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto("\n".join(lines).encode(), address)


def reloading() -> None:
    """Tell that a reload has begun; it ends with ``READY=1``."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")


def watchdog_interval() -> float | None:
    """Seconds between two signs of life, None where nobody waits for them."""
    owner = os.environ.get("WATCHDOG_PID")
    given = os.environ.get("WATCHDOG_USEC")
    if not given or not given.isdigit() or (owner and owner != str(os.getpid())):
        return None
    return int(given) / MICROSECONDS / 3


class Pulse:
    """When each loop made its last round, in real seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beats: dict[str, float] = {}

    def beat(self, name: str) -> None:
        """The loop *name* has begun a round."""
        self._beats[name] = self._now()

    def silent(self) -> list[str]:
        """The loops that have made no round for too long."""
        now = self._now()
        return sorted(name for name, at in self._beats.items() if now - at > LONGEST_SILENCE)


async def feed_watchdog(pulse: Pulse) -> None:
    """Tell the service manager that we live, for as long as every loop does."""
    interval = watchdog_interval()
    if interval is None:
        return
    while True:
        if not pulse.silent():
            notify("WATCHDOG=1")
        await asyncio.sleep(interval)
