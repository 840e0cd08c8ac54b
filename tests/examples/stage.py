"""One example at work: simulated services, a server for everything else that it calls, and the daemon itself.

All in the test's own process, on one fast clock that begins when the test says, so that a Monday morning is near.
What the example does is read where it did it: at the services' ledger, at the server, on the disk.
"""

import contextlib
import re
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from daemon import clock, connectors
from daemon.app.house import House, read_config
from daemon.cli.demo import stage as demo
from daemon.journal import events, runs, watches
from daemon.model import times
from daemon.model.events import Event, Fact
from daemon.model.runs import Run
from daemon.sandbox.server import Sandbox
from tests import ports, waiting
from tests.connectors import stub
from tests.house import sources

FOLDER = sources.ROOT / "examples"
SPEED = 60.0  # a minute of the services is a second here
PATIENCE = 25.0  # real seconds for anything to happen on a busy machine
MORNING = "2026-06-02T07:00:00Z"  # a Tuesday
STRANGER = r"(?<=https://)(?!compass)\w+\.example\.com(?=/)|(?<=allow_hosts = \[\")\w+\.example\.com"
NOTICES = r'(?m)^(\w+) = \{ env = "\w+_NOTICES" \}'
PLACE = "/var/lib/pointsman"


@dataclass(frozen=True)
class Stage:
    """What stands while an example runs."""

    sandbox: Sandbox
    house: House
    clock: clock.FastClock
    stranger: stub.Stub
    files: Path
    public_url: str

    # What happens

    def begin(self) -> None:
        """Let time go."""
        self.clock.go()

    async def poll(self, watch: str) -> None:
        """Make *watch* due at once, as ``pointsman watches poll`` does, and wait until it has looked."""
        before = await self.watch(watch)
        await self.house.rooms.journal.write(
            lambda connection: watches.change(connection, watch, due_at=self.clock.now())
        )

        async def looked() -> bool:
            row = await self.watch(watch)
            assert row.error is None, row.error
            return row.polled_at is not None and row.polled_at != before.polled_at

        await waiting.wait_for(looked, PATIENCE, f"a poll of {watch}")

    async def watch(self, name: str) -> watches.Polled:
        """The row of a watch."""
        row = await self.house.rooms.journal.read(lambda connection: watches.get(connection, name))
        assert row is not None, name
        return row

    async def tell(self, type: str, subject: str = "", data: dict[str, Any] | None = None) -> None:
        """Put an event in the journal, as ``pointsman emit`` does."""
        now = self.clock.now()
        fact = Fact(type=type, subject=subject, key=f"{type} {now}", time=now, data=data or {})
        await self.house.rooms.journal.write(lambda connection: events.emit(connection, [fact], "emit", now))

    async def post(self, path: str, body: bytes, **headers: str) -> int:
        """POST to the public side; the status."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.public_url + path, data=body, headers=headers) as answer,
        ):
            return answer.status

    # What happened

    async def runs(self, reaction: str, *statuses: str) -> list[Run]:
        """Wait until the runs of *reaction* stand in just these statuses; the runs, newest first."""

        async def standing() -> list[Run]:
            found = await self.house.rooms.journal.read(
                lambda connection: runs.listed(connection, runs.Filters(reaction=reaction))
            )
            shown = [(run.status.value, run.error) for run in found]
            if "dead" not in statuses and "dead" in dict(shown):
                raise RuntimeError(f"a run died: {shown}")  # waiting longer will not help
            assert sorted(run.status for run in found) == sorted(statuses), shown
            return found

        found: list[Run] = await waiting.wait_for(standing, PATIENCE, f"{reaction}: {statuses}")
        return found

    async def events(self, type: str, count: int = 1) -> list[Event]:
        """Wait until there are *count* events of *type*; the events, newest first."""

        async def told() -> list[Event]:
            found = await self.house.rooms.journal.read(
                lambda connection: events.listed(connection, events.Filters(type=type))
            )
            assert len(found) >= count
            return found

        found: list[Event] = await waiting.wait_for(told, PATIENCE, f"{count} {type}")
        return found

    async def routed(self) -> None:
        """Wait until every event so far has been put before the reactions."""

        async def none_left() -> bool:
            oldest = await self.house.rooms.journal.read(events.oldest_unrouted)
            return oldest is None

        await waiting.wait_for(none_left, PATIENCE, "all events routed")

    def effects(self, service: str) -> list[str]:
        """What happened at *service*, in order."""
        return [effect for effect, _ in self.sandbox.ledger.effects(service)]

    def asked(self) -> list[tuple[str, str, Any, str]]:
        """What the server for everything else was asked: method, path, JSON, credentials."""
        return [
            (one.method, one.path, one.json, one.headers.get("authorization", ""))
            for one in self.stranger.asked
        ]

    def find_files(self) -> dict[str, bytes]:
        """The files that were written, by their path below the example's folder."""
        found = (path for path in self.files.rglob("*") if path.is_file())
        return {path.relative_to(self.files).as_posix(): path.read_bytes() for path in found}


def texts() -> dict[str, str]:
    """The examples by file name."""
    return {path.name: path.read_text() for path in sorted(FOLDER.glob("*.toml"))}


def secrets(text: str) -> dict[str, str]:
    """A made-up secret for each variable of the environment that an example names; an address for notices."""
    named = {name: f"a-secret-named-{name}" for name in re.findall(r'\{\s*env\s*=\s*"(\w+)"', text)}
    return {
        name: f"json://{secret}@chat.example.com" if name.endswith("_NOTICES") else secret
        for name, secret in named.items()
    }


@contextlib.asynccontextmanager
async def playing(
    name: str, folder: Path, arrange: Callable[[Sandbox], None] = lambda _: None, at: str = MORNING
) -> AsyncIterator[Stage]:
    """The example whose file begins with *name*, running in *folder*; time is held until :meth:`Stage.begin`.

    *arrange* changes the services beforehand. *at* is when it begins, RFC 3339.
    """
    (path,) = FOLDER.glob(f"{name}-*.toml")
    fast = clock.FastClock(times.parse_rfc3339(at), SPEED, held=True)
    sandbox = Sandbox(fast)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.stop)
        await sandbox.start()
        arrange(sandbox)
        stranger = await stack.enter_async_context(stub.serving())
        stranger.answer({"good": True})
        public = ports.free_port()
        text = adapt(path.read_text(), sandbox, folder, stranger.url, (public, ports.free_port()))
        catalog = connectors.discover()
        config = demo.write_config(folder, text)
        house = House(read_config(config, catalog), catalog, lambda: read_config(config, catalog), fast)
        await house.start()
        stack.push_async_callback(house.stop)
        yield Stage(sandbox, house, fast, stranger, folder / "files", f"http://{demo.HOST}:{public}")


def adapt(text: str, sandbox: Sandbox, folder: Path, stranger: str, given: tuple[int, int]) -> str:
    """An example's *text* for the test: the simulated services, free ports, files below *folder*, and the
    server *stranger* instead of every other, of those that people are told things at too."""
    files = folder / "files"
    files.mkdir()
    host = stranger.removeprefix("http://")
    text = re.sub(STRANGER, host, text).replace(f"https://{host}", stranger).replace(PLACE, str(files))
    text = re.sub(NOTICES, rf'\1 = "json://{host}/\1"', text)
    return demo.rewrite(text, demo.changes(tomllib.loads(text), sandbox, folder, given))
