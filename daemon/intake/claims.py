"""Which due rows this node polls: leases where nodes share a journal, this process's own word where it is alone.

A SQLite file has one daemon, which the lock file beside it guarantees. There a lease would tell nobody anything, so
none is written: what is under way is known in memory, and a row that died with its process is due still. ``watches``
asks here for rows and polls them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from daemon.journal import rounds, watches
from daemon.journal.database import Connection, Journal
from daemon.journal.rounds import Known
from daemon.journal.watches import Polled

RENEWALS = 3  # in one lease


@dataclass(frozen=True, slots=True)
class Taken:
    """*rows* that are to be polled now, oldest first, and what is remembered of what they name. *next_at* is when the
    next row falls due, where none of them was and that is known."""

    rows: list[Polled]
    known: Known
    next_at: int | None = None


NOTHING = Taken([], {})


class Claims(Protocol):
    """This node's hold of rows. *held* are the names of those that it is polling."""

    async def take(self, now: int, held: Collection[str], room: int) -> Taken:
        """Take up to *room* rows that are due and that nobody polls."""
        ...

    async def hand_back(self, names: Collection[str]) -> None:
        """Let go of rows whose polls were cut short: they are due still."""
        ...


class Alone:
    """The claims of the one daemon of a SQLite file: nothing is written."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def take(self, now: int, held: Collection[str], room: int) -> Taken:
        """See :class:`Claims`. A row that is let go of meanwhile is left for the next time."""
        if room <= 0:
            return NOTHING
        names = frozenset(held)

        def read(connection: Connection) -> Taken:
            rows = rounds.due(connection, now, names, room)
            if not rows:
                return Taken([], {}, rounds.next_after(connection, now))
            return Taken(rows, rounds.recall(connection, rows))

        return await self._journal.read(read)

    async def hand_back(self, names: Collection[str]) -> None:
        """See :class:`Claims`: nobody else was told of them."""


class Leased:
    """The claims of a node among others: leases of *lease* microseconds, renewed while polls last."""

    def __init__(self, journal: Journal, node: str, lease: int) -> None:
        self._journal = journal
        self._node = node
        self._lease = lease
        self._renewed_at = 0

    async def take(self, now: int, held: Collection[str], room: int) -> Taken:
        """See :class:`Claims`. What is *held* is renewed, when a third of a lease has passed since the last time."""
        lease_now = await self._journal.lease_now()
        await self._renew(held, lease_now)
        if room <= 0:
            return NOTHING
        first = await self._journal.read(partial(watches.next_due, lease_now=lease_now))
        if first is None or first > now:
            return Taken([], {}, first)
        claim = partial(
            watches.claim,
            now=now,
            node=self._node,
            lease_until=lease_now + self._lease,
            lease_now=lease_now,
            limit=room,
        )
        rows = await self._journal.write(claim)
        return Taken(rows, await self._journal.read(partial(rounds.recall, rows=rows)))

    async def _renew(self, held: Collection[str], lease_now: int) -> None:
        if not held or lease_now < self._renewed_at + self._lease // RENEWALS:
            return
        self._renewed_at = lease_now
        renew = partial(watches.renew, node=self._node, held=list(held), until=lease_now + self._lease)
        await self._journal.write(renew)

    async def hand_back(self, names: Collection[str]) -> None:
        """See :class:`Claims`."""
        await self._journal.write(partial(watches.hand_back, node=self._node, held=list(names)))
