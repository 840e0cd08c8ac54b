"""What 100,000 watched resources cost the daemon, one row each, polled every minute: memory, processor, the loop.

The whole daemon runs in a process of its own with one service's poll replaced by one that finds what it found before.
Beside it runs the same daemon with nothing to watch; what is told is the difference. A task that wakes every
millisecond sees how long the loop is held, by the wall and by the loop's own processor time, to which no neighbour
adds.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench import idle, servers
from daemon import connectors, logs, metrics
from daemon.app import house
from daemon.cli import loading, run
from daemon.contract.declare import Cursor, Seen
from daemon.journal import database, watches
from daemon.journal.watches import Memory, Polled
from daemon.model.times import MINUTE

RESOURCES = 100_000
WARM, WINDOW = 70.0, 40.0  # seconds: a whole round of all rows, then what is measured
TICK = 0.001  # seconds
LONG = 0.020  # seconds: what counts as a hold
GOALS = {"memory": 20.0, "processor": 8.0, "hold": 20.0}  # MiB, % of a core, ms
MEMORY = {"status": "analysing", "transition": 3}


async def stub(_client: Any, _options: Any, cursor: Cursor) -> Sequence[Seen]:
    """A poll that finds every wanted resource as it was."""
    return [
        Seen(id, dict(cursor.memory[id]), subject=id, state="analysing", resource={"id": id})
        for id in cursor.wanted or ()
    ]


def row(number: int, now: int, role: str) -> Polled:
    """A resource that is due at its own moment of the minute."""
    id = f"{number:07d}"
    name = watches.name_for("follow", "popily", "sources", id)
    options: dict[str, Any] = {}
    due_at = now + number * MINUTE // RESOURCES
    return Polled(name, role, "popily", "sources", options, (id,), False, MINUTE, None, due_at, now)


async def fill(url: str, role: str) -> None:
    """Put the resources and what is remembered of them into the journal."""
    journal = await database.open_journal(url)
    now = time.time_ns() // 1_000
    for start in range(0, RESOURCES, 5_000):
        rows = [row(number, now, role) for number in range(start, start + 5_000)]
        known = [
            Memory(one.wanted[0], dict(MEMORY), 1, "analysing", now, False, 0, None)
            for one in rows
            if one.wanted
        ]

        def write(connection: database.Connection, rows: Any = rows, known: Any = known) -> None:
            watches.request(connection, rows)
            watches.remember(connection, "popily", "sources", known)

        await journal.write(write)
    await journal.close()


@dataclass(slots=True)
class Holds:
    """How long the loop was held at most, in ms, and how often for long."""

    wall: float = 0.0
    cpu: float = 0.0
    long: int = 0


async def tick(seen: Holds) -> None:
    """Wake every millisecond; what is beyond it is a hold."""
    while True:
        wall, cpu = time.perf_counter(), time.thread_time()
        await asyncio.sleep(TICK)
        held = time.perf_counter() - wall - TICK
        seen.wall = max(seen.wall, held * 1_000)
        seen.cpu = max(seen.cpu, (time.thread_time() - cpu) * 1_000)
        seen.long += held > LONG


def polls() -> float:
    """Polls so far."""
    return sum(
        sample.value
        for family in metrics.polls.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    )


async def serve(path: Path, warm: float) -> None:
    """Run the daemon with the stubbed poll; print what was seen of the window."""
    run.tend_memory()  # as the command does
    with loading.uncollected():
        catalog = connectors.discover()
    catalog.watches[("popily", "sources")] = replace(catalog.watches[("popily", "sources")], poll=stub)
    settled = house.read_config(path, catalog)
    built = house.House(settled, catalog, lambda: settled)
    await built.start()
    print("ready", flush=True)
    await asyncio.sleep(warm)
    seen = Holds()
    ticking = asyncio.create_task(tick(seen))
    await asyncio.sleep(1)
    seen.wall = seen.cpu = seen.long = 0
    before, spent, began = polls(), time.process_time(), time.monotonic()
    await asyncio.sleep(WINDOW)
    seconds = time.monotonic() - began
    figures = {
        "processor": (time.process_time() - spent) / seconds * 100,
        "polls": (polls() - before) / seconds,
        "memory": idle.memory(os.getpid(), "Rss"),
        "wall": seen.wall,
        "cpu": seen.cpu,
        "long": seen.long,
    }
    ticking.cancel()
    print(orjson.dumps(figures).decode(), flush=True)
    await built.stop()


def watch(folder: Path, role: str | None) -> dict[str, float]:
    """The figures of a daemon that watches the resources as *role*, or nothing."""
    folder.mkdir()
    path = idle.configure(folder)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode")}
    command = [sys.executable, "-m", "bench.watched", str(path), str(WARM if role else 5)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, preexec_fn=lambda: servers.pin(servers.SERVER_CORE)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if role:
            asyncio.run(fill(f"sqlite:///{folder}/idle.db", role))
        figures: dict[str, float] = orjson.loads(process.stdout.readline())
    return figures


def _row(role: str, none: dict[str, float], ours: dict[str, float]) -> str:
    added = {name: ours[name] - none[name] for name in ("memory", "processor")}
    met = {
        "memory": added["memory"] <= GOALS["memory"],
        "processor": added["processor"] <= GOALS["processor"],
        "hold": ours["cpu"] <= GOALS["hold"],
    }
    said = {name: "met" if good else "MISSED" for name, good in met.items()}
    return (
        f"{RESOURCES:,} rows ({role}) at one minute: {ours['polls']:.0f} polls/s; "
        f"memory +{added['memory']:.1f} MiB (goal {GOALS['memory']:.0f}, {said['memory']}); "
        f"processor +{added['processor']:.1f} % of a core (goal {GOALS['processor']:.0f}, {said['processor']}); "
        f"longest hold {ours['cpu']:.1f} ms of the loop's own time (goal {GOALS['hold']:.0f}, {said['hold']}), "
        f"{ours['wall']:.1f} by the wall, {ours['long']:.0f} over {LONG * 1_000:.0f} ms "
        f"(with nothing to watch: {none['cpu']:.1f}, {none['wall']:.1f}, {none['long']:.0f})"
    )


def main() -> None:
    """Print the table; with arguments, be the measured daemon."""
    if len(sys.argv) > 2:
        logs.set_up("warning")
        uvloop.run(serve(Path(sys.argv[1]), float(sys.argv[2])))
        return
    with tempfile.TemporaryDirectory() as name:
        servers.pin(servers.CLIENT_CORE)
        none = watch(Path(name, "none"), None)
        for role in ("watch", "follow"):
            print(_row(role, none, watch(Path(name, role), role)), flush=True)


if __name__ == "__main__":
    main()
