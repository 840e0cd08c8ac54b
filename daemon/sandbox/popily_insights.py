"""Popily's insights: made of a finished source's columns, filtered, customised. Pure.

``popily`` keeps sources and customisations and asks here. Encodings of the query are those of the
vendor's clients: lists joined by commas, filters packed as ``column!op!v1,v2`` joined by ``__``.
"""

import hashlib
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from daemon.sandbox import django, exchange

GROUPS = ("category", "country", "state", "datetime", "zipcode")
NUMBERS = ("numeric", "currency")
TEXTS = ("title", "x_label", "y_label", "z_label")
ORDERS = ("a-z", "z-a", "asc", "dsc", "auto")
INTERVALS = ("minute", "hour", "day", "week", "month", "year")
CUSTOMIZED = (*TEXTS, "category_order", "time_interval", "refresh_rate", "swap")
PER_SOURCE = 1000


def of(source: exchange.Record) -> list[exchange.Record]:
    """Every insight of *source*, always the same ones with the same ids."""
    groups = [c for c in source["columns"] if c["data_type"] in GROUPS]
    numbers = [c for c in source["columns"] if c["data_type"] in NUMBERS]
    found = [_count(source, [group]) for group in groups]
    found += [_count(source, list(pair)) for pair in combinations(groups, 2)]
    found += [_average(source, number, group) for number in numbers for group in groups]
    return [{**insight, "id": source["id"] * PER_SOURCE + n} for n, insight in enumerate(found)]


def _count(source: exchange.Record, columns: list[exchange.Record]) -> exchange.Record:
    names = [column["column_header"] for column in columns]
    kinds = "_by_".join(column["data_type"] for column in columns)
    title = f"Number of {names[0]}" + (f" grouped by {names[1]}" if len(names) > 1 else "")
    return _insight(source, names, title, "count", f"count_by_{kinds}", "Number of Records")


def _average(source: exchange.Record, number: exchange.Record, group: exchange.Record) -> exchange.Record:
    names = [group["column_header"], number["column_header"]]
    title = f"Average {names[1]} by {names[0]}"
    kind = f"average_by_{group['data_type']}"
    return _insight(source, names, title, "average", kind, f"Average {names[1]}")


def _insight(
    source: exchange.Record, names: list[str], title: str, category: str, kind: str, y_label: str
) -> exchange.Record:
    return {
        "source": source["id"],
        "title": title,
        "x_label": names[0],
        "y_label": y_label,
        "z_label": names[1] if len(names) > 1 and category == "count" else "",
        "filters_key": "",
        "insight_type_category": category,
        "insight_type": kind,
        "insight_action": category,
        "of": names,
    }


def matching(insights: list[exchange.Record], query: Mapping[str, str]) -> list[exchange.Record]:
    """Those about all of ``columns`` (exactly, if any are given) and of the types asked for."""
    columns = _joined(query.get("columns"))
    kinds = {*_joined(query.get("insight_types")), *_joined(query.get("insight_actions"))}
    return [
        insight
        for insight in insights
        if (not columns or set(insight["of"]) == columns)
        and (not kinds or kinds & {insight["insight_type"], insight["insight_type_category"]})
    ]


def _joined(text: str | None) -> set[str]:
    return {part for part in (text or "").split(",") if part}


def filters_key(packed: Any) -> str:
    """A short key for a packed set of filters, ``""`` for none; 400 for anything that is not packed."""
    if not packed:
        return ""
    if not isinstance(packed, str) or any(part.count("!") != 2 for part in packed.split("__")):
        raise django.invalid(filters="Filters are column!operator!values, joined by two underscores.")
    return hashlib.sha256(packed.encode()).hexdigest()[:12]


def customization(given: exchange.Record) -> exchange.Record:
    """The customisation fields of a query or body, each checked."""
    taken = {name: given[name] for name in CUSTOMIZED if name in given}
    django.check_text(taken, *TEXTS)
    if taken.get("category_order", "auto") not in ORDERS:
        raise django.invalid_choice("category_order", taken["category_order"])
    if taken.get("time_interval", "day") not in INTERVALS:
        raise django.invalid_choice("time_interval", taken["time_interval"])
    if "refresh_rate" in taken and exchange.whole(taken["refresh_rate"], -1) < 0:
        raise django.invalid(refresh_rate="A valid integer is required.")
    return taken


def told(insight: exchange.Record, query: Mapping[str, str], now: int | None) -> exchange.Record:
    """The insight as answered; *now* (seconds) is given for a detail, which has a signed address too.
    ``full`` adds values, made up but always the same."""
    shown = {k: v for k, v in insight.items() if k != "of"}
    if now is not None:
        shown["embed_url"] = _address(insight, query, now)
    if django.truth(query.get("full")):
        labels = [f"{insight['x_label']} {letter}" for letter in "ABC"]
        shown |= {"x_values": labels, "y_values": [_number(insight["id"], label) for label in labels]}
        shown["z_values"] = [f"{insight['z_label']} A"] * 3 if insight["z_label"] else []
    return shown


def _number(insight_id: int, label: str) -> int:
    return hashlib.sha256(f"{insight_id} {label}".encode()).digest()[0]


def _address(insight: exchange.Record, query: Mapping[str, str], now: int) -> str:
    size = f"{query.get('width', '500')}-{query.get('height', '500')}"
    sign = hashlib.sha256(f"{insight['id']} {size} {now}".encode()).hexdigest()[:32]
    slug = exchange.slugify(insight["title"])
    arguments = f"style=compact-{size}&app_id=18&sig={sign}&timestamp={now}"
    return f"https://popily.com/widget/chart/{slug}/-/?{arguments}"
