"""Accounts in the journal: each one's circuit, and the runs that are parked until it comes back.

One row an account, shared by all nodes and kept over restarts. Called by ``running`` (circuits, parking), ``web`` and
``cli``; plain functions of one connection, none commits.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.contract.circuit import Circuit, Reason, State
from daemon.journal import bulk, tables
from daemon.journal.tables import accounts, runs, watches

PARKED = sa.text("status = 'parked'")  # the partial index's own words
SOONER = 10  # to so small a part the waits of failing watches shrink when their account is back

_CIRCUIT = tuple(accounts.c[one.name] for one in fields(Circuit))
_ALL = bulk.Statement(
    lambda _: sa.select(accounts.c.name, *_CIRCUIT, accounts.c.worked_at, accounts.c.busy_until)
)
_NEXT_PARKED = bulk.Statement(
    lambda _: (
        sa.select(runs.c.parked_for)
        .where(PARKED, runs.c.parked_for > sa.bindparam("behind"))
        .order_by(runs.c.parked_for)
        .limit(1)
    )
)
_COUNT_PARKED = bulk.Statement(
    lambda _: (
        sa.select(sa.func.count())
        .select_from(runs)
        .where(PARKED, runs.c.parked_for == sa.bindparam("account"))
    )
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account's row. *worked_at* is its last call that went well, *busy_until* when its rate is whole again; both
    are written now and then.
    """

    name: str
    circuit: Circuit
    worked_at: int | None
    busy_until: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A circuit before and after a change. *parked* runs waited for the account as it went down or came up."""

    before: Circuit
    after: Circuit
    parked: int = 0

    @property
    def went_down(self) -> bool:
        """Whether the account was up before, and is down now."""
        return self.after.is_down and not self.before.is_down

    @property
    def came_up(self) -> bool:
        """Whether the account was down before, and is up now."""
        return self.before.is_down and not self.after.is_down


def configure(connection: Connection, names: Collection[str]) -> None:
    """Make a row for each of *names*; those of accounts that are configured no more are forgotten."""
    connection.execute(sa.delete(accounts).where(accounts.c.name.not_in(list(names))))
    for name in names:
        insert = tables.insert_into(connection, accounts).values(name=name)
        connection.execute(insert.on_conflict_do_nothing())


def listed(connection: Connection) -> dict[str, Account]:
    """Every account by its name."""
    found = {}
    for name, *values, worked_at, busy_until in _ALL.rows(connection):
        found[name] = Account(name, _circuit(values), worked_at, busy_until)
    return found


def get(connection: Connection, name: str) -> Circuit:
    """The circuit of *name*; a closed one where nothing is known of it."""
    row = connection.execute(sa.select(*_CIRCUIT).where(accounts.c.name == name)).one_or_none()
    return _circuit(list(row)) if row is not None else Circuit()


def _circuit(values: Sequence[Any]) -> Circuit:
    state, fence, failures, reason, *rest = values
    return Circuit(State(state), fence, failures, Reason(reason) if reason is not None else None, *rest)


def change(connection: Connection, name: str, decide: Callable[[Circuit], Circuit]) -> Change:
    """Let *decide* move the circuit of *name*, which no other node can move meanwhile."""
    query = sa.select(*_CIRCUIT).where(accounts.c.name == name).with_for_update()
    row = connection.execute(query).one_or_none()
    before = _circuit(list(row)) if row is not None else Circuit()
    after = decide(before)
    if after == before:
        return Change(before, after)
    values = {one.name: getattr(after, one.name) for one in fields(Circuit)}
    insert = tables.insert_into(connection, accounts).values(name=name, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))
    moved = after.is_down != before.is_down
    tried = 1 if before.trial is not None else 0  # a run that was parked until it was to try the account
    return Change(before, after, count_parked(connection, name) + tried if moved else 0)


def note_work(connection: Connection, worked: Mapping[str, tuple[int, int]]) -> None:
    """Write when accounts worked last, and until when their rates are busy: ``(worked_at, busy_until)`` by name."""
    for name, (worked_at, busy_until) in worked.items():
        values = {"worked_at": worked_at, "busy_until": busy_until}
        connection.execute(sa.update(accounts).where(accounts.c.name == name).values(values))


def hurry(connection: Connection, account: str, now: int) -> None:
    """Let the watches of *account* that back off look again soon: each a tenth of its wait from *now*, so that they
    come one after the other.
    """
    sooner = now + (watches.c.due_at - now) // SOONER
    connection.execute(
        sa.update(watches)
        .where(watches.c.account == account, watches.c.failures > 0, watches.c.due_at > now)
        .values(due_at=sooner)
    )


# Parked runs


def accounts_with_parked(connection: Connection) -> list[str]:
    """The accounts that have parked runs: one look into the index for each."""
    found: list[str] = []
    while rows := _NEXT_PARKED.rows(connection, behind=found[-1] if found else ""):
        found.append(rows[0][0])
    return found


def count_parked(connection: Connection, account: str) -> int:
    """How many runs are parked for *account*."""
    count: int = _COUNT_PARKED.scalar(connection, account=account)
    return count


def counts_parked(connection: Connection) -> dict[str, int]:
    """How many runs are parked, by account."""
    return {name: count_parked(connection, name) for name in accounts_with_parked(connection)}


def release(connection: Connection, account: str, now: int, limit: int) -> list[str]:
    """Make the first *limit* runs that are parked for *account* due now; their ids."""
    return _release(connection, _parked(connection, account).limit(limit), now)


def release_next(connection: Connection, account: str, behind: str | None, now: int) -> str | None:
    """Make one run that is parked for *account* due now: one that has a remote object for itself, which others may
    need, else the next one *behind* the run that was tried last: one request that always fails does not keep the
    others waiting. Its id; None where none is parked.
    """
    waiting = _parked(connection, account)
    others = waiting.where(runs.c.locked, runs.c.id != (behind or ""))
    for query in (others, waiting.where(runs.c.id > (behind or "")), waiting):
        if released := _release(connection, query.limit(1), now):
            return released[0]
    return None


def _parked(connection: Connection, account: str) -> sa.Select[tuple[str]]:
    """The runs that are parked for *account*, the oldest first."""
    query = sa.select(runs.c.id).where(PARKED, runs.c.parked_for == account).order_by(runs.c.id)
    return query.with_for_update(skip_locked=True)  # says nothing to SQLite, which has one writer


def _release(connection: Connection, which: sa.Select[tuple[str]], now: int) -> list[str]:
    ids = [row.id for row in connection.execute(which)]
    for some in _sliced(ids):
        connection.execute(
            sa.update(runs)
            .where(runs.c.id.in_(some), PARKED)
            .values(status="pending", due_at=now, parked_for=None, error=None)
        )
    return ids


def _sliced(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
