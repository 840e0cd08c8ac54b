"""The daemon's own part in being a service: what it tells systemd, what it does with inherited sockets."""

import json
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd import fake_notify

CONFIG = """
[database]
url = "sqlite:///pointsman.db"

[http]
webhook_secret = "a secret of this test alone"
admin_listen = ""

[[webhook]]
name = "orders"
verify = "token"
secret = "orders, please"
type = "orders.received"
"""


@pytest.fixture
def public() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    config.chmod(0o600)
    return [sys.executable, "-m", "daemon", "--config", str(config), "run"]


def post_order(port: int, order: int) -> str:
    """The id of the event that the order became."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/orders",
        data=json.dumps({"id": order}).encode(),
        headers={"Authorization": "Bearer orders, please", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)["id"])


def test_it_says_when_it_is_ready_alive_reloading_and_stopping(
    public: socket.socket, command: list[str]
) -> None:
    with fake_notify.FakeSystemd({"public": public}) as systemd:
        process = systemd.start(command)
        systemd.wait_for("READY=1")
        systemd.wait_for("WATCHDOG=1")
        systemd.forget()
        process.send_signal(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for("READY=1")
        assert systemd.stop() == 0
        assert any(line == "STOPPING=1" for line in systemd.wait_for("STOPPING=1"))


def test_a_caller_who_comes_while_nobody_runs_is_served_by_the_next_process(
    public: socket.socket, command: list[str]
) -> None:
    port = public.getsockname()[1]
    with fake_notify.FakeSystemd({"public": public}) as systemd:
        systemd.start(command)
        systemd.wait_for("READY=1")
        first = post_order(port, 1)
        assert systemd.stop() == 0
        waiting = socket.create_connection(("127.0.0.1", port))
        systemd.start(command)
        with waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            waiting.settimeout(20)
            assert waiting.recv(1024).startswith(b"HTTP/1.1 404 ")
        assert post_order(port, 2) != first
        assert systemd.stop() == 0
