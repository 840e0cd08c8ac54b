"""Two nodes that learn of the same object at the same time: the second one builds on what the first one writes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from daemon.contract.declare import Cursor, Seen
from daemon.intake import arrivals, findings
from daemon.intake.arrivals import Arrival, Callback
from daemon.intake.findings import Look
from daemon.journal import database, postgres, watches
from daemon.journal.database import Journal
from daemon.journal.watches import Memory, Polled
from tests import waiting
from tests.intake import remotes
from tests.journal import making

ROW = making.polled(
    "hint:shelf:things:a", role="hint", account=remotes.ACCOUNT, resource="things", wanted=("a",)
)
BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted"
SERVICES = remotes.services_of(remotes.Remote())


@pytest.fixture
async def node(server_url: str) -> AsyncIterator[Journal]:
    opened = await database.open_journal(server_url)
    yield opened
    await opened.close()


def believe(number: int) -> Callable[[Connection], Any]:
    """A trusted callback that says *number*."""
    body = {"id": "a", "n": number}
    callback = Callback(
        remotes.ACCOUNT, remotes.HOOK, remotes.understand(body, None), json.dumps(body), readback=False
    )
    arrived = [Arrival(remotes.ACCOUNT, claim=callback)]
    return lambda connection: arrivals.record(connection, arrived, making.NOW)


def find(number: int, row: Polled) -> Callable[[Connection], Any]:
    """A poll that began before anything was known, and found *number*."""
    seen: Seen = remotes.see(
        remotes.Remote(), "a", {"a": (number, "open")}, Cursor({}, ("a",), announce=True, now=making.NOW)
    )
    look = Look(row, "shelf", remotes.CATALOG.watches["shelf", "things"], {}, [], making.NOW)
    return lambda connection: findings.record(connection, look, [seen], SERVICES, making.NOW)


async def meet(
    node: Journal, url: str, first: Callable[[Connection], Any], second: Callable[[Connection], Any]
) -> Any:
    """Let *second* begin on *node* while *first* is written elsewhere, and not committed yet."""
    engine = postgres.make_engine(url, connections=1)
    async with engine.connect() as elsewhere:
        await elsewhere.run_sync(first)
        writing = asyncio.create_task(node.write(second))
        await waiting.wait_for(lambda: _blocked(node), 10, "the second one to wait")
        await elsewhere.commit()
    await engine.dispose()
    return await writing


async def _blocked(journal: Journal) -> bool:
    found: int = await journal.read(lambda connection: connection.exec_driver_sql(BLOCKED).scalar_one())
    return found > 0


async def known(node: Journal) -> Memory:
    found = await node.read(lambda c: watches.recall(c, remotes.ACCOUNT, "things", ["a"]))
    return found["a"]


async def test_a_callback_that_went_back_behind_another_nodes_tells_nothing(
    node: Journal, server_url: str
) -> None:
    told = await meet(node, server_url, believe(2), believe(1))
    (outcome,) = told.outcomes
    assert outcome.duplicate
    memory = await known(node)
    assert (memory.memory, memory.version, memory.callbacks) == ({"n": 2}, 1, 1)


async def test_a_poll_that_another_nodes_callback_was_faster_than_looks_again(
    node: Journal, server_url: str
) -> None:
    with pytest.raises(findings.Stale):
        await meet(node, server_url, believe(2), find(1, ROW))
    memory = await known(node)
    assert (memory.memory, memory.version) == ({"n": 2}, 1)
