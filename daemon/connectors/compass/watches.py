"""What of Compass can be watched: classifiers, topics, messages and counts, each within one project.

Polled by ``intake``; ``events`` decides what is news. Something counts as removed only where its own address says
that it is not there and its project can still be read: a right that was lost removes nothing.
"""

import functools
from collections.abc import Iterable, Sequence

import structlog
from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events
from daemon.connectors.compass.events import classifiers as classifier_looks
from daemon.connectors.compass.events import messages as message_looks
from daemon.connectors.compass.events import stats as stats_looks
from daemon.connectors.compass.events import topics as topic_looks
from daemon.contract import declare, errors, requests
from daemon.model.jsons import Json, JsonObject

MOST_MESSAGES = 1000  # told by one poll; the rest is told by the next ones

log = structlog.get_logger()


class ProjectOptions(declare.Options):
    """Of which project."""

    project_id: str = Field(description="The project's id.", min_length=1)


class ClassifiersOptions(ProjectOptions):
    """Which classifiers."""

    ids: list[declare.Id | int] | None = Field(
        None, min_length=1, description="Only these classifiers; all of the project's otherwise."
    )


class StatsOptions(ProjectOptions):
    """Which counts."""

    interval: int | float | None = Field(
        None, gt=0, description="Seconds in each time bucket; 300 by default."
    )
    num_buckets: int | None = Field(None, ge=1, description="How many time buckets; 120 by default.")


def _scope(options: ProjectOptions) -> str:
    return options.project_id


def _wanted(options: ClassifiersOptions) -> tuple[str, ...] | None:
    return tuple(f"{options.project_id}/{id}" for id in options.ids) if options.ids else None


@declare.watch(
    "classifiers",
    noun="classifier",
    events=tuple(event.type for event in events.CLASSIFIERS),
    wanted=_wanted,
    scope=_scope,
)
async def classifiers(
    client: vendor.CompassClient, options: ClassifiersOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """A project's classifiers: made, trained, ready or failed, switched, removed."""
    if cursor.wanted is not None:
        return [await _classifier(client, key, cursor) for key in cursor.wanted]
    listed = await client.list_all(path_of(options.project_id))
    found = {one.key: one for one in (read_classifier(options.project_id, one) for one in listed)}
    lost = _lost(options, cursor, found)
    return [_compare(cursor, one) for one in found.values()] + [
        await _classifier(client, key, cursor) for key in lost
    ]


async def _classifier(client: vendor.CompassClient, key: str, cursor: declare.Cursor) -> declare.Seen:
    project_id, _, id = key.rpartition("/")
    try:
        return _compare(cursor, await get_classifier(client, project_id, id))
    except errors.PermanentError as refused:
        await _is_gone(client, project_id, refused)
        return classifier_looks.remove(key, classifier_looks.recall(cursor.memory.get(key)))


def _compare(cursor: declare.Cursor, found: classifier_looks.Classifier) -> declare.Seen:
    before = classifier_looks.recall(cursor.memory.get(found.key))
    _expect("training_state", found.training_state, classifier_looks.TRAINING_STATES)
    _expect("status", found.status, classifier_looks.STATUSES)
    # One that is remembered already (followed, say) changes: that is news at a first poll too.
    return classifier_looks.compare(before, found, announce=cursor.announce or before is not None)


@declare.watch(
    "topics",
    noun="topic",
    events=tuple(event.type for event in events.TOPICS),
    wanted=lambda _options: None,
    scope=_scope,
)
async def topics(
    client: vendor.CompassClient, options: ProjectOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """A project's topics: made, changed, removed."""
    if cursor.wanted is not None:
        return [await _topic(client, key, cursor) for key in cursor.wanted]
    listed = await client.list_all(vendor.inside(options.project_id, "topics"))
    seen = {one.id: one for one in (_compare_topic(options.project_id, topic, cursor) for topic in listed)}
    lost = _lost(options, cursor, seen)
    return [*seen.values(), *[await _topic(client, key, cursor) for key in lost]]


async def _topic(client: vendor.CompassClient, key: str, cursor: declare.Cursor) -> declare.Seen:
    project_id, _, id = key.rpartition("/")
    try:
        return _compare_topic(project_id, await client.read(vendor.inside(project_id, "topics", id)), cursor)
    except errors.PermanentError as refused:
        await _is_gone(client, project_id, refused)
        return topic_looks.remove(key, topic_looks.recall(cursor.memory.get(key)))


def _compare_topic(project_id: str, given: JsonObject, cursor: declare.Cursor) -> declare.Seen:
    requests.parse("Compass", events.TopicShown, {"id": "", **given})
    found = topic_looks.show(given)
    _expect("topic status", str(found.get("status")), topic_looks.STATUSES)
    before = topic_looks.recall(cursor.memory.get(f"{project_id}/{found['id']}"))
    return topic_looks.compare(project_id, before, found, announce=cursor.announce or before is not None)


@declare.watch(
    "messages",
    noun="message",
    events=(events.MessageAdded.type,),
    wanted=lambda _options: None,
    scope=_scope,
)
async def messages(
    client: vendor.CompassClient, options: ProjectOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """A project's messages as they are added, by their ids; at most a thousand at each poll, the oldest first."""
    project_id = options.project_id
    newest = message_looks.recall(cursor.memory.get(f"{project_id}/{message_looks.CURSOR}"))
    if newest is None and not cursor.announce:
        return [message_looks.keep(project_id, await client.newest_message(project_id))]
    found = await client.messages_after(project_id, newest or 0, MOST_MESSAGES)
    told = message_looks.tell(project_id, found)
    return [*told, message_looks.keep(project_id, max(found, default=newest or 0))]


@declare.watch(
    "stats",
    noun="stats",
    events=(events.StatsSampled.type,),
    wanted=lambda _options: None,
    scope=_scope,
)
async def stats(
    client: vendor.CompassClient, options: StatsOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """How many messages a project has and how fast they come, told whenever that has changed."""
    query = options.model_dump(include={"interval", "num_buckets"}, exclude_none=True)
    found = await client.read(vendor.inside(options.project_id, "stats"), query)
    series = "x".join(str(query.get(name, "")) for name in ("interval", "num_buckets"))
    before = cursor.memory.get(f"{options.project_id}/{series}")
    return [stats_looks.compare(options.project_id, series, before, found, announce=cursor.announce)]


def _lost(options: ProjectOptions, cursor: declare.Cursor, found: Iterable[str]) -> list[str]:
    """What is remembered of the project and was not listed. Pages shift while they are read: what seems to be
    missing is asked for by itself.
    """
    present = set(found)
    return [key for key in cursor.memory if key.startswith(f"{options.project_id}/") and key not in present]


async def _is_gone(client: vendor.CompassClient, project_id: str, refused: errors.PermanentError) -> None:
    """Raise *refused* unless it says that a thing is not there, in a project that can be read."""
    if not refused.missing:
        raise refused
    await client.read(vendor.path("projects", project_id))


def _expect(what: str, state: str, known: Sequence[str]) -> None:
    """One warning for each state that the service's text does not name; it is passed on as it is."""
    if state not in known:
        _warn(what, state)


@functools.cache
def _warn(what: str, state: str) -> None:
    log.warning("state.unknown", service="compass", what=what, state=state)


def path_of(project_id: str, *id: str | int) -> str:
    """The path of a project's classifiers, or of one of them."""
    return vendor.inside(project_id, "classifiers", *id)


async def get_classifier(
    client: vendor.CompassClient, project_id: str, id: str | int
) -> classifier_looks.Classifier:
    """One classifier; :class:`PermanentError` with ``missing`` when it is not there."""
    return read_classifier(project_id, await client.call("GET", path_of(project_id, id)))


def read_classifier(project_id: str, given: Json) -> classifier_looks.Classifier:
    """A classifier of an answer."""
    return classifier_looks.read(
        project_id, requests.parse("Compass", classifier_looks.VendorClassifier, given)
    )
