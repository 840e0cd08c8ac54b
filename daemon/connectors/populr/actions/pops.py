"""Pops: made from a template, filled, published, taken down, opened to collaborators."""

import re

from pydantic import Field

from daemon.connectors.populr import client as populr
from daemon.connectors.populr import events
from daemon.contract import declare, http, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

LONGEST_SLUG_WORDS = 40  # characters of a made slug that come from the pop's name
FILLED = ("populate_tags", "populate_regions")


class PopFields(declare.Parameters):
    """The fields of a pop that can be set; what is not given is not sent."""

    name: str | None = Field(None, description="Its name on the pops list.")
    title: str | None = Field(None, description="The title of its page.")
    slug: str | None = Field(None, description="The last part of its address, unique.")
    label_names: list[str] | None = Field(None, description="Labels that filter the pops list.")
    password: secrets.SecretText | None = Field(None, description="What visitors must enter.")
    domain: str | None = Field(None, description="One of the account's domains.")
    custom_links: list[str] | None = Field(None, description="Links to add to the default ones.")
    custom_code: str | None = Field(None, description="Code to put at the end of the page.")
    background_image_asset_id: str | None = Field(None, description="The background image's asset.")
    clone_link_enabled: bool | None = Field(None, description="Whether others may clone it.")
    collaboration_link_enabled: bool | None = Field(None, description="Whether others may edit it.")
    collaboration_interstitial_text: str | None = Field(None, description="What new collaborators read.")
    collaboration_webhook: secrets.SecretText | None = Field(
        None, description="What is called when a collaborator has finished; its path may be a secret."
    )
    populate_tags: dict[str, str | bool | int | float] | None = Field(
        None, description="Texts for the template's tags, by tag; a number becomes text."
    )
    populate_regions: dict[str, str | list[str]] | None = Field(
        None, description="Assets for the template's regions, by region: an asset's id, or a list of them."
    )


class CreatePop(PopFields):
    """A pop to make."""

    template_id: str = Field(description="The template to make it from.")


class PopId(declare.Parameters):
    """Which pop."""

    pop_id: str = Field(description="The pop's id.", min_length=1)


class UpdatePop(PopFields, PopId):
    """A pop and what to change of it."""


class EnableCollaboration(PopId):
    """A pop that others shall edit."""

    collaboration_interstitial_text: str | None = Field(None, description="What new collaborators read.")


class PopResult(declare.Result, events.Pop):
    """A pop as the API shows it."""

    vendor_id: str | None = Field(None, alias="_id", description="The same id, under the API's own name.")


def body_of(fields: JsonObject) -> JsonObject:
    """The API's shape of flat *fields*: the pop's own under ``pop``, what fills it beside.

    The document mixes one asset and a list of them; the vendor's clients always send lists.
    """
    shaped: JsonObject = {"pop": {name: value for name, value in fields.items() if name not in FILLED}}
    if tags := fields.get("populate_tags"):
        shaped["populate_tags"] = {tag: _written(value) for tag, value in tags.items()}
    if regions := fields.get("populate_regions"):
        shaped["populate_regions"] = {
            region: value if isinstance(value, list) else [value] for region, value in regions.items()
        }
    return shaped


def _written(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def made_slug(name: str | None, marker: str) -> str:
    """A slug that a later look recognises: words of *name*, then the step's *marker*."""
    words = _slug(name or "pop")[:LONGEST_SLUG_WORDS].strip("-")
    return f"{words}-{_slug(marker)}".strip("-")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def still_open(fields: JsonObject, pop: JsonObject) -> JsonObject:
    """*fields* without the tags and regions that *pop* has filled already."""
    open_names = {
        name: set(pop.get(f"unpopulated_api_{name.removeprefix('populate_')}") or ()) for name in FILLED
    }
    return {
        name: {key: item for key, item in value.items() if key in open_names[name]}
        if name in FILLED
        else value
        for name, value in fields.items()
    }


@declare.action("populr.get_pop", doubt=Doubt.REPEATABLE, why="it only reads")
async def get_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[PopResult]:
    """Read one pop."""
    return _done(await client.read(populr.pop_path(parameters.pop_id)))


@declare.action(
    "populr.create_pop",
    doubt=Doubt.PROBED,
    why="a second POST would make a second pop; it is looked for by its slug, which holds the step's marker",
)
async def create_pop(
    client: populr.PopulrClient, parameters: CreatePop, call: declare.Call
) -> declare.Done[PopResult]:
    """Make an unpublished pop from a template, its tags and regions filled.

    Without a `slug` it gets one of its name and a mark of this step, so that a repeated try recognises the
    pop that an earlier one made: Populr itself refuses a slug that is taken (vendor's .NET client).
    """
    fields = parameters.model_dump(exclude_unset=True)
    fields["slug"] = fields.get("slug") or made_slug(parameters.name or parameters.title, call.marker)
    if call.first_sent_at is not None and not parameters.slug:
        made = await find_by_slug(client, parameters.template_id, fields["slug"])
        if made is not None:
            return _touched(made)
    return _touched(await client.write("POST", "/pops", body_of(fields)))


async def find_by_slug(client: populr.PopulrClient, template_id: str, slug: str) -> JsonObject | None:
    """The template's pop with that *slug*. Populr cannot search, so its pops are listed."""
    pops = await client.pages(f"/templates/{http.segment(template_id)}/pops")
    return next((pop for pop in pops if pop.get("slug") == slug), None)


@declare.action(
    "populr.update_pop",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values; a repeated try leaves out the tags and regions that are filled by now",
)
async def update_pop(
    client: populr.PopulrClient, parameters: UpdatePop, call: declare.Call
) -> declare.Done[PopResult]:
    """Change fields of a pop, fill its open tags and regions."""
    fields = parameters.model_dump(exclude_unset=True, exclude={"pop_id"})
    path = populr.pop_path(parameters.pop_id)
    if call.first_sent_at is not None and any(fields.get(name) for name in FILLED):
        # A filled tag is open no more, and filling it again would be refused as tag_not_found.
        fields = still_open(fields, await client.read(path))
    return _touched(await client.write("PUT", path, body_of(fields)))


@declare.action("populr.publish_pop", doubt=Doubt.REPEATABLE, why="a published pop stays published")
async def publish_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[PopResult]:
    """Make a pop public; its `published_pop_url` is its address. Every tag and region must be filled."""
    return _touched(await client.write("POST", populr.pop_path(parameters.pop_id, "publish")))


@declare.action("populr.unpublish_pop", doubt=Doubt.REPEATABLE, why="a pop that is taken down stays so")
async def unpublish_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[PopResult]:
    """Take a pop down at once; its tracers cannot be used then."""
    return _touched(await client.write("POST", populr.pop_path(parameters.pop_id, "unpublish")))


@declare.action("populr.enable_collaboration", doubt=Doubt.REPEATABLE, why="it sets whole values")
async def enable_collaboration(
    client: populr.PopulrClient, parameters: EnableCollaboration, call: declare.Call
) -> declare.Done[PopResult]:
    """Let others edit a pop through its collaboration link, and have this daemon called when they finish."""
    fields: JsonObject = {
        "collaboration_link_enabled": True,
        "collaboration_webhook": call.callback_url("collaboration"),
        **parameters.model_dump(exclude_unset=True, exclude={"pop_id"}),
    }
    return _touched(await client.write("PUT", populr.pop_path(parameters.pop_id), body_of(fields)))


def _done(pop: JsonObject) -> declare.Done[PopResult]:
    return declare.Done(requests.parse("Populr", PopResult, _checked(pop)))


def _touched(pop: JsonObject) -> declare.Done[PopResult]:
    """What was made or changed is named, so that what comes of it is known to come of this run."""
    return declare.Done(requests.parse("Populr", PopResult, _checked(pop)), made=[("pop", pop["id"])])


def _checked(pop: JsonObject) -> JsonObject:
    """*pop* without a webhook URL: its path is a secret of ours."""
    return pop | ({"collaboration_webhook": secrets.BLANK} if pop.get("collaboration_webhook") else {})
