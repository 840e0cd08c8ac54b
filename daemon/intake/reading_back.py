"""The rows that callbacks asked for: what is read with them, when they are read again, and when they go.

``watches`` polls them as it polls everything; what is different about them stands here. ``takeover`` says when an
object is looked at without a callback.
"""

from collections.abc import Mapping, Sequence

from daemon.contract.catalog import Catalog
from daemon.intake import takeover
from daemon.intake.findings import Look
from daemon.journal import calls, hints, runs, watches
from daemon.journal.database import Connection, Journal
from daemon.journal.hints import Hint
from daemon.journal.watches import PAUSE, Memory, Polled
from daemon.model.jsons import JsonObject
from daemon.model.times import MINUTE

SWEPT_EVERY = 5 * MINUTE  # how often objects are looked for that no row stands for
SWEPT_AT_ONCE = 500


def trace(connection: Connection, row: Polled, noun: str, asked: Sequence[Hint]) -> str | None:
    """The chain that a poll belongs to: its callback's, or that of the run whose work is followed."""
    if asked:
        return asked[0].event_id  # a callback begins its chain
    if row.role != "follow" or not row.wanted:
        return None
    touched = runs.toucher(connection, row.account, noun, row.wanted[0])
    return touched[0].trace if touched is not None else None


def recall(
    connection: Connection, row: Polled, wanted: Sequence[str] | None, scope: str
) -> dict[str, Memory]:
    """What is remembered of what the look is about.

    A callback may have named its object by something else than its id: then what is remembered of it stands under
    another name of the same parent.
    """
    if row.role == "hint" and scope:
        wanted = None
    return watches.recall(connection, row.account, row.resource, wanted, scope)


def claims(asked: Sequence[Hint]) -> dict[str, list[JsonObject]]:
    """What the callbacks said, by the id of what they are about."""
    said: dict[str, list[JsonObject]] = {}
    for hint in asked:
        said.setdefault(hint.remote_id, []).append(hint.claim["claimed"])
    return said


def count(before: Mapping[str, Memory], asked: Sequence[Hint]) -> dict[str, int]:
    """How many callbacks have come about each object, those among them that are to be read back now."""
    counted = {id: one.callbacks for id, one in before.items()}
    for hint in asked:
        counted[hint.remote_id] = counted.get(hint.remote_id, 0) + 1
    return counted


def has_nothing_to_do(row: Polled, before: Mapping[str, Memory], asked: Sequence[Hint]) -> bool:
    """Whether *row* was read for its callbacks, no more have come since, and nothing else keeps it."""
    if row.role != "hint" or asked or row.polled_at is None:
        return False
    known = before.get((row.wanted or ("",))[0])
    return known is None or known.calling is None


def end(connection: Connection, row: Polled, now: int) -> None:
    """Delete *row*, unless a callback came meanwhile: then it is due now."""
    watches.settle(connection, row, due_at=now)
    hints.drop_reader(connection, row)


def settle(connection: Connection, look: Look, catalog: Catalog, now: int, chance: float) -> None:
    """When the row of *look* is read again: soon where more callbacks came, later by itself where it stands for an
    object of which only so many callbacks come. Others stay for a pause, so that whoever calls without end is read once
    in each, and go.
    """
    row = look.row
    well: JsonObject = {"failures": 0, "failing_since": None, "error": None, "polled_at": now}
    # This first: whoever adds a callback now waits until we are done, and what was added before is seen below.
    watches.settle(connection, row, due_at=now + PAUSE, **well)
    if hints.is_waiting(connection, row.name):
        return
    remote_id = (row.wanted or ("",))[0]
    memory = watches.recall(connection, row.account, row.resource, [remote_id]).get(remote_id)
    budget = catalog.budget_of(look.kind, row.resource)
    if memory is not None and memory.calling is not None and budget is not None:
        next_at = takeover.next_look(memory.calling, budget, memory.called_at, now, chance)
        watches.settle(connection, row, due_at=next_at)


class Sweep:
    """Gives a row to each object whose callbacks are limited and that has none: after trusted callbacks, which are
    written without one."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._swept_at: int | None = None

    async def once(self, now: int, catalog: Catalog, kinds: Mapping[str, str]) -> None:
        """Do it, unless it was done a moment ago. *kinds* are the accounts' kinds by name."""
        if self._swept_at is not None and 0 <= now - self._swept_at < SWEPT_EVERY:
            return
        self._swept_at = now
        known = list(kinds)
        found = await self._journal.read(
            lambda connection: calls.without_row(connection, known, SWEPT_AT_ONCE)
        )
        rows = [row for one in found for row in _row_for(one, catalog, kinds.get(one.account, ""), now)]
        if rows:
            await self._journal.write(lambda connection: watches.request(connection, rows))


def _row_for(one: calls.Called, catalog: Catalog, kind: str, now: int) -> list[Polled]:
    budget = catalog.budget_of(kind, one.resource)
    if budget is None:
        return []
    return [calls.standing_row(one, budget.options(one.remote_id), now + PAUSE, now, announce=False)]
