"""Populr's pops: made from a template, filled, published, taken down, deleted.

Rows for ``populr``; ``control`` uses :func:`change` when a collaborator finishes.
"""

from functools import partial
from typing import Any

from daemon.sandbox import exchange, populr_group, populr_hooks

TEXTS = ("name", "title", "slug", "password", "domain", "custom_code", "background_image_asset_id")
COLLABORATION_TEXTS = ("collaboration_interstitial_text", "collaboration_webhook")
LISTS = ("label_names", "custom_links")
FLAGS = ("clone_link_enabled", "collaboration_link_enabled")


def rows(group: populr_group.Group) -> list[exchange.Row]:
    """The pops' part of the API."""
    return [
        ("GET", "/pops", partial(list_pops, group)),
        ("POST", "/pops", partial(create_pop, group)),
        ("GET", "/pops/{}", partial(get_pop, group)),
        ("PUT", "/pops/{}", partial(update_pop, group)),
        ("DELETE", "/pops/{}", partial(delete_pop, group)),
        ("POST", "/pops/{}/publish", partial(publish_pop, group)),
        ("POST", "/pops/{}/unpublish", partial(unpublish_pop, group)),
    ]


def shown(group: populr_group.Group, pop: exchange.Record) -> exchange.Record:
    """The pop as the API tells it: short tracers; no open region is ``[]``, not ``{}`` (vendor's specs)."""
    tracers = group.tracers.get(pop["_id"], {}).values()
    short = [{"_id": t["_id"], "created_at": t["created_at"], "name": t["name"]} for t in tracers]
    return {**pop, "tracers": short, "unpopulated_api_regions": pop["unpopulated_api_regions"] or []}


def list_pops(group: populr_group.Group, ask: exchange.Ask) -> exchange.Reply:
    """Every pop of the account, newest first."""
    pops = populr_group.window(ask, list(reversed(group.pops.values())))
    return exchange.Reply(200, [shown(group, pop) for pop in pops])


def get_pop(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """One pop."""
    return exchange.Reply(200, shown(group, group.pop(pop_id)))


def create_pop(group: populr_group.Group, ask: exchange.Ask) -> exchange.Reply:
    """A new, unpublished pop; everything is checked before anything is made."""
    body = populr_group.body(ask)
    given = section(body, "pop")
    template = group.template(populr_group.required(given, "template_id"))
    pop = change(group, new_pop(group, template, given), body)
    group.pops[pop["_id"]] = pop
    group.tracers[pop["_id"]] = {}
    return exchange.Reply(200, shown(group, pop), "pop.created", pop["_id"])


def update_pop(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """Only the fields given change; tags and regions are filled."""
    pop = change(group, group.pop(pop_id), populr_group.body(ask))
    group.pops[pop_id] = pop
    return exchange.Reply(200, shown(group, pop), "pop.updated", pop_id)


def delete_pop(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """For good, its tracers too."""
    group.pop(pop_id)
    del group.pops[pop_id]
    group.tracers.pop(pop_id, None)
    return exchange.Reply(200, {}, "pop.deleted", pop_id)


def publish_pop(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """402 with ``not_fully_populated`` while tags or regions are open; repeatable."""
    pop = group.pop(pop_id)
    for noun, key in (("tags", "unpopulated_api_tags"), ("regions", "unpopulated_api_regions")):
        if pop[key]:
            text = f"The pop you are trying to publish contains unfilled {noun}: {', '.join(pop[key])}."
            raise populr_group.refusal(402, "not_fully_populated", text)
    pop["published_pop_url"] = f"http://{pop['domain'] or populr_group.DEFAULT_DOMAIN}/{pop['slug']}"
    return exchange.Reply(200, shown(group, pop), "pop.published", pop_id)


def unpublish_pop(group: populr_group.Group, ask: exchange.Ask, pop_id: str) -> exchange.Reply:
    """The address is ``""`` again, as in the document's examples."""
    pop = group.pop(pop_id)
    pop["published_pop_url"] = ""
    return exchange.Reply(200, shown(group, pop), "pop.unpublished", pop_id)


def section(body: exchange.Record, name: str) -> exchange.Record:
    """The object under *name*; nothing at all is an empty one."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise populr_group.refusal(400, "request.validation", f"{name} must be a hash.")
    return value


def new_pop(group: populr_group.Group, template: exchange.Record, given: exchange.Record) -> exchange.Record:
    """A pop as the template has it. The slug is made of the name, and unique."""
    taken = {pop["slug"] for pop in group.pops.values()}
    name = given.get("name") or template["name"]
    return {
        "_id": group.new_id(),
        "template_id": template["_id"],
        "name": template["name"],
        "title": template["title"],
        "slug": exchange.free_slug(str(name), taken),
        "label_names": list(template["label_names"]),
        "password": template["password"],
        "published_pop_url": "",
        "domain": template["domain"],
        "created_at": group.stamp(),
        "unpopulated_api_tags": list(template["api_tags"]),
        "unpopulated_api_regions": dict(template["api_regions"]),
        "custom_links": list(template["custom_links"]),
        "custom_code": template["custom_code"],
        "background_image_asset_id": template["background_image_asset_id"],
        "clone_link_enabled": False,
        "clone_link_url": None,
        "collaboration_link_enabled": False,
        "collaboration_link_url": None,
        "collaboration_interstitial_text": None,
        "collaboration_webhook": None,
    }


def change(group: populr_group.Group, pop: exchange.Record, body: exchange.Record) -> exchange.Record:
    """*pop* with the fields, tags and regions of *body*, as a new record; refused whole or not at all.
    Fields that the model lacks, or that are read-only, are ignored (the Ruby client sends them all)."""
    changed = {**pop, **fields(group, pop, section(body, "pop"))}
    for kind, name in (("clone", "clone_link"), ("collaborate", "collaboration_link")):
        on = changed[f"{name}_enabled"]
        url = changed[f"{name}_url"] or f"https://populr.me/{kind}/{pop['_id']}/{group.new_id()[-8:]}"
        changed[f"{name}_url"] = url if on else None
    left = without_tags(pop["unpopulated_api_tags"], section(body, "populate_tags"))
    open_regions = without_regions(group, pop["unpopulated_api_regions"], section(body, "populate_regions"))
    changed["unpopulated_api_tags"] = left
    changed["unpopulated_api_regions"] = open_regions
    return changed


def fields(group: populr_group.Group, pop: exchange.Record, given: exchange.Record) -> exchange.Record:
    """The writable fields of *given*, each of the right type."""
    taken: exchange.Record = {}
    for name in (*TEXTS, *COLLABORATION_TEXTS, *LISTS, *FLAGS):
        if name in given:
            taken[name] = checked(name, given[name])
    slugs = {other["slug"] for other in group.pops.values() if other["_id"] != pop["_id"]}
    if taken.get("slug") in slugs:
        raise populr_group.refusal(400, "request.validation", f"The slug {taken['slug']} is already in use.")
    domain = taken.get("domain")
    if domain is not None and domain not in ("generic", *group.domains):
        raise populr_group.domain_refusal(domain, group.domains)
    background = taken.get("background_image_asset_id")
    if background is not None and group.assets.get(background, {}).get("type") != "background_image":
        raise bad_asset(background, "background_image_asset_id")
    if taken.get("collaboration_webhook"):
        populr_hooks.check(taken["collaboration_webhook"])
    return taken


def checked(name: str, value: Any) -> Any:
    """*value* if its type suits the field *name*."""
    if name in FLAGS:
        good = isinstance(value, bool) or value in ("true", "false")
        value = value in (True, "true")
    elif name in LISTS:
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    else:
        good = isinstance(value, str) or (value is None and name not in ("name", "title", "slug"))
    if not good:
        raise populr_group.refusal(400, "request.validation", f"{name} has the wrong type.")
    return value


def without_tags(left: list[str], given: exchange.Record) -> list[str]:
    """The tags still open. A filled tag is gone, so filling it again is ``tag_not_found`` (inferred)."""
    for tag, value in given.items():
        if tag not in left:
            text = f"The tag {tag} could not be found in the pop. Available tags are: {', '.join(left)}"
            raise populr_group.refusal(400, "tag_not_found", text)
        if not isinstance(value, str | int | float):
            raise populr_group.refusal(400, "request.validation", f"The tag {tag} must be a string.")
    return [tag for tag in left if tag not in given]


def without_regions(
    group: populr_group.Group, left: exchange.Record, given: exchange.Record
) -> exchange.Record:
    """The regions still open; a value is one asset's id or a list of them."""
    for region, value in given.items():
        if region not in left:
            names = ", ".join(left)
            text = f"The region {region} could not be found in the pop. Available regions are: {names}"
            raise populr_group.refusal(400, "region_not_found", text)
        for asset_id in value if isinstance(value, list) else [value]:
            check_asset(group, asset_id, region, left[region]["type"])
    return {region: of for region, of in left.items() if region not in given}


def check_asset(group: populr_group.Group, asset_id: Any, region: str, wanted: str) -> None:
    """The asset is there, and of the type that its region takes."""
    asset = group.assets.get(asset_id) if isinstance(asset_id, str) else None
    if asset is None:
        raise bad_asset(asset_id, region)
    if asset["type"] != wanted:
        text = f"You attempted to place an invalid asset of type {asset['type']} within a pop."
        raise populr_group.refusal(400, "illegial_asset_type", f"{text} Acceptable types are {wanted}.")


def bad_asset(asset_id: Any, where: str) -> exchange.Refused:
    """To be raised: the document's own text for an asset that is not there."""
    text = "You must pass a valid asset ID for each asset you plan to populate"
    return populr_group.refusal(400, "request.validation", f"{text} (evaluating '{asset_id}' for {where})")
