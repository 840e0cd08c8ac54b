"""Which names expressions read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import expressions


def read(value: Any) -> list[tuple[str, bool]]:
    return [(".".join(r.path), r.guarded) for r in expressions.names(expressions.compile_value(value))]


def read_condition(text: str) -> list[tuple[str, bool]]:
    return [(".".join(r.path), r.guarded) for r in expressions.names(expressions.compile_condition(text))]


@pytest.mark.parametrize(
    "template, found",
    [
        ("plain", []),
        ("{{ event.data.pop.id }}", [("event.data.pop.id", False)]),
        ("{{ steps.grid.fid ~ run.id }}", [("steps.grid.fid", False), ("run.id", False)]),
        ("{{ event.data['odd'].x }}", [("event.data", False)]),
        ("{{ event.data.rows[0].x }}", [("event.data.rows", False)]),
        ("{{ event.data.rows[item.n].x }}", [("event.data.rows", False), ("item.n", False)]),
        (
            "{{ event.data.rows[item.a:item.b] }}",
            [("event.data.rows", False), ("item.a", False), ("item.b", False)],
        ),
        ("{{ event.x | default(event.y) }}", [("event.x", True), ("event.y", False)]),
        ("{{ (event.x | d({})).z }}", [("event.x", True)]),
        ("{{ event.x | length | default(0) }}", [("event.x", False)]),
        ("{{ event.x is defined }}{{ event.y is undefined }}!", [("event.x", True), ("event.y", True)]),
        (
            "{{ event.x.y if event.x is defined else event.z }}",
            [("event.x", True), ("event.x.y", True), ("event.z", False)],
        ),
        (
            "{% if event.x is defined %}{{ event.x.y }}{% else %}{{ event.x }}{% endif %}",
            [("event.x", True), ("event.x.y", True), ("event.x", False)],
        ),
        (
            "{% if event.x is undefined %}{{ event.a }}{% elif event.x.y %}{{ event.x.z }}{% endif %}",
            [("event.x", True), ("event.a", False), ("event.x.y", True), ("event.x.z", True)],
        ),
        (
            "{% for row in event.rows %}{{ row.x }}{{ loop.index }}{{ event.id }}{% endfor %}",
            [("event.rows", False), ("event.id", False)],
        ),
        ("{% set a = event.b %}{{ a.c }}", [("event.b", False)]),
        ("{% macro m(a) %}{{ a.b }}{{ varargs }}{% endmacro %}{{ m(event.x) }}", [("event.x", False)]),
        ("{{ state('k').seen }}", [("state", False)]),
        ("{{ event.rows | map(attribute=item.k) }}", [("event.rows", False), ("item.k", False)]),
    ],
)
def test_what_a_template_reads(template: str, found: list[tuple[str, bool]]) -> None:
    assert sorted(read(template)) == sorted(found)


@pytest.mark.parametrize(
    "text, found",
    [
        ("event.x is defined and event.x.y > 1", [("event.x", True), ("event.x.y", True)]),
        ("event.x is undefined or event.x.y > 1", [("event.x", True), ("event.x.y", True)]),
        ("not (event.x is undefined) and event.x.y", [("event.x", True), ("event.x.y", True)]),
        ("event.x is defined or event.x.y > 1", [("event.x", True), ("event.x.y", False)]),
        ("event.x.y is defined and event.x", [("event.x.y", True), ("event.x", True)]),
        ("event.a == '{{' and event.b", [("event.a", False), ("event.b", False)]),
    ],
)
def test_what_a_condition_reads(text: str, found: list[tuple[str, bool]]) -> None:
    assert sorted(read_condition(text)) == sorted(found)


def test_a_reference_has_its_line_its_place_and_its_kind() -> None:
    tree = {"a": ["x\n{{ event.id }}"], "b": "{{ state('k') }}"}
    assert expressions.names(expressions.compile_value(tree)) == [
        expressions.Reference(("event", "id"), 2, False, "read", ("a", 0)),
        expressions.Reference(("state",), 1, False, "call", ("b",)),
    ]


words = st.sampled_from(["event", "item", "data", "pop", "x"])


@given(st.lists(words, min_size=1, max_size=5))
def test_any_path_is_told_as_it_is_written(path: list[str]) -> None:
    assert read("{{ " + ".".join(path) + " }}") == [(".".join(path), False)]
    assert read_condition(".".join(path)) == [(".".join(path), False)]
