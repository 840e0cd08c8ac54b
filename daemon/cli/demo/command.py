"""The command ``demo``: the stage set, the story told line by line, and judged."""

import asyncio
import contextlib
import io
import math
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daemon.app import house, listening
from daemon.cli import context
from daemon.cli.demo import screen, stage, verdict
from daemon.cli.demo.stage import Stage
from daemon.cli.demo.telling import Teller
from daemon.cli.demo.verdict import Found
from daemon.contract.catalog import Catalog
from daemon.journal import database, runs
from daemon.model.runs import KEPT, UNFINISHED
from daemon.sandbox import server, story

SPEED = 150.0
"""Populr's quarter of an hour in 6 s; at this speed the daemon's loops look about once in a minute of the story."""
FASTEST = 1_000.0
"""Beyond it the story's hours pass while real calls are under way, and reactions run out of their time."""
LOOK_SECONDS = 0.1
QUIET_SECONDS = 1.0
"""How long nothing more may happen before the effects are counted: a second one would come now."""
STORY_SECONDS = 30 * 60
"""Of the demo's clock: more than the whole story takes."""
AT_LEAST, AROUND = 60.0, 40.0
"""Real seconds: the least patience with a story, and what its calls may take beside its own time."""
MOST_RUNS = 1_000
PLAIN_WIDTH = 100
"""Columns of the table where it is not for a terminal."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: how fast, whether it ends by itself, how many real seconds the story may take."""

    speed: float
    once: bool
    limit: float


def demo(
    state: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when the story has ended.")] = False,
    speed: Annotated[
        float, typer.Option(metavar="N", help="How many times as fast as real time its clock goes.")
    ] = SPEED,
) -> None:
    """Play the example config against simulated services.

    Tells what happens, then what was expected and found. Nothing outside this machine is touched. It needs no
    config of yours, and makes a journal of its own. The clock begins just before two at night; with --once the
    exit code is 0 only if every expected effect is there, exactly as often as expected.

    \b
      pointsman demo --once
    """
    if not (math.isfinite(speed) and 0 < speed <= FASTEST):
        context.fail(f"--speed: a number above 0 and up to {FASTEST:g} is expected (came {speed:g}).")
    given: context.Context = state.obj
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack the marks
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    raise typer.Exit(play(Wish(speed, once, patience(speed)), console, given.catalog()))


def patience(speed: float) -> float:
    """Real seconds that the story may take at *speed*."""
    return max(AT_LEAST, AROUND + STORY_SECONDS / speed)


def play(
    wish: Wish, console: Console, catalog: Catalog, arrange: Callable[[server.Sandbox], None] = lambda _: None
) -> int:
    """The exit code of a whole demo on *console*. *arrange* may change the simulated services beforehand."""
    import uvloop

    folder = Path(tempfile.mkdtemp(prefix="pointsman-demo-"))
    try:
        good = uvloop.run(perform(wish, console, catalog, folder, arrange))
    except house.Refused as refused:
        context.refuse(refused.problems)
    except BrokenPipeError:  # whoever read us has gone
        return context.NOT_GOOD
    except (OSError, listening.CannotListen, database.JournalUnavailable) as broken:
        context.fail(
            f"The demo cannot go on: {broken}. Its log is {stage.log_file(folder)}.", context.NOT_GOOD
        )
    if good and wish.once:
        shutil.rmtree(folder)
    return context.GOOD if good else context.NOT_GOOD


async def perform(
    wish: Wish,
    console: Console,
    catalog: Catalog,
    folder: Path,
    arrange: Callable[[server.Sandbox], None] = lambda _: None,
) -> bool:
    """Play the story with everything in *folder*; whether every effect was there, exactly as often as expected."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with stage.build(folder, wish.speed, catalog, arrange) as built:
        screen.announce(built, console)
        teller = Teller(built, console)
        built.clock.go()
        await follow(teller, stop, Ending(built, teller, wish.limit).reached)
        if stop.is_set():
            screen.break_off(console, built)
            return False
        rows = verdict.judge(await look(built, teller))
        screen.conclude(rows, console, built, kept=not (wish.once and verdict.is_good(rows)))
        if not wish.once:
            screen.show_around(built, console)
            await follow(teller, stop, never)
    return verdict.is_good(rows)


async def follow(teller: Teller, stop: asyncio.Event, ended: Callable[[bool], Awaitable[bool]]) -> None:
    """Tell what happens until *ended*, which is told whether anything had, or until *stop*."""
    while not stop.is_set():
        news = await teller.once()
        if await ended(news):
            break
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
    await teller.once(last=True)


async def never(news: bool) -> bool:
    """For a demo that goes on."""
    return False


class Ending:
    """Whether the story has ended: everything is there and it has been quiet, or nothing more can come."""

    def __init__(self, built: Stage, teller: Teller, limit: float) -> None:
        self._built = built
        self._teller = teller
        self._quiet_since = time.monotonic()
        self._latest = self._quiet_since + limit

    async def reached(self, news: bool) -> bool:
        """Whether to stop telling; *news*: something has just happened."""
        now = time.monotonic()
        found = await look(self._built, self._teller)
        if news or any(run.status in UNFINISHED for run in found.runs):
            self._quiet_since = now
        if now >= self._latest:
            return True
        if now - self._quiet_since < QUIET_SECONDS:
            return False
        lost = any(run.status in KEPT for run in found.runs)
        return lost or (self._built.people.done and verdict.is_good(verdict.judge(found)))


async def look(built: Stage, teller: Teller) -> Found:
    """What there is now, at the services and in the journal."""
    made = await built.house.rooms.journal.read(lambda one: runs.listed(one, runs.Filters(limit=MOST_RUNS)))
    effects = story.count(built.sandbox, built.sandbox.ledger.read())
    return Found(effects, tuple(teller.events), tuple(made))
