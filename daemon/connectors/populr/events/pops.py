"""What a look at a pop says beside what is remembered of it. Pure.

``watches`` looks through the API, ``webhooks`` through a collaboration callback's body. A pop's state is
not told by Populr but derived: it is published if it has a public address (``""`` and null both mean none).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.contract import declare, secrets
from daemon.model import events, jsons
from daemon.model.jsons import Json, JsonObject

SECRET_FIELDS = frozenset(
    {"password", "clone_link_url", "collaboration_link_url", "collaboration_webhook", "notify_webhook"}
)
_BLANKER = secrets.Blanker(SECRET_FIELDS)
STEADY = frozenset({"id", "template_id", "created_at"})  # what no edit of a pop can change
OPEN_LISTS = ("unpopulated_api_tags", "unpopulated_api_regions")
ASIDE = frozenset({"_id", "tracers"})  # tracers have a watch of their own
FINISHED = "populr.collaboration.finished"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why we looked: *announce* tells of a pop not seen before, *called* that a believable callback came,
    *firing* how many callbacks came in all."""

    announce: bool
    called: bool = False
    firing: int = 0


def tidy(pop: Mapping[str, Any]) -> JsonObject:
    """*pop* as it is remembered and told: secrets blanked (whether there is one still shows), those inside texts too;
    ``id`` beside ``_id``, short tracers as they came."""
    own_id = pop.get("id", pop.get("_id"))
    return {**jsons.as_object(_BLANKER.value(dict(pop))), "id": str(own_id)}


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Names of the fields that both have and that differ, sorted; empty forms (null, ``""``, ``[]``, ``{}``)
    are alike, and secrets are only there or not."""
    names = (left.keys() & right.keys()) - ASIDE
    return sorted(name for name in names if _plain(left[name]) != _plain(right[name]))


def _plain(value: Json) -> Json:
    return None if value in ("", [], {}) else value


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Like :func:`differing`, with fields that only one of them has."""
    alone = (before.keys() ^ after.keys()) - ASIDE
    lonely = [name for name in alone if _plain(before.get(name)) != _plain(after.get(name))]
    return sorted({*differing(before, after), *lonely})


def is_published(pop: Mapping[str, Any]) -> bool:
    """Whether the pop has a public address."""
    return bool(pop.get("published_pop_url"))


def is_populated(pop: Mapping[str, Any]) -> bool:
    """Whether no tag and no region is left open."""
    return not any(pop.get(name) for name in OPEN_LISTS)


def state_of(pop: Mapping[str, Any]) -> str | None:
    """``unpopulated`` or ``unpublished``; None for a published pop, of which nothing more is awaited."""
    if is_published(pop):
        return None
    return "unpublished" if is_populated(pop) else "unpopulated"


def moves(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """The last words of the event types that lead from *before* to *after*, in the order they are told.

    A new pop begins unpublished (Populr API text), so one that is found published was created and published.
    """
    if before is None:
        return ["created", "published"] if is_published(after) else ["created"]
    told: list[str] = []
    explained: set[str] = set()
    if is_published(before) != is_published(after):
        told.append("published" if is_published(after) else "unpublished")
        explained.add("published_pop_url")
    if is_populated(after) and not is_populated(before):
        told.append("populated")
        explained.update(OPEN_LISTS)
    return told + (["changed"] if set(changes(before, after)) - explained else [])


def compare(memory: JsonObject | None, found: JsonObject, reason: Reason) -> declare.Seen:
    """What the tidied pop *found* says beside *memory*.

    A pop first met through a callback is no new pop. A believable callback adds that a collaborator finished.
    """
    before = memory["pop"] if memory else None
    counts: dict[str, int] = dict(memory["counts"]) if memory else {}
    silent = before is None and (reason.called or not reason.announce)
    facts = [] if silent else list(_moved(before, found, counts))
    changed = changes(before, found) if before is not None else []
    done = memory.get("finished") if memory else None
    if reason.called:
        facts.append(_finished(found, changed, reason.firing))
        done = content(found)
    return declare.Seen(
        id=found["id"],
        memory={"pop": found, "counts": counts, "changed": changed, "finished": done},
        facts=facts,
        subject=found["id"],
        state=state_of(found),
        resource=found,
    )


def _moved(before: JsonObject | None, found: JsonObject, counts: dict[str, int]) -> Iterable[events.Fact]:
    """Facts for each move; *counts* of the moves so far go on counting."""
    for word in moves(before, found):
        counts[word] = counts.get(word, 0) + 1
        yield _fact(found, before, word, counts[word])


def _fact(pop: JsonObject, previous: JsonObject | None, word: str, number: int) -> events.Fact:
    key = f"pop:{pop['id']}:{word}:{number}:{content(pop)}"
    return events.Fact(f"populr.pop.{word}", pop["id"], key, {"pop": pop, "previous": previous})


def gone(pop_id: str, memory: JsonObject | None) -> declare.Seen:
    """A pop that does not exist: told if it was remembered."""
    pop = memory["pop"] if memory else {}
    facts = [_fact(pop, pop, "deleted", 1)] if memory else []
    return declare.Seen(id=pop_id, memory=memory or {}, facts=facts, subject=pop_id, resource=pop, gone=True)


def content(pop: Mapping[str, Any]) -> str:
    """A fingerprint of everything that a collaborator can see of a pop."""
    kept = {name: _plain(value) for name, value in pop.items() if name not in ASIDE}
    return jsons.fingerprint({name: value for name, value in kept.items() if value is not None})


def _finished(pop: JsonObject, changed: list[str], firing: int) -> events.Fact:
    key = f"collaboration:{pop['id']}:{content(pop)}:{firing}"
    return events.Fact(FINISHED, pop["id"], key, {"pop": pop, "changed": changed})


def contradicting(claimed: JsonObject, pop: JsonObject) -> list[str]:
    """Names of the fields in which a posted pop is another one than *pop*. A posted text that was blanked at
    the door (a signed link in it, say) can be compared no more."""
    blanked = {name for name, value in claimed.items() if secrets.BLANK in jsons.dumps(value)} - SECRET_FIELDS
    return [name for name in differing(claimed, pop) if name not in blanked]


def is_news(claimed: JsonObject, memory: JsonObject | None) -> bool:
    """Whether a posted pop may be news: not if it is what was told as finished, and still stands so."""
    if memory is None or memory.get("finished") is None:
        return True
    stands = memory["finished"] == content(memory["pop"])
    return not stands or bool(contradicting(claimed, memory["pop"]))


def judge(claimed: JsonObject, memory: JsonObject | None) -> declare.Verdict:
    """A posted pop beside the one that was read.

    Populr gives pops no version, so a difference alone does not tell a later edit from an invention. A field
    that moved since the last look may have moved again after the callback: superseded. A field that was seen
    standing still, or that no edit can change, contradicts the claim: refuted.
    """
    if memory is None:
        return declare.Verdict("refuted")
    pop = memory["pop"]
    wrong = contradicting(claimed, pop)
    found = {name: pop[name] for name in wrong}
    if not wrong:
        return declare.Verdict("confirmed", found)
    moved = set(memory.get("changed") or ()) - STEADY
    return declare.Verdict("superseded" if moved.issuperset(wrong) else "refuted", found)
