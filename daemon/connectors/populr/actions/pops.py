"""Pops: made from a template, filled, published, taken down, opened to collaborators, deleted."""

from pydantic import Field

from daemon.connectors.populr import client as populr
from daemon.connectors.populr import events
from daemon.connectors.populr.actions import finding
from daemon.contract import declare, errors, http, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


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

    template_id: str = Field(description="The template to make it from.", min_length=1)


class PopId(declare.Parameters):
    """Which pop."""

    pop_id: str = Field(description="The pop's id.", min_length=1)


class UpdatePop(PopFields, PopId):
    """A pop and what to change of it."""


class ListPops(declare.Parameters):
    """Which pops to list."""

    count: int | None = Field(None, description="At most so many; all when not given.", ge=1)
    offset: int | None = Field(None, description="Leave out so many first.", ge=0)


class ListTemplatePops(ListPops):
    """Whose pops to list."""

    template_id: str = Field(description="The template that they were made from.", min_length=1)


class PopResult(declare.Result, events.Pop):
    """A pop as the API shows it."""

    vendor_id: str | None = Field(None, alias="_id", description="The same id, under the API's own name.")


class Pops(declare.Result):
    """Pops of the account."""

    pops: list[events.Pop] = Field(description="The pops, in Populr's order.")


class DeletedPop(declare.Result):
    """A pop that does not exist any more."""

    id: str = Field(description="The pop's id.")
    existed: bool = Field(description="Whether it was still there when it was deleted.")


def body_of(fields: JsonObject) -> JsonObject:
    """The API's shape of flat *fields*: the pop's own under ``pop``, what fills it beside.

    The document mixes one asset and a list of them; the vendor's clients always send lists.
    """
    shaped: JsonObject = {
        "pop": {name: value for name, value in fields.items() if name not in finding.FILLED}
    }
    if tags := fields.get("populate_tags"):
        shaped["populate_tags"] = {tag: _written(value) for tag, value in tags.items()}
    if regions := fields.get("populate_regions"):
        shaped["populate_regions"] = {
            region: value if isinstance(value, list) else [value] for region, value in regions.items()
        }
    return shaped


def _written(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@declare.action(
    "populr.get_pop",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"pop_id": "692cda80dd02dc42d9000001"},
)
async def get_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[PopResult]:
    """Read one pop."""
    return declare.Done(_result(await client.read(populr.pop_path(parameters.pop_id))))


@declare.action("populr.list_pops", doubt=Doubt.REPEATABLE, why="it only reads", example={"count": 20})
async def list_pops(
    client: populr.PopulrClient, parameters: ListPops, call: declare.Call
) -> declare.Done[Pops]:
    """List the account's pops: all of them, or one page with `count` and `offset`. Populr cannot search."""
    return declare.Done(_listed(await client.listed("/pops", parameters.offset, parameters.count)))


@declare.action(
    "populr.list_template_pops",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"template_id": "51536582dd02dcccf9000001", "count": 20},
)
async def list_template_pops(
    client: populr.PopulrClient, parameters: ListTemplatePops, call: declare.Call
) -> declare.Done[Pops]:
    """List the pops made from one template: all of them, or one page with `count` and `offset`."""
    path = _template_path(parameters.template_id)
    return declare.Done(_listed(await client.listed(path, parameters.offset, parameters.count)))


def _template_path(template_id: str) -> str:
    return f"/templates/{http.segment(template_id)}/pops"


def sent_fields(parameters: CreatePop, marker: str) -> JsonObject:
    """What a creation sends, with the slug that it makes where none is given. Without a *marker* there is none to
    make: Populr chooses."""
    fields = parameters.model_dump(exclude_unset=True)
    if not fields.get("slug") and marker:
        fields["slug"] = finding.made_slug(parameters.name or parameters.title, marker)
    return fields


async def note_slug(client: populr.PopulrClient, parameters: CreatePop) -> JsonObject:
    """Whose the given slug is before the call; a slug of our own making is nobody's."""
    if not parameters.slug:
        return {}
    pops = await client.pages(_template_path(parameters.template_id))
    return {"pop_id": next((pop["id"] for pop in pops if finding.holds_slug(pop, parameters.slug)), None)}


async def look_for_pop(
    client: populr.PopulrClient, parameters: CreatePop, call: declare.Call, before: JsonObject | None
) -> declare.Done[PopResult] | None:
    """The pop that an earlier try made. Populr cannot search, so the template's pops are listed."""
    pops = await client.pages(_template_path(parameters.template_id))
    sent = sent_fields(parameters, call.marker)
    made = finding.choose_pop(pops, sent, call.first_sent_at, before or {})
    return touched(made) if made is not None else None


@declare.action(
    "populr.create_pop",
    doubt=Doubt.PROBED,
    why="a second POST would make a second pop",
    probe=declare.Probe(
        about="a pop of the template with the slug that was sent: one of its name and a mark of the step, if "
        "none was given",
        look=look_for_pop,
        note=note_slug,
        lock=lambda parameters: f"slug/{parameters.slug}" if parameters.slug else "",
        relies_on_marker=lambda parameters: not parameters.slug,
    ),
    example={
        "template_id": "51536582dd02dcccf9000001",
        "name": "Oslo 2026",
        "title": "News for Oslo",
        "populate_tags": {"city": "Oslo", "signups": 42},
    },
)
async def create_pop(
    client: populr.PopulrClient, parameters: CreatePop, call: declare.Call
) -> declare.Done[PopResult]:
    """Make an unpublished pop from a template, its tags and regions filled.

    Without a `slug` it gets one of its name and a mark of this step, so that a pop that an earlier try made is
    recognised: Populr itself refuses a slug that is taken (vendor's .NET client).
    """
    return touched(await client.write("POST", "/pops", body_of(sent_fields(parameters, call.marker))))


def fills(parameters: UpdatePop) -> bool:
    """Whether tags or regions are to be filled: what is filled once cannot be filled again."""
    return bool(parameters.populate_tags or parameters.populate_regions)


def doubt_of_update(parameters: UpdatePop) -> Doubt:
    """Probed if something is filled; plain fields can be set again."""
    return Doubt.PROBED if fills(parameters) else Doubt.REPEATABLE


async def note_open(client: populr.PopulrClient, parameters: UpdatePop) -> JsonObject:
    """The pop's open tags and regions before the call; nothing where it cannot be read: the call itself says why."""
    if not fills(parameters):
        return {}
    try:
        pop = await client.read(populr.pop_path(parameters.pop_id))
    except errors.PermanentError:
        return {}
    return {"open": finding.open_places(pop)}


async def look_for_filling(
    client: populr.PopulrClient, parameters: UpdatePop, call: declare.Call, before: JsonObject | None
) -> declare.Done[PopResult] | None:
    """The pop, if an earlier try filled it."""
    pop = await client.find(populr.pop_path(parameters.pop_id))
    given = parameters.model_dump(exclude_unset=True, exclude={"pop_id"})
    filled = finding.choose_filled(given, pop, before) if pop is not None else None
    return touched(filled) if filled is not None else None


@declare.action(
    "populr.update_pop",
    doubt=Doubt.PROBED,
    why="plain fields can be set again, but a tag or region that is filled is open no more, and would be refused",
    doubt_of=doubt_of_update,
    probe=declare.Probe(
        about="the pop's open tags and regions, beside those that were open before the call",
        look=look_for_filling,
        note=note_open,
        lock=lambda parameters: f"pop/{parameters.pop_id}" if fills(parameters) else "",
    ),
    example={
        "pop_id": "692cda80dd02dc42d9000007",
        "title": "News for Oslo",
        "populate_tags": {"city": "Oslo", "signups": 42},
    },
)
async def update_pop(
    client: populr.PopulrClient, parameters: UpdatePop, call: declare.Call
) -> declare.Done[PopResult]:
    """Change fields of a pop, fill its open tags and regions."""
    fields = parameters.model_dump(exclude_unset=True, exclude={"pop_id"})
    return touched(await client.write("PUT", populr.pop_path(parameters.pop_id), body_of(fields)))


@declare.action(
    "populr.delete_pop",
    doubt=Doubt.REPEATABLE,
    why="a pop that is deleted stays so",
    example={"pop_id": "692cda80dd02dc42d9000001"},
)
async def delete_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[DeletedPop]:
    """Delete a pop for good, its tracers too. One that is not there is no error."""
    existed = await client.delete(populr.pop_path(parameters.pop_id))
    return declare.Done(DeletedPop(id=parameters.pop_id, existed=existed))


@declare.action(
    "populr.publish_pop",
    doubt=Doubt.REPEATABLE,
    why="a published pop stays published",
    example={"pop_id": "692cda80dd02dc42d9000001"},
)
async def publish_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[PopResult]:
    """Make a pop public; its `published_pop_url` is its address. Every tag and region must be filled."""
    return touched(await client.write("POST", populr.pop_path(parameters.pop_id, "publish")))


@declare.action(
    "populr.unpublish_pop",
    doubt=Doubt.REPEATABLE,
    why="a pop that is taken down stays so",
    example={"pop_id": "692cda80dd02dc42d9000004"},
)
async def unpublish_pop(
    client: populr.PopulrClient, parameters: PopId, call: declare.Call
) -> declare.Done[PopResult]:
    """Take a pop down at once; its tracers cannot be used then."""
    return touched(await client.write("POST", populr.pop_path(parameters.pop_id, "unpublish")))


def touched(pop: JsonObject) -> declare.Done[PopResult]:
    """*pop* as a result. What was made or changed is named, so that what comes of it is known to come of this run."""
    return declare.Done(_result(pop), made=[("pop", pop["id"])])


def _result(pop: JsonObject) -> PopResult:
    return requests.parse("Populr", PopResult, _checked(pop))


def _listed(pops: list[JsonObject]) -> Pops:
    return Pops(pops=[requests.parse("Populr", events.Pop, _checked(pop)) for pop in pops])


def _checked(pop: JsonObject) -> JsonObject:
    """*pop* without a webhook URL: its path is a secret of ours."""
    return pop | ({"collaboration_webhook": secrets.BLANK} if pop.get("collaboration_webhook") else {})
