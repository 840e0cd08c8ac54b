"""What templates and conditions can see: the event, the item, the steps so far, the run, the state, the time.

Built by ``routing`` (conditions) and ``running`` (parameters); read by ``expressions``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from daemon.model import times
from daemon.model.events import Event
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Run

Scope = dict[str, Any]


class StateNeeded(Exception):
    """An expression asked for a state key that was not read yet: read it and evaluate again."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def of_event(event: Event) -> JsonObject:
    """*event* as expressions see it; ``time`` is an aware datetime."""
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": times.to_datetime(event.time),
        "key": event.key,
        "trace": event.trace,
        "depth": event.depth,
        "cause": event.cause,
        "origin": event.origin,
        "data": event.data,
    }


def of_run(run: Run) -> JsonObject:
    """*run* as expressions see it."""
    return {
        "id": run.id,
        "reaction": run.reaction,
        "event_id": run.event_id,
        "trace": run.trace,
        "depth": run.depth,
        "replay": run.replay,
        "created_at": times.to_datetime(run.created_at),
    }


def build(event: Event, now: int, state: Mapping[str, Json], **more: Any) -> Scope:
    """The scope of one evaluation. ``state("key")`` gives what *state* holds and raises
    :class:`StateNeeded` for a key it lacks; a key that was never set stands in *state* with None.
    """
    instant = times.to_datetime(now)
    return {"event": of_event(event), "state": _lookup(state), "now": lambda: instant, **more}


def _lookup(state: Mapping[str, Json]) -> Callable[[str], Json]:
    def look_up(key: str) -> Json:
        if key not in state:
            raise StateNeeded(key)
        return state[key]

    return look_up
