"""What claimed runs go on with: their events and the steps that they have begun, read for many at once.

Called by ``running`` behind a claim.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, events, steps, tables
from daemon.model.events import Event
from daemon.model.runs import Run, Step

_SEQS = bulk.Statement(
    lambda dialect: sa.select(tables.events.c.seq).where(bulk.is_one_of(tables.events.c.id, "ids", dialect))
)


def of_runs(connection: Connection, runs: Sequence[Run]) -> tuple[dict[str, Event], dict[str, list[Step]]]:
    """The events of *runs*, by their ids, and the steps of each, by the run's; what is not there any more is left
    out."""
    wanted = {run.event_id for run in runs}
    seqs = [seq for (seq,) in _SEQS.rows(connection, ids=bulk.several(connection, wanted))]
    found = {event.id: event for event in events.numbered(connection, seqs)}
    return found, steps.of_runs(connection, [run.id for run in runs])
