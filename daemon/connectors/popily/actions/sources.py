"""Sources: data that Popily takes in and builds insights from."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from daemon.connectors.popily import client as popily
from daemon.connectors.popily import events
from daemon.connectors.popily.actions import finding
from daemon.contract import declare, errors, files, requests, secrets
from daemon.model import jsons, times
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

ORIGINS = ("url", "file", "connection_string", "rows")
OURS = frozenset({"file", "rows", "wait", "wait_timeout"})  # parameters that are no field of Popily's


class Column(BaseModel):
    """A column of a new source."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    column_header: str = Field(description="The column's header.")
    data_type: str = Field(
        description="`category numeric currency datetime country state coordinate zipcode` or `rowlabel`."
    )


class AddSource(declare.Parameters):
    """Data to take in: exactly one of `url`, `file`, `rows`, or `connection_string` with `query`."""

    url: str | None = Field(None, description="Where the data file or the JSON API is.")
    file: files.File | None = Field(
        None,
        description="A file to send: a path on this machine, `{ name, content }`, `{ name, url }` or `{ name, rows }`.",
    )
    rows: list[dict[str, Any]] | None = Field(None, description="Rows to send as a CSV file, each an object.")
    connection_string: secrets.SecretText | None = Field(None, description="The database to ask.")
    query: str | None = Field(None, description="The SQL query to ask it.")
    title: str | None = Field(None, description="The source's name.")
    description: str | None = Field(None, description="Its description; a mark of this step is added to it.")
    columns: list[Column] | None = Field(None, description="The columns that count; others are ignored.")
    type: str | None = Field(None, description="`e_csv`, `e_xls`, `e_json` or `sql`; else it is inferred.")
    sheetname: str | None = Field(None, description="The sheet of an Excel file.")
    created_by: int | None = Field(None, description="The user to make it for, by id.")
    wait: bool = Field(False, description="Whether the run goes on only when the source is finished.")
    wait_timeout: str = Field("24h", description="How long to wait at most, a duration.")

    @field_validator("wait_timeout")
    @classmethod
    def check_duration(cls, value: str) -> str:
        """:class:`ValueError` unless it is a duration."""
        times.parse_duration(value)
        return value

    @model_validator(mode="after")
    def check_origin(self) -> Self:
        """One origin; a query goes with a connection string, and the other way round."""
        given = [name for name in ORIGINS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of url, file, rows, or connection_string with query")
        if (self.query is None) != (self.connection_string is None):
            raise ValueError("connection_string and query go together")
        if self.rows is not None and not any(self.rows):
            raise ValueError("rows are empty: there is nothing to take in")
        return self


class SourceResult(declare.Result, events.Source):
    """A source as the API shows it."""


class AddedSource(SourceResult):
    """The new source, flat and as its events show it. With `wait` it is the finished one, and `previous` its
    status before."""

    source: events.Source = Field(description="The source, as its events show it.")
    previous: str | None = Field(None, description="The status it had before; null: it is new.")


class GetSource(declare.Parameters):
    """Which source."""

    source_id: int | str = Field(description="The source's id or slug.")


class ListSources(declare.Parameters):
    """All sources of the account."""


class Sources(declare.Result):
    """Sources of the account."""

    sources: list[events.Source] = Field(description="The sources, in Popily's order.")


@declare.action("popily.get_source", doubt=Doubt.REPEATABLE, why="it only reads", example={"source_id": 2279})
async def get_source(
    client: popily.PopilyClient, parameters: GetSource, call: declare.Call
) -> declare.Done[SourceResult]:
    """Read one source and its status."""
    source = await client.read(popily.item_path(popily.SOURCES, parameters.source_id))
    return declare.Done(_result(source))


@declare.action("popily.list_sources", doubt=Doubt.REPEATABLE, why="it only reads")
async def list_sources(
    client: popily.PopilyClient, parameters: ListSources, call: declare.Call
) -> declare.Done[Sources]:
    """List all sources of the account, page after page."""
    found = await client.pages(popily.SOURCES, {})
    return declare.Done(Sources(sources=[_result(source) for source in found]))


def mark_of(marker: str) -> str:
    """What a new source's description ends in, so that a later look recognises it; nothing without a *marker*."""
    return f"[pointsman {marker}]" if marker else ""


def sent_fields(parameters: AddSource, marker: str) -> JsonObject:
    """What an addition sends beside its data, the step's mark in the description."""
    fields = parameters.model_dump(exclude_none=True, exclude=set(OURS))
    described = f"{parameters.description or ''} {mark_of(marker)}".strip()
    return {**fields, "description": described} if described else fields


async def note_sources(client: popily.PopilyClient, parameters: AddSource) -> JsonObject:
    """The highest id of a source before the call."""
    sources = await client.pages(popily.SOURCES, {})
    return {"last_id": finding.last_id(sources)}


async def look_for_source(
    client: popily.PopilyClient, parameters: AddSource, call: declare.Call, before: JsonObject | None
) -> declare.Done[AddedSource] | None:
    """The source that an earlier try added."""
    sources = await client.pages(popily.SOURCES, {})
    found = finding.choose_source(sources, mark_of(call.marker), parameters.title, before)
    return _added(found, parameters, call.marker) if found is not None else None


@declare.action(
    "popily.add_source",
    doubt=Doubt.PROBED,
    why="a second POST would make a second source: titles may repeat",
    follows="sources",
    probe=declare.Probe(
        about="a source with the step's mark in its description, newer than those that were there before the call",
        look=look_for_source,
        note=note_sources,
        lock=lambda parameters: f"source/{parameters.title}" if parameters.title else "",
        relies_on_marker=lambda _parameters: True,
    ),
    example={
        "title": "Signups",
        "rows": [{"city": "Oslo", "signups": 42}, {"city": "Lima", "signups": 17}],
        "columns": [
            {"column_header": "city", "data_type": "category"},
            {"column_header": "signups", "data_type": "numeric"},
        ],
    },
)
async def add_source(
    client: popily.PopilyClient, parameters: AddSource, call: declare.Call
) -> declare.Done[AddedSource]:
    """Take data in from a URL, a file, rows, or a database query; it is followed until finished or failed."""
    source = await _post(client, parameters, sent_fields(parameters, call.marker))
    return _added(source, parameters, call.marker)


def _added(source: JsonObject, parameters: AddSource, marker: str) -> declare.Done[AddedSource]:
    if "id" not in source:
        raise errors.StrangeAnswer("the new source has no id. Is base_url right?")
    # The document's answer to a POST shows little more than the id; what we sent is known besides.
    described = sent_fields(parameters, marker).get("description")
    sent = {"title": parameters.title, "description": described, "status": "inspecting"}
    seen = events.compare(None, {**sent, **source}, announce=True)
    follow = declare.Follow("sources", seen.id, seen.memory)
    result = requests.parse("Popily", AddedSource, events.result_of(seen.resource, None))
    return declare.Done(result, facts=seen.facts, follow=follow, made=[("source", seen.id)])


async def _post(client: popily.PopilyClient, parameters: AddSource, fields: JsonObject) -> JsonObject:
    file = parameters.file
    if parameters.rows is not None:
        file = files.GivenFile(rows=parameters.rows)
    if file is None:
        return popily.as_record((await client.send("POST", popily.SOURCES, json=fields)).json())
    form = form_of(fields)
    return popily.as_record(
        (await client.send("POST", popily.SOURCES, form=form, files={"data": file})).json()
    )


def form_of(fields: JsonObject) -> list[tuple[str, str]]:
    """*fields* as parts of a form: ``columns`` is repeated, each one JSON object (vendor's Node client)."""
    texts = [(name, str(value)) for name, value in fields.items() if name != "columns"]
    return texts + [("columns", jsons.dumps(column)) for column in fields.get("columns") or ()]


def _result(source: JsonObject) -> SourceResult:
    return requests.parse("Popily", SourceResult, source)
