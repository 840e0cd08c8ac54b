"""Events that reach the router in memory, as they are recorded. Pure: it spares reading them, and is no more than that.

Filled by ``router`` with what ``intake``'s admission hands over; those that nobody listens to are only counted.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from daemon.model.events import Event, Fresh
from daemon.routing.matching import Rules


@dataclass(frozen=True, slots=True)
class Found:
    """A batch to route: where the cursor stood, the last number in it, the numbers and types of all, the events that
    some reaction listens to. *passed*: there is none of those, and the cursor stands behind them."""

    seq: int
    last: int
    numbers: Sequence[int]
    types: Sequence[str]
    events: Sequence[Event]
    passed: bool = False

    def up_to(self, seq: int) -> "Found":
        """The part of the batch that ends with the event numbered *seq*."""
        count = bisect_right(self.numbers, seq)
        kept = [event for event in self.events if event.seq <= seq]
        return Found(self.seq, seq, self.numbers[:count], self.types[:count], kept)


@dataclass(slots=True)
class Handed:
    """Events in the journal's order, seen with the eyes of *rules*."""

    rules: Rules
    numbers: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    wanted: list[Event] = field(default_factory=list)

    def add(self, fresh: Sequence[Fresh]) -> None:
        """Take *fresh* behind the others; what is not newer than those is left out."""
        last = self.numbers[-1] if self.numbers else 0
        for event in fresh:
            if event.seq > last:
                last = event.seq
                self.numbers.append(last)
                self.types.append(event.type)
                if self.rules.for_type(event.type):
                    self.wanted.append(event.read())

    def take(self, seq: int, most: int) -> Found | None:
        """Up to *most* events behind *seq*, which are here no more; None, and nothing is kept, unless they begin right
        there and leave none out."""
        start = bisect_right(self.numbers, seq)
        numbers, types = self.numbers[start : start + most], self.types[start : start + most]
        if not numbers or numbers[-1] - seq != len(numbers):
            self._keep_from(len(self.numbers))
            return None
        wanted = [event for event in self.wanted if seq < event.seq <= numbers[-1]]
        self._keep_from(start + len(numbers))
        return Found(seq, numbers[-1], numbers, types, wanted)

    def _keep_from(self, place: int) -> None:
        last = self.numbers[place - 1] if place else 0
        self.wanted = [event for event in self.wanted if event.seq > last]
        self.numbers, self.types = self.numbers[place:], self.types[place:]
