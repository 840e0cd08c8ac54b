"""The servers that are measured: the daemon as its users run it, and the bare handler beside it."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from daemon.journal import migrate

SERVER_CORE, CLIENT_CORE = 1, 0
READY_WITHIN = 30.0  # seconds

BARE = """
import sys, uvloop
from aiohttp import web
async def take(request):
    body = await request.json()
    return web.json_response({"id": body["pop"]["id"]}, status=202)
async def main():
    app = web.Application()
    app.router.add_post("/hooks/{account}/tracer/{token}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1]), backlog=4096).start()
    import asyncio
    await asyncio.Event().wait()
uvloop.run(main())
"""

CONFIG = """
[daemon]
log_level = "warning"
[database]
url = "{url}"
[http]
public_listen = "127.0.0.1:{port}"
admin_listen = "127.0.0.1:{admin}"
public_url = "http://127.0.0.1:{port}"
webhook_secret = "a secret for measurements"
allow_hosts = ["127.0.0.1"]
[services.populr]
api_key = "MEASURED-MEASURED-MEASURED"
base_url = "http://127.0.0.1:9/v0"
readback = false
rate = "10000/s"
{more}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def pin(core: int) -> None:
    """Keep this process on one core, where there are several."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def start(arguments: list[str], core: int = SERVER_CORE) -> subprocess.Popen[bytes]:
    """A server process on its own core."""
    return subprocess.Popen([sys.executable, *arguments], preexec_fn=lambda: pin(core))


def wait_for_port(port: int) -> None:
    """Until somebody listens on *port*."""
    limit = time.monotonic() + READY_WITHIN
    while time.monotonic() < limit:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


@contextlib.contextmanager
def bare() -> Iterator[tuple[int, int]]:
    """The bare aiohttp handler; its port and its process id."""
    port = free_port()
    process = start(["-c", BARE, str(port)])
    try:
        wait_for_port(port)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def daemon(folder: Path, url: str, more: str = "") -> Iterator[tuple[int, int, subprocess.Popen[bytes]]]:
    """The daemon on a journal at *url*; its public port, its admin port, its process."""
    port, admin = free_port(), free_port()
    path = folder / f"config-{port}.toml"
    path.write_text(CONFIG.format(url=url, port=port, admin=admin, more=more))
    path.chmod(0o600)
    asyncio.run(migrate.upgrade(url))
    process = start(["-m", "daemon", "--config", str(path), "run"])
    try:
        wait_for_ready(admin)
        yield port, admin, process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for_ready(admin: int) -> None:
    """Until the daemon says that it is ready."""
    wait_for_port(admin)
    limit = time.monotonic() + READY_WITHIN
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=2)
            return
        time.sleep(0.05)
    raise TimeoutError("the daemon is not ready")


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tracer_path(account: str = "populr") -> str:
    """The path of the measured daemon's tracer hook."""
    from daemon.intake import verifying

    return verifying.callback_path("a secret for measurements", account, "tracer")
