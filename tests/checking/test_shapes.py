from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from daemon.checking import shapes
from daemon.checking.shapes import Missing, Shape


class Inner(BaseModel):
    id: str
    maybe: int | None = None


class Outer(BaseModel):
    inner: Inner
    other: Inner | str | None = None
    free: dict[str, Any] = {}
    typed: dict[str, Inner] = {}
    anything: Any = None
    rows: list[Inner] = []
    count: Annotated[int, Field(ge=1)] = 1
    json_: str = Field("", alias="json")


SHAPE = Shape("outer", (Outer,), {"depth": 3, "where": {"city": "Oslo"}})


@pytest.mark.parametrize(
    "name",
    [
        "inner",
        "inner.id",
        "inner.maybe",
        "other.id",
        "free.what.ever",
        "typed.x.id",
        "anything.at.all",
        "rows",
        "json",
        "depth",
        "where.city",
    ],
)
def test_names_that_are_there(name: str) -> None:
    assert shapes.missing(SHAPE, tuple(name.split("."))) is None


@pytest.mark.parametrize(
    "name, depth, instead",
    [
        ("outer", 0, ""),
        ("inner.idd", 1, ""),
        ("inner.id.x", 2, "text"),
        ("inner.maybe.x", 2, "a number"),
        ("other.idd", 1, ""),
        ("typed.x.idd", 2, ""),
        ("rows.id", 1, "a list"),
        ("count.x", 1, "a number"),
        ("depth.x", 1, "a number"),
        ("where.town", 1, ""),
    ],
)
def test_names_that_are_not(name: str, depth: int, instead: str) -> None:
    found = shapes.missing(SHAPE, tuple(name.split(".")))
    assert found is not None
    assert (found.depth, found.instead) == (depth, instead)


def test_what_is_there_is_told() -> None:
    found = shapes.missing(SHAPE, ("inner", "x"))
    assert found == Missing(1, ("id", "maybe"))
    found = shapes.missing(SHAPE, ("x",))
    assert found is not None
    assert {"inner", "json", "depth", "where"} <= set(found.known)


def test_an_open_shape_has_everything() -> None:
    assert shapes.missing(Shape("own", open=True), ("a", "b")) is None


def test_one_of_several_models_is_enough() -> None:
    both = Shape("both", (Inner, Outer))
    assert shapes.missing(both, ("id",)) is None
    assert shapes.missing(both, ("count",)) is None
    assert shapes.missing(both, ("nothing",)) is not None


def test_what_is_cut_has_its_marks_beside_the_fields_of_any_schema() -> None:
    for name in ("truncated", "row_count", "size"):
        assert shapes.missing(SHAPE, (name,)) is None
        assert shapes.missing(SHAPE, ("inner", name)) is not None
    assert shapes.missing(SHAPE, ("size", "x")) == Missing(1, instead="a number")
