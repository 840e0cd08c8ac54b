"""Insights: what Popily found in a source, one chart each."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from daemon.connectors.popily import client as popily
from daemon.connectors.popily import events
from daemon.contract import declare, errors, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

SEPARATORS = (",", "!", "__")  # the wire has no way to escape them (vendor's clients)


class Filter(BaseModel):
    """Keeps of a column only some values."""

    model_config = ConfigDict(defer_build=True, extra="forbid", hide_input_in_errors=True)
    column: str = Field(description="The column's header.")
    values: list[str | int | float] = Field(description="The values to compare with.", min_length=1)
    op: str = Field("eq", description="How: `eq`, in later editions `lt lte gt gte in notin noteq` too.")

    @field_validator("column", "op")
    @classmethod
    def check_name(cls, value: str) -> str:
        """:class:`ValueError` for what the wire cannot carry."""
        return unambiguous(value)

    @field_validator("values")
    @classmethod
    def check_values(cls, values: list[str | int | float]) -> list[str | int | float]:
        """:class:`ValueError` for what the wire cannot carry."""
        for value in values:
            unambiguous(str(value))
        return values


def unambiguous(text: str) -> str:
    """*text* if it can stand in a packed filter; :class:`ValueError` where it would be taken apart."""
    if not text or any(mark in text for mark in SEPARATORS):
        raise ValueError(
            "a filter's names and values must not be empty or hold a comma, ! or two underscores: "
            "Popily cannot tell these from its own separators"
        )
    return text


def pack_filters(filters: list[Filter]) -> str:
    """``column!op!v1,v2`` joined by two underscores (vendor's clients). :class:`ValueError` where one ends in
    an underscore that would run together with them."""
    parts = [f"{one.column}!{one.op}!{','.join(str(value) for value in one.values)}" for one in filters]
    packed = "__".join(parts)
    if packed.split("__") != parts:
        raise ValueError(
            "only the last filter may end with an underscore: Popily joins filters by two of them"
        )
    return packed


class Look(declare.Parameters):
    """How insights are read."""

    filters: list[Filter] | None = Field(None, description="Only part of the data.")
    full: bool | None = Field(None, description="Whether to have the values themselves too.")
    height: int | None = Field(None, description="The chart's height in pixels.", ge=1)
    width: int | None = Field(None, description="The chart's width in pixels.", ge=1)

    @field_validator("filters")
    @classmethod
    def check_filters(cls, filters: list[Filter] | None) -> list[Filter] | None:
        """:class:`ValueError` for filters that the wire cannot carry together."""
        pack_filters(filters or [])
        return filters


class ListInsights(Look):
    """Whose insights, and which of them."""

    source: int | str = Field(description="The source's id or slug.")
    columns: list[str] | None = Field(None, description="Only insights about these columns.")
    insight_types: list[str] | None = Field(None, description="Only these kinds of analysis.")
    insight_actions: list[str] | None = Field(None, description="The same, in later editions.")
    single: bool | None = Field(None, description="Whether to have just one, the best.")

    @field_validator("columns", "insight_types", "insight_actions")
    @classmethod
    def check_names(cls, names: list[str] | None) -> list[str] | None:
        """:class:`ValueError` for a name with a comma: the wire joins them by commas."""
        if any("," in name or not name for name in names or ()):
            raise ValueError("a name here must not be empty or hold a comma: Popily joins names by commas")
        return names


class GetInsight(Look):
    """Which insight."""

    insight_id: int | str = Field(description="The insight's id or slug.")


class CustomizeInsight(declare.Parameters):
    """An insight and how its chart shall look. An insight has one customization for each set of filters."""

    insight_id: int | str = Field(description="The insight's id.")
    title: str | None = Field(None, description="The chart's title.")
    x_label: str | None = Field(None, description="The label of the x axis.")
    y_label: str | None = Field(None, description="The label of the y axis.")
    z_label: str | None = Field(None, description="The label of the z axis.")
    category_order: str | None = Field(
        None, description="The order of categories: `a-z`, `z-a`, `asc`, `dsc`; `auto` in later editions."
    )
    time_interval: str | None = Field(
        None, description="How times are grouped: `minute hour day week month` or `year`."
    )
    refresh_rate: int | None = Field(
        None, description="How often it is calculated anew, in hours; 0: not any more.", ge=0
    )
    swap: bool | None = Field(None, description="Whether the axes change places.")
    filters: list[Filter] | None = Field(None, description="The part of the data that this is for.")

    @field_validator("filters")
    @classmethod
    def check_filters(cls, filters: list[Filter] | None) -> list[Filter] | None:
        """:class:`ValueError` for filters that the wire cannot carry together."""
        pack_filters(filters or [])
        return filters

    @model_validator(mode="after")
    def check_something(self) -> Self:
        """Something is to be customized."""
        if not self.model_dump(exclude_none=True, exclude={"insight_id", "filters"}):
            raise ValueError("give something to customize: a title, a label, an order …")
        return self


class Insight(BaseModel):
    """An insight as the API shows it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: int | str = Field(description="The insight's id.")
    source: int | str | None = Field(None, description="The source it was found in.")
    title: str | None = Field(None, description="The chart's title.")
    x_label: str | None = Field(None, description="The label of the x axis.")
    y_label: str | None = Field(None, description="The label of the y axis.")
    z_label: str | None = Field(None, description="The label of the z axis.")
    filters_key: str | None = Field(None, description="The filters it was read with, packed.")
    insight_type: str | None = Field(None, description="The kind of analysis.")
    insight_type_category: str | None = Field(None, description="The kind's family.")
    embed_url: secrets.SecretText | None = Field(
        None, description="Where the chart can be shown for a while. Signed, so it is blanked."
    )
    x_values: list[Any] | None = Field(None, description="The values of the x axis, with `full`.")
    y_values: list[Any] | None = Field(None, description="The values of the y axis, with `full`.")
    z_values: list[Any] | None = Field(None, description="The values of the z axis, with `full`.")


class InsightResult(declare.Result, Insight):
    """An insight as the API shows it."""


class Insights(declare.Result):
    """Insights of a source."""

    insights: list[Insight] = Field(description="The insights, in Popily's order.")


def query_of(parameters: Look | CustomizeInsight) -> JsonObject:
    """*parameters* as Popily's query, or the body of a PUT: lists joined by commas, filters packed, what is not
    given left out."""
    given = parameters.model_dump(exclude_none=True, exclude={"filters", "insight_id"})
    query = {name: ",".join(value) if isinstance(value, list) else value for name, value in given.items()}
    return {**query, "filters": pack_filters(parameters.filters)} if parameters.filters else query


def present(body: JsonObject) -> JsonObject:
    """*body* if it is an insight.

    While a source is being built Popily answers, under 200, that the insight is ``not found``, and the
    source's status (vendor's browser client): that is temporary until the status is a last one.
    """
    if body.get("insight") != "not found":
        return body
    status = body.get("source_status")
    if status and events.word_of(str(status)) not in (events.FINISHED, events.FAILED):
        raise errors.TemporaryError(f"no such insight yet: the source is {str(status)[:50]}")
    raise errors.PermanentError("there is no such insight", status=404, missing=True)


@declare.action(
    "popily.list_insights",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"source": 2279, "columns": ["city", "signups"]},
)
async def list_insights(
    client: popily.PopilyClient, parameters: ListInsights, call: declare.Call
) -> declare.Done[Insights]:
    """List a source's insights, page after page; with `single` just one."""
    query = query_of(parameters)
    if parameters.single:
        found = [present(await client.read(popily.INSIGHTS, query))]
    else:
        query.pop("single", None)  # its mere presence counts
        found = await client.pages(popily.INSIGHTS, query)
    return declare.Done(Insights(insights=[requests.parse("Popily", Insight, one) for one in found]))


@declare.action(
    "popily.get_insight",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"insight_id": 2279000, "full": True},
)
async def get_insight(
    client: popily.PopilyClient, parameters: GetInsight, call: declare.Call
) -> declare.Done[InsightResult]:
    """Read one insight, its `embed_url` fresh."""
    path = popily.item_path(popily.INSIGHTS, parameters.insight_id)
    return declare.Done(
        requests.parse("Popily", InsightResult, present(await client.read(path, query_of(parameters))))
    )


@declare.action(
    "popily.customize_insight",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"insight_id": 2279000, "title": "Signups by city", "category_order": "dsc"},
)
async def customize_insight(
    client: popily.PopilyClient, parameters: CustomizeInsight, call: declare.Call
) -> declare.Done[InsightResult]:
    """Change how an insight's chart looks, for all its data or for one set of filters."""
    path = popily.item_path(popily.INSIGHTS, parameters.insight_id)
    changed = popily.as_record((await client.send("PUT", path, json=query_of(parameters))).json())
    result = requests.parse("Popily", InsightResult, present(changed))
    return declare.Done(result, made=[("insight", str(result.id))])
