"""How an earlier call is recognised by what stands at Populr: a pop made, tags filled, a tracer made. Pure.

The looks in ``pops`` and ``tracers`` read and ask here. Each answer is the object to adopt, or None where the call
took no effect; :class:`~daemon.contract.errors.Unclear` where what stands there fits neither.
"""

import re
from collections.abc import Sequence

from daemon.connectors.populr.events import pops as pop_looks
from daemon.contract import errors
from daemon.model import times
from daemon.model.jsons import JsonObject

LONGEST_SLUG_WORDS = 40  # characters of a made slug that come from the pop's name
CLOCKS_APART = 2 * times.MINUTE  # that Populr's clock may be behind ours
FILLED = ("populate_tags", "populate_regions")
_MADE_SLUG = re.compile(r".+-[0-9a-f]{12}")  # a slug that ends in some step's marker


def made_slug(name: str | None, marker: str) -> str:
    """A slug that a later look recognises: words of *name*, then the step's *marker*."""
    words = _slug(name or "pop")[:LONGEST_SLUG_WORDS].strip("-")
    return f"{words}-{_slug(marker)}".strip("-")


def holds_slug(pop: JsonObject, slug: str) -> bool:
    """Whether *pop* has *slug*, as Populr may have put it right."""
    return _slug(str(pop.get("slug") or "")) == _slug(slug)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def choose_pop(
    pops: Sequence[JsonObject], sent: JsonObject, first_sent_at: int | None, known: JsonObject
) -> JsonObject | None:
    """Which of a template's *pops* was made by a call that *sent* these fields.

    Slugs are unique at Populr (vendor's .NET client), so the one with our slug is ours. A slug that was not made by
    us may be somebody else's: *known* has then the id of the pop that had it before the call, as ``pop_id``, or null.
    Populr's document does not know slugs: where a pop shows none, its name and the time of its making tell.
    """
    made_by_us = "pop_id" not in known
    slug = str(sent.get("slug") or "")
    same = next((pop for pop in pops if slug and holds_slug(pop, slug)), None)
    if same is None:
        return _choose_by_name(pops, sent, first_sent_at, made_by_us)
    if made_by_us:
        return same
    # Was it there before, the call was refused.
    return None if known["pop_id"] == same["id"] else _ours(same, sent)


def _ours(pop: JsonObject, sent: JsonObject) -> JsonObject:
    wrong = pop_looks.differing({name: sent[name] for name in ("name", "template_id") if name in sent}, pop)
    if wrong:
        said = f"the pop {pop['id']} has the slug {pop['slug']} but another {' and '.join(wrong)}"
        raise errors.Unclear(f"{said} than was sent: somebody else may have made it")
    return pop


def _choose_by_name(
    pops: Sequence[JsonObject], sent: JsonObject, first_sent_at: int | None, made_by_us: bool
) -> JsonObject | None:
    """A pop without a slug, made since the call with the name that was sent. Where some pop carries a slug that we
    made, Populr keeps slugs, and one without ours is not ours; where none does, it may have chosen one of its own."""
    if made_by_us and any(_MADE_SLUG.fullmatch(str(pop.get("slug") or "")) for pop in pops):
        return None
    named = [pop for pop in pops if sent.get("name") and pop.get("name") == sent["name"]]
    found = [pop for pop in named if made_by_us or not pop.get("slug")]
    found = [pop for pop in found if _is_since(pop, first_sent_at, CLOCKS_APART)]
    if not found:
        return None
    if len(found) == 1 and not found[0].get("slug") and _is_since(found[0], first_sent_at, times.SECOND):
        return found[0]
    ids = ", ".join(str(pop["id"]) for pop in found)
    raise errors.Unclear(f"pops of that name were made since the call, and not with its slug: {ids}")


def _is_since(pop: JsonObject, first_sent_at: int | None, leeway: int) -> bool:
    """Whether the pop may have been made by a call at that instant, with *leeway* (microseconds): Populr's times are
    whole seconds, and its clock is not ours."""
    try:
        made_at = times.parse_rfc3339(str(pop.get("created_at")))
    except ValueError:
        return True
    return first_sent_at is None or made_at > first_sent_at - leeway


def choose_filled(given: JsonObject, pop: JsonObject, before: JsonObject | None) -> JsonObject | None:
    """Whether a PUT of *given* fields, tags and regions took effect on *pop*, which is answered then.

    A filled tag or region is open no more, and Populr takes or refuses a PUT whole. *before* are the open ones that
    were noted, as :func:`open_places` gives them.
    """
    wanted = filled_places(given)
    left = wanted & set(open_places(pop))
    noted = wanted & set(before["open"]) if before and "open" in before else wanted
    if left == wanted or noted != wanted:
        return None  # nothing was filled; or something was filled before the call, which was refused then
    if left:
        raise errors.Unclear(f"of what was to be filled, {_listed(left)} is still open, and the rest is not")
    plain = {name: value for name, value in given.items() if name not in FILLED}
    wrong = pop_looks.differing(plain, pop)
    if wrong:
        raise errors.Unclear(f"{_listed(wanted)} is filled now, but {', '.join(wrong)} is not as it was sent")
    return pop


def filled_places(given: JsonObject) -> set[str]:
    """What *given* parameters fill: ``tags:city``, ``regions:map`` …"""
    return {f"{name.removeprefix('populate_')}:{place}" for name in FILLED for place in given.get(name) or ()}


def open_places(pop: JsonObject) -> list[str]:
    """What of *pop* is open still, in the same words, sorted."""
    kinds = {"tags": "unpopulated_api_tags", "regions": "unpopulated_api_regions"}
    return sorted(f"{kind}:{place}" for kind, key in kinds.items() for place in pop.get(key) or ())


def _listed(places: set[str]) -> str:
    return ", ".join(place.partition(":")[2] for place in sorted(places))


def choose_tracer(tracers: Sequence[JsonObject], name: str, before: JsonObject | None) -> JsonObject | None:
    """Which of a pop's *tracers* was made since their ids were noted in *before*, by its *name*.

    Names may repeat (Populr API text: nothing forbids it), so two new ones are one too many.
    """
    same = [tracer for tracer in tracers if tracer.get("name") == name]
    if not same:
        return None
    if not before or "tracer_ids" not in before:
        raise errors.Unclear(f"the pop has a tracer named {name}; whether it was there before is not known")
    new = [tracer for tracer in same if tracer["id"] not in before["tracer_ids"]]
    if len(new) > 1:
        ids = ", ".join(str(tracer["id"]) for tracer in new)
        raise errors.Unclear(f"the pop has got {len(new)} tracers named {name} since the call: {ids}")
    return new[0] if new else None


def named_ids(tracers: Sequence[JsonObject], name: str) -> list[str]:
    """The ids of the tracers of that *name*."""
    return [tracer["id"] for tracer in tracers if tracer.get("name") == name]


def refuse_other(tracer: JsonObject, sent: JsonObject) -> None:
    """:class:`Unclear` where a new *tracer* notifies somebody else than the call that *sent* these fields asked."""
    wrong = [
        name
        for name in ("notify_on_open", "notify_webhook")
        if name in sent and name in tracer and (tracer[name] or None) != (sent[name] or None)
    ]
    if wrong:
        said = f"the pop has a new tracer {tracer['id']} of that name whose {' and '.join(wrong)} is another"
        raise errors.Unclear(f"{said}: somebody else may have made it")
