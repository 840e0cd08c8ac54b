"""What a look at a tracer says beside what is remembered of it. Pure.

``watches`` looks through the API, ``webhooks`` through a callback's body; both make the same facts with the
same keys here. Counters only grow (Populr API text: they count): of two readings the larger is the later one.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from daemon.contract import declare
from daemon.model import events, jsons, records
from daemon.model.jsons import Json, JsonObject

OPENED = "populr.tracer.opened"
SUMMARY = ("id", "name", "title", "slug", "domain", "published_pop_url", "created_at")
LARGEST_COUNT = jsons.LARGEST_INTEGER

Flat = dict[tuple[str, ...], int]
"""Counters by path: ``("views",)``, ``("links", url)``, ``("assets", region, asset)``; none is zero."""

NOTHING: JsonObject = {"views": 0, "clicks": 0, "links": {}, "assets": {}}


@records.record
class Look:
    """One reading of a tracer. *counters* are as :func:`read_counters` gives them."""

    pop: JsonObject
    tracer: JsonObject
    counters: JsonObject
    group: JsonObject | None = None
    template_id: str | None = None


@records.record
class Reason:
    """Why we looked: *announce* tells of a tracer not seen before, *called* that a believable callback came,
    *firing* how many callbacks came in all. With *trusted* the callback itself is the reading."""

    announce: bool
    called: bool = False
    firing: int = 0
    trusted: bool = False


def summarise(pop: Mapping[str, Any]) -> JsonObject:
    """The seven fields of a pop that an opening shows; a missing one is null."""
    return {name: pop.get(name) for name in SUMMARY}


def alias(code: str | None, name: str | None) -> str:
    """How a tracer is called whose id is not known: ``?code=tc&name=Twitter``; the watch finds it by
    these."""
    parts = (("code", code), ("name", name))
    return "?" + "&".join(f"{part}={_quoted(text)}" for part, text in parts if text)


@functools.lru_cache(maxsize=1_000)  # a tracer's name comes with each of its callbacks
def _quoted(text: str) -> str:
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


def further(memories: Iterable[JsonObject | None]) -> JsonObject | None:
    """Of what is remembered under a tracer's several names the one with the most in it."""
    known = [memory for memory in memories if memory]
    return max(known, key=lambda memory: sum(_flat(memory["counters"]).values()), default=None)


def read_counters(analytics: Json) -> JsonObject:
    """``{views, clicks, links, assets}`` of vendor *analytics*; whatever is missing or unfit counts as
    nothing, and no link or asset stands there with nothing."""
    given = jsons.as_object(analytics)
    regions = {region: _counted(assets) for region, assets in jsons.as_object(given.get("assets")).items()}
    return {
        "views": _count(given.get("views")),
        "clicks": _count(given.get("clicks")),
        "links": _counted(given.get("links")),
        "assets": {region: assets for region, assets in regions.items() if assets},
    }


def _counted(items: Json) -> JsonObject:
    """Links or assets with their clicks, without those that have none."""
    counted: JsonObject = {}
    for name, item in jsons.as_object(items).items():
        clicks = _count(item.get("clicks") if isinstance(item, dict) else item)
        if clicks:
            counted[name] = {"clicks": clicks}
    return counted


def _count(value: Json) -> int:
    return value if type(value) is int and 0 <= value <= LARGEST_COUNT else 0


def _flat(counters: JsonObject) -> Flat:
    """What :func:`read_counters` gave, by path."""
    found: Flat = {(name,): counters[name] for name in ("views", "clicks") if counters[name]}
    for url, item in counters["links"].items():
        found["links", url] = item["clicks"]
    for region, assets in counters["assets"].items():
        for asset, item in assets.items():
            found["assets", region, asset] = item["clicks"]
    return found


def _nested(flat: Flat) -> JsonObject:
    shaped: JsonObject = {"views": 0, "clicks": 0, "links": {}, "assets": {}}
    for path, count in flat.items():
        if len(path) == 1:
            shaped[path[0]] = count
        elif len(path) == 2:
            shaped["links"][path[1]] = {"clicks": count}
        else:
            shaped["assets"].setdefault(path[1], {})[path[2]] = {"clicks": count}
    return shaped


def _combine(left: JsonObject, right: JsonObject, rule: Callable[[int, int], int]) -> JsonObject:
    a, b = _flat(left), _flat(right)
    both = {path: rule(a.get(path, 0), b.get(path, 0)) for path in {**a, **b}}
    return _nested({path: count for path, count in both.items() if count})


def latest(left: JsonObject, right: JsonObject) -> JsonObject:
    """The larger of each counter."""
    return right if is_nothing(left) else _combine(left, right, max)


def rise(before: JsonObject, after: JsonObject) -> JsonObject:
    """By how much each counter is larger in *after*; one that went back has not risen."""
    return after if is_nothing(before) else _combine(before, after, lambda old, new: max(0, new - old))


def is_nothing(counters: JsonObject) -> bool:
    """Whether all counters are zero."""
    return not (counters["views"] or counters["clicks"] or counters["links"] or counters["assets"])


def covers(found: JsonObject, claimed: JsonObject) -> bool:
    """Whether no counter of *claimed* is larger than in *found*."""
    if found is claimed:
        return True
    known = _flat(found)
    return all(count <= known.get(path, 0) for path, count in _flat(claimed).items())


def judge_counters(claimed: JsonObject, memory: JsonObject | None) -> declare.Verdict:
    """Equal counters confirm a claim, larger ones supersede it (it came late); smaller ones, another code, or
    no such tracer refute it."""
    if memory is None:
        return declare.Verdict("refuted")
    found = memory["counters"]
    shown = {**found, "code": memory["tracer"].get("code")}
    codes = {claimed.get("code"), shown["code"]} - {None, ""}
    if len(codes) > 1 or not covers(found, claimed):
        return declare.Verdict("refuted", shown)
    return declare.Verdict("confirmed" if covers(claimed, found) else "superseded", shown)


def compare(seen_id: str, memory: JsonObject | None, look: Look, reason: Reason) -> declare.Seen:
    """What *look* says beside *memory*: an opening where counters rose, or where a callback came and nothing
    was ever told of this tracer. The first look of a watch (no memory, no announcing, no callback) tells
    nothing."""
    known = memory or {}
    before = known.get("counters") or NOTHING
    after = latest(before, look.counters)
    delta = rise(before, after)
    told = bool(known.get("told"))
    opens = (memory is not None or reason.announce) and not is_nothing(delta)
    # A tracer that was first remembered after its opening, but before the callback of that opening.
    owed = reason.called and not told and covers(look.counters, after)
    opens = opens or (owed and (reason.trusted or not is_nothing(after)))
    name = _named(look, known)
    group = look.group or known.get("group")
    data = _data(look, name, group, after, delta, not told, reason) if opens else None
    return declare.Seen(
        id=seen_id,
        memory={
            "pop": look.pop,
            "template_id": look.template_id or known.get("template_id"),
            "tracer": name,
            "group": group,
            "counters": after,
            "told": told or opens,
        },
        facts=[_opened(look.pop["id"], name, after, data)] if data else [],
        subject=look.pop["id"],
        resource={"pop": look.pop, "tracer": name, "analytics": after},
    )


def _named(look: Look, known: JsonObject) -> JsonObject:
    """Documented replies may lack the code, callbacks the id: what was known before stays."""
    old = known.get("tracer") or {}
    return {name: look.tracer.get(name) or old.get(name) for name in ("id", "name", "code")}


def _data(
    look: Look,
    name: JsonObject,
    group: JsonObject | None,
    after: JsonObject,
    delta: JsonObject,
    first: bool,
    reason: Reason,
) -> JsonObject:
    return {
        "pop": look.pop,
        "group": group,
        "tracer": name,
        "analytics": after,
        "delta": delta,
        "first": first,
        "firing": reason.firing,
        "via": "webhook" if reason.called else "poll",
    }


def _opened(pop_id: str, name: JsonObject, counters: JsonObject, data: JsonObject) -> events.Fact:
    mark = name["code"] or name["name"] or name["id"] or ""
    key = f"tracer:{pop_id}:{mark}:{jsons.fingerprint(counters)}"
    return events.Fact(OPENED, pop_id, key, data)
