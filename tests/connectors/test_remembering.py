"""What watches remember, tell and log: nothing secret, whatever stands in the objects and however it changes.

Every text of every answer gets secrets of each sort, others at each reading: a signed link, a password in an
address, a configured credential, and fields with secret names. They are no change, and are found nowhere.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon import connectors
from daemon.contract import configured, http, secrets
from daemon.contract.services import Services
from daemon.intake.watches import Bells, Watcher
from daemon.journal import database, events, tables, watches
from daemon.journal.bell import Bell
from daemon.journal.database import Journal
from daemon.journal.watches import Polled
from daemon.model import times
from tests import clocks, waiting
from tests.connectors import furnishing, support
from tests.journal.conftest import blank_file, sqlite_url

__all__ = ["blank_file", "sqlite_url"]  # fixtures

CATALOG = connectors.discover()
WATCHES = sorted(CATALOG.watches)
CREDENTIAL = "canary-of-the-account"
# What answers are read by: who and where a thing is, in which state, since when, of which form.
ADDRESSING = re.compile(
    r"(?i).*(id|fid|slug|url|path|parent|next|previous|status|state|type|filetype|filename|code|class|color|date|at|"
    r"created|modified|interval|version|domain|hash|link)s?$"
)
TALLIES = frozenset({"measurements", "terms", "links", "assets", "analytics", "options", "schedule"})
REMEMBERS_TEXTS = frozenset(
    {("populr", "pops"), ("popily", "sources"), ("compass", "classifiers"), ("compass", "topics")}
)


class Planting:
    """Rewrites what services answer, once *begun*; *number* grows with each answer."""

    def __init__(self) -> None:
        self.begun = False
        self.number = 0

    def rewrite(self, reply: http.Reply) -> http.Reply:
        if not self.begun or not reply.is_json or reply.status >= 400:
            return reply
        self.number += 1
        body = json.dumps(self.plant(json.loads(reply.body), ""))
        return http.Reply(reply.status, reply.headers, body.encode())

    def plant(self, value: Any, name: str) -> Any:
        """*value*, found under *name*, with secrets in it."""
        if isinstance(value, dict):
            found = {key: self.plant(item, key) for key, item in value.items()}
            named = {"password", "share_key", "connection_string"} if self.is_thing(value, name) else set()
            return found | {secret: f"canary-{self.number}-{secret}" for secret in named}
        if isinstance(value, list):
            return [self.plant(item, name) for item in value]
        if isinstance(value, str) and not ADDRESSING.match(name):
            return value + self.secrets()
        return value

    def is_thing(self, value: dict[str, Any], name: str) -> bool:
        return name not in TALLIES and bool({"id", "_id", "fid", "url"} & value.keys())

    def secrets(self) -> str:
        n = self.number
        return f" https://x.example/f?sig=canary-{n} https://ada:canary-{n}@x.example/ {CREDENTIAL}"


@pytest.fixture
def planting(monkeypatch: pytest.MonkeyPatch) -> Planting:
    """What every client reads is rewritten."""
    planted, once = Planting(), http.Http._once

    async def rewritten(self: http.Http, *given: Any) -> http.Reply:
        return planted.rewrite(await once(self, *given))

    monkeypatch.setattr(http.Http, "_once", rewritten)
    return planted


@pytest.fixture
async def journal(sqlite_url: str) -> AsyncIterator[Journal]:
    opened = await database.open_journal(sqlite_url)
    yield opened
    await opened.close()


def services_of(kind: str, client: Any) -> Services:
    connector = CATALOG.connectors[kind]
    assert connector.settings is not None
    settings = connector.settings.model_construct(base_url="http://127.0.0.1")
    rate = configured.Rate(1_000, times.SECOND)
    return Services(
        catalog=CATALOG,
        accounts={kind: configured.Account(kind, kind, settings, times.SECOND, rate, 9, True)},
        clients={kind: client},
        callback_url=lambda *_: "",
        resolve=str,
        blanker=secrets.Blanker(CATALOG.secret_names(), {CREDENTIAL}),
        max_payload=1_000_000,
    )


def read_files(folder: Path) -> bytes:
    """The journal's bytes, those not yet in its main file too."""
    return b"".join(place.read_bytes() for place in folder.glob("journal.db*"))


class Watched:
    """One watch over furnished things, polled as the daemon polls it."""

    def __init__(self, journal: Journal, clock: clocks.VirtualClock, services: Services) -> None:
        self.journal, self.clock = journal, clock
        bells = Bells(Bell(), Bell(), Bell())
        self.watcher = Watcher(journal, clock, lambda: services, bells, "here")

    async def begin(self, kind: str, resource: str, options: dict[str, Any]) -> None:
        watch = CATALOG.watches[(kind, resource)]
        wanted = watch.wanted(watch.options.model_validate(options))
        every, now = times.MINUTE, self.clock.now()
        row = Polled("w", "watch", kind, resource, options, wanted, True, every, None, now, now)
        await self.journal.write(lambda connection: watches.configure(connection, [row]))

    async def poll(self) -> int:
        """One poll; how many events it told."""
        before = await self.journal.read(events.newest_seq)
        self.clock.set(self.clock.now() + 2 * times.MINUTE)
        await self.watcher.once()
        await waiting.wait_for(lambda: not self.watcher._polling)
        row = await self.journal.read(lambda connection: watches.get(connection, "w"))
        assert row is not None
        assert (row.failures, row.error) == (0, None)
        return len(await self.journal.read(lambda connection: events.after(connection, before, 1_000)))

    async def remembered(self) -> list[tuple[str, str, int]]:
        columns = (tables.memories.c.remote_id, tables.memories.c.memory, tables.memories.c.version)
        query = sa.select(*columns).order_by(tables.memories.c.remote_id)
        return await self.journal.read(lambda connection: [tuple(one) for one in connection.execute(query)])


@pytest.mark.parametrize("kind, resource", WATCHES)
async def test_secrets_in_what_is_watched_are_no_change_and_are_kept_nowhere(
    kind: str,
    resource: str,
    sandbox: Any,
    planting: Planting,
    journal: Journal,
    tmp_path: Path,
    virtual_clock: clocks.VirtualClock,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with support.sandbox_client(CATALOG.connectors[kind], sandbox) as client:
        options = (await furnishing.FURNISH[kind](client, sandbox))[resource]
        watched = Watched(journal, clocks.VirtualClock(), services_of(kind, client))
        await watched.begin(kind, resource, options)
        await virtual_clock.advance(600 * times.SECOND)
        planting.begun = True
        told = await watched.poll() + await watched.poll() + await watched.poll()
        known = await watched.remembered()
        assert told > 0
        assert known
        for _ in range(2):
            assert await watched.poll() == 0
        assert await watched.remembered() == known
    assert planting.number > 3
    assert (secrets.BLANK in str(known)) or (kind, resource) not in REMEMBERS_TEXTS
    kept = read_files(tmp_path)
    said = "".join(capfd.readouterr())
    assert str(known[0][0]).encode() in kept
    assert re.findall(r"canary-[\w-]+", kept.decode("latin-1") + said) == []


def read_planted(change: Callable[[], http.Reply]) -> Any:
    with secrets.blanked_reading(secrets.Blanker({"token"}, {CREDENTIAL})):
        return change().json()


def test_a_poll_reads_answers_blanked_and_a_login_reads_them_whole() -> None:
    given = {"token": "t-1", "text": f"{CREDENTIAL} x?sig=1"}
    reply = http.Reply(200, {}, json.dumps(given).encode())
    assert reply.json() == given
    assert read_planted(lambda: reply) == {"token": "[blanked]", "text": "[blanked] x?sig=[blanked]"}
    with secrets.blanked_reading(secrets.Blanker({"token"})):
        assert reply.json(with_secrets=True) == given
