"""What to do about a call whose effect is not known. Pure.

A step with an intent and no outcome is in doubt, whether the process died or the answer was lost after sending.
``course`` asks before it goes on with such a step, ``calling`` after each failure, ``doubting`` walks the road.
"""

from enum import Enum

from daemon.contract import errors
from daemon.model import jsons, times
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt, Step

SETTLES = 5 * times.SECOND  # after which a request whose answer was lost takes no effect any more
LONGEST_SETTLING = 2 * times.MINUTE  # for one that was given up after a long time
LONGEST_VALUE = 200  # characters of a parameter that a summary shows
MOST_VALUES = 20  # parameters that a summary shows


class Road(Enum):
    """What is done with a doubtful call."""

    REPEAT = "repeat"
    LOOK = "look"
    HOLD = "hold"


def choose_road(doubt: Doubt, on_doubt: str) -> Road:
    """Repeat what is repeatable, look for what is probed; hold the rest for a person, unless the reaction says
    ``redo``.
    """
    if doubt is Doubt.PROBED:
        return Road.LOOK
    return Road.REPEAT if doubt is Doubt.REPEATABLE or on_doubt == "redo" else Road.HOLD


def leaves_doubt(doubt: Doubt, failed: errors.ServiceError) -> bool:
    """Whether a call that *failed* so may have taken effect all the same.

    Looking is cheap, so a probed call is looked for whenever something of it had gone out: a 5xx may come from behind
    the effect, and the second of two requests may fail when the first has made something. A request that was turned
    away (429, 404, refused credentials) has not gone out.
    """
    status = failed.status
    if doubt is Doubt.PROBED and (failed.went_out or (status is not None and status >= 500)):
        return True
    return isinstance(failed, errors.TemporaryError) and failed.in_doubt


def settles_at(step: Step, now: int, longest_call: int) -> int | None:
    """When a look that finds nothing may be believed, None where it may be now.

    Until then the lost request may still be under way to the service, or at work there: one that was given up without
    an answer was at work for all that time, and has as long again. Where the process died or stood still, nobody knows
    when it was given up: it has as long as its answer would have been waited for, *longest_call*. A clock that was set
    back begins the wait anew.
    """
    if step.doubted_at is None:
        return None
    doubted_at, settling = step.doubted_at, _settling(step, longest_call)
    if now < doubted_at:
        return now + settling
    return doubted_at + settling if now < doubted_at + settling else None


def _settling(step: Step, longest_call: int) -> int:
    """How long after it was sent the request of *step* may have an effect."""
    # The call's own failure says how long it took, looks do not. Its number would not tell: an attempt that an outage
    # cost is given back. Where a clock was set since, nothing fits, and none is believed.
    since_sent = (one for one in step.history if one["at"] - one.get("took", 0) == step.doubted_at)
    took: int | None = next((one.get("took", 0) for one in since_sent), None)
    return min(max(longest_call, SETTLES) if took is None else took + max(took, SETTLES), LONGEST_SETTLING)


def summarise(request: JsonObject | None) -> JsonObject:
    """A stored *request* short enough for an event: long values are cut, further ones left out."""
    shown = list((request or {}).items())[:MOST_VALUES]
    return {name: _cut(value) for name, value in shown}


def _cut(value: Json) -> Json:
    text = value if isinstance(value, str) else jsons.dumps(value)
    return value if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
