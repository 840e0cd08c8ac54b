"""Registering callbacks at Populr: tracers that call us, pops whose collaborators do.

``cli`` asks through the connector's ``registering``; ``compare_tracer`` and ``compare_collaboration`` decide, purely.

A tracer can be made and read, and nothing else is documented (Populr API text): it cannot be given another URL, nor
deleted, and a new one has a code of its own, so a new public link. A pop's collaboration webhook is a field like
others, and can be changed.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from daemon.connectors.populr import client as populr
from daemon.connectors.populr import webhooks
from daemon.contract import errors, registering
from daemon.contract.registering import Change, Known, State, Url, Wish
from daemon.model.jsons import JsonObject

TRACER, COLLABORATION = webhooks.tracer.hook, webhooks.collaboration.hook
HOOKED = ("notify_on_open", "notify_webhook")
OFF_HELP = (
    "Populr switches a hook off after a dozen calls, and polling carries on by itself. A tracer cannot be edited: "
    "--replace makes a new one of that name, which has a new public link."
)
DRIFT_HELP = (
    "A tracer cannot be edited: --replace makes a new one of that name, which has a new public link; the old link "
    "goes on working, and does not call us."
)
ORPHAN_HELP = (
    "A tracer can neither be edited nor deleted by the API: add a [[callback]] for it, or take it out on Populr's own "
    "pages."
)


async def look(client: populr.PopulrClient, wishes: Sequence[Wish], url: Url, known: Known) -> list[Change]:
    """How each wish stands, then the hooks of ours that nobody wishes. Reads every pop, and the tracers of those that
    have some beside what runs made."""
    listed = {pop["id"]: pop for pop in await client.pages("/pops")}
    hooked: dict[str, list[JsonObject]] = {}
    found: list[Change] = []
    for wish in wishes:
        pop = listed.get(wish.pop_id) or await client.find(populr.pop_path(wish.pop_id))
        if pop is not None and wish.tracer is not None and wish.pop_id not in hooked:
            hooked[wish.pop_id] = await _tracers_of(client, pop)
        found.append(_followed(_compare(wish, pop, hooked.get(wish.pop_id, []), url), known))
    named = {wish.pop_id: {one.tracer for one in wishes if one.pop_id == wish.pop_id} for wish in wishes}
    for pop_id, pop in listed.items():
        if pop_id not in hooked and _has_others(pop, known):
            hooked[pop_id] = await _tracers_of(client, pop)
        found += _orphans(pop, hooked.get(pop_id, []), named.get(pop_id, set()), url, known)
    return found


async def look_again(client: populr.PopulrClient, wish: Wish, url: Url) -> Change:
    """How one wish stands now."""
    pop = await client.find(populr.pop_path(wish.pop_id))
    tracers = await _tracers_of(client, pop) if pop is not None and wish.tracer is not None else []
    return _compare(wish, pop, tracers, url)


async def make(client: populr.PopulrClient, change: Change, url: Url) -> str | None:
    """Do what *change* says."""
    if change.hook == TRACER:
        body = {"name": change.name, "notify_on_open": True, "notify_webhook": url(TRACER)}
        made = await client.write("POST", populr.pop_path(change.pop_id, "tracers"), body)
        return f"{change.pop_id}/{made['id']}"
    gone = change.state is State.ORPHAN
    fields: JsonObject = {"collaboration_webhook": None if gone else url(COLLABORATION)}
    if not gone:
        fields["collaboration_link_enabled"] = True
    pop = await client.write("PUT", populr.pop_path(change.pop_id), {"pop": fields})
    if gone and pop.get("collaboration_webhook"):
        raise errors.PermanentError("Populr kept the pop's webhook. Take it out on Populr's own pages.")
    return change.pop_id


async def _tracers_of(client: populr.PopulrClient, pop: Mapping[str, object]) -> list[JsonObject]:
    """The pop's tracers with their hooks. The list is known from the vendor's Ruby client alone: where it shows less,
    each tracer is read by itself."""
    if pop.get("tracers") == []:
        return []
    listed = await client.pages(populr.pop_path(str(pop["id"]), "tracers"))
    return [one if "notify_webhook" in one else await _read(client, str(pop["id"]), one) for one in listed]


async def _read(client: populr.PopulrClient, pop_id: str, short: JsonObject) -> JsonObject:
    return {**short, **await client.read(populr.pop_path(pop_id, "tracers", short["id"]))}


def _has_others(pop: Mapping[str, object], known: Known) -> bool:
    """Whether the pop has tracers that no run of ours made."""
    short = pop.get("tracers")
    if not isinstance(short, list):
        return True
    ids = [one.get("_id", one.get("id")) if isinstance(one, dict) else None for one in short]
    return any(("tracer", f"{pop['id']}/{id}") not in known.made for id in ids)


def _compare(wish: Wish, pop: Mapping[str, object] | None, tracers: Sequence[JsonObject], url: Url) -> Change:
    if pop is None:
        hook = COLLABORATION if wish.tracer is None else TRACER
        text, help = "there is no such pop", "Correct pop_id, or take the [[callback]] out."
        return Change(wish.pop_id, hook, State.MISSING, text, wish.tracer, help=help, by_hand=True)
    if wish.tracer is None:
        return compare_collaboration(pop, url(COLLABORATION))
    return compare_tracer(wish.pop_id, wish.tracer, tracers, url(TRACER))


def compare_tracer(pop_id: str, name: str, tracers: Sequence[JsonObject], own: str) -> Change:
    """How the tracer *name* stands among the pop's *tracers*; *own* is our URL. One that calls us is enough, whatever
    others of its name do."""
    named = [one for one in tracers if one.get("name") == name]
    ours = [one for one in named if is_ours(one.get("notify_webhook"), own)]
    calling = next((one for one in ours if is_on(one)), None)
    if calling is not None:
        text = "stands already, and calls us"
        return Change(pop_id, TRACER, State.ADOPT, text, name, f"{pop_id}/{calling['id']}")
    if not named:
        return Change(pop_id, TRACER, State.CREATE, f"a new tracer that calls {own}", name)
    off = ours[0] if ours else None
    if off is not None:
        id, text, help = off["id"], "its hook calls us, and is switched off", OFF_HELP
    else:
        id, text, help = named[0]["id"], f"its hook {_described(named[0], own)}", DRIFT_HELP
    return Change(pop_id, TRACER, State.DRIFT, text, name, f"{pop_id}/{id}", help, replaces=True)


def compare_collaboration(pop: Mapping[str, object], own: str) -> Change:
    """How the collaboration webhook of *pop* stands; *own* is our URL."""
    pop_id, hook = str(pop["id"]), pop.get("collaboration_webhook")
    if not hook:
        text = f"its collaborators will call {own}"
        return Change(pop_id, COLLABORATION, State.CREATE, text, object_id=pop_id)
    if not is_ours(hook, own):
        text = f"its collaborators call {where(hook, own)}"
        help = "apply makes them call us instead."
        return Change(pop_id, COLLABORATION, State.DRIFT, text, object_id=pop_id, help=help)
    if not pop.get("collaboration_link_enabled"):
        text, help = "its collaborators would call us, and its link is switched off", "apply switches it on."
        return Change(pop_id, COLLABORATION, State.DRIFT, text, object_id=pop_id, help=help)
    text = "stands already, and calls us"
    return Change(pop_id, COLLABORATION, State.ADOPT, text, object_id=pop_id)


def _followed(change: Change, known: Known) -> Change:
    """*change* as ``ok`` where the journal follows what stands, or there is nothing to follow."""
    if change.state is not State.ADOPT:
        return change
    if change.hook == COLLABORATION or change.object_id in known.followed:
        return Change(
            change.pop_id, change.hook, State.OK, "stands, and calls us", change.name, change.object_id
        )
    return change


def _orphans(
    pop: Mapping[str, object], tracers: Sequence[JsonObject], named: set[str | None], url: Url, known: Known
) -> list[Change]:
    """What of *pop* calls us, though neither the config names it nor a run made it."""
    pop_id, found = str(pop["id"]), []
    for one in tracers:
        if one.get("name") in named or ("tracer", f"{pop_id}/{one['id']}") in known.made:
            continue
        if is_ours(one.get("notify_webhook"), url(TRACER)) and is_on(one):
            text = "its hook calls us, and the config does not name it"
            name, id = str(one.get("name")), f"{pop_id}/{one['id']}"
            found.append(Change(pop_id, TRACER, State.ORPHAN, text, name, id, ORPHAN_HELP, by_hand=True))
    own = url(COLLABORATION)
    if (
        None not in named
        and ("pop", pop_id) not in known.made
        and is_ours(pop.get("collaboration_webhook"), own)
    ):
        text = "its collaborators call us, and the config does not name it"
        help = "apply takes our URL out of it."
        if not known.readable:
            help = "There is no journal here that says whether a run set it: add a [[callback]], or take it out there."
        found.append(
            Change(pop_id, COLLABORATION, State.ORPHAN, text, None, pop_id, help, by_hand=not known.readable)
        )
    return found


def is_ours(hook: object, own: str) -> bool:
    """Whether the URL *hook* reaches us; what it ends in may be missing, then the code names the tracer."""
    return isinstance(hook, str) and hook.partition("?")[0] == own.partition("?")[0]


def is_on(tracer: Mapping[str, object]) -> bool:
    """Whether Populr says that it calls; where it does not say, a URL is enough."""
    return tracer.get("notify_on_open", True) in (True, "true", None)


def _described(tracer: Mapping[str, object], own: str) -> str:
    hook = tracer.get("notify_webhook")
    return f"calls {where(hook, own)}" if hook else "calls nobody"


def where(hook: object, own: str) -> str:
    """The host that *hook* names: the rest of a URL may be a secret."""
    try:
        there, here = urlsplit(str(hook).partition("?")[0]), urlsplit(own.partition("?")[0])
        host = there.netloc.rpartition("@")[2]
    except ValueError:
        return "something that is no URL"
    if (host, there.path.rpartition("/")[0]) == (here.netloc, here.path.rpartition("/")[0]):
        return "an earlier address of ours, whose token is another"
    return host or "something that is no URL"


populr_registering = registering.Registering(look=look, look_again=look_again, make=make)
