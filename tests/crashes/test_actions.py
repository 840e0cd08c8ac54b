"""Every action of every connector, its request or its answer lost at each place, its process dead, its lease gone.

The ledger of the simulated service decides: what may be repeated leaves the service as one call does, what is probed
has each effect once, what is neither is held for a person with what is known of it, and was sent once.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon import connectors
from daemon.journal import database
from daemon.journal.database import Journal
from daemon.model import times
from daemon.model.runs import Doubt, Run, RunStatus, Step
from daemon.sandbox.faults import Fault
from daemon.sandbox.server import Sandbox
from tests import clocks, waiting
from tests.crashes import engine, examples
from tests.crashes.engine import Engine, Shop, Stuck
from tests.journal.conftest import blank_file, sqlite_url

__all__ = ["blank_file", "sqlite_url"]

CATALOG = connectors.discover()
OWN = ("event.emit", "state.set", "state.delete", "log.write", "file.write")  # they ask no server
READING = re.compile(r"\.(get|list|lookup|search|find|export|classify)(_|$)")
READS = [name for name in sorted(CATALOG.actions) if READING.search(name)]
CHANGES = [name for name in sorted(CATALOG.actions) if name not in (*OWN, *READS)]


@pytest.fixture
async def journal(sqlite_url: str) -> AsyncIterator[Journal]:
    opened = await database.open_journal(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sandbox(virtual_clock: clocks.VirtualClock) -> AsyncIterator[Sandbox]:
    served = Sandbox(virtual_clock)
    await served.start()
    yield served
    await served.stop()


def difference(one: Any, other: Any, place: str = "") -> str:
    """Where two states differ first."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return next(
            (
                said
                for n, pair in enumerate(zip(one, other, strict=True))
                if (said := difference(*pair, f"{place}/{n}"))
            ),
            "",
        )
    return "" if one == other else f", and at {place} there is {str(one)[:200]} for {str(other)[:200]}"


@dataclass
class Seen:
    """What came of one trial: the run, its step, how often it was told to be in doubt; what the service shows."""

    run: Run
    step: Step
    told: int
    effects: Counter[str]
    sent: list[tuple[str, str]]
    state: Any

    def wrong(self, doubt: Doubt, usual: "Seen") -> str:
        """What is wrong with it, beside how it *usual*ly is; "" for nothing."""
        status = self.run.status
        if doubt is Doubt.UNSAFE:
            held = (
                status is RunStatus.IN_DOUBT and self.told == 1 and self.step.doubted_at and self.step.error
            )
            good = bool(held) and self.effects <= usual.effects and len(self.sent) <= len(usual.sent)
        elif doubt is Doubt.PROBED:
            good = status is RunStatus.SUCCEEDED and (self.effects, self.state) == (
                usual.effects,
                usual.state,
            )
        else:
            same = self.effects.keys() == usual.effects.keys() and self.state == usual.state
            good = status is RunStatus.SUCCEEDED and same
        if good:
            return ""
        differs = difference(self.state, usual.state)
        return f"{status.value} ({self.run.error}), {dict(self.effects)} for {dict(usual.effects)}{differs}"


@dataclass
class Trials:
    """Trials of one action: each begins with the service as it was."""

    name: str
    shop: Shop
    journal: Journal
    folder: Path

    @property
    def parameters(self) -> Any:
        return examples.filled(examples.EXAMPLES[self.name], {**self.shop.names, "folder": str(self.folder)})

    @property
    def doubt(self) -> Doubt:
        action = CATALOG.actions[self.name]
        return action.doubt_for(action.parameters.model_validate(self.parameters), marked=True)

    def _engine(self, journal: Journal) -> Engine:
        shop = self.shop
        return Engine(journal, shop.clock, sandbox=shop.sandbox, catalog=CATALOG, folder=self.folder)

    async def begin(self) -> Engine:
        """A node that was told of the event; nothing runs yet."""
        self.shop.put_back()
        made = self._engine(self.journal)
        await made.forget_failures()
        made.react(engine.only(self.name, self.parameters))
        await made.tell()
        return made

    # What may come between

    async def undisturbed(self) -> "Seen":
        """How it is when nothing goes wrong."""
        made = await self.begin()
        return await self._seen(made, await made.settle_all())

    async def lose(self, kind: str, method: str | None, path: str, after: int) -> "Seen":
        """One request, or its answer, does not arrive."""
        made = await self.begin()
        self.shop.sandbox.faults.add(Fault(self.shop.kind, kind, method, path, after=after))
        seen = await self._seen(made, await made.settle_all())
        assert self.shop.sandbox.faults.read() == [], "nobody met the fault"
        return seen

    async def die_before(self, method: str, path: str, after: int) -> "Seen":
        """The process dies while its request is under way, which never arrives."""
        made = await self.begin()
        fault = Fault(self.shop.kind, "hang", method, path, after=after, seconds=0.001)
        hanging = self.shop.sandbox.faults.add(fault)
        fault.seconds = 30.0
        await made.begin()
        await engine.arrived(self.shop, hanging)
        await made.crash()
        return await self._seen(made, await made.settle_all())

    async def die_after(self, writes: int) -> "Seen":
        """The process dies when everything has its effect, before it could write that down."""
        made, stuck = await self._stuck(writes)
        await made.begin()
        await asyncio.wait_for(stuck.reached.wait(), 10)
        made.journal = self.journal
        await made.crash()
        return await self._seen(made, await made.settle_all())

    async def lose_the_lease(self, writes: int) -> "Seen":
        """The process stands still when everything has its effect; another one takes over; then it goes on."""
        first, stuck = await self._stuck(writes)
        await first.begin()
        await asyncio.wait_for(stuck.reached.wait(), 10)
        second = self._engine(self.journal)
        second.worker, second.router, second.watcher = second.build("other")
        await second.steal()
        run = await second.settle_all()
        stuck.freed.set()
        await waiting.wait_for(lambda: not first.worker._in_hand, what="the end of the one that stood still")
        await first.close()
        seen = await self._seen(second, run)
        assert seen.run == (await second.runs())[-1]
        return seen

    async def _stuck(self, writes: int) -> tuple[Engine, Stuck]:
        made = await self.begin()
        stuck = Stuck(self.journal, lambda: self.shop.writes() >= writes)
        made.journal = stuck
        rules = made.router.rules
        made.worker, made.router, made.watcher = made.build("here")
        made.router.rules = rules
        return made, stuck

    async def _seen(self, made: Engine, run: Run) -> "Seen":
        steps = await made.steps(run)
        told = await made.events("pointsman.run.in_doubt")
        await made.close()
        await self.shop.clock.advance(times.HOUR)  # the service finishes what it began
        is_told = [event.data["run"]["id"] for event in told].count(run.id)
        return Seen(run, steps[0], is_told, self.shop.effects(), self.shop.sent(), self.shop.state())


def places(sent: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """Each of the requests *sent* as a fault names it: method, path, how many equal ones come before it."""
    return [(*one, sent[:number].count(one)) for number, one in enumerate(sent) if "login" not in one[1]]


@pytest.fixture
async def shop(request: pytest.FixtureRequest, sandbox: Sandbox, virtual_clock: clocks.VirtualClock) -> Shop:
    kind = request.param.partition(".")[0]
    made = Shop(sandbox, virtual_clock, CATALOG, kind if kind in examples.FURNISH else "populr")
    await made.furnish()
    return made


def test_every_action_has_its_example() -> None:
    assert sorted(examples.EXAMPLES) == sorted(CATALOG.actions)


each_change = pytest.mark.parametrize(
    "shop, name", [(name, name) for name in CHANGES], indirect=["shop"], ids=CHANGES
)


@each_change
async def test_a_lost_answer_and_a_death_behind_the_effect_leave_each_effect_once_or_held(
    name: str, shop: Shop, journal: Journal, tmp_path: Path
) -> None:
    trials = Trials(name, shop, journal, tmp_path)
    usual = await trials.undisturbed()
    assert usual.run.status is RunStatus.SUCCEEDED, usual.run.error
    assert usual.effects, "it changes nothing: it is a read"
    wrong = {place: await trials.lose("drop_after", *place) for place in places(usual.sent)}
    wrong["", "died after", 0] = await trials.die_after(len(usual.sent))
    assert {place: said for place, one in wrong.items() if (said := one.wrong(trials.doubt, usual))} == {}


@each_change
@pytest.mark.soak
async def test_whatever_else_comes_between_leaves_each_effect_once_or_held(
    name: str, shop: Shop, journal: Journal, tmp_path: Path
) -> None:
    trials = Trials(name, shop, journal, tmp_path)
    usual = await trials.undisturbed()
    seen: dict[Any, Seen] = {"lease lost": await trials.lose_the_lease(len(usual.sent))}
    for place in places(usual.sent):
        seen["lost before", place] = await trials.lose("drop_before", *place)
        seen["cut short", place] = await trials.lose("truncate", *place)
        seen["died before", place] = await trials.die_before(*place)
    assert {trial: said for trial, one in seen.items() if (said := one.wrong(trials.doubt, usual))} == {}


@pytest.mark.parametrize("shop", examples.FURNISH, indirect=True)
async def test_whoever_only_reads_asks_again_and_changes_nothing(
    shop: Shop, journal: Journal, tmp_path: Path
) -> None:
    wrong = {}
    for name in (name for name in READS if name.startswith(f"{shop.kind}.")):
        trials = Trials(name, shop, journal, tmp_path)
        seen = await trials.lose("drop_after", None, "*", 0)
        if seen.run.status is not RunStatus.SUCCEEDED or seen.effects or trials.doubt is not Doubt.REPEATABLE:
            wrong[name] = (seen.run.status, seen.run.error, seen.effects)
    assert wrong == {}
