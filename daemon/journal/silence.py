"""Ends transactions in whose middle a client fell silent, so that its locks are kept from nobody.

The server itself ends what is idle in a transaction. It does not where the client fell silent between the parsing of a
statement and its execution (to the server that is work, which no timeout ends before PostgreSQL 17), nor where nobody
takes what it answers. A process that was stopped just there, or a machine that lost its power, would keep its locks
until TCP gives up, two hours later, and nobody would even wait for it: claims pass by what is locked. So each node
looks for such transactions now and then. Kept by ``postgres`` beside an open journal.
"""

import asyncio
import contextlib

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

SILENT = 5_000  # milliseconds for which a client may say nothing in the middle of a transaction
UNTAKEN = 20_000  # milliseconds for which it may leave an answer lying; whoever waits gives up after 30 s
LOOK_AGAIN = 2.0  # seconds
PROGRAM = "pointsman"  # the name under which our connections are known to the server

# Only what has written, or keeps somebody waiting, and only our own: a person's transaction is for the person to end.
_END = sa.text("""
    SELECT silent.pid, pg_terminate_backend(silent.pid) AS ended
    FROM pg_stat_activity AS silent
    WHERE silent.datname = current_database()
    AND (silent.backend_xid IS NOT NULL OR silent.pid IN (
        SELECT unnest(pg_blocking_pids(waiting.pid)) FROM pg_stat_activity AS waiting
        WHERE waiting.datname = current_database() AND waiting.wait_event_type = 'Lock'))
    AND silent.usename = current_user AND silent.application_name = :program
    AND silent.state_change < clock_timestamp() - CASE silent.wait_event
        WHEN 'ClientRead' THEN make_interval(secs => :silent) WHEN 'ClientWrite' THEN make_interval(secs => :untaken)
        END
""")

log = structlog.get_logger()


async def keep_ending(engine: AsyncEngine, errors: tuple[type[Exception], ...]) -> None:
    """Look for ever, by a connection of *engine*; *errors* are what that may fail with: a server that is away."""
    while True:
        await asyncio.sleep(LOOK_AGAIN)
        with contextlib.suppress(*errors):
            if ended := await end(engine):
                log.warning("silence.ended", connections=ended)


async def end(engine: AsyncEngine) -> list[int]:
    """End every connection of ours that has been silent for too long and keeps locks; the server's numbers of those
    processes.
    """
    limits = {"silent": SILENT / 1000, "untaken": UNTAKEN / 1000, "program": PROGRAM}
    async with engine.connect() as connection:
        return [row.pid for row in await connection.execute(_END, limits) if row.ended]
