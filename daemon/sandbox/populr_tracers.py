"""Populr's tracers: codes that count who opened a pop, and analytics.

Rows for ``populr``; ``control`` makes people look with :func:`count`, ``populr_calls`` tells of it.
"""

from functools import partial
from typing import Any

from daemon.sandbox import exchange, populr_group, populr_hooks


def rows(group: populr_group.Group) -> list[exchange.Row]:
    """The tracers' part of the API."""
    return [
        ("GET", "/pops/{}/tracers", partial(list_tracers, group)),
        ("POST", "/pops/{}/tracers", partial(create_tracer, group)),
        ("GET", "/pops/{}/tracers/{}", partial(get_tracer, group)),
        ("PUT", "/pops/{}/tracers/{}", partial(update_tracer, group)),
        ("DELETE", "/pops/{}/tracers/{}", partial(delete_tracer, group)),
        ("GET", "/pops/{}/analytics", partial(get_analytics, group)),
    ]


def find(group: populr_group.Group, pop_id: str, tracer_id: str) -> exchange.Record:
    """The tracer as kept, or 404."""
    group.pop(pop_id)
    return group.found(group.tracers[pop_id], tracer_id, "tracer")


def shown(group: populr_group.Group, tracer: exchange.Record) -> exchange.Record:
    """The tracer as the API tells it. ``links`` and ``assets`` are there once something was clicked
    (vendor's spec); the document's replies lack the code, which ``omit_tracer_codes`` imitates."""
    analytics = {k: v for k, v in tracer["analytics"].items() if v or k in ("views", "clicks")}
    hidden = ("code",) if group.settings["omit_tracer_codes"] else ()
    return {k: v for k, v in tracer.items() if k not in hidden} | {"analytics": analytics}


def list_tracers(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """The tracers of one pop, newest first."""
    group.pop(pop_id)
    found = populr_group.window(ask, list(reversed(group.tracers[pop_id].values())))
    return exchange.Reply(200, [shown(group, tracer) for tracer in found])


def get_tracer(group: populr_group.Group, ask: exchange.Ask, pop_id: str, tracer_id: str) -> exchange.Reply:
    """One tracer with its counters."""
    return exchange.Reply(200, shown(group, find(group, pop_id, tracer_id)))


def create_tracer(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """A tracer with a code of its own; names may repeat."""
    group.pop(pop_id)
    body = populr_group.body(ask)
    populr_group.required(body, "name")
    settings = {"notify_on_open": False, "notify_webhook": None, **checked(body)}
    tracer = {
        "_id": group.new_id(),
        **settings,
        "code": free_code(group),
        "created_at": group.stamp(),
        "analytics": {"views": 0, "clicks": 0, "links": {}, "assets": {}},
    }
    group.tracers[pop_id][tracer["_id"]] = tracer
    return exchange.Reply(200, shown(group, tracer), "tracer.created", tracer["_id"])


def update_tracer(
    group: populr_group.Group, ask: exchange.Ask, pop_id: str, tracer_id: str
) -> exchange.Reply:
    """Name and notification; the code stays. (Known from the vendor's Ruby client alone.)"""
    tracer = find(group, pop_id, tracer_id)
    tracer.update(checked(populr_group.body(ask)))
    return exchange.Reply(200, shown(group, tracer), "tracer.updated", tracer_id)


def delete_tracer(
    group: populr_group.Group, ask: exchange.Ask, pop_id: str, tracer_id: str
) -> exchange.Reply:
    """The tracer goes. (Known from the vendor's Ruby client alone.)"""
    find(group, pop_id, tracer_id)
    del group.tracers[pop_id][tracer_id]
    return exchange.Reply(200, {}, "tracer.deleted", tracer_id)


def get_analytics(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """The pop's sums over its tracers (shape from the vendor's Ruby client)."""
    group.pop(pop_id)
    found = [tracer["analytics"] for tracer in group.tracers[pop_id].values()]
    direct: exchange.Record = {"analytics": {}}
    sums = {key: sum(analytics[key] for analytics in found) for key in ("views", "clicks")}
    return exchange.Reply(200, {**sums, "direct_tracer": direct})


def checked(body: exchange.Record) -> exchange.Record:
    """The writable fields of *body*, each of the right type."""
    taken: exchange.Record = {}
    for name in ("name", "notify_on_open", "notify_webhook"):
        if name in body:
            taken[name] = _typed(name, body[name])
    if taken.get("notify_webhook"):
        populr_hooks.check(taken["notify_webhook"])
    return taken


def _typed(name: str, value: Any) -> Any:
    if name == "notify_on_open":
        good = isinstance(value, bool) or value in ("true", "false")
        value = value in (True, "true")
    else:
        good = isinstance(value, str) or (value is None and name == "notify_webhook")
    if not good:
        raise populr_group.refusal(400, "request.validation", f"{name} has the wrong type.")
    return value


def free_code(group: populr_group.Group) -> str:
    """Two or more letters that no other tracer has: ``aa``, ``ab`` …"""
    taken = {tracer["code"] for found in group.tracers.values() for tracer in found.values()}
    number = len(taken)
    while (code := _letters(number)) in taken:
        number += 1
    return code


def _letters(number: int) -> str:
    text = ""
    for _ in range(2):
        number, rest = divmod(number, 26)
        text = chr(ord("a") + rest) + text
    return (_letters(number - 1) if number else "") + text


def count(tracer: exchange.Record, views: int, clicks: int, links: dict[str, int], assets: Any) -> None:
    """Counters of *tracer* rise: clicks on *links* and *assets* (region, then asset) are added to
    *clicks*."""
    analytics = tracer["analytics"]
    analytics["views"] += views
    analytics["clicks"] += clicks + sum(links.values())
    for url, number in links.items():
        analytics["links"].setdefault(url, {"clicks": 0})["clicks"] += number
    for region, found in assets.items():
        for asset_id, number in found.items():
            below = analytics["assets"].setdefault(region, {})
            below.setdefault(asset_id, {"clicks": 0})["clicks"] += number
            analytics["clicks"] += number
