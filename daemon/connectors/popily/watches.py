"""What of Popily can be watched: sources. ``intake`` polls this and writes what it has seen."""

from collections.abc import Sequence
from functools import lru_cache

import structlog
from pydantic import Field, field_validator

from daemon.connectors.popily import client as popily
from daemon.connectors.popily import events
from daemon.contract import declare, errors
from daemon.model.jsons import JsonObject

log = structlog.get_logger()


class SourcesOptions(declare.Options):
    """Which sources to watch."""

    ids: list[int | str] | None = Field(
        None, min_length=1, description="Only these sources, by id; all without."
    )

    @field_validator("ids")
    @classmethod
    def check_ids(cls, ids: list[int | str] | None) -> list[int | str] | None:
        """A source is remembered by its number: a slug, by which Popily finds it too, would be a second
        name."""
        if any(not str(one).isdecimal() for one in ids or ()):
            raise ValueError("a source's id is a number; its slug does not do here")
        return ids


@declare.watch(
    "sources",
    noun="source",
    events=tuple(event.type for event in events.ALL),
    wanted=lambda options: None if options.ids is None else tuple(str(one) for one in options.ids),
)
async def sources(
    client: popily.PopilyClient, options: SourcesOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """Sources and their status, from inspecting to finished or error."""
    if cursor.wanted is not None:
        return [await _wanted(client, cursor, source_id) for source_id in cursor.wanted]
    listed = {
        str(source["id"]): source for source in await client.pages(popily.SOURCES, {}) if "id" in source
    }
    seen = [_seen(source, cursor) for source in listed.values()]
    # Pages shift while they are read: what is missing is gone only when its own address says so.
    lost = [source_id for source_id in cursor.memory if source_id not in listed]
    return seen + [await _wanted(client, cursor, source_id) for source_id in lost]


def _seen(source: JsonObject, cursor: declare.Cursor) -> declare.Seen:
    if "id" not in source:
        raise errors.StrangeAnswer("the answer is no source: it has no id. Is base_url right?")
    status = events.word_of(source.get("status"))
    if status and status not in events.STATUSES:
        _warn(status)
    return events.compare(cursor.memory.get(str(source["id"])), source, cursor.announce)


@lru_cache(maxsize=64)
def _warn(status: str) -> None:
    """One line for each status that no edition of Popily's text names; it is passed on as it is."""
    log.warning("state.unknown", service="popily", what="source", state=status)


async def _wanted(client: popily.PopilyClient, cursor: declare.Cursor, wanted: str) -> declare.Seen:
    """One source by id."""
    try:
        return _seen(await client.read(popily.item_path(popily.SOURCES, wanted)), cursor)
    except errors.PermanentError as lost:
        if not lost.missing:
            raise
    await client.check()
    return events.gone(wanted, cursor.memory.get(wanted))
