"""A hundred thousand events that nobody has looked at yet become runs and are done, without growing memory."""

import asyncio
import sqlite3
import tempfile
import time
from functools import partial
from pathlib import Path

from bench import servers
from daemon.journal import database, events, migrate
from daemon.model.events import Fact

EVENTS, SLICE = 100_000, 5_000
GOAL = 10.0  # MiB beyond what the daemon holds after a fifth of them
GIVE_UP = 900.0  # seconds

REACTION = """
[[reaction]]
name = "count"
on = "order.received"
do = [{ id = "say", action = "log.write", with = { message = "{{ event.subject }}" } }]
"""


async def fill(url: str, count: int) -> None:
    """Record *count* events in a journal that no daemon has open."""
    await migrate.upgrade(url)
    journal = await database.open_journal(url)
    now = time.time_ns() // 1_000
    for start in range(0, count, SLICE):
        size = min(SLICE, count - start)
        facts = [Fact("order.received", str(start + n), f"k{start + n}", {"n": n}) for n in range(size)]
        await journal.write(partial(events.emit, facts=facts, source="emit", now=now))
    await journal.close()


def drained(path: Path, count: int) -> float:
    """Seconds until *count* runs have succeeded."""
    began = time.monotonic()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as reader:
        while time.monotonic() < began + GIVE_UP:
            (done,) = reader.execute("SELECT count(*) FROM runs WHERE status = 'succeeded'").fetchone()
            if done >= count:
                return time.monotonic() - began
            time.sleep(0.2)
    raise TimeoutError("the runs did not come to their end")


def once(folder: Path, count: int) -> tuple[float, float]:
    """The most memory that the daemon held while it drained *count* events, in MiB; the runs a second."""
    path = folder / f"{count}.db"
    asyncio.run(fill(f"sqlite:///{path}", count))
    with servers.daemon(folder, f"sqlite:///{path}", REACTION) as (_, _, process):
        seconds = drained(path, count)
        status = Path(f"/proc/{process.pid}/status").read_text()
    most = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(most) / 1024, count / max(seconds, 0.001)


def main() -> None:
    """Print the row."""
    servers.pin(servers.CLIENT_CORE)
    with tempfile.TemporaryDirectory() as name:
        few, _ = once(Path(name), EVENTS // 5)
        many, rate = once(Path(name), EVENTS)
    print(
        f"{EVENTS:,} events drained at {rate:.0f} runs a second: {many:.1f} MiB at most, {few:.1f} with a fifth of "
        f"them: {many - few:+.1f} (goal {GOAL:+g}, {'met' if many - few <= GOAL else 'MISSED'})"
    )


if __name__ == "__main__":
    main()
