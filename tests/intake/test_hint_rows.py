"""A row that goes while another node adds a hint to it: in whichever order the two come, the hint is read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from daemon.intake import reading_back
from daemon.journal import database, hints, postgres, watches
from daemon.journal.database import Journal
from daemon.journal.hints import Hint
from daemon.journal.watches import Polled
from tests import waiting
from tests.journal import making

ROW = making.polled("hint:shelf:things:a", role="hint", account="shelf", resource="things", wanted=("a",))
BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def add_hint(connection: Connection) -> None:
    """What an arrival writes: the hint first, then the row."""
    hint = Hint("e", ROW.name, "shelf", "things", "a", {}, "waiting", None, None, making.NOW, None)
    hints.put(connection, [hint])
    watches.request(connection, [ROW])


def end(connection: Connection) -> None:
    """What the row's holder writes, when it knows of no hint."""
    reading_back.end(connection, held(connection), making.NOW)


def held(connection: Connection) -> Polled:
    """The row as its holder has it."""
    found = watches.get(connection, ROW.name)
    assert found is not None
    return found


@pytest.fixture
async def nodes(server_url: str) -> AsyncIterator[tuple[Journal, Journal]]:
    here, there = await database.open_journal(server_url), await database.open_journal(server_url)
    await here.write(lambda connection: watches.request(connection, [ROW]))
    yield here, there
    await here.close()
    await there.close()


async def test_a_hint_that_is_being_added_is_waited_for_and_seen(
    nodes: tuple[Journal, Journal], server_url: str
) -> None:
    here, _ = nodes
    engine = postgres.make_engine(server_url, connections=1)
    async with engine.connect() as adding:
        await adding.run_sync(add_hint)  # not committed yet
        ending = asyncio.create_task(here.write(end))
        await waiting.wait_for(lambda: _blocked(here), 10, "the holder to wait")
        await adding.commit()
    await ending
    await engine.dispose()
    assert await here.read(lambda connection: hints.is_waiting(connection, ROW.name))
    assert (await here.read(held)).due_at == making.NOW


async def test_a_hint_that_comes_while_its_row_goes_makes_it_anew(
    nodes: tuple[Journal, Journal], server_url: str
) -> None:
    here, there = nodes
    engine = postgres.make_engine(server_url, connections=1)
    async with engine.connect() as ending:
        await ending.run_sync(end)  # not committed yet
        adding = asyncio.create_task(there.write(add_hint))
        await waiting.wait_for(lambda: _blocked(here), 10, "the arrival to wait")
        await ending.commit()
    await adding
    await engine.dispose()
    assert replace(await here.read(held), fence=0) == replace(ROW, fence=0)


async def _blocked(journal: Journal) -> bool:
    found: int = await journal.read(lambda connection: connection.exec_driver_sql(BLOCKED).scalar_one())
    return found > 0
