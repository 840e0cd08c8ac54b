"""Old events, routed once more by the present reactions: new runs, numbered as replays.

Called by ``cli``; a plain function of one connection. Behind it come the workers, who find the runs as rows.
"""

from daemon.journal import runs, state
from daemon.journal.database import Connection
from daemon.model.events import Event
from daemon.model.jsons import Json
from daemon.model.runs import Run
from daemon.model.scope import StateNeeded
from daemon.routing import matching, router
from daemon.routing.matching import Rules, Wish


def replay(connection: Connection, rules: Rules, event: Event, now: int) -> list[Run]:
    """Make the runs that *event* asks of *rules* today, beside those it had; those that were made.

    As when an event is routed first, a condition that cannot be evaluated makes a dead run that says why.
    """
    wished = _wish(connection, rules, event, now)
    number = runs.next_replay(connection, event.id)
    made = runs.make(
        connection, [router.new_run(event, wish, now, number) for wish in wished], now, [None] * len(wished)
    )
    router.tell_dead(connection, made, [event], now)
    return made


def _wish(connection: Connection, rules: Rules, event: Event, now: int) -> list[Wish]:
    known: dict[str, Json] = {}
    while True:
        try:
            return matching.wishes(rules, event, now, known)
        except StateNeeded as needed:
            known[needed.key] = state.value(connection, needed.key)
