"""Callbacks by the objects that they are about: how many came, when the last did, and the rows that stand for them.

Called by ``intake`` and ``cli``; plain functions of one connection, none commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.contract.registering import Known
from daemon.journal import watches
from daemon.journal.tables import memories, remotes
from daemon.journal.tables import watches as rows
from daemon.journal.watches import Memory, Polled
from daemon.model import calling, jsons
from daemon.model.calling import Calling
from daemon.model.jsons import JsonObject

STANDING = "hint"  # the role of the row that looks at what was called about


@dataclass(frozen=True, slots=True)
class Called:
    """An object of *account* about which a limited number of callbacks come."""

    account: str
    resource: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The callbacks of one account: about how many objects they came, and when the last one did."""

    objects: int
    last_at: int | None


def standing_row(one: Called, options: JsonObject, due_at: int, now: int, *, announce: bool) -> Polled:
    """The row that looks at *one* from *due_at* on, because callbacks about it are limited in number. Unless it is to
    *announce*, what the first look finds is taken as it is."""
    return Polled(
        name=watches.name_for(STANDING, one.account, one.resource, one.remote_id),
        role=STANDING,
        account=one.account,
        resource=one.resource,
        options=options,
        wanted=(one.remote_id,),
        announce=announce,
        every=None,
        stalled_after=None,
        due_at=due_at,
        created_at=now,
    )


def stand_by(connection: Connection, row: Polled, budget: int) -> None:
    """Write the standing *row*, and that callbacks are in charge of its object: *budget* of them come. What is
    remembered of it already stays."""
    (id,) = row.wanted or ("",)
    if not watches.recall(connection, row.account, row.resource, [id]):
        going = Calling(budget, row.created_at)
        first = Memory(id, None, 0, None, None, False, 0, None, None, going)
        watches.remember(connection, row.account, row.resource, [first])
    watches.request(connection, [row])


def count(connection: Connection, one: Called, before: int, memory: Memory) -> None:
    """Write how many callbacks have come now about an object about which *before* had come; nothing where another was
    counted meanwhile.

    Beside it nothing of what is remembered of the object changes, so its version stays.
    """
    going = memory.calling
    connection.execute(
        sa.update(memories)
        .where(
            memories.c.account == one.account,
            memories.c.resource == one.resource,
            memories.c.remote_id == one.remote_id,
            memories.c.callbacks == before,
        )
        .values(
            callbacks=memory.callbacks,
            called_at=memory.called_at,
            calling=jsons.dumps(calling.to_json(going)) if going is not None else None,
        )
    )


def without_row(connection: Connection, accounts: Sequence[str], limit: int) -> list[Called]:
    """Objects of *accounts* whose callbacks are limited in number and that no row looks at by itself yet."""
    named = sa.literal(f"{STANDING}:") + memories.c.account + ":" + memories.c.resource + ":"
    stands = sa.exists().where(rows.c.name == named + memories.c.remote_id)
    key = (memories.c.account, memories.c.resource, memories.c.remote_id)
    query = sa.select(*key).where(memories.c.calling.is_not(None), memories.c.account.in_(accounts), ~stands)
    return [Called(*row) for row in connection.execute(query.limit(limit))]


def of_rows(connection: Connection, listed: Sequence[Polled]) -> dict[str, Memory]:
    """What is remembered of the objects that the rows *listed* look at because of callbacks, by the rows' names."""
    wanted: dict[tuple[str, str], dict[str, str]] = {}
    for row in listed:
        if row.role == STANDING and row.wanted:
            wanted.setdefault((row.account, row.resource), {})[row.wanted[0]] = row.name
    return {
        names[id]: memory
        for (account, resource), names in wanted.items()
        for ids in watches.sliced(names)
        for id, memory in watches.recall(connection, account, resource, ids).items()
    }


def heard(connection: Connection) -> Mapping[str, Heard]:
    """The callbacks that were borne out, by account."""
    came = sa.or_(memories.c.callbacks > 0, memories.c.calling.is_not(None))
    query = (
        sa.select(memories.c.account, sa.func.count(), sa.func.max(memories.c.called_at))
        .where(came)
        .group_by(memories.c.account)
    )
    return {account: Heard(objects, last_at) for account, objects, last_at in connection.execute(query)}


def known_of(connection: Connection, account: str) -> Known:
    """What the journal knows of what calls us at *account*."""
    made = sa.select(remotes.c.noun, remotes.c.remote_id).where(remotes.c.account == account).distinct()
    looked_at = sa.select(rows.c.wanted).where(rows.c.account == account, rows.c.role == STANDING)
    return Known(
        made=frozenset((noun, id) for noun, id in connection.execute(made)),
        followed=frozenset(id for (wanted,) in connection.execute(looked_at) for id in jsons.loads(wanted)),
        readable=True,
    )
