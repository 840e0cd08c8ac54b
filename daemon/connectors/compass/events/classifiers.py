"""The comparing of a classifier as remembered with one as found. Pure.

The watch and ``create_classifier`` call it. A classifier trains (``in_training``, inactive meanwhile whatever
was asked) and ends ``ready`` or in ``error``; its two states may lag one another, so it is done only when
both fit in one reading (Compass API text).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from daemon.connectors.compass import events
from daemon.contract import declare
from daemon.model import jsons
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

PREFIX = "compass.classifier."
ADDED, STATUS_CHANGED, TRAINING, READY, FAILED, REMOVED = (
    "added",
    "status_changed",
    "training",
    "ready",
    "failed",
    "removed",
)
TRAINING_STATES = IN_TRAINING, TRAINED, BROKEN = "in_training", "ready", "error"
STATUSES = ACTIVE, INACTIVE = "active", "inactive"
LONGEST_TEXT = 300  # characters of the vendor's words about a failure


class VendorClassifier(BaseModel):
    """A classifier as the service writes it; its field lists say ``Info``, its requests ``info``."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    url: str
    status: str = ""
    training_state: str = ""
    info: Any = None

    @model_validator(mode="before")
    @classmethod
    def reads_either_info(cls, given: Any) -> Any:
        """``Info`` as ``info``."""
        if isinstance(given, dict) and "Info" in given and "info" not in given:
            return {("info" if name == "Info" else name): value for name, value in given.items()}
        return given


@dataclass(frozen=True, slots=True)
class Classifier:
    """A classifier as found."""

    project_id: str
    id: str
    training_state: str
    status: str
    shown: JsonObject

    @property
    def key(self) -> str:
        """Its name among all projects' classifiers."""
        return f"{self.project_id}/{self.id}"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a classifier.

    *asked* is the status it was made to get, or "" if we did not make it. *changes* counts what was found to
    change: it is part of every fact's key. *classifier* is the object as last seen.
    """

    training_state: str
    status: str
    asked: str = ""
    changes: int = 0
    classifier: JsonObject = field(default_factory=dict)


def recall(kept: JsonObject | None) -> Memory | None:
    """The :class:`Memory` in *kept*; None without one."""
    if not kept:
        return None
    return Memory(**{name: kept[name] for name in Memory.__dataclass_fields__ if name in kept})


def keep(memory: Memory) -> JsonObject:
    """*memory* as JSON."""
    return asdict(memory)


def read(project_id: str, given: VendorClassifier) -> Classifier:
    """*given* with its id, which the service hides in the last part of ``url``."""
    shown = {"id": events.id_of(given.url), **given.model_dump()}
    return Classifier(project_id, shown["id"], given.training_state, given.status, shown)


def begin(found: Classifier) -> Classifier:
    """*found* as it was when it was made: an adopted one may have been trained since, which its next poll tells."""
    states = {"training_state": IN_TRAINING, "status": INACTIVE}
    return replace(found, **states, shown={**found.shown, **states})


def is_done(training_state: str, status: str, asked: str) -> bool:
    """Whether a classifier is as it was asked for: trained, and active unless made to be inactive."""
    return training_state == TRAINED and (status == ACTIVE or asked == INACTIVE)


def compare(
    before: Memory | None, found: Classifier, *, announce: bool = True, asked: str = ""
) -> declare.Seen:
    """What a look at a classifier brought, against what was remembered (None: never seen).

    A new one is told as ``added``, and by the state it is in. Later each change of either state is told
    once, as the one event that names it best. *asked* is the status that we have just made it with.
    """
    changed = before is not None and (before.training_state, before.status) != (
        found.training_state,
        found.status,
    )
    after = Memory(
        found.training_state,
        found.status,
        asked=before.asked if before else asked,
        changes=(before.changes if before else 0) + int(changed),
        classifier=found.shown,
    )
    names = _news(before, after) if changed or before is None else []
    data = tell(found, before)
    done = is_done(after.training_state, after.status, after.asked)
    broken = after.training_state == BROKEN
    return declare.Seen(
        found.key,
        keep(after),
        facts=[fact(name, found, after, data) for name in names] if announce else [],
        subject=found.id,
        state=after.training_state if broken or not done else READY,
        final=done or broken,
        result=data if done else None,
        failure=f"the training failed: {data['error']}" if broken else None,
        resource=found.shown,
    )


def _news(before: Memory | None, after: Memory) -> Sequence[str]:
    """The names of what is told of a new or changed classifier."""
    entered = _entered(before, after)
    if before is None:
        return [ADDED, *([entered] if entered else [])]
    return [entered or STATUS_CHANGED]


def _entered(before: Memory | None, after: Memory) -> str | None:
    """The state with an event of its own that has just been entered."""
    was = before.training_state if before else None
    if after.training_state in (IN_TRAINING, BROKEN):
        if was == after.training_state:
            return None
        return TRAINING if after.training_state == IN_TRAINING else FAILED
    was_done = before is not None and is_done(before.training_state, before.status, before.asked)
    return READY if is_done(after.training_state, after.status, after.asked) and not was_done else None


def tell(found: Classifier, before: Memory | None) -> JsonObject:
    """The ``data`` of an event about a classifier."""
    return {
        "classifier": found.shown,
        "project_id": found.project_id,
        "training_state": found.training_state,
        "status": found.status,
        "previous": {"training_state": before.training_state, "status": before.status} if before else None,
        "error": explain(found.shown.get("info")) if found.training_state == BROKEN else None,
    }


def explain(info: Any) -> str:
    """What ``info`` says of a failure; under which name it does, no text tells."""
    if isinstance(info, dict):
        named = next((info[name] for name in ("error", "message", "detail") if info.get(name)), None)
        info = named or (jsons.dumps(info) if info else None)
    return " ".join(str(info or "the service gives no reason").split())[:LONGEST_TEXT]


def fact(name: str, found: Classifier, after: Memory, data: JsonObject) -> Fact:
    """The fact *name* of the change that *after* counts. That it was added is one fact in any state."""
    states = f"{after.training_state}:{after.status}:{after.changes}"
    key = f"classifier:{found.key}:{name}" + ("" if name == ADDED else f":{states}")
    return Fact(PREFIX + name, found.id, key, data)


def remove(key: str, before: Memory | None) -> declare.Seen:
    """What it means that the classifier *key* (``PROJECT/ID``) is not there: told if it was ever seen."""
    project_id, _, id = key.rpartition("/")
    gone = declare.Seen(
        key, {}, subject=id, state=REMOVED, final=True, failure="the classifier was removed", gone=True
    )
    if before is None:
        return gone
    shown = {"id": id, "url": "", **before.classifier}
    found = Classifier(project_id, id, before.training_state, before.status, shown)
    last = replace(before, changes=before.changes + 1)
    return replace(gone, facts=[fact(REMOVED, found, last, tell(found, before))], resource=shown)
