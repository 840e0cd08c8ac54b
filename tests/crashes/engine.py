"""The engine of one node, in the test's own process, over the real connectors and the simulated services.

One *trial* is one run of one action, with something in its way; ``test_actions`` makes them for every action.
"""

import asyncio
import copy
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from daemon.contract import configured, declare, guard, http
from daemon.contract.catalog import Catalog
from daemon.contract.limits import Limits
from daemon.contract.secret_forms import Secret
from daemon.contract.secrets import Blanker
from daemon.contract.services import GENERAL, Services
from daemon.journal.database import Journal
from daemon.model import times
from daemon.model.reactions import Do, Reaction, Retry
from daemon.model.runs import Run
from daemon.sandbox.server import Sandbox
from tests import clocks, waiting
from tests.connectors import stub
from tests.crashes import examples
from tests.running.world import World, reaction
from tests.sandbox.calling import basic

READS = ("GET", "HEAD")
PAUSE = 7 * times.SECOND  # longer than what a lost request may take to have its effect
TURNS = 14
COUNTS = {"images"}  # how often something was asked for
ENDS = ("succeeded", "dead", "in_doubt")
NOT_FACTS = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*|[0-9a-f]{12,}"
)  # times, markers, ids made of times


class Stuck:
    """A journal whose commits do not come to their end once *is_stuck*: a process that stands still, or dies there."""

    def __init__(self, journal: Journal, is_stuck: Callable[[], bool]) -> None:
        self._journal = journal
        self._is_stuck = is_stuck
        self.reached = asyncio.Event()
        self.freed = asyncio.Event()

    async def write(self, fn: Any, *, single: bool = False) -> Any:
        if self._is_stuck() and not self.freed.is_set():
            self.reached.set()
            await self.freed.wait()
        return await self._journal.write(fn, single=single)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


@dataclass
class Engine(World):
    """A node whose accounts are the sandbox's."""

    sandbox: Sandbox = field(kw_only=True)
    catalog: Catalog = field(kw_only=True)
    folder: Path = field(kw_only=True)

    def __post_init__(self) -> None:
        self.ways = {
            kind: http.Http(url, timeout=2 * times.SECOND) for kind, url in self.sandbox.urls.items()
        }
        self.services = self._build_services()
        self.worker, self.router, self.watcher = self.build("here")

    def _build_services(self) -> Services:
        accounts, clients = {}, {}
        for kind, url in self.sandbox.urls.items():
            connector = self.catalog.connectors[kind]
            settings = settings_of(connector, url, self.sandbox.credentials[kind])
            rate = configured.Rate(1000, times.SECOND)
            accounts[kind] = configured.Account(kind, kind, settings, 2 * times.SECOND, rate, 4, True)
            clients[kind] = connector.client(settings, self.ways[kind])
        reach = configured.Reach((str(self.folder),), {"people": self._address()})
        self.ways[GENERAL] = http.Http("", guarded=guard.parse_guard(["127.0.0.1"]))
        clients[GENERAL] = self.catalog.connectors[GENERAL].client(reach, self.ways[GENERAL])
        return Services(
            catalog=self.catalog,
            accounts=accounts,
            clients=clients,
            callback_url=lambda name, hook: f"https://hooks.invalid/{name}/{hook}",
            resolve=lambda secret: secret.resolve(inline={}),
            blanker=Blanker(self.catalog.secret_names(), set()),
            max_payload=1_000_000,
            lanes={kind: Limits(1000, times.SECOND, 4) for kind in accounts},
        )

    def _address(self) -> Secret:
        """An Apprise address that leads to something that can be made: its message becomes an embed."""
        host = self.sandbox.urls["populr"].removeprefix("http://")
        key = quote(basic(self.sandbox.credentials["populr"]["api_key"], ""))
        return Secret("text", f"json://{host}/embeds?:message=source_html&+Authorization={key}")

    async def close(self) -> None:
        """Close the clients."""
        for way in self.ways.values():
            await way.close()

    async def settle_all(self) -> Run:
        """Turn after turn, with time passing between them, until the newest run has come to an end."""
        for _ in range(TURNS):
            await self.settle()
            run = (await self.runs())[-1]
            if run.status.value in ENDS:
                return run
            await self.clock.advance(PAUSE)
        raise AssertionError(f"the run is {run.status.value} for ever: {run.error}")

    async def forget_failures(self) -> None:
        """The next trial begins with every account well."""
        mend = sa.text(
            "UPDATE accounts SET failures = 0, state = 'closed', reason = NULL, since = NULL, trial = NULL"
        )
        await self.journal.write(lambda connection: connection.execute(mend).rowcount)

    async def steal(self) -> None:
        """Whoever has a run in hand loses it: its lease is over."""
        over = sa.text("UPDATE runs SET lease_until = 1 WHERE lease_until > 0")
        await self.journal.write(lambda connection: connection.execute(over).rowcount)


def settings_of(connector: declare.Connector, url: str, credentials: Mapping[str, Any]) -> declare.Settings:
    """The settings of an account with good *credentials*."""
    assert connector.settings is not None
    known = {name: value for name, value in credentials.items() if name in connector.settings.model_fields}
    return connector.settings.model_validate({"base_url": url, **known})


@dataclass
class Shop:
    """The sandbox with something of everything in it, put back as it was before each trial."""

    sandbox: Sandbox
    clock: clocks.VirtualClock
    catalog: Catalog
    kind: str
    names: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> Any:
        """The simulated service of this kind."""
        return self.sandbox.services[self.kind]

    async def furnish(self) -> None:
        """Make what the examples are about, and remember how everything stands."""
        connector = self.catalog.connectors[self.kind]
        way = http.Http(self.sandbox.urls[self.kind])
        client = connector.client(
            settings_of(connector, way.base_url, self.sandbox.credentials[self.kind]), way
        )

        async def act(name: str, /, **given: Any) -> Any:
            action = self.catalog.actions[name]
            return (await action.call(client, action.parameters.model_validate(given), stub.call_of())).result

        self.names.update(await examples.FURNISH[self.kind](act, self.sandbox))
        await self.clock.advance(600 * times.SECOND)
        await way.close()
        self.kept = self._copy(vars(self.service))

    def put_back(self) -> None:
        """Everything at the service as it was, and no fault."""
        vars(self.service).update(self._copy(self.kept))
        self.sandbox.faults.remove()
        self.sandbox.ledger.clear()

    def _copy(self, values: dict[str, Any]) -> dict[str, Any]:
        same = {id(one): one for one in (self.clock, self.service)}
        return copy.deepcopy(values, same)

    def writes(self) -> int:
        """How many requests came that may have changed something."""
        return len(self.sent())

    def sent(self) -> list[tuple[str, str]]:
        """The requests that may have changed something: method and path."""
        return [
            (one.method, one.path) for one in self.sandbox.ledger.read(self.kind) if one.method not in READS
        ]

    def effects(self) -> Counter[str]:
        """How often each effect happened."""
        return Counter(effect for effect, _ in self.sandbox.ledger.effects(self.kind))

    def state(self) -> Any:
        """How everything stands, without what differs from one time to the next."""
        return facts(self.service.state())


def facts(value: Any) -> Any:
    """*value* without instants, markers and ids that are made of instants."""
    if isinstance(value, dict):
        kept = ((str(key), one) for key, one in value.items() if key not in COUNTS)
        return [(facts(key), facts(one)) for key, one in kept]  # a key may be an id, too
    if isinstance(value, list | tuple):
        return [facts(one) for one in value]
    if isinstance(value, str):
        return NOT_FACTS.sub("...", value)
    return 0 if isinstance(value, int | float) and value > 1_000_000_000 else value


def only(name: str, parameters: Mapping[str, Any]) -> Reaction:
    """A reaction that does nothing but *name*."""
    kind = name.partition(".")[0]
    account = kind if kind in examples.FURNISH else None
    patient = Retry(attempts=8, first=times.SECOND, max=5 * times.SECOND)
    do = Do("it", name, account, None, dict(parameters))
    return reaction("trial", do, retry=patient, timeout=times.DAY)


async def arrived(shop: Shop, fault_id: int) -> None:
    """Until the request has come that meets the fault."""
    await waiting.wait_for(
        lambda: fault_id not in {one["id"] for one in shop.sandbox.faults.read()}, what="a request that hangs"
    )
