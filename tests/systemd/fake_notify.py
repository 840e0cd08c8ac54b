"""systemd's side of a service's life, without systemd: notifications received, sockets handed down.

For tests of the daemon's own process: what it says and when, what it does with an inherited socket.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

FIRST_DESCRIPTOR = 3
# LISTEN_PID must be the child's own pid: a shell sets it, and becomes the program.
LAUNCHER = 'LISTEN_PID=$$ exec "$0" "$@"'


class FakeSystemd:
    """Starts one program at a time as a ``Type=notify`` service would be; a context manager.

    *sockets* maps the names of file descriptors to listening sockets; they outlive the program.
    """

    def __init__(
        self, sockets: dict[str, socket.socket] | None = None, watchdog_seconds: float = 2.0
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pointsman-notify-"))
        self.process: subprocess.Popen[bytes] | None = None
        self._sockets = sockets or {}
        self._watchdog_seconds = watchdog_seconds
        self._heard: list[str] = []
        self._receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._receiver.bind(str(self.folder / "notify"))

    def __enter__(self) -> "FakeSystemd":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._receiver.close()
        shutil.rmtree(self.folder)

    def start(self, command: Sequence[str], **settings: str) -> subprocess.Popen[bytes]:
        """Run *command* with the sockets, a place to report to, and *settings* in its environment."""
        environment = os.environ | {
            "NOTIFY_SOCKET": str(self.folder / "notify"),
            "WATCHDOG_USEC": str(int(self._watchdog_seconds * 1_000_000)),
            "STATE_DIRECTORY": str(self.folder),
            **settings,
        }
        if self._sockets:
            environment |= {"LISTEN_FDS": str(len(self._sockets)), "LISTEN_FDNAMES": ":".join(self._sockets)}
        self._heard.clear()
        # exec 3<&7 …: the sockets move to where the protocol wants them
        moves = [
            f"exec {to}<&{each.fileno()} {each.fileno()}<&-;"
            for to, each in enumerate(self._parked(), FIRST_DESCRIPTOR)
        ]
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", " ".join([*moves, LAUNCHER]), *command],
            env=environment,
            pass_fds=[each.fileno() for each in self._parked()],
        )
        return self.process

    def wait_for(self, message: str, seconds: float = 20.0) -> list[str]:
        """Every line heard so far, once one begins with *message*; :class:`AssertionError` if none comes."""
        deadline = time.monotonic() + seconds
        while not any(line.startswith(message) for line in self._heard):
            self._receiver.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self._heard += self._receiver.recv(4096).decode().splitlines()
            except TimeoutError:
                raise AssertionError(f"no {message} within {seconds:g} s; heard: {self._heard}") from None
        return self._heard

    def forget(self) -> None:
        """Count only what is said from here on."""
        self._heard.clear()

    def stop(self, seconds: float = 40.0) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def _parked(self) -> list[socket.socket]:
        """The sockets at descriptors high enough that moving one cannot overwrite another."""
        for name, each in self._sockets.items():
            if each.fileno() < FIRST_DESCRIPTOR + len(self._sockets):
                self._sockets[name] = _higher(each)
        return list(self._sockets.values())


def _higher(low: socket.socket) -> socket.socket:
    number = fcntl.fcntl(low.fileno(), fcntl.F_DUPFD_CLOEXEC, 100)
    low.close()
    return socket.socket(fileno=number)
