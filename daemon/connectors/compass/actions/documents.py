"""Documents: what classifiers are trained on."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.connectors.compass import client as vendor
from daemon.contract import declare, errors, http
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

AT_ONCE = 1000  # documents in one request (vendor's support pages)


class Document(BaseModel):
    """A document to add."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    text: str = Field(description="Its text.")
    label: str | None = Field(None, description="The class it belongs to.")
    dataset: str | None = Field(None, description="The collection it belongs to.")


class AddDocuments(declare.Parameters):
    """Which documents, and where."""

    project_id: str = Field(description="The project's id.", min_length=1)
    documents: list[Document] = Field(
        description="The documents; more than a thousand go in several requests.", min_length=1
    )


class Documents(declare.Result):
    """Documents added."""

    count: int = Field(description="How many were added.")
    documents: list[dict[str, Any]] = Field(
        description="The documents (`id`, `url`, `label`, `dataset`, `language`), without their texts."
    )


@declare.action(
    "compass.add_documents",
    doubt=Doubt.PROBED,
    why="documents have no id of the sender's; their dataset tells how many have arrived",
)
async def add_documents(
    client: vendor.CompassClient, parameters: AddDocuments, call: declare.Call
) -> declare.Done[Documents]:
    """Add documents to a project, to train classifiers on."""
    path = f"/projects/{http.segment(parameters.project_id)}/p/documents/"
    given = [one.model_dump(exclude_none=True) for one in parameters.documents]
    added = await post_in_parts(client, path, given, AT_ONCE)
    return declare.Done(Documents(count=len(added), documents=added))


async def post_in_parts(
    client: vendor.CompassClient, path: str, given: list[JsonObject], at_once: int
) -> list[JsonObject]:
    """Post *given* as lists of at most *at_once*; the answered objects in order.

    Where a later part fails, the earlier ones have been taken: the error says so, and a temporary one is in
    doubt as a whole.
    """
    taken: list[JsonObject] = []
    for start in range(0, len(given), at_once):
        try:
            taken += as_list(await client.call("POST", path, json=given[start : start + at_once]))
        except errors.ServiceError as failed:
            if start == 0:
                raise
            raise _after(start, failed) from None
    return taken


def _after(start: int, failed: errors.ServiceError) -> errors.ServiceError:
    text = f"after {start} that were taken: {failed.text}"
    if isinstance(failed, errors.TemporaryError):
        return errors.TemporaryError(
            text,
            status=failed.status,
            retry_after=failed.retry_after,
            in_doubt=True,
            unauthorized=failed.unauthorized,
        )
    return errors.PermanentError(text, status=failed.status)


def as_list(answer: Json) -> list[JsonObject]:
    """The objects of an answer: a list, or the page of which the Compass API text speaks, or one object."""
    if isinstance(answer, dict):
        answer = answer.get("results", [answer])
    return [jsons.as_object(one) for one in answer] if isinstance(answer, list) else []
