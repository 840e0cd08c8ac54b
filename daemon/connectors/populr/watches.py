"""What of Populr can be watched: tracers and pops. ``intake`` polls these and writes what they have seen.

Reading only; what a reading means is decided in ``events``. Lists shift while they are paged and by-id reads
are cheap: a remembered thing that a list lacks counts as gone only after its own address says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self
from urllib.parse import parse_qsl

from pydantic import Field, model_validator

from daemon.connectors.populr import client as populr
from daemon.connectors.populr.events import pops as pop_looks
from daemon.connectors.populr.events import tracers as tracer_looks
from daemon.contract import declare, errors, http
from daemon.model.jsons import JsonObject


class TracersOptions(declare.Options):
    """Which tracers to watch: those of one pop, or of all pops of a template."""

    pop_id: str | None = Field(None, min_length=1, description="The pop whose tracers are watched.")
    template_id: str | None = Field(
        None, min_length=1, description="The template whose pops' tracers are watched."
    )

    @model_validator(mode="after")
    def check_one(self) -> Self:
        """Exactly one of the two."""
        if (self.pop_id is None) == (self.template_id is None):
            raise ValueError("name a pop_id or a template_id, one of them")
        return self


class PopsOptions(declare.Options):
    """Which pops to watch: some by id, those of a template, or all of the account."""

    template_id: str | None = Field(None, min_length=1, description="Only pops made from this template.")
    ids: list[declare.Id] | None = Field(None, min_length=1, description="Only these pops.")

    @model_validator(mode="after")
    def check_one(self) -> Self:
        """Not both."""
        if self.ids is not None and self.template_id is not None:
            raise ValueError("name ids or a template_id, not both")
        return self


@declare.watch(
    "tracers",
    noun="tracer",
    events=("populr.tracer.opened",),
    wanted=lambda _options: None,
    scope=lambda options: options.pop_id or "",
)
async def tracers(
    client: populr.PopulrClient, options: TracersOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """Tracers' counters: an opening is told whenever one rises. Ids are `POP/TRACER`."""
    if cursor.wanted is not None:
        return await _wanted_tracers(client, cursor, cursor.wanted)
    seen: list[declare.Seen] = []
    for pop in await _pops_of(client, options, cursor):
        found = await _tracers_of(client, pop)
        seen += [_tracer_seen(f"{pop['id']}/{tracer['id']}", pop, tracer, cursor) for tracer in found]
    listed = {one.id for one in seen}
    mine = (seen_id for seen_id, memory in cursor.memory.items() if _is_under(options, seen_id, memory))
    lost = [seen_id for seen_id in mine if seen_id not in listed]
    return seen + await _wanted_tracers(client, cursor, lost)


def _is_under(options: TracersOptions, seen_id: str, memory: JsonObject) -> bool:
    """Whether a remembered tracer belongs to what is watched; one known by code alone is its callbacks'
    matter."""
    pop_id, _, name = seen_id.partition("/")
    if options.pop_id is not None:
        return pop_id == options.pop_id and not name.startswith("?")
    return memory.get("template_id") == options.template_id and not name.startswith("?")


async def _pops_of(
    client: populr.PopulrClient, options: TracersOptions, cursor: declare.Cursor
) -> list[JsonObject]:
    if options.template_id is not None:
        return await client.pages(f"/templates/{http.segment(options.template_id)}/pops")
    pop_id = options.pop_id or ""
    try:
        return [await client.read(populr.pop_path(pop_id))]
    except errors.PermanentError as lost:
        if not lost.missing or not any(one.startswith(f"{pop_id}/") for one in cursor.memory):
            raise  # a pop that never was is a mistake in the config, and stays visible as one
        return []


async def _tracers_of(client: populr.PopulrClient, pop: Mapping[str, object]) -> list[JsonObject]:
    """The pop's tracers with their counters. The list is known from the vendor's Ruby client alone, and what
    it shows of each may lack the counters: then each is read by itself."""
    short = pop.get("tracers")
    if short == []:
        return []
    path = populr.pop_path(str(pop["id"]), "tracers")
    listed = await client.pages(path, enough=len(short) if isinstance(short, list) else None)
    return [one if "analytics" in one else await _read_tracer(client, str(pop["id"]), one) for one in listed]


async def _read_tracer(client: populr.PopulrClient, pop_id: str, short: JsonObject) -> JsonObject:
    return {**short, **await client.read(populr.pop_path(pop_id, "tracers", short["id"]))}


async def _wanted_tracers(
    client: populr.PopulrClient, cursor: declare.Cursor, wanted: Iterable[str]
) -> list[declare.Seen]:
    """Look at tracers one by one; a pop that several of them share is read once."""
    read: dict[str, JsonObject | None] = {}
    seen: list[declare.Seen] = []
    for seen_id in wanted:
        pop_id, _, name = seen_id.partition("/")
        if pop_id not in read:
            read[pop_id] = await client.find(populr.pop_path(pop_id))
        pop = read[pop_id]
        tracer = await _find_tracer(client, pop_id, name) if pop else None
        seen.append(_tracer_seen(seen_id, pop, tracer, cursor))
    return seen


async def _find_tracer(client: populr.PopulrClient, pop_id: str, name: str) -> JsonObject | None:
    """A tracer by id, or by the code or name (`?code=…&name=…`) that a callback without ids told."""
    if not name.startswith("?"):
        return await client.find(populr.pop_path(pop_id, "tracers", name))
    alias = dict(parse_qsl(name[1:]))
    listed = await client.pages(populr.pop_path(pop_id, "tracers"))
    found = [one for one in listed if one.get("code") and one["code"] == alias.get("code")]
    # Documented replies lack the code: then the name must do, if only one tracer has it.
    found = found or [one for one in listed if not one.get("code") and one.get("name") == alias.get("name")]
    if len(found) != 1:
        return None
    return found[0] if "analytics" in found[0] else await _read_tracer(client, pop_id, found[0])


def _tracer_seen(
    seen_id: str, pop: JsonObject | None, tracer: JsonObject | None, cursor: declare.Cursor
) -> declare.Seen:
    if pop is None or tracer is None:
        return declare.Seen(id=seen_id, memory={}, subject=seen_id.partition("/")[0], gone=True)
    alias = tracer_looks.alias(tracer.get("code"), tracer.get("name"))
    names = {seen_id, f"{pop['id']}/{tracer['id']}", f"{pop['id']}/{alias}"}
    memory = tracer_looks.further(cursor.memory.get(name) for name in sorted(names))
    look = tracer_looks.Look(
        pop=tracer_looks.summarise(pop),
        tracer={name: tracer.get(name) for name in ("id", "name", "code")},
        counters=tracer_looks.read_counters(tracer.get("analytics")),
        template_id=pop.get("template_id"),
    )
    plain = tracer_looks.compare(seen_id, memory, look, tracer_looks.Reason(announce=False))
    verdicts = [tracer_looks.judge_counters(claim, plain.memory) for claim in cursor.claims.get(seen_id, ())]
    called = _is_called(seen_id, cursor, verdicts)
    announce = called if seen_id in cursor.hinted else cursor.announce
    reason = tracer_looks.Reason(announce, called, _firing(seen_id, cursor, verdicts))
    return replace(tracer_looks.compare(seen_id, memory, look, reason), hook=_hook_of(tracer))


def _hook_of(tracer: JsonObject) -> bool | None:
    """Whether Populr says that it calls when the tracer is viewed; None where the answer lacks both fields."""
    if "notify_on_open" not in tracer and "notify_webhook" not in tracer:
        return None
    return bool(tracer.get("notify_on_open", True) and tracer.get("notify_webhook"))


def _is_called(seen_id: str, cursor: declare.Cursor, verdicts: Sequence[declare.Verdict]) -> bool:
    """Whether a callback that the reading does not contradict asked for this look."""
    believed = not verdicts or any(verdict.word != "refuted" for verdict in verdicts)
    return seen_id in cursor.hinted and believed


def _firing(seen_id: str, cursor: declare.Cursor, verdicts: Sequence[declare.Verdict]) -> int:
    """How many callbacks have come, without those that are refuted by this look."""
    return cursor.callbacks.get(seen_id, 0) - sum(verdict.word == "refuted" for verdict in verdicts)


@declare.watch(
    "pops",
    noun="pop",
    events=(
        "populr.pop.created",
        "populr.pop.published",
        "populr.pop.unpublished",
        "populr.pop.populated",
        "populr.pop.changed",
        "populr.pop.deleted",
        "populr.collaboration.finished",
    ),
    wanted=lambda options: None if options.ids is None else tuple(options.ids),
)
async def pops(
    client: populr.PopulrClient, options: PopsOptions, cursor: declare.Cursor
) -> Sequence[declare.Seen]:
    """Pops: made, published, taken down, filled, changed, deleted."""
    if cursor.wanted is not None:
        return [await _wanted_pop(client, cursor, pop_id) for pop_id in cursor.wanted]
    template = options.template_id
    path = "/pops" if template is None else f"/templates/{http.segment(template)}/pops"
    seen = [_pop_seen(pop, cursor) for pop in await client.pages(path)]
    listed = {one.id for one in seen}
    lost = [
        pop_id
        for pop_id, memory in cursor.memory.items()
        if pop_id not in listed and template in (None, memory["pop"].get("template_id"))
    ]
    return seen + [await _wanted_pop(client, cursor, pop_id) for pop_id in lost]


async def _wanted_pop(client: populr.PopulrClient, cursor: declare.Cursor, pop_id: str) -> declare.Seen:
    pop = await client.find(populr.pop_path(pop_id))
    return pop_looks.gone(pop_id, cursor.memory.get(pop_id)) if pop is None else _pop_seen(pop, cursor)


def _pop_seen(pop: JsonObject, cursor: declare.Cursor) -> declare.Seen:
    found = pop_looks.tidy(pop)
    pop_id, memory = found["id"], cursor.memory.get(found["id"])
    plain = pop_looks.compare(memory, found, pop_looks.Reason(announce=False))
    verdicts = [pop_looks.judge(claim, plain.memory) for claim in cursor.claims.get(pop_id, ())]
    called = _is_called(pop_id, cursor, verdicts)
    announce = cursor.announce and pop_id not in cursor.hinted
    return pop_looks.compare(
        memory, found, pop_looks.Reason(announce, called, _firing(pop_id, cursor, verdicts))
    )
