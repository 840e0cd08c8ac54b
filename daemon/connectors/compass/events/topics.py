"""The comparing of a topic as remembered with one as found. Pure; the watch calls it.

A topic's counts and clusters move by themselves; what somebody chose is its title, status, blocking and
definition. Pending ones are made by clustering and go at the next one (Compass API text).
"""

from dataclasses import dataclass

from daemon.connectors.compass import events
from daemon.contract import declare
from daemon.model import jsons
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

CHOSEN = ("title", "status", "blocking", "info")  # what a change is a change of
MOVING = ("measurements", "clusters", "time_buckets")  # what is not shown, and not remembered
SETTLED = ("active", "inactive")  # statuses that last
STATUSES = (*SETTLED, "pending")


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a topic: the *topic* as last seen, and how often it was found to *change*."""

    topic: JsonObject
    changes: int = 0


def recall(kept: JsonObject | None) -> Memory | None:
    """The :class:`Memory` in *kept*; None without one."""
    return Memory(kept["topic"], kept["changes"]) if kept else None


def show(given: JsonObject) -> JsonObject:
    """*given* as events show it: with its id, without what moves by itself."""
    still = {name: value for name, value in given.items() if name not in MOVING}
    return {"id": events.id_of(str(given.get("url") or "")), **still}


def compare(project_id: str, before: Memory | None, found: JsonObject, *, announce: bool) -> declare.Seen:
    """What a look at a topic (see :func:`show`) brought, against what was remembered (None: never seen)."""
    changed = before is not None and _chosen(before.topic) != _chosen(found)
    changes = (before.changes if before else 0) + int(changed)
    facts: list[Fact] = []
    if announce and before is None:
        facts = [_fact(events.TopicAdded.type, project_id, found, None, changes)]
    elif announce and changed and before is not None:
        facts = [_fact(events.TopicChanged.type, project_id, found, before.topic, changes)]
    return declare.Seen(
        f"{project_id}/{found['id']}",
        {"topic": found, "changes": changes},
        facts=facts,
        subject=found["id"],
        state=str(found.get("status") or ""),
        final=found.get("status") in SETTLED,
        resource=found,
    )


def remove(key: str, before: Memory | None) -> declare.Seen:
    """What it means that the topic *key* (``PROJECT/ID``) is not there: told if it was ever seen."""
    project_id, _, id = key.rpartition("/")
    if before is None:
        return declare.Seen(key, {}, subject=id, gone=True)
    fact = _fact(events.TopicRemoved.type, project_id, before.topic, before.topic, before.changes + 1)
    return declare.Seen(key, {}, facts=[fact], subject=id, resource=before.topic, gone=True)


def _chosen(topic: JsonObject) -> JsonObject:
    return {name: topic.get(name) for name in CHOSEN}


def _fact(type: str, project_id: str, topic: JsonObject, previous: JsonObject | None, changes: int) -> Fact:
    """The fact of the change that *changes* counts. What was chosen is in its key too, should a watch begin anew."""
    what = jsons.fingerprint(_chosen(topic))[:12]
    key = f"topic:{project_id}/{topic['id']}:{type.rpartition('.')[2]}:{changes}:{what}"
    return Fact(type, topic["id"], key, {"topic": topic, "project_id": project_id, "previous": previous})
