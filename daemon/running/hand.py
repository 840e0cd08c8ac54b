"""A run in hand: what a worker knows of it while it takes it through its steps.

Made by ``course``; ``planning`` adds the next call, ``calling`` makes it, ``scribe`` writes what came of it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from daemon.contract.declare import Action
from daemon.model import records, scope
from daemon.model.events import Event
from daemon.model.jsons import Json, JsonObject
from daemon.model.reactions import Reaction
from daemon.model.runs import Run, Step
from daemon.model.scope import Scope
from daemon.running import outcome
from daemon.running.outcome import Write


async def hold_for_ever() -> bool:
    """Nobody else is there who could take the run."""
    return True


@dataclass(slots=True)
class Course:
    """A run and what it has so far. *ended* are steps, and *carried* is whatever else, that the next commit writes
    besides its own; *passing_on* says that it gives up an object that others may stand in line for. *holds* tells
    whether the run is this node's still.
    """

    run: Run
    event: Event
    reaction: Reaction
    steps: dict[int, Step]
    known: dict[str, Json] = field(default_factory=dict)
    ended: list[Step] = field(default_factory=list)
    carried: list[Write] = field(default_factory=list)
    passing_on: bool = False
    holds: Callable[[], Awaitable[bool]] = hold_for_ever

    def results(self) -> JsonObject:
        """``steps.ID`` as templates see it: a skipped step is none."""
        return {step.id: step.response for step in self.steps.values() if step.status in outcome.ENDED_WELL}

    def scope(self, now: int) -> Scope:
        """What the templates of this run see."""
        more: dict[str, Any] = {"steps": self.results(), "run": scope.of_run(self.run)}
        if self.run.item_key:
            more["item"] = self.run.item
        return scope.build(self.event, now, self.known, **more)


@records.record
class Planned:
    """A call about to be made."""

    action: Action
    parameters: BaseModel
    step: Step
