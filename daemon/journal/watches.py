"""Polled rows: the config's watches, followed work, and rows that a callback asked to look at.

One row is one thing to poll. Its due time is a column, so that a hundred thousand of them cost one query.
Called by ``intake.watches`` and ``intake.admission``; plain functions of one connection, none commits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, tables
from daemon.journal.database import LostLease
from daemon.journal.tables import memories, watches
from daemon.model import calling, jsons, records
from daemon.model.calling import Calling
from daemon.model.jsons import JsonObject
from daemon.model.times import SECOND

DEFINITION = ("account", "resource", "options", "wanted", "announce", "every", "stalled_after")
LOOKED_AT = ("account", "resource", "options", "wanted")
AT_ONCE = 1_000  # values in one statement; both databases have a limit
PAUSE = 2 * SECOND  # between two looks that callbacks ask for, however many of them come


@records.record
class Polled:
    """A row to poll.

    *role* is ``watch`` (the config's), ``follow`` (work we started) or ``hint`` (a callback's). *wanted* are
    remote ids, or None for whatever the options list. *every* and *stalled_after* are microseconds.
    *polled_at* is the last success.
    """

    name: str
    role: str
    account: str
    resource: str
    options: JsonObject
    wanted: tuple[str, ...] | None
    announce: bool
    every: int | None
    stalled_after: int | None
    due_at: int | None
    created_at: int
    fence: int = 0
    paused: bool = False
    failures: int = 0
    failing_since: int | None = None
    failing_told: bool = False
    error: str | None = None
    polled_at: int | None = None


@records.record
class Memory:
    """What is remembered of one remote object. *version* counts its changes; *since* is when *state* began;
    *event_id* is the newest event told of it; *callbacks* counts those that came and were borne out, *called_at* is
    when the last of them did, *calling* how they are going where their number is limited."""

    remote_id: str
    memory: JsonObject | None
    version: int
    state: str | None
    since: int | None
    stalled_told: bool
    callbacks: int
    event_id: str | None
    called_at: int | None = None
    calling: Calling | None = None


_REQUEST = bulk.Insert(
    watches,
    (
        "name",
        "role",
        "account",
        "resource",
        "options",
        "wanted",
        "announce",
        "every",
        "stalled_after",
        "due_at",
        "fence",
        "created_at",
    ),
    # What backs off keeps its pause, and what was just read is read again a little later.
    "(name) DO UPDATE SET due_at = CASE WHEN excluded.due_at IS NULL OR watches.due_at < excluded.due_at "
    "OR (watches.role = 'hint' AND watches.failures > 0 AND watches.due_at IS NOT NULL) THEN watches.due_at "
    "WHEN watches.role = 'hint' AND excluded.due_at >= watches.polled_at "
    f"AND excluded.due_at < watches.polled_at + {PAUSE} THEN CASE "
    f"WHEN watches.due_at < watches.polled_at + {PAUSE} THEN watches.due_at ELSE watches.polled_at + {PAUSE} END "
    "ELSE excluded.due_at END",
)
_KEPT = (
    *("memory", "version", "state", "since", "stalled_told", "callbacks", "event_id"),
    *("called_at", "calling"),
)
_REMEMBER = bulk.Insert(
    memories,
    ("account", "resource", "remote_id", *_KEPT),
    f"(account, resource, remote_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _KEPT)}",
)

_NEXT_DUE = bulk.Statement(
    lambda _: (
        sa.select(watches.c.due_at)
        .where(
            watches.c.due_at.is_not(None),
            sa.not_(watches.c.paused),
            sa.or_(watches.c.lease_until.is_(None), watches.c.lease_until < sa.bindparam("lease_now")),
        )
        .order_by(watches.c.due_at)
        .limit(1)
    )
)
_DUE = bulk.Statement(
    lambda _: (
        sa.select(watches.c.name)
        .where(
            watches.c.due_at.is_not(None),
            watches.c.due_at <= sa.bindparam("now"),
            sa.not_(watches.c.paused),
            sa.or_(watches.c.lease_until.is_(None), watches.c.lease_until < sa.bindparam("lease_now")),
        )
        .order_by(watches.c.due_at)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .with_for_update(skip_locked=True)  # says nothing to SQLite, which has one writer
    )
)
POLLED = tuple(watches.c[one.name] for one in fields(Polled))
_TAKE = bulk.Statement(
    lambda dialect: (
        sa.update(watches)
        .where(bulk.is_one_of(watches.c.name, "names", dialect))
        .values(node=sa.bindparam("holder"), lease_until=sa.bindparam("until"), fence=watches.c.fence + 1)
        .returning(*POLLED)
    )
)
_MEMORIES = sa.select(memories.c.remote_id, *(memories.c[name] for name in _KEPT)).where(
    memories.c.account == sa.bindparam("account"), memories.c.resource == sa.bindparam("resource")
)
_RECALL_SOME = bulk.Statement(
    lambda dialect: _MEMORIES.where(bulk.is_one_of(memories.c.remote_id, "ids", dialect))
)
# No range of text: how PostgreSQL sorts "/" depends on the language of the database.
_RECALL_BELOW = bulk.Statement(
    lambda _: _MEMORIES.where(
        sa.func.substr(memories.c.remote_id, 1, sa.bindparam("size", type_=sa.Integer))
        == sa.bindparam("scope")
    )
)
_RECALL_ALL = bulk.Statement(lambda _: _MEMORIES)


def name_for(role: str, account: str, resource: str, remote_id: str) -> str:
    """The name of a followed or hinted row."""
    return f"{role}:{account}:{resource}:{remote_id}"


def work_name(account: str, resource: str, remote_id: str) -> str:
    """How a waiting run names the work it waits for."""
    return f"{account} {resource} {remote_id}"


def sliced(values: Iterable[str]) -> Iterator[list[str]]:
    """*values* in lists short enough for one statement each."""
    every = list(values)
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))


def configure(connection: Connection, wished: Sequence[Polled]) -> None:
    """Make the ``watch`` rows those of the config.

    New and changed ones are due when *wished* says, unless they were due earlier; what a changed one has been
    through is kept, but one that looks at other things than before has its first poll before it. Rows whose
    watch is gone are deleted (what was remembered of their objects stays).
    """
    had = {row.name for row in connection.execute(sa.select(watches.c.name).where(watches.c.role == "watch"))}
    for names in sliced(had - {one.name for one in wished}):
        connection.execute(sa.delete(watches).where(watches.c.name.in_(names)))
    if not wished:
        return
    insert = tables.insert_into(connection, watches)
    changed, elsewhere = _differs(insert, DEFINITION), _differs(insert, LOOKED_AT)
    values = {
        "due_at": sa.case((changed, _earlier(insert)), else_=watches.c.due_at),
        "polled_at": sa.case((elsewhere, None), else_=watches.c.polled_at),
        "created_at": sa.case((elsewhere, insert.excluded.created_at), else_=watches.c.created_at),
        **{name: insert.excluded[name] for name in DEFINITION},
    }
    connection.execute(
        insert.on_conflict_do_update(index_elements=["name"], set_=values), [_to_row(one) for one in wished]
    )


def _differs(insert: Any, names: Iterable[str]) -> Any:
    return sa.or_(*(watches.c[name].is_distinct_from(insert.excluded[name]) for name in names))


def _earlier(insert: Any) -> Any:
    """The due time of an upsert: the earlier of both, where both have one."""
    return sa.case(
        (watches.c.due_at.is_(None), insert.excluded.due_at),
        (insert.excluded.due_at < watches.c.due_at, insert.excluded.due_at),
        else_=watches.c.due_at,
    )


def request(connection: Connection, rows: Sequence[Polled]) -> None:
    """Make *rows*, each named once, due: new ones are inserted, others are due at the earlier of both times."""
    _REQUEST.run(connection, [tuple(_to_row(one).values()) for one in rows])


def _to_row(one: Polled) -> dict[str, Any]:
    return {
        "name": one.name,
        "role": one.role,
        "account": one.account,
        "resource": one.resource,
        "options": jsons.dumps(one.options),
        "wanted": jsons.dumps(list(one.wanted)) if one.wanted is not None else None,
        "announce": one.announce,
        "every": one.every,
        "stalled_after": one.stalled_after,
        "due_at": one.due_at,
        "fence": 0,
        "created_at": one.created_at,
    }


def claim(
    connection: Connection, now: int, node: str, lease_until: int, lease_now: int, limit: int
) -> list[Polled]:
    """Take up to *limit* due rows that nobody holds, oldest first."""
    due = _DUE.rows(connection, now=now, lease_now=lease_now, most=limit)
    if not due:
        return []
    names = bulk.several(connection, [row[0] for row in due])
    taken = _TAKE.rows(connection, names=names, holder=node, until=lease_until)
    return sorted(map(polled, taken), key=lambda one: one.due_at or 0)


def release_all(connection: Connection) -> None:
    """Void every lease (a SQLite file has one daemon)."""
    connection.execute(
        sa.update(watches).values(node=None, lease_until=None).where(watches.c.node.is_not(None))
    )


def renew(connection: Connection, node: str, held: Iterable[str], until: int) -> None:
    """Hold the leases of *held* until *until*, as far as this node has them still."""
    query = sa.update(watches).where(watches.c.name.in_(list(held)), watches.c.node == node)
    connection.execute(query.values(lease_until=until))


def hand_back(connection: Connection, node: str, held: Iterable[str]) -> None:
    """Give the leases of *held* back: their polls were cut short, and are due still."""
    query = sa.update(watches).where(watches.c.name.in_(list(held)), watches.c.node == node)
    connection.execute(query.values(node=None, lease_until=None))


def settle(connection: Connection, one: Polled, **values: Any) -> None:
    """Give the lease of *one* back and write *values*; :class:`LostLease` when another holds it."""
    changed = connection.execute(
        sa.update(watches).where(*_held(one)).values(node=None, lease_until=None, **values)
    )
    if changed.rowcount != 1:
        raise LostLease(one.name)


def _held(one: Polled) -> tuple[sa.ColumnElement[bool], ...]:
    """That the row is still *one*: nobody has claimed it since, and the config neither made it anew nor sent it to look
    elsewhere."""
    return (
        watches.c.name == one.name,
        watches.c.fence == one.fence,
        watches.c.created_at == one.created_at,
    )


def drop(connection: Connection, one: Polled) -> None:
    """Delete a followed or hinted row that this node holds; :class:`LostLease` when another does."""
    dropped = connection.execute(sa.delete(watches).where(*_held(one)))
    if dropped.rowcount != 1:
        raise LostLease(one.name)


def change(connection: Connection, name: str, **values: Any) -> bool:
    """Write *values* to the row *name* by a person's word (pause, resume, poll); False if there is none."""
    return connection.execute(sa.update(watches).where(watches.c.name == name).values(**values)).rowcount == 1


def get(connection: Connection, name: str) -> Polled | None:
    """The row *name*."""
    row = connection.execute(sa.select(*POLLED).where(watches.c.name == name)).one_or_none()
    return polled(row) if row is not None else None


def listed(connection: Connection, limit: int) -> list[Polled]:
    """The rows, the config's first, then by name."""
    order = sa.case((watches.c.role == "watch", 0), else_=1)
    query = sa.select(*POLLED).order_by(order, watches.c.name).limit(limit)
    return [polled(row) for row in connection.execute(query)]


def next_due(connection: Connection, lease_now: int = 0) -> int | None:
    """When the next row falls due that nobody is polling: those are due already, and will be moved on.

    Whoever's lease ended before *lease_now* is polling no more.
    """
    first: int | None = _NEXT_DUE.scalar(connection, lease_now=lease_now)
    return first


def polled(values: Sequence[Any]) -> Polled:
    """The polled row of what its fields (:data:`POLLED`) are stored as."""
    # fmt: off
    (name, role, account, resource, options, wanted, announce, every, stalled_after, due_at,
     created_at, fence, paused, failures, failing_since, failing_told, error, polled_at) = values
    # fmt: on
    return Polled(
        name,
        role,
        account,
        resource,
        jsons.kept(options) if options != "{}" else {},
        tuple(jsons.kept(wanted)) if wanted is not None else None,
        announce == 1,
        every,
        stalled_after,
        due_at,
        created_at,
        fence,
        paused == 1,
        failures,
        failing_since,
        failing_told == 1,
        error,
        polled_at,
    )


# What is remembered of remote objects


def recall(
    connection: Connection, account: str, resource: str, wanted: Iterable[str] | None, scope: str = ""
) -> dict[str, Memory]:
    """What is remembered, by remote id: of the *wanted* ids, or of all below *scope* (``scope/id``)."""
    of_resource = {"account": account, "resource": resource}
    if wanted is not None:
        ids = bulk.several(connection, wanted)
        rows = _RECALL_SOME.rows(connection, **of_resource, ids=ids)
    elif scope:
        rows = _RECALL_BELOW.rows(connection, **of_resource, size=len(scope) + 1, scope=f"{scope}/")
    else:
        rows = _RECALL_ALL.rows(connection, **of_resource)
    return {row[0]: _memory(row) for row in rows}


def _memory(values: Sequence[Any]) -> Memory:
    remote_id, memory, version, state, since, stalled_told, callbacks, event_id, called_at, calls = values
    known = jsons.kept(memory) if memory is not None else None
    going = calling.from_json(jsons.kept(calls)) if calls is not None else None
    told = stalled_told == 1
    return Memory(remote_id, known, version, state, since, told, callbacks, event_id, called_at, going)


def remember(connection: Connection, account: str, resource: str, kept: Sequence[Memory]) -> None:
    """Write *kept*, each object once, over what stood there."""
    _REMEMBER.run(connection, [_memory_row(account, resource, one) for one in kept])


def _memory_row(account: str, resource: str, one: Memory) -> tuple[Any, ...]:
    return (
        account,
        resource,
        one.remote_id,
        jsons.dumps(one.memory) if one.memory is not None else None,
        one.version,
        one.state,
        one.since,
        one.stalled_told,
        one.callbacks,
        one.event_id,
        one.called_at,
        jsons.dumps(calling.to_json(one.calling)) if one.calling is not None else None,
    )


def forget(connection: Connection, account: str, resource: str, gone: Iterable[str]) -> None:
    """Forget the remote objects *gone*."""
    of_resource = sa.delete(memories).where(memories.c.account == account, memories.c.resource == resource)
    for ids in sliced(gone):
        connection.execute(of_resource.where(memories.c.remote_id.in_(ids)))
