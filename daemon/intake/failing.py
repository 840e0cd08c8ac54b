"""Polls that failed, wholly or in a part: counted with their row, told as an event, named in the log.

Called by ``watches`` and ``findings``; ``due`` says when a row counts as failing.
"""

import structlog

from daemon.contract.own_events import WatchFailing, WatchRecovered
from daemon.intake import due
from daemon.journal import events, watches
from daemon.journal.database import Connection
from daemon.journal.watches import Polled
from daemon.model import records, times
from daemon.model.events import Fact

OWN = "pointsman"  # the source of events about ourselves

log = structlog.get_logger()


@records.record
class Failure:
    """A poll that failed because of *error*: the *count*-th in a row, the first was at *since*. *tells*: with this one
    the row is failing, which is an event."""

    error: str
    count: int
    since: int
    tells: bool


def judge(row: Polled, error: str, now: int) -> Failure:
    """The failure that one more poll of *row* is."""
    count = row.failures + 1
    since = row.failing_since if row.failing_since is not None else now
    tells = not row.failing_told and row.role != "hint" and due.is_failing(row, count, now)
    return Failure(error, count, since, tells)


def record(
    connection: Connection, row: Polled, failure: Failure, now: int, due_at: int | None, polled_at: int | None
) -> None:
    """Write *failure*; *polled_at* is when something of *row* was last read."""
    watches.settle(
        connection,
        row,
        due_at=due_at,
        failures=failure.count,
        failing_since=failure.since,
        failing_told=row.failing_told or failure.tells,
        error=failure.error,
        polled_at=polled_at,
    )
    if failure.tells:
        data = {"error": failure.error, "failures": failure.count, "since": times.rfc3339(failure.since)}
        fact = Fact(WatchFailing.type, row.name, f"failing:{row.name}:{failure.since}", data)
        events.emit(connection, [fact], OWN, now)


def recover(connection: Connection, row: Polled, now: int) -> None:
    """Tell that *row*, which was failing, is no more."""
    since = times.rfc3339(row.failing_since or now)
    data = {"error": row.error or "", "failures": row.failures, "since": since}
    fact = Fact(WatchRecovered.type, row.name, f"recovered:{row.name}:{row.failing_since}", data)
    events.emit(connection, [fact], OWN, now)


def tell(row: Polled, failure: Failure, *, quietly: bool = False) -> None:
    """One loud line when it begins, and one when it is told as an event."""
    loud = (failure.count == 1 or failure.tells) and not quietly
    (log.warning if loud else log.debug)("watch.failed", watch=row.name, error=failure.error)
