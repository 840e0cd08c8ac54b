"""Files as parameters: the forms that a ``file`` may have, and which paths stand in the config itself. Pure.

Connectors declare their parameters with :data:`File` (through ``files``, which opens them), ``running`` asks which
paths are the operator's word, ``checking`` which are templates.
"""

import functools
from collections.abc import Iterator
from typing import Annotated, Any, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from daemon.contract import addresses
from daemon.model.jsons import JsonObject


class GivenFile(BaseModel):
    """A file by its text, by the address it is fetched from, or by rows: one of the three."""

    model_config = ConfigDict(defer_build=True, extra="forbid", hide_input_in_errors=True)
    name: str | None = Field(
        None, description="The file's name; needed with `content`, else the address's own, or `rows.csv`."
    )
    content: str | None = Field(None, description="The file's text.")
    url: Annotated[str, AfterValidator(addresses.plain_url)] | None = Field(
        None, description="Where it is fetched from; the host must be named in `[http] allow_hosts`."
    )
    rows: list[dict[str, Any]] | None = Field(
        None, description="Rows that become a CSV file with a header, each an object: an earlier step's, say."
    )

    @model_validator(mode="after")
    def check_one(self) -> Self:
        """One origin, and a name where nothing else gives one."""
        given = [name for name in ("content", "url", "rows") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a table with one of content, url and rows is expected")
        if self.content is not None and not self.name:
            raise ValueError("a table with a name beside its content is expected")
        if self.name and not self.name.isprintable():
            raise ValueError("a file's name holds a line break or another control character")
        return self


File = Annotated[
    str | GivenFile,
    Field(
        description="A path on this machine (one that a template gives only below `[daemon] read_below`), or "
        "`{ name, content }`, `{ name, url }` or `{ name, rows }`."
    ),
]
"""A file parameter."""

Place = tuple[str, ...]
"""Where a file is given: the parameter's name, and below it a part's."""


def paths(model: type[BaseModel], written: JsonObject) -> Iterator[tuple[Place, str]]:
    """Every text in *written* parameters of *model* that is a file's path, or a template that may give one."""
    for name, form in _file_fields(model):
        yield from _paths(form, written.get(name), (name,))


@functools.cache  # asked at each call, and nearly no action takes a file
def _file_fields(model: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """The names and forms of *model*'s fields that may hold a file."""
    named = ((field.alias or name, field.annotation) for name, field in model.model_fields.items())
    return tuple((name, form) for name, form in named if _holds_file(form))


def _holds_file(form: Any) -> bool:
    return form is GivenFile or any(_holds_file(member) for member in get_args(form))


def _paths(form: Any, value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    members = get_args(form)
    if isinstance(value, str) and (GivenFile in members or (get_origin(form) is dict and _holds_file(form))):
        yield place, value
    elif isinstance(value, dict) and get_origin(form) is dict:
        for part, given in value.items():
            yield from _paths(members[-1], given, (*place, part))
    elif GivenFile not in members:
        for member in members:
            yield from _paths(member, value, place)
