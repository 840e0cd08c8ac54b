"""A made-up service with one watched resource, and a watcher over it on a virtual clock."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from daemon.contract import configured, declare
from daemon.contract.catalog import gather
from daemon.contract.declare import Claim, Cursor, Seen, Verdict
from daemon.contract.errors import MalformedBody
from daemon.contract.secrets import Blanker
from daemon.contract.services import Services
from daemon.intake.watches import Bells, Watcher
from daemon.journal import events, watches
from daemon.journal.bell import Bell
from daemon.journal.database import Journal
from daemon.journal.watches import Polled
from daemon.model import times
from daemon.model.events import Event, Fact
from tests import clocks, waiting
from tests.journal import making

ACCOUNT = "shelf"


class ThingOptions(declare.Options):
    """Which things."""

    ids: list[str] | None = None


@dataclass
class Remote:
    """The service: its things by id as ``(number, state)``. *failures* are raised first, *gate* holds a poll up,
    *unread* says why a thing cannot be read though others can."""

    things: dict[str, tuple[int, str]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    polls: int = 0
    cursors: list[Cursor] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, bool] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


@declare.watch(
    "things",
    noun="thing",
    events=("shelf.thing.changed",),
    wanted=lambda options: None if options.ids is None else tuple(options.ids),
)
async def things(client: Remote, _options: ThingOptions, cursor: Cursor) -> Sequence[Seen]:
    """Things."""
    client.polls += 1
    client.cursors.append(cursor)
    found = dict(client.things)
    if client.gate is not None:
        await client.gate.wait()
    if client.failures:
        raise client.failures.pop(0)
    names = found if cursor.wanted is None else cursor.wanted
    gone = [name for name in cursor.memory if name not in found]
    return [see(client, name, found, cursor) for name in dict.fromkeys([*names, *gone])]


def see(client: Remote, name: str, found: dict[str, tuple[int, str]], cursor: Cursor) -> Seen:
    """One thing: told when its number is another than the one remembered."""
    memory = cursor.memory.get(name)
    if name not in found:
        facts = [Fact("shelf.thing.removed", name, f"removed:{name}", {})] if memory else []
        return Seen(name, {}, facts, subject=name, gone=True)
    number, state = found[name]
    if name in client.unread:
        return Seen(name, memory or {"n": number}, subject=name, state=state, error=client.unread[name])
    told = cursor.announce if memory is None else memory["n"] != number
    data = {"n": number, "callbacks": cursor.callbacks.get(name, 0), **client.extra}
    return Seen(
        name,
        {"n": number},
        [Fact("shelf.thing.changed", name, f"thing:{name}:{number}", data)] if told else [],
        subject=name,
        state=state,
        final=state == "done",
        result={"n": number},
        resource={"id": name},
        hook=client.hooks.get(name),
    )


def understand(body: Any, _query: Any) -> Claim:
    """``{"id": …, "n": …}``"""
    if not isinstance(body, dict) or "id" not in body:
        raise MalformedBody("no id")
    return Claim("moved", body["id"], "things", body["id"], {}, {"n": body["n"]}, body["id"])


def judge(claim: Claim, memory: Any) -> Verdict:
    """Equal numbers confirm, a larger one found supersedes."""
    if memory is None or memory["n"] < claim.claimed["n"]:
        return Verdict("refuted", memory)
    return Verdict("confirmed" if memory["n"] == claim.claimed["n"] else "superseded", memory)


HOOK = declare.Webhook(
    hook="moved",
    about="A thing moved.",
    event="shelf.thing.changed",
    understand=understand,
    told=lambda claim, memory, _firing: (
        None
        if memory and memory["n"] >= claim.claimed["n"]
        else Seen(
            claim.id,
            claim.claimed,
            [Fact("shelf.thing.changed", claim.id, f"thing:{claim.id}:{claim.claimed['n']}", claim.claimed)],
        )
    ),
    news=lambda claim, memory: not memory or memory["n"] < claim.claimed["n"],
    judge=judge,
)
CONNECTOR = declare.Connector(
    kind="shelf",
    about="Made up.",
    settings=declare.Settings,
    client=lambda _settings, http: http,
    ping=None,
    actions=declare.listed(__name__, {}),
    watches=(things,),
    webhooks=(HOOK,),
)
CATALOG = gather([CONNECTOR])


def services_of(remote: Remote) -> Services:
    """The one account of the made-up service."""
    settings = declare.Settings(base_url="http://127.0.0.1")
    rate = configured.Rate(1_000, times.SECOND)
    account = configured.Account(ACCOUNT, "shelf", settings, times.SECOND, rate, 9, True)
    return Services(
        catalog=CATALOG,
        accounts={ACCOUNT: account},
        clients={ACCOUNT: remote},
        callback_url=lambda *_: "",
        resolve=str,
        blanker=Blanker({"password"}, {"the-account-key"}),
        max_payload=100_000,
    )


@dataclass
class Watched:
    """A watcher, what it watches, its journal and its clock."""

    journal: Journal
    remote: Remote
    clock: clocks.VirtualClock
    bells: Bells
    watcher: Watcher

    async def configure(self, *rows: Polled) -> None:
        """Make the rows of the config."""
        await self.journal.write(lambda connection: watches.configure(connection, rows))

    async def row(self, name: str = "things") -> Polled | None:
        """The row *name* as it is now."""
        return await self.journal.read(lambda connection: watches.get(connection, name))

    async def poll(self, after: int = 0) -> list[Event]:
        """Move the clock on by *after*, poll all that is due to the end; the events that are new."""
        before = await self.journal.read(events.newest_seq)
        self.clock.set(self.clock.now() + after)
        await self.watcher.once()
        await waiting.wait_for(lambda: not self.watcher._polling)
        return await self.journal.read(lambda connection: events.after(connection, before, 1_000))

    async def begin(self) -> None:
        """Begin the poll that is due, and leave it waiting at the remote's gate."""
        self.remote.gate = asyncio.Event()
        polls = self.remote.polls
        await self.watcher.once()
        await waiting.wait_for(lambda: self.remote.polls > polls)

    async def finish(self) -> None:
        """Let the poll end that waits at the gate."""
        assert self.remote.gate is not None
        self.remote.gate.set()
        self.remote.gate = None
        await waiting.wait_for(lambda: not self.watcher._polling)


def watched(
    journal: Journal, node: str = "here", hook: declare.Webhook = HOOK, *, alone: bool = False
) -> Watched:
    """A watcher over *journal*, of a service that calls by *hook*; *alone* with the journal or among other nodes."""
    remote, clock = Remote(), clocks.VirtualClock()
    bells = Bells(Bell(), Bell(), Bell())
    services = services_of(remote)
    if hook is not HOOK:
        services = replace(services, catalog=gather([replace(CONNECTOR, webhooks=(hook,))]))
    watcher = Watcher(journal, clock, lambda: services, bells, node, alone=alone)
    return Watched(journal, remote, clock, bells, watcher)


def row(name: str = "things", **values: Any) -> Polled:
    """A ``[[watch]]`` of all things, each minute."""
    given = {"account": ACCOUNT, "resource": "things", "announce": False, "due_at": clocks.START, **values}
    return making.polled(name, **{"created_at": clocks.START, **given})
