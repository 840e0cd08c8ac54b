"""Documents: what classifiers are trained on.

They carry no id of the sender's, and a listing does not tell their texts (Compass API text). So a lost call is
looked for by counting: how many there were before, and whether those beyond are ours, in order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import parts, shapes
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

AT_ONCE = 1000  # documents in one request (vendor's support pages)
MOST_DATASETS = 5  # that are counted one by one; with more of them the whole project is counted
WHOLE = ""  # stands for the whole project where datasets are named


class NewDocument(BaseModel):
    """A document to add."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    text: str = Field(description="Its text.")
    label: str | None = Field(None, description="The class it belongs to.")
    dataset: str | None = Field(None, description="The collection it belongs to.")


class AddDocuments(shapes.InProject):
    """Which documents, and where."""

    documents: list[NewDocument] = Field(
        description="The documents; more than a thousand go in several requests.", min_length=1
    )


class ListDocuments(shapes.InProject, shapes.Limited):
    """Which documents."""

    label: str | None = Field(None, description="Only with this label.")
    dataset: str | None = Field(None, description="Only of this dataset.")


class Document(declare.Result):
    """A document; its text is not told."""

    id: int = Field(description="Its id.")
    url: str | None = Field(None, description="Its address.")
    label: str | None = Field(None, description="The class it belongs to.")
    dataset: str | None = Field(None, description="The collection it belongs to.")
    language: str | None = Field(None, description="Its language, two letters.")


class Documents(declare.Result):
    """Documents."""

    count: int = Field(description="How many were added, or how many there are.")
    documents: list[Document] = Field(description="The documents, without their texts.")


@declare.action(
    "compass.list_documents",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "label": "billing"},
)
async def list_documents(
    client: vendor.CompassClient, parameters: ListDocuments, call: declare.Call
) -> declare.Done[Documents]:
    """List a project's documents, all or those of a label or dataset."""
    query = shapes.query(parameters, "label", "dataset")
    found = await client.list_some(_path(parameters), query, parameters.limit)
    return declare.Done(_result(found.count, found.objects))


async def count_documents(client: vendor.CompassClient, parameters: AddDocuments) -> JsonObject:
    """How many documents there are, in each dataset that is added to or in the whole project: ``{"counts": …}``."""
    counts = {}
    for scope in scopes(parameters.documents):
        counts[scope] = (await client.page(_path(parameters), _within(scope))).count
    return {"counts": counts}


async def look_for_documents(
    client: vendor.CompassClient, parameters: AddDocuments, call: declare.Call, before: JsonObject | None
) -> declare.Done[Documents] | None:
    """Adopt the documents beyond those counted *before* if they are ours; if they are the first whole requests of
    ours, send the rest.
    """
    counts: dict[str, int] = shapes.noted(before)["counts"]
    present = await count_documents(client, parameters)
    if present["counts"] == counts:
        return None
    tails = {scope: await _beyond(client, parameters, scope, count) for scope, count in counts.items()}
    end = taken(parameters.documents, tails, AT_ONCE)
    if end is None:
        text = f"counted before {_told(counts)}, now {_told(present['counts'])}: not what was sent alone"
        raise errors.Unclear(f"{text} ({len(parameters.documents)} documents)")
    if end == 0:
        return None
    ours = sorted((one for tail in tails.values() for one in tail), key=lambda one: one.id)
    rest = [one.model_dump(exclude_none=True) for one in parameters.documents[end:]]
    added = await parts.post(client, _path(parameters), rest, AT_ONCE)
    return declare.Done(_result(len(parameters.documents), [*(one.model_dump() for one in ours), *added]))


@declare.action(
    "compass.add_documents",
    doubt=Doubt.PROBED,
    why="documents have no id of the sender's; their number tells how many have arrived",
    probe=declare.Probe(
        about="whether the project (or each dataset that was added to) has more documents than before, and whether "
        "those beyond have the labels and datasets that were sent, in order",
        look=look_for_documents,
        note=count_documents,
        lock=lambda parameters: f"documents/{parameters.project_id}",
    ),
    example={
        "project_id": "ab12cd34",
        "documents": [
            {"text": "The second invoice is wrong", "label": "billing", "dataset": "mails"},
            {"text": "The parcel came a week late", "label": "delivery", "dataset": "mails"},
        ],
    },
)
async def add_documents(
    client: vendor.CompassClient, parameters: AddDocuments, call: declare.Call
) -> declare.Done[Documents]:
    """Add documents to a project, to train classifiers on."""
    given = [one.model_dump(exclude_none=True) for one in parameters.documents]
    added = await parts.post(client, _path(parameters), given, AT_ONCE)
    return declare.Done(_result(len(given), added))


def scopes(given: Sequence[NewDocument]) -> list[str]:
    """What is counted: the datasets of *given*, or :data:`WHOLE` where one has none or they are many."""
    datasets = sorted({one.dataset or WHOLE for one in given})
    return datasets if WHOLE not in datasets and len(datasets) <= MOST_DATASETS else [WHOLE]


def taken(given: Sequence[NewDocument], tails: Mapping[str, Sequence[Document]], at_once: int) -> int | None:
    """How many of *given*, from the first on and in whole requests of *at_once*, are just what *tails* hold.

    *tails* are the documents beyond those counted before, oldest first, by scope. None where nothing fits.
    """
    ends: list[int] = [*range(0, len(given), at_once), len(given)]
    for end in ends:
        expected = {scope: [one for one in given[:end] if scope in (WHOLE, one.dataset)] for scope in tails}
        if all(_are_same(expected[scope], tail) for scope, tail in tails.items()):
            return end
    return None


def _are_same(sent: Sequence[NewDocument], found: Sequence[Document]) -> bool:
    return len(sent) == len(found) and all(map(_is_same, sent, found))


def _is_same(sent: NewDocument, found: Document) -> bool:
    """By all that a listing tells; should it tell the text as well, by that too."""
    told = (found.model_extra or {}).get("text")
    same_text = not isinstance(told, str) or told.strip() == sent.text.strip()
    return same_text and (sent.label or "", sent.dataset or "") == (found.label or "", found.dataset or "")


async def _beyond(
    client: vendor.CompassClient, parameters: AddDocuments, scope: str, count: int
) -> list[Document]:
    """The documents beyond the first *count*, by id: documents cannot be deleted, so those were there before."""
    listed = _result(0, await client.list_all(_path(parameters), _within(scope))).documents
    return sorted({one.id: one for one in listed}.values(), key=lambda one: one.id)[count:]


def _within(scope: str) -> JsonObject:
    return {"dataset": scope or None}


def _path(parameters: shapes.InProject) -> str:
    return vendor.inside(parameters.project_id, "documents")


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} in {scope or 'the project'}" for scope, count in counts.items())


def _result(count: int, found: list[Any]) -> Documents:
    documents = [shapes.named(one) for one in found]
    return requests.parse("Compass", Documents, {"count": count, "documents": documents})
