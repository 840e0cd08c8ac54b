"""Pictures of figures, and the schema that figures follow."""

import base64
from typing import Any, Literal

from pydantic import Field, model_validator

from daemon.connectors.plotly.actions import cells, plots
from daemon.connectors.plotly.client import PlotlyClient
from daemon.contract import declare, errors, http
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

LONGEST_SIDE = 20_000  # pixels; beyond that nobody means it
TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "eps": "application/postscript",
    "emf": "image/emf",
}


class RenderImage(declare.Parameters):
    """A picture of a plot that Plotly has, or of any figure."""

    fid: cells.Fid | None = Field(None, description="A plot of Plotly's, instead of a figure.")
    figure: JsonObject | None = Field(
        None, description="The figure: `data`, `layout`. Its traces may hold cells: `x = [1, 2]`."
    )
    data: list[JsonObject] | None = Field(None, description="The traces, instead of `figure`.")
    layout: JsonObject | None = Field(None, description="The layout, beside `data`.")
    format: Literal["png", "jpeg", "svg", "pdf", "eps", "webp", "emf"] = Field(
        "png", description="The picture's format."
    )
    width: int | None = Field(None, description="Its width in pixels.", ge=1, le=LONGEST_SIDE)
    height: int | None = Field(None, description="Its height in pixels.", ge=1, le=LONGEST_SIDE)
    scale: float | None = Field(None, description="How many times larger it is drawn.", gt=0, le=100)

    @model_validator(mode="after")
    def has_one_figure(self) -> "RenderImage":
        """A plot's id or a figure, one of them."""
        if self.fid is None:
            plots.check_form(self.figure, self.data, self.layout)
        elif (self.figure, self.data, self.layout) != (None, None, None):
            raise ValueError("give fid or a figure, one of them")
        return self


class Image(declare.Result):
    """A picture."""

    image: str = Field(description="The picture in base64, as `file.write` takes it.")
    content_type: str = Field(description="What it is, as in `image/png`.")
    size: int = Field(description="How large it is, in bytes.")


@declare.action(
    "plotly.render_image",
    doubt=Doubt.REPEATABLE,
    why="it changes nothing at Plotly; a second picture costs one more of the day's",
    example={"data": [{"type": "bar", "x": ["Oslo", "Lima"], "y": [42, 17]}], "format": "png", "width": 800},
)
async def render_image(
    client: PlotlyClient, parameters: RenderImage, call: declare.Call
) -> declare.Done[Image]:
    """Draw a picture. Plotly draws about one in a second, and on its free plan a hundred in a day."""
    body = parameters.model_dump(include={"format", "width", "height", "scale"}, exclude_none=True)
    body["figure"] = await _figure_of(client, parameters)
    # Asked for as text, which every result can carry; which form came is told by its type alone.
    reply = await client.send("POST", "/images", json={**body, "encoded": True})
    text = _read_text(reply) if reply.is_json else base64.b64encode(reply.body).decode()
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()
    content_type = TYPES[parameters.format] if reply.is_json else kind
    size = len(text) // 4 * 3 - text[-2:].count("=")
    return declare.Done(Image(image=text, content_type=content_type, size=size))


async def _figure_of(client: PlotlyClient, parameters: RenderImage) -> JsonObject:
    if parameters.fid is not None:
        found = await plots.read_figure(client, parameters.fid, inline_data=True)
        return plots.whole(found, None, found.get("data") or [])
    given: Any = parameters.data if parameters.figure is None else parameters.figure.get("data")
    return plots.whole(parameters.figure, parameters.layout, given or [])


def _read_text(reply: http.Reply) -> str:
    body = reply.json()
    text = body.get("image") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text:
        raise errors.StrangeAnswer("the answer is no picture: it has no image. Is base_url right?")
    return text


class GetPlotSchema(declare.Parameters):
    """Which schema is known already."""

    sha1: str = Field("", description="The digest of the schema that is known; Plotly leaves that one out.")


class PlotSchema(declare.Result):
    """What figures may hold."""

    sha1: str | None = Field(None, description="The schema's digest.")
    modified: bool | None = Field(None, description="Whether it is another one than was known.")
    schema_: JsonObject | None = Field(
        None,
        alias="schema",
        serialization_alias="schema",
        description="The schema; null when it is the one that was known.",
    )


@declare.action(
    "plotly.get_plot_schema",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"sha1": "d7a2bcbd1d5e2d8f0a6c6a2e1f3b4c5d6e7f8091"},
)
async def get_plot_schema(
    client: PlotlyClient, parameters: GetPlotSchema, call: declare.Call
) -> declare.Done[PlotSchema]:
    """Read the schema that figures follow."""
    query = {"sha1": parameters.sha1, "format": "json"}  # as the vendor's Python client asks
    return declare.Done(PlotSchema.model_validate(await client.call("GET", "/plot-schema", query=query)))
