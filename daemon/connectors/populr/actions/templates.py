"""Templates: what pops are made from."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.connectors.populr import client as populr
from daemon.contract import declare, requests
from daemon.model.runs import Doubt


class Template(BaseModel):
    """A template as the API shows it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="The template's id.")
    name: str | None = Field(None, description="Its name on the pops list.")
    title: str | None = Field(None, description="The title that its pops begin with.")
    api_tags: list[str] | None = Field(None, description="Tags that `populate_tags` can fill.")
    api_regions: Any = Field(
        None, description="Regions that `populate_regions` can fill: `{region: {type}}`."
    )
    label_names: list[str] | None = Field(None, description="Labels that its pops begin with.")
    domain: str | None = Field(None, description="The domain its pops are published on.")
    created_at: str | None = Field(None, description="When it was made, RFC 3339.")


class ListTemplates(declare.Parameters):
    """Which templates to list."""

    count: int | None = Field(None, description="At most so many; all when not given.", ge=1)
    offset: int | None = Field(None, description="Leave out so many first.", ge=0)


class Templates(declare.Result):
    """Templates of the account."""

    templates: list[Template] = Field(description="The templates, in Populr's order.")


@declare.action("populr.list_templates", doubt=Doubt.REPEATABLE, why="it only reads", example={"count": 20})
async def list_templates(
    client: populr.PopulrClient, parameters: ListTemplates, call: declare.Call
) -> declare.Done[Templates]:
    """List the account's templates: all of them, or one page with `count` and `offset`."""
    found = await client.listed("/templates", parameters.offset, parameters.count)
    return declare.Done(Templates(templates=[requests.parse("Populr", Template, one) for one in found]))
