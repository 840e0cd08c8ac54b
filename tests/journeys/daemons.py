"""The real daemon in a process of its own, beside a sandbox in the test's: configured, started, killed, read.

What happened is read where it happened: effects in the sandbox's ledger, everything else in the journal's file,
opened by the test itself.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from daemon.sandbox.server import Sandbox
from tests import ports, waiting

ROOT = Path(__file__).parents[2]
READY_SECONDS = 40.0
PATIENCE = 25.0  # seconds for anything to happen on a busy machine
WEBHOOK_SECRET = "the-secret-of-the-callback-urls"
SENDER_TOKEN = "the-token-of-the-sender"
ORDERS = f"""
[[webhook]]
name = "orders"
verify = "token"
secret = "{SENDER_TOKEN}"
type = "order.came"
"""
FAST = 'rate = "1000/s"\nconcurrency = 8\ntimeout = "20s"'


def reaction(name: str, on: str, *steps: str, **keys: str) -> str:
    """A ``[[reaction]]`` with *steps* (see :func:`step`); *keys* are written as they are."""
    more = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'\n[[reaction]]\nname = "{name}"\non = "{on}"\n{more}' + "".join(steps)


def step(action: str, parameters: str = "", id: str | None = None) -> str:
    """A ``[[reaction.do]]``; *parameters* is the inside of ``with``."""
    named = f'id = "{id}"\n' if id else ""
    return f'\n[[reaction.do]]\n{named}action = "{action}"\nwith = {{ {parameters} }}\n'


@dataclass(frozen=True, slots=True)
class Answer:
    """What the public side answered."""

    status: int
    body: Any


@dataclass
class Daemon:
    """One daemon with its folder. *url* is the journal's; the reading methods need a SQLite file."""

    folder: Path
    sandbox: Sandbox
    session: aiohttp.ClientSession
    url: str = ""
    public: int = field(default_factory=ports.free_port)
    admin: int = field(default_factory=ports.free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.url = self.url or f"sqlite:///{self.folder / 'journal.db'}"
        self.config = self.folder / "config.toml"
        self.log = self.folder / "daemon.log"

    # The config

    def configure(self, *tables: str, drain: str = "10s", accounts: str = FAST, lease: str = "2s") -> None:
        """Write the config: the usual head, all accounts with *accounts* in each, and *tables*."""
        head = f"""
[daemon]
log_level = "debug"
log_format = "json"
drain_timeout = "{drain}"
lease = "{lease}"
[database]
url = "{self.url}"
[http]
public_listen = "127.0.0.1:{self.public}"
admin_listen = "127.0.0.1:{self.admin}"
public_url = "http://127.0.0.1:{self.public}"
webhook_secret = "{WEBHOOK_SECRET}"
"""
        self.config.write_text("\n".join([head, *self._accounts(accounts), ORDERS, *tables]))
        self.config.chmod(0o600)

    def _accounts(self, more: str) -> Iterator[str]:
        for kind, known in self.sandbox.credentials.items():
            keys = {name: text for name, text in known.items() if not name.startswith("query_key")}
            given = {"base_url": self.sandbox.urls[kind], **keys}
            yield f"[services.{kind}]"
            yield from (f'{name} = "{text}"' for name, text in given.items())
            yield more

    # The process

    def spawn(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start the command (``run``); it may well refuse."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "daemon", "--config", str(self.config), *(command or ("run",))],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        return self.process

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        process = self.spawn()

        async def ready() -> bool:
            assert process.poll() is None, self.log.read_text()[-4000:]
            try:
                async with self.session.get(f"http://127.0.0.1:{self.admin}/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await waiting.wait_for(ready, READY_SECONDS, "a ready daemon")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        process = self.process
        assert process is not None
        await waiting.wait_for(lambda: process.poll() is not None, seconds, "the daemon's end")
        return process.wait()

    async def kill(self) -> None:
        """SIGKILL, as by the kernel: nothing can be put in order first."""
        self.signal(signal.SIGKILL)
        assert await self.ended() == -signal.SIGKILL

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def restart(self) -> None:
        """Kill and start again."""
        await self.kill()
        await self.start()

    def destroy(self) -> None:
        """End what still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log that tell of *event*."""
        lines = (line for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [told for told in map(json.loads, lines) if told.get("event") == event]

    # Speaking to it

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        """POST to the public side."""
        url = path if path.startswith("http") else f"http://127.0.0.1:{self.public}{path}"
        async with self.session.post(url, json=body, headers=headers) as answer:
            return Answer(answer.status, json.loads(await answer.read()))

    async def order(self, **data: Any) -> str:
        """An event ``order.came``; its id, once it is acknowledged."""
        answer = await self.post("/hooks/orders", data, Authorization=f"Bearer {SENDER_TOKEN}")
        assert answer.status == 202, answer
        return str(answer.body["id"])

    # Reading the journal

    @contextmanager
    def journal(self) -> Iterator[sqlite3.Connection]:
        """A connection of the test's own, which commits at the end."""
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=20)) as connection:
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        with self.journal() as connection:
            return [dict(row) for row in connection.execute(query, values)]

    def change(self, statement: str, *values: Any) -> int:
        """Write to the journal from outside; how many rows."""
        with self.journal() as connection:
            return connection.execute(statement, values).rowcount

    def runs(self, reaction: str | None = None) -> list[dict[str, Any]]:
        """The runs of *reaction* (or all), the oldest first."""
        return self.rows("SELECT * FROM runs WHERE coalesce(?, reaction) = reaction ORDER BY id", reaction)

    def steps(self, run_id: str) -> list[dict[str, Any]]:
        """The steps of a run, their payloads read."""
        found = self.rows("SELECT * FROM steps WHERE run_id = ? ORDER BY position", run_id)
        return [{**row, **_read(row, ("request", "response", "history"))} for row in found]

    def events(self, type: str = "*") -> list[dict[str, Any]]:
        """The events of *type* (a glob), in order, their data read."""
        found = self.rows("SELECT * FROM events WHERE type GLOB ? ORDER BY seq", type)
        return [{**row, **_read(row, ("data",))} for row in found]

    async def until_runs(self, reaction: str, *statuses: str) -> list[dict[str, Any]]:
        """Wait until the runs of *reaction* stand in just these statuses; the runs."""

        def standing() -> list[dict[str, Any]]:
            found = self.runs(reaction)
            shown = [(run["status"], run["error"]) for run in found]
            if "dead" not in statuses and "dead" in dict(shown):
                raise RuntimeError(f"a run died: {shown}")  # waiting longer will not help
            assert sorted(run["status"] for run in found) == sorted(statuses), shown
            return found

        found: list[dict[str, Any]] = await waiting.wait_for(standing, PATIENCE, f"{reaction}: {statuses}")
        return found

    async def until_events(self, type: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until there are *count* events of *type*; the events."""

        def told() -> Sequence[dict[str, Any]]:
            found = self.events(type)
            assert len(found) >= count, [event["type"] for event in self.events()]
            return found

        found: list[dict[str, Any]] = await waiting.wait_for(told, PATIENCE, f"{count} {type}")
        return found

    # What happened at the services

    def effects(self, service: str, effect: str) -> list[str | None]:
        """The ids of what *effect* happened to, as often as it did."""
        return [id for name, id in self.sandbox.ledger.effects(service) if name == effect]


def _read(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: None if row[name] is None else json.loads(row[name]) for name in names}
