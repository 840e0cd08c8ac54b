"""Where the demo plays: the simulated services, a config made from the example, and the daemon, in this process.

``command`` sets it up with :func:`build`. The config is written as a file, so that other commands can look at the
journal while the demo runs. One fast clock is shared by services and daemon; it is held until everything stands.
"""

import asyncio
import contextlib
import socket
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TextIO

from daemon import clock, logs
from daemon.app import building, house
from daemon.contract.catalog import Catalog
from daemon.model import jsons, times
from daemon.sandbox import server, story

HOST = "127.0.0.1"
EXAMPLE = "config.example.toml"
BEFORE = 10 * times.SECOND
"""How long before the nightly firing the clock begins."""
WEBHOOK_SECRET = "the demo's own, good for nothing else"  # noqa: S105 - of simulated services on loopback

Changes = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands once the demo runs. *zone* is the nightly schedule's."""

    folder: Path
    speed: float
    zone: str
    clock: clock.FastClock
    sandbox: server.Sandbox
    house: house.House
    people: story.People

    @property
    def config_file(self) -> Path:
        """The config that the daemon runs with."""
        return self.folder / "config.toml"

    @property
    def log_file(self) -> Path:
        """Where the daemon and the services log to."""
        return log_file(self.folder)


def log_file(folder: Path) -> Path:
    """Where the log of a demo in *folder* is."""
    return folder / "pointsman.log"


def example() -> str:
    """The text of the example config: inside the installed package, or beside it in a checkout."""
    package = Path(str(resources.files("daemon")))
    inside = package / EXAMPLE
    return (inside if inside.exists() else package.parent / EXAMPLE).read_text(encoding="utf-8")


def rewrite(text: str, changes: Changes) -> str:
    """The config *text* with *changes*: for each table, texts for its keys; None takes a key out.

    Line by line, so that everything else stays as it is, comments too: the tables are headed ``[name]``, and each
    changed key stands on a line of its own.
    """
    left = {table: dict(keys) for table, keys in changes.items()}
    lines: list[str] = []
    here: dict[str, str | None] = {}
    for line in text.splitlines():
        if line.startswith("["):
            here = left.get(line.partition("#")[0].strip().strip("[]"), {})
            lines += [
                line,
                *(f"{key} = {jsons.dumps(value)}" for key, value in here.items() if value is not None),
            ]
        elif line.partition("=")[0].strip() not in here:
            lines.append(line)
    return "\n".join(lines) + "\n"


def changes(
    tree: Mapping[str, Any], sandbox: server.Sandbox, folder: Path, ports: tuple[int, int]
) -> Changes:
    """What the demo changes in the example: addresses, credentials, journal, ports."""
    public, admin = (f"{HOST}:{port}" for port in ports)
    accounts = {}
    for name, table in tree["services"].items():
        kind = str(table.get("kind", name))
        secrets = {key: value for key, value in sandbox.credentials[kind].items() if "query_key" not in key}
        accounts[f"services.{name}"] = {"base_url": sandbox.urls[kind], **secrets}
    http = {
        "public_listen": public,
        "admin_listen": admin,
        "public_url": f"http://{public}",
        "webhook_secret": WEBHOOK_SECRET,
        "admin_token": None,  # the admin side then answers on loopback alone, and needs no header
    }
    return {"database": {"url": f"sqlite:///{folder / 'pointsman.db'}"}, "http": http, **accounts}


def nightly(tree: Mapping[str, Any], now: int) -> tuple[int, str]:
    """The next instant of the example's first schedule after *now*, and its zone."""
    schedule = tree["schedule"][0]
    zone = str(schedule["timezone"])
    instant = clock.next_firing(clock.Cron(str(schedule["cron"]), zone), now)
    assert instant is not None, "a cron without end"  # noqa: S101 - only an `at` comes to an end
    return instant, zone


@contextlib.contextmanager
def reserved() -> Iterator[int]:
    """A free port that nobody else is given until it is listened on."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[TextIO]:
    """Log to the file at *path* instead of standard error, which is for the story."""
    with path.open("a", buffering=1, encoding="utf-8") as file:
        logs.set_up(to=file)
        try:
            yield file
        finally:
            logs.set_up()


def write_config(folder: Path, text: str) -> Path:
    """The config as a file that this user alone can read."""
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


@contextlib.asynccontextmanager
async def build(
    folder: Path, speed: float, catalog: Catalog, arrange: Callable[[server.Sandbox], None]
) -> AsyncIterator[Stage]:
    """Start everything in *folder*, *speed* times as fast, the clock held; stop it in the end.

    *arrange* may change the simulated services before anything happens. OSError or CannotListen where there is
    no port, :class:`~daemon.app.house.Refused` where the config is not good.
    """
    tree = tomllib.loads(example())
    night, zone = nightly(tree, clock.WallClock().now())
    fast = clock.FastClock(night - BEFORE, speed, held=True)
    async with contextlib.AsyncExitStack() as stack:
        log = stack.enter_context(logging_to(log_file(folder)))
        sandbox = server.Sandbox(fast)
        stack.push_async_callback(sandbox.stop)
        await sandbox.start()
        arrange(sandbox)
        ports = stack.enter_context(reserved()), stack.enter_context(reserved())
        path = write_config(folder, rewrite(example(), changes(tree, sandbox, folder, ports)))
        settled = house.read_config(path, catalog)
        logs.set_up(blank=building.build_blanker(settled, catalog).value, to=log)
        daemon = house.House(settled, catalog, lambda: house.read_config(path, catalog), fast)
        await daemon.start()
        stack.push_async_callback(daemon.stop)
        people = story.People(sandbox)
        playing = asyncio.create_task(people.play(), name="people")
        stack.push_async_callback(end, playing)
        yield Stage(folder, speed, zone, fast, sandbox, daemon, people)


async def end(task: asyncio.Task[None]) -> None:
    """Cut *task* short, if it still runs."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
