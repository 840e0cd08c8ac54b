"""Webhooks, watches, callbacks and schedules: what they name exists, and their texts can be read. Pure."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import ValidationError

from daemon import expressions
from daemon.checking import naming, templates, types
from daemon.checking.draft import Callback, Draft, Schedule, Watch, Webhook
from daemon.clock import crontab, firings
from daemon.contract import wording
from daemon.contract.catalog import Catalog
from daemon.model import events
from daemon.model.problems import Problem

MOMENTS = ("cron", "every", "at")


def check_webhook(webhook: Webhook) -> Iterator[Problem]:
    """The type is the operator's own, the key can be rendered and tells bodies apart."""
    if webhook.type is not None:
        path = (*webhook.path, "type")
        if not events.is_type(webhook.type):
            text = types.unfit(webhook.type) or f"{webhook.type} is a glob, and one type is produced"
            yield Problem(path, text, "Write dotted words, as in orders.received.")
        elif types.is_reserved(webhook.type):
            word = webhook.type.partition(".")[0]
            text = f"types under {word} are reserved for the events that the daemon itself tells"
            yield Problem(path, text, "Choose another first word.")
    if webhook.key is not None and not expressions.is_template(webhook.key):
        text = "the key is the same for every body: only the first would become an event"
        yield Problem((*webhook.path, "key"), text, "Write a template, as in {{ body.id }}, or leave it out.")
    elif webhook.key is not None:
        yield from templates.check_templates((*webhook.path, "key"), webhook.key, templates.BODY)


def check_watch(draft: Draft, catalog: Catalog, watch: Watch) -> Iterator[Problem]:
    """The account exists, its kind has the resource, and the options are the resource's."""
    if watch.account is None:
        return
    path = (*watch.path, "service")
    yield from naming.check_account(draft, catalog, path, watch.account, None, "the watch")
    account = draft.account(watch.account)
    if account is None or account.kind not in catalog.account_kinds or watch.resource is None:
        return
    declared = catalog.watches.get((account.kind, watch.resource))
    if declared is None:
        known = sorted(resource for kind, resource in catalog.watches if kind == account.kind)
        otherwise = f"{account.kind} has: {', '.join(known)}." if known else f"{account.kind} has none."
        help = wording.meant(watch.resource, known, otherwise=otherwise)
        yield Problem(
            (*watch.path, "resource"), f"{account.kind} has no resource {watch.resource} to watch", help
        )
        return
    known = [
        "name",
        "service",
        "resource",
        "every",
        "stalled_after",
        "backfill",
        *declared.options.model_fields,
    ]
    try:
        declared.options.model_validate(watch.options)
    except ValidationError as wrong:
        yield from wording.problems(wrong, watch.options, watch.path, lambda _path: known)


def check_callback(draft: Draft, catalog: Catalog, callback: Callback) -> Iterator[Problem]:
    """The account exists, its kind can be told whom to call, and it is said what about."""
    if callback.account is not None:
        path = (*callback.path, "service")
        yield from naming.check_account(draft, catalog, path, callback.account, None, "the callback")
        account = draft.account(callback.account)
        kind = account.kind if account is not None else None
        if kind in catalog.account_kinds and catalog.connectors[kind or ""].registering is None:
            able = [name for name, one in catalog.connectors.items() if one.registering is not None]
            text = f"{kind} cannot be told whom to call back"
            yield Problem(path, text, f"Name an account of {' or '.join(able)}.")
    about = [key for key in ("tracer", "collaboration") if key in callback.given]
    if not about or (about == ["collaboration"] and not callback.collaboration):
        text = "it is not said what the callback is about"
        help = 'Add tracer = "NAME", or collaboration = true.'
        yield Problem(callback.path, text, help, spot="table")
    elif len(about) > 1:
        text = "tracer and collaboration exclude one another"
        yield Problem((*callback.path, "collaboration"), text, "Write a [[callback]] for each.", spot="key")


def check_callbacks_once(draft: Draft) -> Iterator[Problem]:
    """No callback is asked for twice."""
    seen: set[tuple[str, str, str | None]] = set()
    for one in draft.callbacks:
        if one.account is None or one.pop_id is None or (one.tracer is None and not one.collaboration):
            continue
        wish = (one.account, one.pop_id, one.tracer)
        if wish in seen:
            what = f"the tracer {one.tracer}" if one.tracer is not None else "collaboration"
            text = f"a callback for {what} of the pop {one.pop_id} stands here already"
            yield Problem((*one.path, "pop_id"), text, "Keep one of them.")
        seen.add(wish)


def check_schedule(schedule: Schedule) -> Iterator[Problem]:
    """Exactly one of ``cron every at``, each readable, in a zone that exists."""
    given = [key for key in MOMENTS if key in schedule.table]
    if not given:
        text = "a schedule needs one of cron, every and at"
        yield Problem(schedule.path, text, 'Add one, as in cron = "0 2 * * *".', spot="table")
    elif len(given) > 1:
        text = f"{' and '.join(given)} exclude one another"
        yield Problem((*schedule.path, given[-1]), text, "Keep one of them.", spot="key")
    if "scheduled_for" in schedule.data:
        text = "scheduled_for is what the firing itself tells"
        yield Problem((*schedule.path, "data", "scheduled_for"), text, "Choose another name.", spot="key")
    zone = schedule.table.get("timezone", "UTC")
    yield from _check_zone(schedule, zone)
    yield from _check_cron(schedule)


def _check_zone(schedule: Schedule, zone: object) -> Iterator[Problem]:
    if not isinstance(zone, str) or not zone.strip():
        return
    try:
        firings.parse_zone(zone)
    except ValueError as wrong:
        text, _, help = str(wrong).partition("; did")
        yield Problem((*schedule.path, "timezone"), text, f"Did{help}" if help else "")
        return
    at, gap = schedule.table.get("at"), schedule.table.get("gap", "after")
    if not isinstance(at, datetime) or gap != "skip" or not 1970 < at.year < 9999:
        return
    if firings.local_instant(at, zone, "skip") is None:
        text = f"clocks in {zone} never show {at.isoformat()}, and gap is skip: this never fires"
        yield Problem((*schedule.path, "at"), text, "Choose another moment.")


def _check_cron(schedule: Schedule) -> Iterator[Problem]:
    cron = schedule.table.get("cron")
    if isinstance(cron, str) and cron.strip():
        try:
            crontab.parse_cron(cron)
        except ValueError as wrong:
            help = "Write minute hour day month weekday, as in 0 2 * * *."
            yield Problem((*schedule.path, "cron"), str(wrong), help)
