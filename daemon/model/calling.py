"""How the callbacks about one remote object are going, and who is in charge of it. Pure.

``intake.takeover`` decides, ``journal`` keeps it with what is remembered of the object, ``web`` shows it.
"""

from daemon.model import records
from daemon.model.jsons import JsonObject

CALLBACK, POLL = "callback", "poll"
BUDGET, QUIET, OFF = "budget", "quiet", "off"

SHARES = (50, 75, 100)  # percent of a budget that are told of
TAKEN_OVER_AT = 75  # percent: calls that never reached us were not counted, so there is some to spare


@records.record
class Calling:
    """What is known of the callbacks about one object that its service calls a limited number of times.

    *budget* is that number, *in_charge* is ``callback`` or ``poll``, *because* says why it is a poll: ``budget`` (it
    nears its end), ``quiet`` (something rose, and no callback came), ``off`` (the service says that the hook is off).
    *since* is when we began to count, *rose_at* when something last rose, *unheard_since* when a poll saw a rise of
    which no callback has come yet, *hook* whether the hook is on (None: not told). Instants are microseconds.
    """

    budget: int
    since: int
    in_charge: str = CALLBACK
    because: str | None = None
    rose_at: int | None = None
    unheard_since: int | None = None
    hook: bool | None = None


_KEPT = tuple(Calling.__dataclass_fields__)


def to_json(calling: Calling) -> JsonObject:
    """*calling* as it is kept."""
    return {name: getattr(calling, name) for name in _KEPT}


def from_json(kept: JsonObject) -> Calling:
    """What :func:`to_json` gave, now or in an earlier version, which kept more."""
    return Calling(**{name: kept[name] for name in Calling.__dataclass_fields__ if name in kept})


def crossed(before: int, after: int, budget: int) -> list[int]:
    """The shares of *budget* (in percent) that were reached when the calls went from *before* to *after*."""
    return [share for share in SHARES if before * 100 < share * budget <= after * 100]


def warning(used: int, budget: int) -> str | None:
    """What is said of *used* calls of *budget*; None while there are plenty left."""
    reached = crossed(0, used, budget)
    if not reached:
        return None
    if reached[-1] == SHARES[-1]:
        return f"all {budget} callbacks have come: the service calls no more, and polling carries on"
    return f"{reached[-1]} % of its {budget} callbacks have come"
