"""Tracers: links to a pop that are counted one by one."""

from typing import Any, Self

from pydantic import Field, model_validator

from daemon.connectors.populr import client as populr
from daemon.connectors.populr import events, webhooks
from daemon.connectors.populr.actions import pops
from daemon.contract import declare, requests, secrets
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


@declare.action("populr.get_tracer", doubt=Doubt.REPEATABLE, why="it only reads")
async def get_tracer(
    client: populr.PopulrClient, parameters: GetTracer, call: declare.Call
) -> declare.Done[TracerResult]:
    """Read one tracer and its counters."""
    path = populr.pop_path(parameters.pop_id, "tracers", parameters.tracer_id)
    return declare.Done(_result(await client.read(path)))


@declare.action(
    "populr.create_tracer",
    doubt=Doubt.PROBED,
    why="a second POST would make a second tracer; it can be looked for by its name on the pop",
)
async def create_tracer(
    client: populr.PopulrClient, parameters: CreateTracer, call: declare.Call
) -> declare.Done[TracerResult]:
    """Make a tracer of a pop; with `notify` this daemon is called when somebody opens the pop through it."""
    body: JsonObject = parameters.model_dump(exclude_unset=True, exclude={"pop_id", "notify"})
    if parameters.notify:
        # An opaque text: the placeholders are Populr's to fill, and no URL parser would leave them alone.
        body |= {
            "notify_on_open": True,
            "notify_webhook": call.callback_url("tracer") + webhooks.tracer.query,
        }
    tracer = await client.write("POST", populr.pop_path(parameters.pop_id, "tracers"), body)
    made = ("tracer", f"{parameters.pop_id}/{tracer['id']}")
    return declare.Done(_result(tracer), made=[made])


def _result(tracer: JsonObject) -> TracerResult:
    hook: dict[str, Any] = {"notify_webhook": secrets.BLANK} if tracer.get("notify_webhook") else {}
    given = {name: value for name, value in tracer.items() if value is not None}
    return requests.parse("Populr", TracerResult, given | hook)
