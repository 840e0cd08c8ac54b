"""Claiming 100 due runs, with ten, ten thousand and a million finished ones beside them: it must cost the same.

Each size has a journal of its own, and the sizes take turns within a round, so that noise meets all alike.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import sqlalchemy as sa

from bench import postgres
from daemon.journal import database, migrate, runs
from daemon.journal.database import Connection, Journal

SIZES = (10, 10_000, 1_000_000)
ROUNDS = 15
CLAIM = 100  # runs
BACKLOG = 2_000  # due runs beside those that are claimed
GOAL = 1.25  # times the cost of the smallest
NOW, LATER = 1_000_000_000, 2_000_000_000
LEASE = runs.Lease("bench", LATER)

_COLUMNS = "id, reaction, digest, event_id, status, trace, depth, due_at, created_at, finished_at"


def fill(connection: Connection, finished: int) -> None:
    """Put *finished* ended runs and the backlog into an empty journal, in one statement each."""
    for status, number, due_at in (("succeeded", finished, "NULL"), ("pending", BACKLOG + CLAIM, "n")):
        count = f"SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number}"
        values = f"'{status}-' || n, 'r', 'd', '{status}-e' || n, '{status}', 't', 0, {due_at}, n, NULL"
        connection.execute(
            sa.text(
                f"INSERT INTO runs ({_COLUMNS}) WITH RECURSIVE numbers(n) AS ({count}) "
                f"SELECT {values} FROM numbers"
            )
        )


async def take_and_give_back(journal: Journal) -> float:
    """Milliseconds that one claim takes with its commit; what was claimed is made due again afterwards."""
    began = time.perf_counter()
    taken = await journal.write(partial(runs.claim, now=NOW, lease=LEASE, lease_now=NOW, limit=CLAIM))
    spent = (time.perf_counter() - began) * 1_000
    assert len(taken) == CLAIM, len(taken)
    await journal.write(partial(runs.release_all, now=0))
    return spent


@asynccontextmanager
async def filled(url: str, finished: int) -> AsyncIterator[Journal]:
    """An open journal at *url* with *finished* ended runs."""
    await migrate.upgrade(url)
    journal = await database.open_journal(url)
    await journal.write(partial(fill, finished=finished))
    if journal.dialect == "postgresql":
        await journal.write(lambda connection: connection.execute(sa.text("ANALYZE")))
    yield journal
    await journal.close()


async def measure(engine: str, urls: list[str]) -> list[str]:
    """The table's rows for one engine."""
    async with (
        filled(urls[0], SIZES[0]) as few,
        filled(urls[1], SIZES[1]) as some,
        filled(urls[2], SIZES[2]) as many,
    ):
        journals = (few, some, many)
        for journal in journals:
            await take_and_give_back(journal)
        rounds = [[await take_and_give_back(journal) for journal in journals] for _ in range(ROUNDS)]
    return [_row(engine, size, place, rounds) for place, size in enumerate(SIZES)]


def _row(engine: str, size: int, place: int, rounds: list[list[float]]) -> str:
    spent = sorted(round_[place] for round_ in rounds)
    ratio = statistics.median(round_[place] / round_[0] for round_ in rounds)
    said = "" if place == 0 else f", {ratio:.2f} x that of {SIZES[0]} (goal {GOAL}) "
    met = "" if place == 0 else "met" if ratio <= GOAL else "MISSED"
    return (
        f"{engine:10} {size:9,} finished: claim of {CLAIM} in {statistics.median(spent):5.2f} ms "
        f"({spent[0]:.2f}-{spent[-1]:.2f}){said}{met}"
    )


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{folder}/{size}.db" for size in SIZES]
        print("\n".join(asyncio.run(measure("sqlite", urls))))
    with (
        postgres.fresh_database() as one,
        postgres.fresh_database() as two,
        postgres.fresh_database() as three,
    ):
        print("\n".join(asyncio.run(measure("postgresql", [one, two, three]))))


if __name__ == "__main__":
    main()
