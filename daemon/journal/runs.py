"""Runs in the journal: made, claimed under a lease, moved on under its fence.

Every move names the fence of the lease it was made under and fails with :class:`LostLease` when another holds
it. Called by ``routing`` (make) and ``running`` (the rest); plain functions of one connection, none commits.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from daemon.journal import bulk, definitions, tables
from daemon.journal.database import LostLease
from daemon.journal.tables import remotes, runs
from daemon.model import ids, jsons, records
from daemon.model.jsons import Json
from daemon.model.reactions import Reaction
from daemon.model.runs import RUN_MOVES, Run, RunStatus

# The partial indexes' own words: with a bound value in their place neither database would use the index.
CLAIMABLE = sa.text("status IN ('pending','waiting') AND due_at IS NOT NULL")
LEASED = sa.text("status = 'running'")
OPEN = sa.text("status NOT IN ('succeeded','cancelled','skipped')")
# Said twice, SQLite goes to that index by the status instead of walking another one in its order.
NAMED_OPEN = sa.text("status IN ('pending','running','waiting','parked','dead','in_doubt')")
ENDED = {RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.SKIPPED}

_TOUCHER = bulk.Statement(
    lambda _: (
        sa.select(runs, remotes.c.at)
        .join(remotes, remotes.c.run_id == runs.c.id)
        .where(*(remotes.c[name] == sa.bindparam(name) for name in ("account", "noun", "remote_id")))
        .order_by(remotes.c.at.desc())
        .limit(1)
    )
)
_FIRST_DUE = sa.select(runs.c.due_at).where(CLAIMABLE).order_by(runs.c.due_at).limit(1)
_OLDEST_DUE = bulk.Statement(lambda _: _FIRST_DUE.where(runs.c.due_at <= sa.bindparam("now")))
_INSERT = bulk.Insert(
    runs,
    tuple(one.name for one in runs.columns if one.name not in ("lock_key", "locked", "parked_for")),
    "DO NOTHING",
)
_PRESENT = bulk.Statement(
    lambda dialect: sa.select(runs.c.id).where(bulk.is_one_of(runs.c.id, "ids", dialect))
)
_NEXT_DUE = bulk.Statement(lambda _: _FIRST_DUE)
_EXPIRED = bulk.Statement(
    lambda _: sa.select(runs.c.id).where(LEASED, runs.c.lease_until < sa.bindparam("lease_now")).limit(1)
)


@records.record
class Lease:
    """Who holds a run, and until when (an instant of the database's clock)."""

    node: str
    until: int


@records.record
class NewRun:
    """A run about to be made. *error* makes it dead at once (its condition could not be evaluated); with *id* it is
    known before it is written.
    """

    reaction: Reaction
    event_id: str
    trace: str
    depth: int
    item_key: str = ""
    item: Json = None
    replay: int = 0
    due_at: int | None = None
    error: str | None = None
    id: str | None = None


def born(new: NewRun, now: int, lease: Lease) -> Run:
    """The run that *new* is, once it is made under *lease*."""
    return _from_values(_new_row(new, now, lease))


def make(
    connection: Connection,
    made: Sequence[NewRun],
    now: int,
    born: Sequence[Lease | None],
    defined: Collection[str] = (),
) -> list[Run]:
    """Insert *made*; a run that exists already (same reaction, event, item, replay) is left alone.

    *born* gives a lease for each that is to be born claimed, or None for one that waits as a row. The runs
    that were inserted come back. *defined* are digests of definitions that the journal has for certain.
    """
    used = {new.reaction.digest: new.reaction for new in made if new.reaction.digest not in defined}
    definitions.remember(connection, used, now)
    rows = [_new_row(new, now, lease) for new, lease in zip(made, born, strict=True)]
    inserted = _INSERT.run(connection, [tuple(row[name] for name in _INSERT.columns) for row in rows])
    if inserted < len(rows):
        present = _PRESENT.rows(connection, ids=bulk.several(connection, [row["id"] for row in rows]))
        new = {id for (id,) in present}
        rows = [row for row in rows if row["id"] in new]
    return [_from_values(row) for row in rows]


def _new_row(new: NewRun, now: int, lease: Lease | None) -> dict[str, Any]:
    dead, claimed = new.error is not None, lease is not None and new.error is None
    return {
        "id": new.id or ids.uuid7(now),
        "reaction": new.reaction.name,
        "digest": new.reaction.digest,
        "event_id": new.event_id,
        "item_key": new.item_key,
        "item": None if new.item is None and not new.item_key else jsons.dumps(new.item),
        "replay": new.replay,
        "status": "dead" if dead else "running" if claimed else "pending",
        "trace": new.trace,
        "depth": new.depth,
        "attempts": 0,
        "error": new.error,
        "node": lease.node if lease is not None and claimed else None,
        "lease_until": lease.until if lease is not None and claimed else None,
        # In any case: what was begun before it turned out that the run waits is fenced out by its claim.
        "fence": 1,
        "due_at": None if dead or claimed else new.due_at if new.due_at is not None else now,
        "waits_for": None,
        "spent": 0,
        "counting_since": now if claimed else None,
        "created_at": now,
        "started_at": now if claimed else None,
        "finished_at": now if dead else None,
    }


def claim(
    connection: Connection, now: int, lease: Lease, lease_now: int, limit: int, held: Sequence[str] = ()
) -> list[Run]:
    """Take up to *limit* due runs under *lease*: those whose lease has run out, in the order in which they were made,
    but for *held*, which the claimer has in hand; then due ones, oldest first.
    """
    due = (
        sa.select(runs.c.id)
        .where(CLAIMABLE, runs.c.due_at <= now)
        .order_by(runs.c.due_at, runs.c.id)
        .limit(limit)
    )
    expired = (
        sa.select(runs.c.id)
        .where(LEASED, runs.c.lease_until < lease_now, runs.c.id.not_in(list(held)))
        .order_by(runs.c.lease_until)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        due, expired = due.with_for_update(skip_locked=True), expired.with_for_update(skip_locked=True)
    # Leases are renewed together, so the moment of their end says nothing of the runs' order.
    found = sorted(row.id for row in connection.execute(expired))
    found += [row.id for row in connection.execute(due)]
    return _lease(connection, found[:limit], now, lease) if found else []


def _lease(connection: Connection, found: list[str], now: int, lease: Lease) -> list[Run]:
    taken = (
        sa.update(runs)
        .where(runs.c.id.in_(found), runs.c.status.in_(["pending", "waiting", "running"]))
        .values(
            status="running",
            node=lease.node,
            lease_until=lease.until,
            fence=runs.c.fence + 1,
            due_at=None,
            waits_for=None,
            started_at=sa.func.coalesce(runs.c.started_at, now),
            # Nobody worked since it was due, or its lease ended.
            spent=_spent(until=sa.func.coalesce(runs.c.due_at, runs.c.lease_until, now), now=now),
            counting_since=now,
        )
        .returning(*runs.columns)
    )
    by_id = {row.id: from_row(row) for row in connection.execute(taken)}
    return [by_id[id] for id in found if id in by_id]


def _spent(until: sa.ColumnElement[int], now: int) -> sa.ColumnElement[int]:
    """What counts for a run's timeout at *until*, or now where that is yet to come."""
    end = sa.case((until < now, until), else_=now)
    counts = sa.and_(runs.c.counting_since.is_not(None), runs.c.counting_since < end)
    return sa.case((counts, runs.c.spent + end - runs.c.counting_since), else_=runs.c.spent)


def renew(connection: Connection, node: str, held: Iterable[str], until: int) -> set[str]:
    """Hold the leases of *held* until *until*; the ids of those that this node really had still."""
    query = sa.update(runs).where(runs.c.id.in_(list(held)), runs.c.node == node, LEASED)
    kept = connection.execute(query.values(lease_until=until).returning(runs.c.id))
    return {row.id for row in kept}


def release_all(connection: Connection, now: int) -> int:
    """Void every lease: a SQLite file has one daemon, so those of its past are nobody's. The number freed."""
    # The time that the daemon was down is nobody's work.
    return _free(connection, sa.update(runs).where(LEASED), worked_until=runs.c.lease_until, now=now)


def hand_back(connection: Connection, node: str, held: Iterable[str], now: int) -> None:
    """Give the leases of *held* back: whoever claims next finds them due, a begun step in doubt."""
    query = sa.update(runs).where(runs.c.id.in_(list(held)), runs.c.node == node, LEASED)
    _free(connection, query, worked_until=sa.literal(now), now=now)


def _free(connection: Connection, which: sa.Update, worked_until: sa.ColumnElement[int], now: int) -> int:
    """Let runs go that were in hand. They are due since they were made: those that only waited meanwhile, and are
    younger, stay behind them.
    """
    made_at = runs.c.created_at
    due_at = sa.case((made_at < now, made_at), else_=now)  # the clock may have been set back
    anew = {"due_at": due_at, "spent": _spent(worked_until, now), "counting_since": None}
    query = which.values(status="pending", node=None, lease_until=None, **anew)
    return connection.execute(query).rowcount


def move(connection: Connection, run: Run, status: RunStatus, **values: Any) -> None:
    """Move a run that this node holds to *status*; :class:`LostLease` when its fence has passed.

    *values* are further columns. Leaving ``running`` gives the lease back.
    """
    assert status in RUN_MOVES[RunStatus.RUNNING], status  # noqa: S101 - forbidden by construction
    if status is not RunStatus.RUNNING:
        values = {"node": None, "lease_until": None, **values}
    given = {f"new_{name}": value for name, value in values.items()}
    moved = _mover(tuple(sorted(values))).changed(
        connection, run=run.id, held=run.fence, to=status.value, **given
    )
    if moved != 1:
        raise LostLease(run.id)


@cache  # the columns that are moved are a handful of sets
def _mover(columns: tuple[str, ...]) -> bulk.Statement:
    held = (runs.c.id == sa.bindparam("run"), runs.c.fence == sa.bindparam("held"), LEASED)
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in columns}
    return bulk.Statement(lambda _: sa.update(runs).where(*held).values(status=sa.bindparam("to"), **values))


def decide(
    connection: Connection, id: str, allowed: Iterable[RunStatus], status: RunStatus, **values: Any
) -> bool:
    """Move a run that nobody holds, by a person's word; False when it is in none of the *allowed* states."""
    moved = connection.execute(
        sa.update(runs)
        .where(runs.c.id == id, runs.c.status.in_([one.value for one in allowed]))
        .values(status=status.value, node=None, lease_until=None, **values)
    )
    return moved.rowcount == 1


def wake(connection: Connection, waits_for: str, now: int) -> list[str]:
    """Make the runs that wait for the remote work *waits_for* due now; their ids."""
    query = (
        sa.update(runs)
        .where(runs.c.waits_for == waits_for, runs.c.status == "waiting")
        .values(due_at=now, waits_for=None)
        .returning(runs.c.id)
    )
    return [row.id for row in connection.execute(query)]


def touch(
    connection: Connection, account: str, made: Iterable[tuple[str, str]], run_id: str, step_id: str, now: int
) -> None:
    """Remember that a run's step made or changed remote objects (noun, id)."""
    for noun, remote_id in made:
        key = {"account": account, "noun": noun, "remote_id": remote_id, "run_id": run_id}
        insert = tables.insert_into(connection, remotes).values(**key, step_id=step_id, at=now)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=list(key),
                set_={"at": now, "step_id": step_id},
            )
        )


def toucher(connection: Connection, account: str, noun: str, remote_id: str) -> tuple[Run, int] | None:
    """The run that touched a remote object last, and when."""
    rows = _TOUCHER.rows(connection, account=account, noun=noun, remote_id=remote_id)
    return (
        (_from_values(dict(zip(runs.columns.keys(), rows[0], strict=False))), rows[0][-1]) if rows else None
    )


def get(connection: Connection, id: str) -> Run | None:
    """The run with *id*."""
    row = connection.execute(sa.select(runs).where(runs.c.id == id)).one_or_none()
    return from_row(row) if row is not None else None


def of_event(connection: Connection, event_id: str) -> list[Run]:
    """All runs of an event, oldest first."""
    query = sa.select(runs).where(runs.c.event_id == event_id).order_by(runs.c.id)
    return [from_row(row) for row in connection.execute(query)]


def next_replay(connection: Connection, event_id: str) -> int:
    """The number that the next replay of an event gets."""
    query = sa.select(sa.func.max(runs.c.replay)).where(runs.c.event_id == event_id)
    return (connection.scalar(query) or 0) + 1


@dataclass(frozen=True, slots=True)
class Filters:
    """What a listing of runs is narrowed to; *since* is an instant."""

    reaction: str | None = None
    status: str | None = None
    since: int | None = None
    limit: int = 100


def listed(connection: Connection, filters: Filters) -> list[Run]:
    """The newest runs that pass *filters*, newest first."""
    query = sa.select(runs).order_by(runs.c.id.desc()).limit(filters.limit)
    if filters.reaction is not None:
        query = query.where(runs.c.reaction == filters.reaction)
    if filters.status is not None:
        query = query.where(runs.c.status == filters.status)
        if filters.status not in ENDED:
            query = query.where(OPEN)
    if filters.since is not None:
        query = query.where(runs.c.id >= first_id(filters.since))
    return [from_row(row) for row in connection.execute(query)]


def first_id(instant: int) -> str:
    """The smallest id that a run made at *instant* can have: ids sort by the time they were made."""
    return ids.uuid7(instant, bytes(10))


def oldest_due(connection: Connection, now: int) -> int | None:
    """Since when the longest waiting due run has been due."""
    since: int | None = _OLDEST_DUE.scalar(connection, now=now)
    return since


def next_due(connection: Connection) -> int | None:
    """When the next run falls due."""
    at: int | None = _NEXT_DUE.scalar(connection)
    return at


def open_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many unfinished, dead and in-doubt runs there are, by reaction and status."""
    query = (
        sa.select(runs.c.reaction, runs.c.status, sa.func.count())
        .where(OPEN, NAMED_OPEN)
        .group_by(runs.c.reaction, runs.c.status)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def from_row(row: Row[Any]) -> Run:
    """The run of a row that holds every run column."""
    return _from_values(dict(row._mapping))


def _from_values(values: Mapping[str, Any]) -> Run:
    return Run(
        id=values["id"],
        reaction=values["reaction"],
        digest=values["digest"],
        event_id=values["event_id"],
        status=RunStatus(values["status"]),
        trace=values["trace"],
        depth=values["depth"],
        item_key=values["item_key"],
        item=jsons.loads(values["item"]) if values["item"] is not None else None,
        replay=values["replay"],
        attempts=values["attempts"],
        error=values["error"],
        created_at=values["created_at"],
        started_at=values["started_at"],
        finished_at=values["finished_at"],
        due_at=values["due_at"],
        node=values["node"],
        lease_until=values["lease_until"],
        fence=values["fence"],
        waits_for=values["waits_for"],
        parked_for=values.get("parked_for"),
        spent=values["spent"],
        counting_since=values["counting_since"],
        lock_key=values.get("lock_key"),
        locked=bool(values.get("locked")),
    )


def has_expired(connection: Connection, lease_now: int) -> bool:
    """Whether any lease has run out."""
    return _EXPIRED.scalar(connection, lease_now=lease_now) is not None
