"""Small things to put into a journal."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import events, runs
from daemon.journal.database import Journal
from daemon.journal.runs import Lease, NewRun
from daemon.journal.watches import Memory, Polled
from daemon.model import times
from daemon.model.events import Event, Fact
from daemon.model.reactions import Do, Reaction, Retry
from daemon.model.runs import Run

NOW = 1_764_547_200 * times.SECOND
LEASE = Lease("here", NOW + 30 * times.SECOND)


def fact(key: str = "k", **values: Any) -> Fact:
    """A fact that is told under *key*."""
    return Fact(**{"type": "orders.received", "subject": "s", "key": key, "data": {}, **values})


def reaction(name: str = "copy", **values: Any) -> Reaction:
    """A reaction with one step."""
    given: dict[str, Any] = {
        "name": name,
        "on": ("orders.received",),
        "source": None,
        "subject": None,
        "when": None,
        "for_each": None,
        "timeout": times.HOUR,
        "retry": Retry(),
        "on_doubt": "hold",
        "enabled": True,
        "do": (Do("say", "log.write", None, None, {"message": "hello"}),),
        **values,
    }
    return Reaction(**given)


def new_run(event_id: str = "e", **values: Any) -> NewRun:
    """A run about to be made."""
    return NewRun(**{"reaction": reaction(), "event_id": event_id, "trace": "t", "depth": 0, **values})


def polled(name: str, **values: Any) -> Polled:
    """A row to poll."""
    given: dict[str, Any] = {
        "name": name,
        "role": "watch",
        "account": "popily",
        "resource": "sources",
        "options": {},
        "wanted": None,
        "announce": True,
        "every": times.MINUTE,
        "stalled_after": None,
        "due_at": NOW,
        "fence": 0,
        "paused": False,
        "failures": 0,
        "failing_since": None,
        "failing_told": False,
        "error": None,
        "polled_at": None,
        "created_at": NOW,
        **values,
    }
    return Polled(**given)


def memory(remote_id: str, **values: Any) -> Memory:
    """What is remembered of a remote object."""
    given: dict[str, Any] = {
        "remote_id": remote_id,
        "memory": {"n": 1},
        "version": 1,
        "state": None,
        "since": None,
        "stalled_told": False,
        "callbacks": 0,
        "event_id": None,
        **values,
    }
    return Memory(**given)


async def told(journal: Journal, *keys: str, now: int = NOW, source: str = "shop") -> list[str]:
    """Record a fact under each of *keys*; the ids of their events."""
    facts = [fact(key) for key in keys]
    admitted = await journal.write(lambda connection: events.emit(connection, facts, source, now))
    return [one.id for one in admitted]


async def made(
    journal: Journal, *event_ids: str, now: int = NOW, lease: Lease | None = None, **values: Any
) -> list[Run]:
    """Make a run for each event, born under *lease* if one is given."""
    new = [new_run(id, **values) for id in event_ids]
    return await journal.write(lambda connection: runs.make(connection, new, now, [lease] * len(new)))


async def claimed(journal: Journal, now: int = NOW, lease: Lease = LEASE, limit: int = 10) -> list[Run]:
    """What a claim takes; leases are judged at *now*, too."""
    return await journal.write(lambda connection: runs.claim(connection, now, lease, now, limit))


async def run_with(journal: Journal, id: str) -> Run:
    """The run with *id*, which must be there."""
    found = await journal.read(lambda connection: runs.get(connection, id))
    assert found is not None
    return found


async def event_with(journal: Journal, id: str) -> Event:
    """The event with *id*, which must be there."""
    found = await journal.read(lambda connection: events.get(connection, id))
    assert found is not None
    return found


async def counted(journal: Journal, table: str) -> int:
    """How many rows *table* has."""

    def count(connection: Connection) -> int:
        return connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0

    return await journal.read(count)
