"""What a dotted name finds in a schema: the walk through pydantic models. Pure.

``references`` asks :func:`missing` for each name that a template reads from an event or from a step's result.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from daemon.model import jsons
from daemon.model.jsons import JsonObject

Dotted = tuple[str, ...]
SCALARS: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    bytes: "text",
    date: "a date",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """The first part of a name that is not there: its *depth* in the name, and what stands around it.

    *known* are the names that are there, or *instead* says what the thing is that has no names at all.
    """

    depth: int
    known: tuple[str, ...] = ()
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What has the fields of any of *models*, and beside them the keys of *extra*, with their literal values.

    An *open* shape has any key: an event of the operator's own.
    """

    label: str
    models: tuple[type[BaseModel], ...] = ()
    extra: JsonObject | None = None
    open: bool = False


def missing(shape: Shape, path: Dotted) -> Missing | None:
    """What of *path* the *shape* lacks; None where it is there, or where it cannot be followed."""
    if shape.open or not path:
        return None
    extra = shape.extra or {}
    if path[0] in extra:
        return _in_value(extra[path[0]], path, 1)
    found = [_in_model(model, path, 0) for model in shape.models]
    if None in found:
        return None
    deepest = max((one for one in found if one), key=lambda one: one.depth, default=Missing(0))
    if deepest.depth == 0 and path[0] in jsons.CUT_MARKS:  # whatever is too large to keep has them
        return _in_value(jsons.CUT_MARKS[path[0]], path, 1)
    return Missing(0, (*deepest.known, *extra)) if deepest.depth == 0 else deepest


def _in_value(value: Any, path: Dotted, depth: int) -> Missing | None:
    if depth == len(path):
        return None
    if isinstance(value, dict):
        known = tuple(map(str, value))
        return (
            _in_value(value[path[depth]], path, depth + 1) if path[depth] in value else Missing(depth, known)
        )
    return Missing(depth, instead="a list" if isinstance(value, list) else _scalar(type(value)))


def _in_model(model: type[BaseModel], path: Dotted, depth: int) -> Missing | None:
    for name, item in model.model_fields.items():
        if path[depth] in (name, item.alias):
            return _in_type(item.annotation, path, depth + 1)
    return Missing(depth, tuple(item.alias or name for name, item in model.model_fields.items()))


def _in_type(annotation: Any, path: Dotted, depth: int) -> Missing | None:
    if depth == len(path):
        return None
    origin = get_origin(annotation)
    if origin is Annotated:
        return _in_type(get_args(annotation)[0], path, depth)
    if origin in (Union, types.UnionType):
        found = [_in_type(member, path, depth) for member in get_args(annotation)]
        real = [one for one in found if one is None or one.instead != SCALARS[type(None)]]
        return None if None in real else max((one for one in real if one), key=lambda one: one.depth)
    kind = origin or annotation
    if not isinstance(kind, type):
        return None
    if issubclass(kind, BaseModel):
        return _in_model(kind, path, depth)
    if issubclass(kind, Mapping):
        return _in_type(get_args(annotation)[-1], path, depth + 1) if get_args(annotation) else None
    if issubclass(kind, Sequence | set | frozenset) and not issubclass(kind, str | bytes):
        return Missing(depth, instead="a list")
    return Missing(depth, instead=_scalar(kind)) if issubclass(kind, tuple(SCALARS)) else None


def _scalar(kind: type) -> str:
    return next((name for known, name in SCALARS.items() if issubclass(kind, known)), "a value")
