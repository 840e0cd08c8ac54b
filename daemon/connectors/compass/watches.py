"""The watch on Compass's classifiers: those of a project, or those that are named or followed.

Polled by ``intake``; ``events`` decides what is news.
"""

from collections.abc import Sequence

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events
from daemon.contract import declare, errors, http, requests


class ClassifiersOptions(declare.Options):
    """Which classifiers."""

    project_id: str = Field(description="The project's id.", min_length=1)
    ids: list[str | int] | None = Field(
        None, description="Only these classifiers; all of the project's otherwise."
    )


def _wanted(options: ClassifiersOptions) -> tuple[str, ...] | None:
    return tuple(f"{options.project_id}/{id}" for id in options.ids) if options.ids else None


@declare.watch(
    "classifiers",
    noun="classifier",
    events=events.TYPES,
    wanted=_wanted,
    scope=lambda options: options.project_id,
)
async def classifiers(
    client: vendor.CompassClient, options: ClassifiersOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """A project's classifiers: made, trained, ready or failed, switched, removed."""
    if cursor.wanted is not None:
        return [await _look(client, key, cursor) for key in cursor.wanted]
    found = [
        read_classifier(options.project_id, one) for one in await client.list_all(path_of(options.project_id))
    ]
    seen = [_compare(cursor, one) for one in {one.key: one for one in found}.values()]
    present = {one.id for one in seen}
    # Pages shift while they are read: what seems to be missing is asked for by itself.
    missing = [
        key for key in cursor.memory if key.startswith(f"{options.project_id}/") and key not in present
    ]
    return [*seen, *[await _look(client, key, cursor) for key in missing]]


async def _look(client: vendor.CompassClient, key: str, cursor: declare.Cursor) -> declare.Seen:
    project_id, _, id = key.rpartition("/")
    try:
        return _compare(cursor, await get_classifier(client, project_id, id))
    except errors.PermanentError as refused:
        if not refused.missing:
            raise
        return events.remove(key, events.recall(cursor.memory.get(key)))


def _compare(cursor: declare.Cursor, found: events.Classifier) -> declare.Seen:
    before = events.recall(cursor.memory.get(found.key))
    # One that is remembered already (followed, say) changes: that is news at a first poll too.
    return events.compare(before, found, announce=cursor.announce or before is not None)


def path_of(project_id: str, id: str | int | None = None) -> str:
    """The path of a project's classifiers, or of one of them."""
    below = f"/projects/{http.segment(project_id)}/p/classifiers/"
    return below if id is None else f"{below}{http.segment(id)}/"


async def get_classifier(client: vendor.CompassClient, project_id: str, id: str | int) -> events.Classifier:
    """One classifier; :class:`PermanentError` with ``missing`` when it is not there."""
    return read_classifier(project_id, await client.call("GET", path_of(project_id, id)))


def read_classifier(project_id: str, given: object) -> events.Classifier:
    """A classifier of an answer."""
    return events.read(project_id, requests.parse("Compass", events.VendorClassifier, given))
