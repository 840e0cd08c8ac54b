"""What to do about a call whose effect is not known. Pure.

A step with an intent and no outcome is in doubt, whether the process died or the answer was lost after
sending.
"""

from enum import Enum

from daemon.model.runs import Doubt


class Road(Enum):
    """What is done with a doubtful call."""

    REPEAT = "repeat"
    HOLD = "hold"


def choose_road(doubt: Doubt, on_doubt: str) -> Road:
    """Repeat what is repeatable or probed; hold the rest for a person, unless the reaction says ``redo``."""
    if doubt in (Doubt.REPEATABLE, Doubt.PROBED) or on_doubt == "redo":
        return Road.REPEAT
    return Road.HOLD
