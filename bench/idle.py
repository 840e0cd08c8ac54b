"""What the daemon costs before anything happens: memory at rest and start to ready, beside a process that only
imports the given stack. The two take turns; every start is a process of its own, on a core of its own."""

import asyncio
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from daemon.journal import migrate

ROUNDS = 9
SETTLE = 5.0  # seconds between ready and the look at the memory
MEMORY_ROUNDS = 3  # of the rounds; the others only start
READY_WITHIN = 60.0  # seconds
GOALS = {"start to ready, s": 1.6, "processor to ready, s": 1.6, "PSS, MiB": 1.4, "RSS, MiB": 1.4}

# What every daemon of this kind needs; neither Alembic nor Rich, which `run` loads only when it has to.
STACK = """
import socket, os, time
import aiohttp, apscheduler, sqlalchemy, sqlalchemy.ext.asyncio, structlog, pydantic, jinja2
import orjson, uvloop, asyncpg, prometheus_client, typer
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
    channel.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(600)
"""

CONFIG = """
[database]
url = "{url}"
[http]
public_listen = "127.0.0.1:{port}"
admin_listen = "127.0.0.1:{admin}"
public_url = "http://127.0.0.1:{port}"
webhook_secret = "a secret for measurements"
[services.populr]
api_key = "MEASURED-MEASURED-MEASURED"
base_url = "http://127.0.0.1:9/v0"
[services.popily]
token = "MEASURED-MEASURED-MEASURED"
base_url = "http://127.0.0.1:9/api"
[services.compass]
username = "ada"
password = "MEASURED-MEASURED"
base_url = "http://127.0.0.1:9/api"
[services.tonalytica]
api_key = "MEASURED-MEASURED-MEASURED"
base_url = "http://127.0.0.1:9"
[services.plotly]
username = "ada"
api_key = "MEASURED-MEASURED-MEASURED"
base_url = "http://127.0.0.1:9/v2"
[[watch]]
name = "sources"
service = "popily"
resource = "sources"
every = "1h"
[[watch]]
name = "classifiers"
service = "compass"
resource = "classifiers"
project_id = "1"
every = "1h"
[[watch]]
name = "jobs"
service = "tonalytica"
resource = "jobs"
ids = ["a"]
every = "1h"
"""

REACTION = """
[[reaction]]
name = "reaction-{number}"
on = "popily.source.finished"
when = "event.data.status == 'finished' and {number} > 0"
do = [{{ id = "say", action = "log.write", with = {{ message = "{{{{ event.subject }}}} of {number}" }} }}]
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One start: seconds to ready by the wall and by the processor; memory at rest in MiB, where it was looked at."""

    wall: float
    cpu: float
    pss: float | None = None
    rss: float | None = None


@contextlib.contextmanager
def told(folder: Path) -> Iterator[socket.socket]:
    """The socket at which a started process says that it is ready."""
    path = folder / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        channel.settimeout(READY_WITHIN)
        yield channel


def observe(arguments: list[str], folder: Path, settle: float) -> Seen:
    """Start ``python`` with *arguments*, wait until it says that it is ready, look at it, end it."""
    with told(folder) as channel, open(folder / "log", "wb") as log:
        environment = {**os.environ, "NOTIFY_SOCKET": channel.getsockname()}
        # As installed: bytecode stands ready, whatever the surroundings say about writing it.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: servers.pin(servers.SERVER_CORE),
        )
        try:
            while b"READY=1" not in channel.recv(4096):
                pass
            seen = Seen(time.perf_counter() - began, servers.cpu_seconds(process.pid))
            if settle:
                time.sleep(settle)
                seen = Seen(seen.wall, seen.cpu, memory(process.pid, "Pss"), memory(process.pid, "Rss"))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    return seen


def memory(pid: int, name: str) -> float:
    """MiB of the process *pid* by the kernel's own sum."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def configure(folder: Path) -> Path:
    """A config with five accounts, three watches and five reactions, and its journal, made and migrated."""
    url = f"sqlite:///{folder}/idle.db"
    text = CONFIG.format(url=url, port=servers.free_port(), admin=servers.free_port())
    path = folder / "config.toml"
    path.write_text(text + "".join(REACTION.format(number=number) for number in range(5)))
    path.chmod(0o600)
    asyncio.run(migrate.upgrade(url))
    return path


def rows(pairs: list[tuple[Seen, Seen]]) -> list[str]:
    """The table: each figure of the stack and of the daemon, and the median of the rounds' ratios."""
    looks = [pair for pair in pairs if pair[0].pss is not None]
    columns = {
        "start to ready, s": [(stack.wall, ours.wall) for stack, ours in pairs],
        "processor to ready, s": [(stack.cpu, ours.cpu) for stack, ours in pairs],
        "PSS, MiB": [(stack.pss or 0, ours.pss or 0) for stack, ours in looks],
        "RSS, MiB": [(stack.rss or 0, ours.rss or 0) for stack, ours in looks],
    }
    return [_row(name, both) for name, both in columns.items()]


def _row(name: str, both: list[tuple[float, float]]) -> str:
    ratios = sorted(ours / stack for stack, ours in both)
    ratio, goal = statistics.median(ratios), GOALS[name]
    stack, ours = (sorted(column) for column in zip(*both, strict=True))
    return (
        f"{name:22} stack {statistics.median(stack):6.2f} ({stack[0]:.2f}-{stack[-1]:.2f}), "
        f"daemon {statistics.median(ours):6.2f} ({ours[0]:.2f}-{ours[-1]:.2f}), "
        f"ratio {ratio:.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}), goal {goal} {'met' if ratio <= goal else 'MISSED'}"
    )


def main() -> None:
    """Print the table."""
    servers.pin(servers.CLIENT_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        daemon = ["-m", "daemon", "--config", str(configure(folder)), "run"]
        stack = ["-c", STACK]
        observe(stack, folder, 0)
        observe(daemon, folder, 0)
        pairs = []
        for number in range(ROUNDS):
            settle = SETTLE if number < MEMORY_ROUNDS else 0
            pairs.append((observe(stack, folder, settle), observe(daemon, folder, settle)))
    print("\n".join(rows(pairs)))


if __name__ == "__main__":
    main()
