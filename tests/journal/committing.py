"""A program that writes to a journal until it is killed: ``python -m tests.journal.committing URL``.

Each function puts a pair of rows; its number is said on standard output once it is acknowledged. Every seventh
fails between its two rows.
"""

import asyncio
import sys
from functools import partial

from sqlalchemy import Connection

from daemon.journal import database, events, state
from tests.journal import making

WRITERS = 40


def put_pair(connection: Connection, number: int) -> None:
    """Write both rows of *number*, or fail between them."""
    events.emit(connection, [making.fact(f"event {number}")], "shop", making.NOW + number)
    if number % 7 == 0:
        raise LookupError(number)
    state.put(connection, {f"state {number}": number}, making.NOW)


async def write_for_ever(journal: database.Journal, first: int) -> None:
    """Write every fortieth pair from *first* on."""
    number = first
    while True:
        try:
            await journal.write(partial(put_pair, number=number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
        except LookupError:
            pass
        number += WRITERS


async def main(url: str) -> None:
    """Write with many tasks at once, so that commits carry many functions."""
    journal = await database.open_journal(url, exclusive=True)
    await asyncio.gather(*(write_for_ever(journal, first) for first in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
