"""From the merged tree to webhooks, watches, callbacks and schedules. Called by ``build``.

Each item of an array stands for itself: one that is wrong is noted and left out, the others are built. What
an item means beside the others (names, accounts, types) is the checks' business.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel

from daemon.clock import firings
from daemon.config import tables
from daemon.config.desk import Desk
from daemon.contract import configured, wording
from daemon.model.problems import Path

M = TypeVar("M", bound=BaseModel)

WHSEC = "whsec_"  # how Standard Webhooks secrets begin


def items(at: Desk, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each table of the array *key*, with its path and without the keys that are not built yet."""
    given = at.source.tree.get(key, [])
    if not isinstance(given, list):
        text = f"{key} is an array of tables, came {wording.describe(given)}"
        at.note((key,), text, f"Write it under [[{key}]].", spot="table")
        return
    for number, item in enumerate(given):
        path: Path = (key, number)
        if isinstance(item, dict):
            yield path, at.refuse_unbuilt(key, item, path)
        else:
            at.note(path, f"a table is expected, came {wording.describe(item)}", f"Write it under [[{key}]].")


def tables_of(at: Desk, key: str, model: type[M]) -> Iterator[tuple[Path, M]]:
    """Each item of the array *key* that is a good *model*."""
    for path, given in items(at, key):
        table = at.validate(model, given, path)
        if table is not None:
            yield path, table


def webhooks(at: Desk) -> list[configured.Webhook]:
    """The ``[[webhook]]`` tables that are good in themselves."""
    return [_webhook(at, path, table) for path, table in tables_of(at, "webhook", tables.WebhookTable)]


def _webhook(at: Desk, path: Path, table: tables.WebhookTable) -> configured.Webhook:
    place = (*path, "secret")
    secret = at.anchored(table.secret, place)
    found = at.reveal(secret, place)
    if found is not None and table.verify == "standard-webhooks" and not _is_base64(found):
        text = "the secret of standard-webhooks is not base64"
        at.note(place, text, f"Copy it whole from the sender; it usually begins with {WHSEC}.")
    if table.header is not None and table.verify == "standard-webhooks":
        text = "header has no use here: standard-webhooks names its own headers"
        at.note((*path, "header"), text, "Take it out.", spot="key")
    return configured.Webhook(
        name=table.name,
        verify=table.verify,
        header=table.header,
        secret=secret,
        type=table.type,
        key=table.key,
    )


def _is_base64(text: str) -> bool:
    bare = text.removeprefix(WHSEC).rstrip("=")
    padding = "=" * (-len(bare) % 4)  # no more: from Python 3.13 on too much of it is refused
    try:
        return bool(base64.b64decode(bare + padding, validate=True))
    except (binascii.Error, ValueError):
        return False


def watches(at: Desk) -> list[configured.Watch]:
    """The ``[[watch]]`` tables that are good in themselves; their own options are taken as they are."""
    return [_watch(at, path, table) for path, table in tables_of(at, "watch", tables.WatchTable)]


def _watch(at: Desk, path: Path, table: tables.WatchTable) -> configured.Watch:
    options = {key: at.plain(value, (*path, key)) for key, value in (table.model_extra or {}).items()}
    return configured.Watch(
        name=table.name,
        account=table.service,
        resource=table.resource,
        every=table.every,
        stalled_after=table.stalled_after,
        backfill=table.backfill,
        options=options,
    )


def callbacks(at: Desk) -> list[configured.Callback]:
    """The ``[[callback]]`` tables that are good in themselves."""
    return [
        configured.Callback(table.service, table.pop_id, table.tracer)
        for _, table in tables_of(at, "callback", tables.CallbackTable)
    ]


def schedules(at: Desk) -> list[configured.Schedule]:
    """The ``[[schedule]]`` tables that are good in themselves."""
    return [_schedule(at, path, table) for path, table in tables_of(at, "schedule", tables.ScheduleTable)]


def _schedule(at: Desk, path: Path, table: tables.ScheduleTable) -> configured.Schedule:
    return configured.Schedule(
        name=table.name,
        cron=table.cron,
        every=table.every,
        at=_instant(table),
        timezone=table.timezone,
        misfire=table.misfire,
        gap=table.gap,
        data=at.plain(table.data, (*path, "data")),
    )


def _instant(table: tables.ScheduleTable) -> int | None:
    """The instant of ``at``; with ``gap = "skip"`` a local time that does not exist has none."""
    if table.at is None:
        return None
    try:
        return firings.local_instant(table.at, table.timezone, table.gap)
    except ValueError:
        return None  # the zone is wrong, which the check of schedules says
