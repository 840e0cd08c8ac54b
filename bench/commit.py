"""What the journal adds to a bare ``executemany``: events admitted one function each, beside the same rows written
by the driver alone in one transaction, durable both, in paired rounds."""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from bench import postgres
from daemon.journal import database, events, migrate, sqlite
from daemon.journal.database import Connection, Journal
from daemon.model.events import Fact

ROUNDS = 40
BATCHES = (1, 16, 64, 256)
DATA = {
    "pop": {"id": "5" * 24, "name": "n" * 200},
    "analytics": {"views": 3, "links": ["l" * 60] * 8},
}  # about 1 kB
COLUMNS = ", ".join(events.COLUMNS)
INSERT = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * len(events.COLUMNS))})"


def row(key: str) -> tuple[object, ...]:
    """A row as admission makes it."""
    return events.make_row(Fact("populr.tracer.opened", "s", key, DATA), "populr", time.time_ns() // 1_000)


def admit(connection: Connection, given: tuple[object, ...]) -> list[events.Admitted]:
    """What one request hands in."""
    return events.admit(connection, [given])


async def through_journal(journal: Journal, rows: list[tuple[object, ...]]) -> float:
    """Microseconds a row, each handed in on its own and all at once."""
    began = time.perf_counter()
    await asyncio.gather(*(journal.write(partial(admit, given=one)) for one in rows))
    return (time.perf_counter() - began) * 1e6 / len(rows)


async def as_one_function(journal: Journal, rows: list[tuple[object, ...]]) -> float:
    """Microseconds a row, all handed in as one function, the way admission does it."""
    began = time.perf_counter()
    await journal.write(partial(events.admit, rows=rows))
    return (time.perf_counter() - began) * 1e6 / len(rows)


def bare(raw: sqlite3.Connection, rows: list[tuple[object, ...]]) -> float:
    """Microseconds a row by the driver alone."""
    began = time.perf_counter()
    raw.execute("BEGIN IMMEDIATE")
    raw.executemany(INSERT, rows)
    raw.execute("COMMIT")
    return (time.perf_counter() - began) * 1e6 / len(rows)


async def measure(url: str, raw: sqlite3.Connection | None) -> list[str]:
    """Rows of the table for one engine; *raw* is a connection to another journal, for the bare figure."""
    journal = await database.open_journal(url)
    said = []
    for size in BATCHES:
        rounds = []
        for n in range(ROUNDS):
            rows = [[row(f"{way}-{size}-{n}-{one}") for one in range(size)] for way in range(3)]
            first = bare(raw, rows[0]) if raw else await as_one_function(journal, rows[0])
            one, each = await as_one_function(journal, rows[1]), await through_journal(journal, rows[2])
            rounds.append((first, one, each))
        said.append(_line(journal.dialect, size, rounds, "bare" if raw else "one function again"))
    await journal.close()
    return said


def _line(engine: str, size: int, rounds: list[tuple[float, float, float]], beside: str) -> str:
    first, one, each = (sorted(column) for column in zip(*rounds, strict=True))
    ratio_one = statistics.median(b / a for a, b, _ in rounds)
    ratio_each = statistics.median(c / a for a, _, c in rounds)
    return (
        f"{engine:10} {size:3} rows: {beside} {statistics.median(first):6.1f} us a row "
        f"({first[0]:.1f}-{first[-1]:.1f}), "
        f"one function {statistics.median(one):6.1f} ({ratio_one:.2f} x), "
        f"a function each {statistics.median(each):6.1f} ({ratio_each:.2f} x)"
    )


async def _made(url: str) -> str:
    await migrate.upgrade(url)
    return url


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        url, other = f"sqlite:///{folder}/journal.db", f"sqlite:///{folder}/bare.db"
        asyncio.run(_made(other))
        raw = sqlite.connect(Path(folder, "bare.db"))
        assert raw.execute("PRAGMA synchronous").fetchone() == (2,)
        print("\n".join(asyncio.run(measure(asyncio.run(_made(url)), raw))))
        raw.close()
    with postgres.fresh_database() as url:
        print("\n".join(asyncio.run(measure(asyncio.run(_made(url)), None))))


if __name__ == "__main__":
    main()
