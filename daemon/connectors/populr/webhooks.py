"""What Populr calls: somebody opened a pop, a collaborator has finished (Populr API text). Pure.

``intake`` reads bodies with :data:`tracer` and :data:`collaboration`. Nothing is signed and a tracer's body
does not carry its id; the URLs that we register add both ids as ``?pop=…&tracer=…``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, ValidationError
from typing_extensions import TypedDict

from daemon.connectors.populr.events import pops, tracers
from daemon.contract import declare, errors
from daemon.model import times
from daemon.model.jsons import Json, JsonObject

LONGEST_ID = 128  # characters; Populr's are 24 hexadecimal digits in practice
LONGEST_NAME = 512  # characters of a tracer's name or code
QUERY = "?pop=%{pop-id}&tracer=%{tracer-id}"
"""What our tracer URL ends in. Populr fills it in; ``%{`` is no percent escape, so it is never parsed as a
URL."""

_ID = re.compile(rf"[A-Za-z0-9_\-]{{1,{LONGEST_ID}}}")
_OPENING = re.compile(rb'\s*"(?:group|pop|tracer|_?id|template_id|name|title)"\s*:')


def _as_id(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise ValueError(f"an id is 1 to {LONGEST_ID} letters, digits, dashes and underscores")
    return text


def _as_name(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
        raise ValueError(f"a name is at most {LONGEST_NAME} printable characters")
    return value or None


PopId = Annotated[str, BeforeValidator(_as_id)]
Name = Annotated[str | None, BeforeValidator(_as_name)]
Count = Annotated[int, Field(strict=True, ge=0)] | None
"""A counter; null is nothing. What is left to pydantic's own rules is checked many times as fast."""


class _Clicks(TypedDict, total=False):
    clicks: Count


class _Analytics(TypedDict, total=False):
    views: Count
    clicks: Count
    links: dict[str, _Clicks] | None
    assets: dict[str, dict[str, _Clicks]] | None


class _Tracer(BaseModel):
    name: Name = None
    code: Name = None
    analytics: _Analytics | None = None


class _Named(BaseModel):
    # Callbacks say ``id``, the API says ``_id``, and either has been seen in the other.
    id: Annotated[PopId, Field(validation_alias=AliasChoices("id", "_id"))]


class _TracerBody(BaseModel):
    pop: _Named
    tracer: _Tracer


def understand_tracer(body: Json, query: Mapping[str, str]) -> declare.Claim:
    """A tracer callback: ids as ``id`` or ``_id``, counters and their parts may be missing (0).

    :class:`MalformedBody` for another shape, and where body and query name different pops.
    """
    read = _validated(_TracerBody, body)
    pop_id = _same_pop(read.pop.id, query)
    tracer_id = _query_id(query, "tracer")
    if not (tracer_id or read.tracer.code or read.tracer.name):
        raise errors.MalformedBody("tracer: it has neither code nor name, and the URL names none")
    return declare.Claim(
        hook="tracer",
        subject=pop_id,
        resource="tracers",
        id=f"{pop_id}/{tracer_id or tracers.alias(read.tracer.code, read.tracer.name)}",
        options={"pop_id": pop_id},
        claimed={**tracers.read_counters(read.tracer.analytics), "code": read.tracer.code},
        pop_id=pop_id,
        tracer_id=tracer_id,
        told_of={
            "pop": {**tracers.summarise(body["pop"]), "id": pop_id},
            "group": _group(body.get("group")),
            "name": body["tracer"].get("name"),
        },
    )


def _query_id(query: Mapping[str, str], name: str) -> str | None:
    value = query.get(name)
    if not value or value.startswith("%{"):  # a URL called by hand, its placeholder unfilled
        return None
    if not _ID.fullmatch(value):
        raise errors.MalformedBody(f"?{name}= is not an id of at most {LONGEST_ID} letters and digits")
    return value


def _same_pop(pop_id: str, query: Mapping[str, str]) -> str:
    asked = _query_id(query, "pop")
    if asked is not None and asked != pop_id:
        raise errors.MalformedBody("the pop's id in the body is not the one in the URL")
    return pop_id


def _validated(model: type[Any], body: Json) -> Any:
    try:
        return model.model_validate(body)
    except ValidationError as wrong:
        raise errors.MalformedBody("; ".join(_complaints(wrong))) from None


def _complaints(wrong: ValidationError) -> Iterator[str]:
    """The first few complaints, without the values that were sent."""
    for one in wrong.errors(include_url=False, include_input=False)[:3]:
        place = ".".join(str(part) for part in one["loc"])[:80]
        # Pydantic's own words for it name our class.
        text = "an object is expected" if one["type"] == "model_type" else one["msg"]
        yield f"{place or 'body'}: {text.removeprefix('Value error, ')}"


def tell_tracer(claim: declare.Claim, memory: JsonObject | None, firing: int) -> declare.Seen | None:
    """The opening that a trusted body tells; None when its counters are known already or went back."""
    said = claim.told_of
    look = tracers.Look(
        pop=said["pop"],
        tracer={"id": claim.tracer_id, "name": said["name"], "code": claim.claimed["code"]},
        counters={name: claim.claimed[name] for name in tracers.NOTHING},
        group=said["group"],
    )
    seen = tracers.compare(claim.id, memory, look, tracers.Reason(True, True, firing, trusted=True))
    return seen if seen.facts else None


def _group(group: Json) -> JsonObject | None:
    if not isinstance(group, dict):
        return None
    return {"id": group.get("id", group.get("_id")), "name": group.get("name")}


def is_tracer_news(claim: declare.Claim, memory: JsonObject | None) -> bool:
    """Whether anything rose, or nothing was ever told of this tracer."""
    if memory is None or not memory.get("told"):
        return True
    return not tracers.covers(memory["counters"], claim.claimed)


def judge_tracer(claim: declare.Claim, memory: JsonObject | None) -> declare.Verdict:
    """The claimed counters beside those that were read."""
    return tracers.judge_counters(claim.claimed, memory)


def understand_collaboration(body: Json, query: Mapping[str, str]) -> declare.Claim:
    """A collaboration callback: the pop, bare or under ``pop``."""
    inner = body.get("pop") if isinstance(body, dict) else None
    posted = inner if isinstance(inner, dict) else body
    pop_id = _same_pop(_validated(_Named, posted).id, query)
    tidied = {**pops.tidy(posted), "id": pop_id}
    return declare.Claim(
        hook="collaboration",
        subject=pop_id,
        resource="pops",
        id=pop_id,
        options={},
        claimed={name: value for name, value in tidied.items() if name not in pops.ASIDE},
        pop_id=pop_id,
    )


def tell_collaboration(claim: declare.Claim, memory: JsonObject | None, firing: int) -> declare.Seen | None:
    """The finish that a trusted body tells; None when the same pop was told as finished before."""
    if not pops.is_news(claim.claimed, memory):
        return None
    # A body may hold fewer fields than the API shows: what it leaves out stays as it was.
    found = {**(memory["pop"] if memory else {}), **claim.claimed}
    return pops.compare(memory, found, pops.Reason(announce=False, called=True, firing=firing))


def is_collaboration_news(claim: declare.Claim, memory: JsonObject | None) -> bool:
    """Whether the posted pop is another one than that told as finished last."""
    return pops.is_news(claim.claimed, memory)


def judge_collaboration(claim: declare.Claim, memory: JsonObject | None) -> declare.Verdict:
    """The posted pop beside the one that was read."""
    return pops.judge(claim.claimed, memory)


def repair(raw: bytes) -> bytes | None:
    """*raw* with its lost outer braces (the document prints the body without them); None if that is not what
    ails it: it must begin with a documented name, and lack no other brace."""
    body = raw.strip().rstrip(b",")
    opened = _OPENING.match(body) is not None
    whole = b"{" + body if opened else body
    missing = _depth(whole)
    if missing not in (0, 1) or not whole.startswith(b"{") or (not opened and missing == 0):
        return None
    return whole + b"}" * missing


def _depth(raw: bytes) -> int:
    """Opened braces less closed ones, outside texts."""
    plain = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", raw, flags=re.DOTALL)
    return plain.count(b"{") - plain.count(b"}")


tracer = declare.Webhook(
    hook="tracer",
    about="Populr calls 15 minutes after a pop is first viewed through a tracer, then hourly while it is "
    "viewed, a dozen times at most.",
    event="populr.tracer.opened",
    understand=understand_tracer,
    told=tell_tracer,
    news=is_tracer_news,
    judge=judge_tracer,
    repair=repair,
    query=QUERY,
    # "15 minutes after the first view … hourly … deactivated once it has been fired more than a dozen times" (Populr
    # API text).
    budget=declare.Budget(
        resource="tracers",
        firings=12,
        first=15 * times.MINUTE,
        every=times.HOUR,
        options=lambda seen_id: {"pop_id": seen_id.partition("/")[0]},
    ),
)

collaboration = declare.Webhook(
    hook="collaboration",
    about="Populr posts the pop when a collaborator has finished editing it.",
    event="populr.collaboration.finished",
    understand=understand_collaboration,
    told=tell_collaboration,
    news=is_collaboration_news,
    judge=judge_collaboration,
    repair=repair,
)
