"""TONalytica's dashboards, widgets, visualizations and alerts. Rows for ``tonalytica``.

Up to version 9 a dashboard is read and archived by its slug, as the API text says; from version 10 on by its
number, and by slug only with ``?legacy``. Edits and shares go by number on every version (recorded answers).
"""

import re
from functools import partial

from daemon.sandbox import exchange, tonalytica_instance

EDITED = ("name", "layout", "tags", "is_draft", "is_archived", "options", "dashboard_filters_enabled")


def rows(instance: tonalytica_instance.Instance) -> list[exchange.Row]:
    """The dashboards' part of the API."""
    return [
        ("GET", "/api/dashboards", partial(list_dashboards, instance)),
        ("POST", "/api/dashboards", partial(create_dashboard, instance)),
        ("GET", "/api/dashboards/{}", partial(get_dashboard, instance)),
        ("POST", "/api/dashboards/{}", partial(update_dashboard, instance)),
        ("DELETE", "/api/dashboards/{}", partial(archive_dashboard, instance)),
        ("POST", "/api/dashboards/{}/share", partial(share, instance)),
        ("DELETE", "/api/dashboards/{}/share", partial(unshare, instance)),
        ("POST", "/api/widgets", partial(create_widget, instance)),
        ("POST", "/api/visualizations", partial(create_visualization, instance)),
        ("GET", "/api/alerts", partial(list_alerts, instance)),
        ("POST", "/api/alerts", partial(create_alert, instance)),
        ("GET", "/api/alerts/{}", partial(get_alert, instance)),
    ]


def find(instance: tonalytica_instance.Instance, name: str, *, by_slug: bool) -> exchange.Record:
    """The dashboard by slug or by number, or 404; a slug where a number belongs makes real servers stumble."""
    if not by_slug:
        return tonalytica_instance.found(instance.dashboards, name)
    for dashboard in instance.dashboards.values():
        if name == dashboard["slug"]:
            return dashboard
    raise tonalytica_instance.refuse(404, tonalytica_instance.NOT_FOUND)


def _edited(instance: tonalytica_instance.Instance, name: str) -> exchange.Record:
    """The dashboard numbered *name*; where there is none, editing is a 500."""
    dashboard = instance.dashboards.get(exchange.whole(name, -1))
    if dashboard is None:
        raise tonalytica_instance.broken()
    return dashboard


def slugify(name: str) -> str:
    """Redash's slug of a name: whatever is no letter, figure, dash or underscore becomes one dash."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())


def _new_slug(instance: tonalytica_instance.Instance, name: str) -> str:
    """Up to version 9 a slug is unique, by a number behind it; later ones may repeat."""
    slug = first = slugify(name)
    taken = {dashboard["slug"] for dashboard in instance.dashboards.values()}
    number = 0
    while instance.generation < tonalytica_instance.BY_NUMBER and slug in taken:
        number += 1
        slug = f"{first}_{number}"
    return slug


def shown(dashboard: exchange.Record) -> exchange.Record:
    """The dashboard in full; its public address only while it is shared."""
    told = {k: v for k, v in dashboard.items() if k != "keys"}
    if dashboard["keys"]:
        told |= {"public_url": _public(dashboard["keys"][0]), "api_key": dashboard["keys"][0]}
    return told


def list_dashboards(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """A page of those not archived; widgets are null in lists."""
    word = ask.query.get("q", "").lower()
    kept = [d for d in instance.dashboards.values() if not d["is_archived"] and word in d["name"].lower()]
    told = [{**d, "widgets": None} for d in tonalytica_instance.ordered(ask, kept)]
    return tonalytica_instance.page(ask, [{k: v for k, v in d.items() if k != "keys"} for d in told])


def create_dashboard(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """A draft that has its name and nothing else of what is sent; ``widgets`` is null in this answer."""
    body = tonalytica_instance.fields(ask)
    if not isinstance(body.get("name"), str):
        raise tonalytica_instance.broken()
    number = instance.next("dashboard")
    now = instance.stamp()
    dashboard = {
        "id": number,
        "slug": _new_slug(instance, body["name"]),
        "name": body["name"],
        "user_id": 1,
        "user": tonalytica_instance.USER,
        "layout": [],
        "dashboard_filters_enabled": False,
        "widgets": [],
        "options": {},
        "is_archived": False,
        "is_draft": True,
        "tags": [],
        "updated_at": now,
        "created_at": now,
        "version": 1,
        "is_favorite": False,
        "keys": [],
    }
    instance.dashboards[number] = dashboard
    return exchange.Reply(200, {**shown(dashboard), "widgets": None}, "dashboard.created", str(number))


def get_dashboard(instance: tonalytica_instance.Instance, ask: exchange.Ask, name: str) -> exchange.Reply:
    """One dashboard, archived ones too."""
    by_slug = instance.generation < tonalytica_instance.BY_NUMBER or "legacy" in ask.query
    return exchange.Reply(200, shown(find(instance, name, by_slug=by_slug)))


def update_dashboard(instance: tonalytica_instance.Instance, ask: exchange.Ask, name: str) -> exchange.Reply:
    """By number only; ``version`` counts up with every edit, and an old one is 409. From version 10 on the slug
    goes with the name."""
    dashboard = _edited(instance, name)
    body = tonalytica_instance.fields(ask)
    if not isinstance(body.get("name", ""), str):
        raise tonalytica_instance.broken()
    tonalytica_instance.check_version(dashboard, body)
    dashboard.update({key: body[key] for key in EDITED if key in body})
    dashboard |= {"version": dashboard["version"] + 1, "updated_at": instance.stamp()}
    if instance.generation >= tonalytica_instance.BY_NUMBER:
        dashboard["slug"] = slugify(dashboard["name"])
    return exchange.Reply(200, shown(dashboard), "dashboard.updated", name)


def archive_dashboard(instance: tonalytica_instance.Instance, ask: exchange.Ask, name: str) -> exchange.Reply:
    """The dashboard, archived; repeating is harmless. What is not there is a 500."""
    by_slug = instance.generation < tonalytica_instance.BY_NUMBER
    try:
        dashboard = find(instance, name, by_slug=by_slug)
    except exchange.Refused:
        raise tonalytica_instance.broken() from None
    dashboard["is_archived"] = True
    return exchange.Reply(200, shown(dashboard), "dashboard.archived", str(dashboard["id"]))


def share(instance: tonalytica_instance.Instance, ask: exchange.Ask, name: str) -> exchange.Reply:
    """Another public key each time it is asked."""
    dashboard = _edited(instance, name)
    key = instance.new_key("share")
    dashboard["keys"].append(key)
    return exchange.Reply(
        200, {"public_url": _public(key), "api_key": key}, "dashboard.shared", str(dashboard["id"])
    )


def unshare(instance: tonalytica_instance.Instance, ask: exchange.Ask, name: str) -> exchange.Reply:
    """All its public keys are void."""
    dashboard = _edited(instance, name)
    dashboard["keys"].clear()
    return exchange.Reply(200, None, "dashboard.unshared", str(dashboard["id"]))


def create_widget(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Text, or a visualization by its number, on a dashboard."""
    body = tonalytica_instance.fields(ask)
    dashboard = instance.dashboards.get(exchange.whole(body.get("dashboard_id"), -1))
    if dashboard is None or not isinstance(body.get("options", {}), dict):
        raise tonalytica_instance.broken()
    number = instance.next("widget")
    now = instance.stamp()
    widget = {
        "id": number,
        "width": body.get("width", 1),
        "options": body.get("options", {}),
        "dashboard_id": dashboard["id"],
        "text": body.get("text") or "",
        "updated_at": now,
        "created_at": now,
    }
    if body.get("visualization_id") is not None:
        widget["visualization"] = _visualization(instance, body["visualization_id"])
    dashboard["widgets"].append(widget)
    return exchange.Reply(200, widget, "widget.created", str(number))


def create_visualization(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """A way of showing one query's result."""
    body = tonalytica_instance.fields(ask)
    query = instance.queries.get(exchange.whole(body.get("query_id"), -1))
    if query is None or not isinstance(body.get("name"), str) or not isinstance(body.get("type"), str):
        raise tonalytica_instance.broken()
    now = instance.stamp()
    made = {
        "id": instance.next("visualization"),
        "type": body["type"],
        "name": body["name"],
        "description": body.get("description") or "",
        "options": body.get("options") or {},
        "updated_at": now,
        "created_at": now,
    }
    query["visualizations"].append(made)
    return exchange.Reply(200, made, "visualization.created", str(made["id"]))


def list_alerts(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """A plain list."""
    return exchange.Reply(200, list(instance.alerts.values()))


def create_alert(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """``name options query_id`` needed."""
    body = tonalytica_instance.fields(ask)
    if not {"name", "options", "query_id"} <= set(body):
        raise tonalytica_instance.broken()
    number = instance.next("alert")
    given = {key: body.get(key) for key in ("name", "options", "query_id", "rearm")}
    alert = {"id": number, **given, "state": "unknown", "user": tonalytica_instance.USER}
    instance.alerts[number] = alert
    return exchange.Reply(200, alert, "alert.created", str(number))


def get_alert(instance: tonalytica_instance.Instance, ask: exchange.Ask, alert_id: str) -> exchange.Reply:
    """One alert."""
    return exchange.Reply(200, tonalytica_instance.found(instance.alerts, alert_id))


def _visualization(instance: tonalytica_instance.Instance, number: object) -> exchange.Record:
    for query in instance.queries.values():
        for visualization in query["visualizations"]:
            if visualization["id"] == number:
                return {**visualization, "query": {k: v for k, v in query.items() if k != "visualizations"}}
    raise tonalytica_instance.broken()


def _public(key: str) -> str:
    return f"http://tonalytica.example/public/dashboards/{key}?org_slug=default"
