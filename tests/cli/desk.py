"""A folder with a config and a journal, and the command line called there: in this process, or in one of its own."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar

from typer.testing import CliRunner

from daemon import cli
from daemon.journal import database, events, runs, steps
from daemon.journal.database import Connection
from daemon.model.runs import Doubt, Run, RunStatus, Step, StepStatus
from tests.house import sources
from tests.journal import making

T = TypeVar("T")

CONFIG = """
[http]
public_url = "https://hooks.example.com/"
webhook_secret = "a secret that derives tokens"

[services.populr]
base_url = "http://127.0.0.1:9/v0"
api_key = "populr-key-of-a-test"

[[webhook]]
name = "shop"
verify = "token"
secret = "shop-secret-of-a-test"
type = "orders.received"

[[watch]]
name = "pages"
service = "populr"
resource = "pops"
template_id = "51"
every = "1m"

[[reaction]]
name = "note"
on = "orders.received"
when = "event.data.total > 5"
do = [{ id = "say", action = "log.write", with = { message = "{{ event.data.total }}" } }]

[[reaction]]
name = "each"
on = "orders.received"
for_each = "event.data.lines"
do = [{ id = "say", action = "log.write", with = { message = "{{ item }}" } }]
"""


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)

    @property
    def complaints(self) -> list[str]:
        """Its lines on standard error."""
        return self.err.splitlines()


@dataclass(frozen=True)
class Desk:
    """A *folder* with ``config.toml``, and ``pointsman.db`` where the test wants one."""

    folder: Path

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "config.toml"

    @property
    def url(self) -> str:
        """The journal."""
        return f"sqlite:///{self.folder / 'pointsman.db'}"

    def make_journal(self, blank: Path) -> None:
        """Put the migrated, empty journal *blank* here."""
        shutil.copyfile(blank, self.folder / "pointsman.db")

    def call(self, *arguments: str, given: str | None = None) -> Answer:
        """The command called in this process; *given* is its standard input."""
        answer = CliRunner().invoke(cli.app, ["--config", str(self.config), *arguments], input=given)
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return Answer(answer.exit_code, answer.stdout, answer.stderr)

    def start(
        self, *arguments: str, into: IO[str] | int = subprocess.PIPE, errors: IO[str] | int | None = None
    ) -> subprocess.Popen[str]:
        """The command in a process of its own; what it prints goes *into* a file, else into two pipes. Its *errors*
        may go elsewhere."""
        command = [sys.executable, "-m", "daemon", "--config", str(self.config), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(sources.ROOT)},
            stdout=into,
            stderr=into if errors is None else errors,
            text=True,
        )

    def run(self, *arguments: str) -> Answer:
        """The command called in a process of its own, to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return Answer(process.returncode, out, err)

    def write(self, fn: Callable[[Connection], T]) -> T:
        """*fn* of the journal, committed."""

        async def use() -> T:
            journal = await database.open_journal(self.url)
            try:
                return await journal.write(fn)
            finally:
                await journal.close()

        return asyncio.run(use())

    # What tests put there, and look at

    def tell(self, key: str = "k", source: str = "shop", now: int = making.NOW, **values: Any) -> str:
        """Record one event; its id."""
        fact = making.fact(key, **values)
        return self.write(lambda connection: events.emit(connection, [fact], source, now)[0].id)

    def make_run(self, event_id: str, status: RunStatus, *begun: Step, **values: Any) -> str:
        """Make one run of *event_id* that stands in *status* with the steps *begun*; its id."""

        if status is RunStatus.PARKED:
            values = {"parked_for": "populr", **values}

        def write(connection: Connection) -> str:
            (run,) = runs.make(connection, [making.new_run(event_id)], making.NOW, [making.LEASE])
            if status is not RunStatus.RUNNING:
                runs.move(connection, run, status, **values)
            for step in begun:
                steps.put(connection, with_run(step, run.id))
            return run.id

        return self.write(write)

    def run_of(self, id: str) -> tuple[Run, list[Step]]:
        """A run and its steps."""
        found, begun = self.write(lambda connection: (runs.get(connection, id), steps.of_run(connection, id)))
        assert found is not None
        return found, begun


def with_run(step: Step, run_id: str) -> Step:
    """*step* as one of the run *run_id*."""
    return replace(step, run_id=run_id)


def make_step(**values: Any) -> Step:
    """A step that failed after three attempts."""
    given: dict[str, Any] = {
        "run_id": "",
        "position": 0,
        "id": "say",
        "action": "log.write",
        "account": None,
        "status": StepStatus.FAILED,
        "attempts": 3,
        "doubt": "unsafe",
        "request": {"message": "hello"},
        "before": None,
        "remote": None,
        "response": None,
        "error": "500: broken",
        "sent_at": making.NOW,
        "finished_at": making.NOW + 5,
        "history": (
            {"attempt": 3, "at": making.NOW + 5, "took": 2_500_000, "error": "500: broken", "status": 500},
        ),
        **values,
    }
    return Step(**{**given, "doubt": Doubt(given["doubt"])})
