"""What is news of a project's messages: every one with a higher id than the newest that was told. Pure.

The watch calls it. Ids grow as messages are added (Compass API text), so one number is all that is remembered.
"""

from collections.abc import Mapping

from daemon.connectors.compass import events
from daemon.contract import declare
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

CURSOR = "newest"  # the last part of the id under which a project's cursor is remembered


def recall(kept: JsonObject | None) -> int | None:
    """The id of the newest message that was told; None if none was looked at yet."""
    return int(kept["newest"]) if kept else None


def keep(project_id: str, newest: int) -> declare.Seen:
    """The cursor of a project's messages."""
    return declare.Seen(f"{project_id}/{CURSOR}", {"newest": newest}, subject=project_id)


def tell(project_id: str, found: Mapping[int, JsonObject]) -> list[declare.Seen]:
    """Every message of *found*, by id.

    Each has a row of its own, so that one that a run of ours posted carries on that run's trace; the row goes at
    once, since the cursor knows that it was told.
    """
    return [_tell(project_id, str(id), message) for id, message in found.items()]


def _tell(project_id: str, id: str, message: JsonObject) -> declare.Seen:
    shown = {"id": id, **message}
    data = {"message": shown, "project_id": project_id}
    fact = Fact(events.MessageAdded.type, id, f"message:{project_id}/{id}", data)
    return declare.Seen(f"{project_id}/{id}", {}, facts=[fact], subject=id, resource=shown, gone=True)
