"""The filters beside Jinja's, and Jinja's where they differ here."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import expressions
from tests.expressions import scopes


def filtered(call: str, value: Any) -> Any:
    return scopes.render(f"{{{{ event.data.v | {call} }}}}", v=value)


@pytest.mark.parametrize(
    "text, words",
    [
        ("Hello, World!", "hello-world"),
        ("  Ärger & Łódź  ", "arger-lodz"),
        ("Straße Nº 5", "strasse-no-5"),
        ("Æsop/Øre", "aesop-ore"),
        ("東京", ""),
        ("---", ""),
        (17, "17"),
    ],
)
def test_slug(text: Any, words: str) -> None:
    assert filtered("slug", text) == words


@given(st.text())
def test_a_slug_is_a_slug(text: str) -> None:
    slug = filtered("slug", text)
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slug)
    assert len(slug) <= 80
    assert filtered("slug", slug) == slug


def test_a_slug_has_a_length() -> None:
    assert filtered("slug(7)", "one two three") == "one-two"
    assert filtered("slug(8)", "one two three") == "one-two"
    assert len(filtered("slug", "x" * 500)) == 80


@pytest.mark.parametrize(
    "call, text",
    [
        ("event.time | isoformat", "2026-11-22T09:00:00Z"),
        ("'2026-11-22T10:00:00+01:00' | isoformat", "2026-11-22T09:00:00Z"),
        ("1795338000000000 | isoformat", "2026-11-22T09:00:00Z"),
        ("(event.time + ('90m' | duration)) | isoformat", "2026-11-22T10:30:00Z"),
    ],
)
def test_isoformat(call: str, text: str) -> None:
    assert scopes.render(f"{{{{ {call} }}}}") == text


@pytest.mark.parametrize("call", ["isoformat", "duration", "csv", "sum_of('a')", "pluck('a')"])
@pytest.mark.parametrize("value", ["yesterday", None, True, {"a": 1}, 10**30, [1], "99999999999d"])
def test_filters_refuse_what_they_do_not_take(call: str, value: Any) -> None:
    with pytest.raises(expressions.ExpressionError):
        filtered(call, value)


def test_duration() -> None:
    assert filtered("duration", "3d") == timedelta(days=3)
    assert scopes.render("{{ '3d' | duration | duration }}") == timedelta(days=3)


def test_csv_has_a_header_and_every_column() -> None:
    rows = [
        {"a": 1, "b": 'say "hi", now'},
        {"a": None, "c": [1, {"x": True}]},
        {"b": "two\r\nlines", "c": False},
    ]
    text = filtered("csv", rows)
    assert text == ('a,b,c\r\n1,"say ""hi"", now",\r\n,,"[1,{""x"":true}]"\r\n,"two\r\nlines",false\r\n')
    assert filtered("csv(columns=['c', 'a'])", [{"a": 1}]) == "c,a\r\n,1\r\n"
    assert filtered("csv", []) == ""


@given(st.lists(st.fixed_dictionaries({"one": st.text(), "two": st.text(min_size=1)}), min_size=1))
def test_csv_is_read_back_as_it_was(rows: list[dict[str, str]]) -> None:
    assert list(csv.DictReader(io.StringIO(filtered("csv", rows), newline=""))) == rows


def test_sum_of_and_pluck() -> None:
    rows = [{"n": 1}, {"n": 2.5}, {"n": None}]
    assert filtered("sum_of('n')", rows) == 3.5
    assert filtered("sum_of('n')", []) == 0
    assert filtered("pluck('n')", rows) == [1, 2.5, None]
    assert filtered("pluck('m', 0)", rows) == [0, 0, 0]
    with pytest.raises(expressions.ExpressionError, match="'m' is undefined"):
        filtered("pluck('m')", rows)
    with pytest.raises(expressions.ExpressionError, match="takes numbers, not text"):
        filtered("sum_of('n')", [{"n": "1"}])


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**63), 2**64 - 1) | st.none()))
def test_tojson_is_json_and_nothing_is_escaped_for_html(value: dict[str, Any]) -> None:
    assert orjson.loads(filtered("tojson", value)) == value
    assert filtered("tojson", {"a": "<&'>"}) == '{"a":"<&\'>"}'


def test_jinjas_filters_are_there_and_plain() -> None:
    assert type(filtered("escape", "<")) is str
    assert filtered("escape | escape", "<") == "&amp;lt;"
    assert filtered("safe ~ '<'", "<") == "<<"
    assert filtered("replace('a', 'b', 1)", "aa") == "ba"
    assert filtered("indent(2)", "a\nb") == "a\n  b"
    assert filtered("round(1)", 1.26) == 1.3
    assert filtered("batch(2, 0)", [1, 2, 3]) == [[1, 2], [3, 0]]
    assert filtered("slice(2)", [1, 2, 3]) == [[1, 2], [3]]
    assert filtered("join('-', attribute='a')", [{"a": 1}, {"a": None}]) == "1-null"
    assert filtered("center(5)", "a") == "  a  "
    assert filtered("unique | sort | reverse | list", [1, 2, 1]) == [2, 1]
    assert scopes.render("{{ '%s is %05.1f%%' | format('x', 2.5) }}") == "x is 002.5%"
