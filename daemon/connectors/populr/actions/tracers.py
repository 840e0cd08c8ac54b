"""Tracers: links to a pop that are counted one by one."""

from typing import Any, Self

from pydantic import Field, model_validator

from daemon.connectors.populr import client as populr
from daemon.connectors.populr import events, webhooks
from daemon.connectors.populr.actions import finding, pops
from daemon.contract import declare, errors, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class CreateTracer(pops.PopId):
    """A tracer to make."""

    name: str = Field(description="Its name on the tracer list; an e-mail address is listed under mail.")
    notify_on_open: bool | None = Field(None, description="Whether `notify_webhook` is called.")
    notify_webhook: secrets.SecretText | None = Field(
        None, description="What is called when it is opened; may hold `%{pop-id}` and `%{tracer-id}`."
    )
    notify: bool = Field(False, description="Have this daemon called when it is opened, instead of another.")

    @model_validator(mode="after")
    def check_one(self) -> Self:
        """One webhook, not two."""
        if self.notify and self.notify_webhook:
            raise ValueError("notify fills in this daemon's own notify_webhook: leave one of them out")
        return self


class GetTracer(pops.PopId):
    """Which tracer."""

    tracer_id: str = Field(description="The tracer's id.", min_length=1)


class TracerResult(declare.Result):
    """A tracer as the API shows it; its public link is the pop's `published_pop_url`, `?` and `code`."""

    id: str = Field(description="The tracer's id.")
    vendor_id: str | None = Field(None, alias="_id", description="The same id, under the API's own name.")
    name: str | None = Field(None, description="Its name.")
    code: str | None = Field(None, description="What is appended to the pop's address; null where not told.")
    notify_on_open: bool | None = Field(None, description="Whether its webhook is called.")
    notify_webhook: secrets.SecretText | None = Field(None, description="What is called. Blanked.")
    analytics: events.Counters = Field(default_factory=events.Counters, description="Its counters.")


@declare.action(
    "populr.get_tracer",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"pop_id": "692cda80dd02dc42d9000001", "tracer_id": "692cda80dd02dc42d900000a"},
)
async def get_tracer(
    client: populr.PopulrClient, parameters: GetTracer, call: declare.Call
) -> declare.Done[TracerResult]:
    """Read one tracer and its counters."""
    path = populr.pop_path(parameters.pop_id, "tracers", parameters.tracer_id)
    return declare.Done(_result(await client.read(path)))


def sent_fields(parameters: CreateTracer, call: declare.Call) -> JsonObject:
    """What a creation sends; with `notify` this daemon's own callback URL."""
    body: JsonObject = parameters.model_dump(exclude_unset=True, exclude={"pop_id", "notify"})
    if not parameters.notify:
        return body
    # An opaque text: the placeholders are Populr's to fill, and no URL parser would leave them alone.
    own = call.callback_url("tracer") + webhooks.tracer.query
    return body | {"notify_on_open": True, "notify_webhook": own}


async def tracers_of(client: populr.PopulrClient, pop_id: str) -> list[JsonObject]:
    """The pop's tracers, in short: those that the pop shows; the list, known from the vendor's Ruby client alone, where
    they come without ids. None of a pop that does not exist."""
    pop = await client.find(populr.pop_path(pop_id))
    if pop is None:
        return []
    short = pop.get("tracers")
    if isinstance(short, list) and all(isinstance(one, dict) and "_id" in one for one in short):
        return [populr.as_record(one) for one in short]
    return await client.pages(populr.pop_path(pop_id, "tracers"))


async def note_tracers(client: populr.PopulrClient, parameters: CreateTracer) -> JsonObject:
    """The ids of the tracers that have the name before the call; nothing where they cannot be read."""
    try:
        known = await tracers_of(client, parameters.pop_id)
    except errors.PermanentError:
        return {}
    return {"tracer_ids": finding.named_ids(known, parameters.name)}


async def look_for_tracer(
    client: populr.PopulrClient, parameters: CreateTracer, call: declare.Call, before: JsonObject | None
) -> declare.Done[TracerResult] | None:
    """The tracer that an earlier try made."""
    known = await tracers_of(client, parameters.pop_id)
    short = finding.choose_tracer(known, parameters.name, before)
    if short is None:
        return None
    tracer = await client.read(populr.pop_path(parameters.pop_id, "tracers", short["id"]))
    finding.refuse_other(tracer, sent_fields(parameters, call))
    return _made(parameters, {**short, **tracer})


@declare.action(
    "populr.create_tracer",
    doubt=Doubt.PROBED,
    why="a second POST would make a second tracer: names may repeat",
    probe=declare.Probe(
        about="a tracer of the pop with the name that was sent, and none of those that had it before the call",
        look=look_for_tracer,
        note=note_tracers,
        lock=lambda parameters: f"tracer/{parameters.pop_id}/{parameters.name}",
    ),
    example={"pop_id": "692cda80dd02dc42d9000001", "name": "ada@example.com", "notify": True},
)
async def create_tracer(
    client: populr.PopulrClient, parameters: CreateTracer, call: declare.Call
) -> declare.Done[TracerResult]:
    """Make a tracer of a pop; with `notify` this daemon is called when somebody opens the pop through it."""
    path = populr.pop_path(parameters.pop_id, "tracers")
    return _made(parameters, await client.write("POST", path, sent_fields(parameters, call)))


def _made(parameters: CreateTracer, tracer: JsonObject) -> declare.Done[TracerResult]:
    id = f"{parameters.pop_id}/{tracer['id']}"
    calls_us = [("tracers", id)] if parameters.notify else []
    return declare.Done(_result(tracer), made=[("tracer", id)], calls_us=calls_us)


def _result(tracer: JsonObject) -> TracerResult:
    hook: dict[str, Any] = {"notify_webhook": secrets.BLANK} if tracer.get("notify_webhook") else {}
    given = {name: value for name, value in tracer.items() if value is not None}
    return requests.parse("Populr", TracerResult, given | hook)
