"""What templates and conditions give."""

import string
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import expressions
from tests.expressions import scopes

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
templatish = st.text(alphabet="{}%# '\"\\\r\nabx", max_size=30)


@given(st.text() | templatish)
def test_a_text_is_never_parsed_again(text: str) -> None:
    assert scopes.render("{{ event.data.s }}", s=text) == text
    assert scopes.render("x{{ event.data.s }}", s=text) == "x" + text
    assert scopes.render("{% if true %}{{ event.data.s }}{% endif %}\n", s=text) == text + "\n"


@given(json_values)
def test_a_lone_expression_gives_the_value_itself(value: Any) -> None:
    given_back = scopes.render("{{ event.data.v }}", v=value)
    assert given_back == value
    assert type(given_back) is type(value)
    assert expressions.to_plain(given_back) == value
    assert scopes.render("{{ [event.data.v] | first }}", v=value) == value


@given(json_values)
def test_a_name_that_is_a_method_elsewhere_is_a_key(value: Any) -> None:
    for name in ("pop", "items", "values", "keys", "get", "copy", "update", "upper", "format"):
        assert scopes.render(f"{{{{ event.data.{name} }}}}", **{name: value}) == value


@given(st.text(alphabet=string.ascii_letters + " \r\n\t\x0b\x85\u2028\ufdd0é<&", max_size=40))
def test_text_around_an_expression_stays_as_it_is(text: str) -> None:
    assert scopes.render(text) == text
    assert scopes.render(f"{text}{{{{ event.id }}}}-{text}") == f"{text}e1-{text}"


@pytest.mark.parametrize("text", [" {{ 1 }}", "{{ 1 }} ", "{{ 1 }}\n", "{{ 1 }}{{ '' }}", "{# n #}{{ 1 }}"])
def test_one_more_character_makes_it_text(text: str) -> None:
    rendered = scopes.render(text)
    assert isinstance(rendered, str)
    assert rendered.strip() == "1"


@pytest.mark.parametrize("text", ["{{1}}", "{{ 1 }}", "{{- 1 -}}", "{{\n1\n}}"])
def test_exactly_one_expression_keeps_its_type(text: str) -> None:
    assert scopes.render(text) == 1


@pytest.mark.parametrize(
    "template, text",
    [
        ("{{ true }}/{{ none }}/{{ 1.5 }}/{{ 2 }}", "true/null/1.5/2"),
        ("{{ [1, 'a', none] }}!", '[1,"a",null]!'),
        ("{{ {'a': event.time} }}!", '{"a":"2026-11-22T09:00:00Z"}!'),
        ("at {{ event.time }}", "at 2026-11-22T09:00:00Z"),
        ("at {{ now() }}", "at 2026-11-25T09:00:00.5Z"),
        ("for {{ '90m' | duration }}", "for 90m"),
        ("{{ 'a' ~ true ~ none ~ [1] }}!", "atruenull[1]!"),
        ("{{ [true, 'x'] | join(', ') }}!", "true, x!"),
        ("{{ '<b>' | e }}{{ '<b>' }}", "&lt;b&gt;<b>"),
        ("{{ ('<b>' | e) ~ '<' }}!", "&lt;b&gt;<!"),
        ("{% for row in [1, 2] %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{% endfor %}", "1a2b"),
        ("{% for k, v in {'a': 1} | items %}{{ k }}={{ v }}{% endfor %}", "a=1"),
        (
            "{% for n in [[1, [2]]] recursive %}"
            "{% if n is sequence %}{{ loop(n) }}{% else %}{{ n }}{% endif %}{% endfor %}",
            "12",
        ),
        ("{% macro tag(x) %}<{{ x }}>{% endmacro %}{{ tag('a') }}{{ tag(1) }}", "<a><1>"),
        ("{% set x = 3 %}{{ x }}{{ [x] | sum }}", "33"),
        ("{{ 'yes' if event.data.nope is defined else 'no' }}!", "no!"),
        ("{{ event.subject[:1] }}{{ event.subject[1] }}!", "s1!"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("", ""),
    ],
)
def test_text_renders(template: str, text: str) -> None:
    assert scopes.render(template) == text


@pytest.mark.parametrize(
    "template, value",
    [
        ("{{ event.time }}", scopes.EVENT_TIME),
        ("{{ now() - event.time }}", timedelta(days=3, milliseconds=500)),
        ("{{ state('seen') + 1 }}", 4),
        ("{{ state('unseen') }}", None),
        ("{{ steps.skipped }}", None),
        ("{{ steps.skipped.fid | default('-') }}", "-"),
        ("{{ event.data.a.b.c | default(0) }}", 0),
        ("{{ event.data['odd name'] | d(1) }}", 1),
        ("{{ [1, 2] | map('string') }}", ["1", "2"]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {'a': 1} | items | list }}", [["a", 1]]),
        ("{{ [{'a': 1}, {'a': 2}] | map(attribute='a') | sum }}", 3),
        ("{{ [{'k': 1}, {'k': 1}] | groupby('k') | map(attribute='list') | map('length') }}", [2]),
        ("{{ [[5]].0.0 }}", 5),
        ("{{ {'0': 'zero'}.0 }}", "zero"),
    ],
)
def test_values_keep_their_type(template: str, value: Any) -> None:
    rendered = scopes.render(template)
    assert rendered == value
    assert type(rendered) is type(value)


def test_a_tree_is_rendered_leaf_by_leaf() -> None:
    tree = {"{{ kept }}": ["{{ event.id }}", 5, None, {"t": "<{{ event.data.n }}>", "on": date(2026, 1, 2)}]}
    assert scopes.render(tree, n=[1]) == {
        "{{ kept }}": ["e1", 5, None, {"t": "<[1]>", "on": date(2026, 1, 2)}]
    }


def test_a_text_stays_text_though_it_is_one_expression() -> None:
    assert expressions.compile_text("{{ event.data.n }}").render(scopes.scope(n=17)) == "17"
    assert expressions.compile_text("plain").render({}) == "plain"


@pytest.mark.parametrize(
    "text, value",
    [
        ('now() - event.time > "3d" | duration', True),
        ('now() - event.time > "4d" | duration', False),
        ("event.data.rows | length > 1", True),
        ("event.data.rows", [1, 2]),
        ("event.data.rows | select('odd')", [1]),
        ("event.data.job is defined and event.data.job.id == 1", False),
        ("event.subject == '{{ x }}'", False),
        ("1 +\n 1", 2),
    ],
)
def test_conditions(text: str, value: Any) -> None:
    assert scopes.evaluate(text, rows=[1, 2]) == value
    assert expressions.compile_condition(text).holds(scopes.scope(rows=[1, 2])) is bool(value)


def test_plain_data_of_what_is_no_json() -> None:
    east = timezone(timedelta(hours=2))
    given_values = {
        "a": (1, 2),
        "t": datetime(2026, 1, 2, 3, 4, 5, tzinfo=east),
        "local": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None),
        "d": timedelta(minutes=90),
        "g": iter([1]),
    }
    assert expressions.to_plain(given_values) == {
        "a": [1, 2],
        "t": "2026-01-02T01:04:05Z",
        "local": "2026-01-02T03:04:05",
        "d": "90m",
        "g": [1],
    }


@pytest.mark.parametrize(
    "value",
    [object(), b"x", {1: 2}, float("nan"), float("inf"), 2**64, -(2**63) - 1, {"a": [object]}, {1, 2}],
)
def test_what_is_no_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(expressions.ExpressionError):
        expressions.to_plain(value)


def test_endless_nesting_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(expressions.ExpressionError, match="nested deeper than 100"):
        expressions.to_plain(endless)
