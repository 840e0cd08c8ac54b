"""The engine of one node around a journal: router, worker, watcher; driven turn by turn, on a virtual clock."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.connectors.general.client import GeneralClient
from daemon.contract import http
from daemon.contract.configured import Account, Rate
from daemon.contract.secret_forms import Secret
from daemon.contract.secrets import Blanker
from daemon.contract.services import Services
from daemon.intake.watches import Bells, Watcher
from daemon.journal import events, runs, state, steps
from daemon.journal.bell import Bell
from daemon.journal.database import Journal
from daemon.model import times
from daemon.model.events import Event, Fact
from daemon.model.jsons import Json, JsonObject
from daemon.model.reactions import Do, Reaction, Retry
from daemon.model.runs import Run, Step
from daemon.routing.matching import Rules
from daemon.routing.router import Router
from daemon.running import circuits, worker
from daemon.running.circuits import Circuits
from daemon.running.course import Courses
from daemon.running.parking import Parking
from daemon.running.worker import Worker
from tests import clocks, waiting
from tests.running import shop as shops

CAME = "order.came"
KNOWN_SECRET = "sesame-opens-the-shop"


def reaction(name: str = "stock", *do: Do, **values: Any) -> Reaction:
    """A reaction to :data:`CAME`."""
    given: JsonObject = {
        "name": name,
        "on": (CAME,),
        "source": None,
        "subject": None,
        "when": None,
        "for_each": None,
        "timeout": times.HOUR,
        "retry": Retry(),
        "on_doubt": "hold",
        "enabled": True,
        "do": do or (step("put"),),
        **values,
    }
    return Reaction(**given)


def step(action: str, id: str | None = None, condition: str | None = None, **parameters: Json) -> Do:
    """A step; *action* may lack its ``shop.``."""
    full = action if "." in action else f"shop.{action}"
    account = "shop" if full.startswith("shop.") else None
    return Do(id or full.partition(".")[2], full, account, condition, parameters)


def build_services(shop: shops.Shop, inline: Mapping[str, str]) -> Services:
    """The shop as the only account."""
    settings = shops.Settings(base_url="http://shop.invalid")
    account = Account("shop", "shop", settings, 30 * times.SECOND, Rate(5, times.SECOND), 2, True)
    catalog = shops.stocked_catalog()
    return Services(
        catalog=catalog,
        accounts={"shop": account},
        clients={"shop": shop, "general": GeneralClient(http.Http(""))},
        callback_url=lambda name, hook: f"https://hooks.invalid/{name}/{hook}",
        resolve=lambda secret: _resolve(secret, inline),
        blanker=Blanker(catalog.secret_names(), {KNOWN_SECRET}),
        max_payload=10_000,
    )


def _resolve(secret: Secret, inline: Mapping[str, str]) -> str:
    return secret.resolve(inline=inline)


@dataclass
class World:
    """One node's engine. *lease* is in microseconds of real time."""

    journal: Journal
    clock: clocks.VirtualClock
    shop: shops.Shop = field(default_factory=shops.Shop)
    inline: dict[str, str] = field(default_factory=dict)
    lease: int = 60 * times.SECOND

    def __post_init__(self) -> None:
        self.services = build_services(self.shop, self.inline)
        self.worker, self.router, self.watcher = self.build("here")

    def build(self, node: str) -> tuple[Worker, Router, Watcher]:
        """The rooms of a node."""
        bells = Bells(Bell(), Bell(), Bell())
        known = Circuits(self.journal, self.clock, lambda: self.services, circuits.Bells())
        self.circuits = known
        self.parking = Parking(self.journal, self.clock, lambda: self.services, known, bells.workers)
        courses = Courses(self.journal, self.clock, lambda: self.services, known, ring=bells.workers.ring)
        self.courses = courses
        hands = Worker(self.journal, self.clock, courses, bells.workers, bells.router, node, self.lease)
        router = Router(self.journal, self.clock, Rules([]), hands, bells.router, bells.workers)
        watcher = Watcher(self.journal, self.clock, lambda: self.services, bells, node, gate=known)
        return hands, router, watcher

    def react(self, *reactions: Reaction) -> None:
        """Take *reactions* from now on."""
        self.router.rules = Rules(reactions)

    async def tell(self, data: JsonObject | None = None, **values: Any) -> str:
        """Record an event; its id."""
        source = values.pop("source", "emit")
        key = values.pop("key", None) or f"k{self.clock.now()}-{len(await self.events())}"
        given = {"type": CAME, "subject": "s1", "key": key, "data": data or {}, **values}
        admitted = await self.journal.write(
            lambda connection: events.emit(connection, [Fact(**given)], source, self.clock.now())
        )
        return admitted[0].id

    # Turning the wheel

    async def begin(self) -> bool:
        """One round of router, parking and worker, waiting for no call."""
        routed = await self.router.once()
        await self.parking.once()
        await waiting.wait_for(lambda: not self.parking._probing, what="probes that ended")
        return await self.worker.once() or routed

    async def settle(self) -> None:
        """Round after round, until nothing is due and no run is in hand."""
        busy = True
        while busy:
            busy = await self.begin()
            await waiting.wait_for(lambda: self.worker.free() == worker.HANDS, what="empty hands")

    async def react_to(self, data: JsonObject | None = None, **values: Any) -> Run:
        """Record an event, settle; the newest run."""
        await self.tell(data, **values)
        await self.settle()
        return (await self.runs())[-1]

    async def calls(self, count: int) -> None:
        """Until *count* calls have arrived."""
        await waiting.wait_for(lambda: len(self.shop.calls) >= count, what=f"{count} calls")

    async def later(self, duration: int) -> None:
        """Let *duration* pass, then settle."""
        await self.clock.advance(duration)
        await self.settle()

    async def look(self) -> None:
        """Poll what is due, then settle."""
        while await self.watcher.once():
            await waiting.wait_for(lambda: not self.watcher._polling, what="polls that ended")
        await self.settle()

    async def crash(self) -> None:
        """The process dies in the middle of everything, and another one starts on the same journal."""
        cut = list(self.worker._in_hand.values())
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        rules = self.router.rules
        self.worker, self.router, self.watcher = self.build("reborn")
        self.router.rules = rules
        await self.journal.write(lambda connection: runs.release_all(connection, self.clock.now()))

    # Reading

    async def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        found = await self.journal.read(
            lambda connection: runs.listed(connection, runs.Filters(limit=10_100))
        )
        return found[::-1]

    async def run(self, id: str) -> Run:
        """The run with *id* as it is now."""
        return next(one for one in await self.runs() if one.id == id)

    async def steps(self, run: Run) -> list[Step]:
        """The steps of *run*."""
        return await self.journal.read(lambda connection: steps.of_run(connection, run.id))

    async def events(self, type: str | None = None) -> list[Event]:
        """All events of *type*, the oldest first."""
        filters = events.Filters(type=type, limit=1_000)
        return (await self.journal.read(lambda connection: events.listed(connection, filters)))[::-1]

    async def state(self, key: str) -> Json:
        """What ``state(key)`` would give."""
        return await self.journal.read(lambda connection: state.value(connection, key))
