"""JSON Schemas in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.reference import shapes

SCHEMAS = st.recursive(
    st.sampled_from(
        [{}, {"type": "string"}, {"enum": [1, None]}, {"const": "a"}, {"type": ["null", "number"]}]
    ),
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(lambda ones: {"anyOf": ones}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda ones: {"type": "object", "properties": ones},
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        ),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "schema,words",
    [
        ({}, "anything"),
        ({"type": "integer"}, "whole number"),
        ({"enum": ["a", 1, None]}, "`a` or `1` or `null`"),
        ({"enum": list("abcdefghij")}, "one of 10 names"),
        ({"type": ["string", "null"]}, "text or null"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, "text or null"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}},
            "list of (text or number)",
        ),
        ({"type": "object", "additionalProperties": {"type": "array"}}, "object of list by name"),
        ({"allOf": [{"$ref": "#/$defs/A"}], "description": "d"}, "true or false"),
        ({"$ref": "#/$defs/Nowhere"}, "anything"),
    ],
)
def test_a_schema_is_described(schema: dict[str, Any], words: str) -> None:
    known = shapes.Shapes({"A": {"type": "boolean"}})
    assert known.describe(schema) == words


def test_a_recursive_object_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    names = [field.name for field in shapes.Shapes({"Node": node}).fields(node)]
    assert names == ["next", "next.next", "next.next.next", "next.next.next.next"]


def test_lists_of_objects_are_marked() -> None:
    inner = {"type": "object", "properties": {"name": {"type": "string", "description": "Its name."}}}
    schema = {"properties": {"cols": {"type": "array", "items": inner, "default": []}}, "required": ["cols"]}
    first, second = shapes.shapes_of(schema).fields(schema)
    assert (first.name, first.shape, first.required, first.default) == ("cols", "list of object", True, None)
    assert (second.name, second.about) == ("cols[].name", "Its name.")


@given(SCHEMAS)
def test_any_schema_has_words_on_one_line(schema: dict[str, Any]) -> None:
    known = shapes.Shapes({})
    assert known.describe(schema).strip()
    for field in known.fields(schema):
        assert field.name
        assert "\n" not in field.shape
