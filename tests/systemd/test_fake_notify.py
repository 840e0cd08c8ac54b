"""The stand-in for systemd does what systemd does, shown with a program of a few lines."""

import socket
import sys
from pathlib import Path

import pytest

from tests.systemd import fake_notify

PROGRAM = """
import os, signal, socket

def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])

assert os.environ["LISTEN_PID"] == str(os.getpid())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
names = os.environ["LISTEN_FDNAMES"].split(":")
ports = [socket.socket(fileno=3 + n).getsockname()[1] for n in range(int(os.environ["LISTEN_FDS"]))]
tell("READY=1\\nSTATUS=" + " ".join(f"{name}={port}" for name, port in zip(names, ports)))
signal.sigwait([signal.SIGTERM])
tell("STOPPING=1")
"""


def test_messages_come_through_and_sockets_keep_their_names(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        wanted = f"STATUS=public={one.getsockname()[1]} admin={two.getsockname()[1]}"
        with fake_notify.FakeSystemd({"public": one, "admin": two}) as systemd:
            systemd.start([sys.executable, "-W", "ignore", str(program)])
            assert wanted in systemd.wait_for("STATUS=")
            assert systemd.stop() == 0
            assert "STOPPING=1" in systemd.wait_for("STOPPING=1")


def test_silence_is_an_error_that_says_what_was_heard() -> None:
    with (
        fake_notify.FakeSystemd() as systemd,
        pytest.raises(AssertionError, match=r"no READY=1 within 0\.05 s"),
    ):
        systemd.wait_for("READY=1", seconds=0.05)
