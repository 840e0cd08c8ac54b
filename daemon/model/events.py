"""Events: immutable facts in the journal, and the facts that are about to become events."""

import re
from collections.abc import Callable
from dataclasses import field

from daemon.model import records
from daemon.model.jsons import Json, JsonObject

RESERVED_WORDS = ("populr", "popily", "compass", "tonalytica", "plotly", "schedule", "pointsman")
RESERVED_SOURCES = ("schedule", "emit", "pointsman")
DEEPEST = 16  # an emitted event deeper than this ends the loop: its run is dead
QUIET_TYPES = ("pointsman.", "populr.callback.received")  # what a bare "*" does not match

UNFIT = re.compile(r"[\s\[\]{}\x00-\x1f\x7f]")  # what no type, and no glob of types, holds
WILD = re.compile(r"[*?]")  # what makes a glob


def is_type(text: str) -> bool:
    """Whether *text* can be the type of an event: dotted words."""
    return all(text.split(".")) and not UNFIT.search(text) and not WILD.search(text)


@records.record
class Fact:
    """What happened, before it has a place in the journal.

    *key* is made from the fact itself and is unique within a source: the same key twice is one event.
    *data* may be the JSON text of an object, where it came so and nobody had to change it.
    *time* is an instant, or None for the moment it is recorded.
    """

    type: str
    subject: str
    key: str
    data: Json
    time: int | None = None


@records.record
class Lineage:
    """What an event descends from: *trace* is None where it begins one of its own."""

    trace: str | None = None
    depth: int = 0
    cause: str | None = None
    origin: str | None = None


ROOT = Lineage()


@records.record
class Event:
    """A recorded event: the CloudEvents attributes, and its place in the causal chain.

    *time* and *recorded_at* are instants (microseconds). *seq* is the journal's order. *trace* is shared by
    everything that one outside event caused; *cause* is the run that emitted it; *origin* is the run whose
    object people touched, when that began a new trace.
    """

    seq: int
    id: str
    source: str
    type: str
    subject: str
    time: int
    recorded_at: int
    key: str
    trace: str
    depth: int
    cause: str | None = None
    origin: str | None = None
    data: JsonObject = field(default_factory=dict)


@records.record
class Fresh:
    """An event that was just recorded: its number in the journal's order, its type, and what gives it whole."""

    seq: int
    type: str
    read: Callable[[], Event]
