"""How wrong templates are answered: which name, which expression, which line, and no values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import expressions
from tests.expressions import scopes


def refused(value: Any, **data: Any) -> expressions.ExpressionError:
    with pytest.raises(expressions.ExpressionError) as caught:
        scopes.render(value, **data)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "template, message",
    [
        (
            "{{ event.data.titel }}",
            "'event.data.titel' is undefined; did you mean 'title'? in {{ event.data.titel }}",
        ),
        ("{{ evnt.id }}", "'evnt' is undefined; did you mean 'event'? in {{ evnt.id }}"),
        ("{{ event.data.nope.x.y }}", "'event.data.nope' is undefined in "),
        ("{{ [event.data.nope] }}", "'event.data.nope' is undefined in "),
        ("{{ {'a': event.data.nope} }}", "'event.data.nope' is undefined in "),
        ("a {{ event.data.nope }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope | upper }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope + 1 }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope == 1 }}", "'event.data.nope' is undefined in "),
        ("{{ not event.data.nope }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope[0] }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope[:2] }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.title[event.data.nope] }}", "'event.data.nope' is undefined in "),
        ("{{ 'x' in event.data.nope }}", "'event.data.nope' is undefined in "),
        ("{% for x in event.data.nope %}{% endfor %}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope() }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope | tojson }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.nope | csv }}", "'event.data.nope' is undefined in "),
        ("{{ event.data.rows | map(attribute='z') }}", "'z' is undefined in "),
        (
            "{{ steps.skipped.fid }}",
            "'steps.skipped.fid' is undefined: what stands before it is none and has no keys",
        ),
        ("{{ event.data.rows[9] }}", "'9' is undefined: a list has no such item in "),
        (
            "{{ event.subject.upper() }}",
            "'event.subject.upper' is undefined: what stands before it is text and",
        ),
        ("{{ [] | first }}", "No first item, sequence was empty. in "),
        ("{{ 1 / 0 }}", "division by zero in {{ 1 / 0 }}"),
        (
            "{{ event.time > 'x' }}",
            "'>' not supported between instances of 'datetime.datetime' and 'str' in ",
        ),
        ("{{ state() }}", "scope.<locals>.<lambda>() missing 1 required positional argument: 'key' in "),
        ("{{ event.data() }}", "an object cannot be called in {{ event.data() }}"),
        ("{{ self }}", "something of type TemplateReference is not plain data in "),
        ("{{ state }}", "something of type function is not plain data in "),
    ],
)
def test_failures_are_named(template: str, message: str) -> None:
    assert str(refused(template, title="T", rows=[{"a": 1}])).startswith(message)


@pytest.mark.parametrize(
    "template, message, line",
    [
        ("{{ x", "unexpected end of template, expected 'end of print statement'.", 1),
        ("a\n{% if %}", "Expected an expression, got 'end of statement block'", 2),
        ("a\n\n{{ 1 | uper }}", "there is no filter 'uper'; did you mean 'upper'?", 3),
        ("{{ 1 is definde }}", "there is no test 'definde'; did you mean 'defined'?", 1),
        ("{% if false %}{{ 1 | uper }}{% endif %}", "there is no filter 'uper'; did you mean 'upper'?", 1),
        ("{{ [] | map('uper') }}", "there is no filter 'uper'; did you mean 'upper'?", 1),
        ("{{ [] | select('od') }}", "there is no test 'od'; did you mean 'odd'?", 1),
        ("{{ 1 | attr('x') }}", "there is no filter 'attr'", 1),
        ("{% include 'x' %}", "include is out of reach: a template stands alone", 1),
        ("\n{% import 'x' as y %}", "import is out of reach: a template stands alone", 2),
        ("{% from 'x' import y %}", "fromimport is out of reach: a template stands alone", 1),
        ("{% extends 'x' %}", "extends is out of reach: a template stands alone", 1),
        ("{% nope %}", "Encountered unknown tag 'nope'.", 1),
        ("{{ " + "(" * 400 + "1" + ")" * 400 + " }}", "too deep or too large to", 1),
        ("{{ " + "9" * 5000 + " }}", "too deep or too large to read", 1),
        ("{% block a %}{% endblock %}{% block a %}{% endblock %}", "block 'a' defined twice", 1),
    ],
)
def test_what_is_no_template_is_told_when_it_is_compiled(template: str, message: str, line: int) -> None:
    with pytest.raises(expressions.ExpressionError) as caught:
        expressions.compile_value({"k": [template]})
    assert caught.value.text.startswith(message)
    assert (caught.value.line, caught.value.path, caught.value.expression) == (line, ("k", 0), template)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "an expression is empty"),
        ("{{ event.x }}", "this is a bare expression: write it without braces"),
        ("event.x = 1", "there is more behind the expression's end"),
        ("event.x ==", "unexpected 'end of expression'"),
        ("a | nope", "there is no filter 'nope'"),
    ],
)
def test_what_is_no_condition_is_told(text: str, message: str) -> None:
    with pytest.raises(expressions.ExpressionError) as caught:
        expressions.compile_condition(text)
    assert caught.value.text.startswith(message)


def test_a_failure_tells_its_line_and_its_place_in_the_tree() -> None:
    error = refused({"rows": [1, {"a": "one\n{{ event.id }}\n  {{ event.data.nope }}"}]})
    assert (error.line, error.path) == (3, ("rows", 1, "a"))
    assert str(error) == "rows.1.a: 'event.data.nope' is undefined in {{ event.data.nope }}"


def test_all_wrong_templates_of_a_tree_are_found() -> None:
    found = expressions.find_errors({"a": "{{", "b": ["{{ 1 | x }}", "fine", 3], "c": {"d": "{% y %}"}})
    assert [error.path for error in found] == [("a",), ("b", 0), ("c", "d")]
    assert expressions.find_errors("{{ fine }}") == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ event.data.secret | int | foo }}",
        "{{ event.data.secret.key }}",
        "{{ event.data.secret + 1 }}",
        "{{ event.data.secret | duration }}",
        "{{ event.data.secret | isoformat }}",
        "{{ event.data.secret | csv }}",
        "{{ event.data.secret | round }}",
        "{{ event.data.secret() }}",
        "{{ event.data.keyed[event.data.secret] }}",
        "{{ {1: event.data.secret}[event.data.secret] }}",
        "{{ event.data.secret | sum_of('x') }}",
        "{{ event.data.secret % 1 }}",
        "{{ [1] | batch(event.data.secret) }}",
        "{{ 1 | round(0, event.data.secret) }}",
        "{{ state(event.data.secret, 1) }}",
        "{{ [1] | map(event.data.secret) }}",
        "{{ [1] | select(event.data.secret) }}",
        "{{ [{}] | map(attribute=event.data.secret) }}",
        "{{ [{}] | pluck(event.data.secret) }}",
        "{{ [{}] | sum_of(event.data.secret) }}",
    ],
)
def test_errors_tell_no_values(template: str) -> None:
    with pytest.raises(expressions.ExpressionError) as caught:
        scopes.render(template, secret="hunter2-%d-%", keyed={})
    error = caught.value
    assert "hunter2" not in f"{error} {error!r} {error.__cause__} {error.args}"


@given(st.text(alphabet="{}%#|.()[]'\" \nabx=01~*+-", max_size=40))
def test_any_text_renders_or_is_refused_readably(text: str) -> None:
    scope = scopes.scope(a=1)
    for template in (text, "{{ " + text + " }}"):
        try:
            answer = str(expressions.compile_value(template).render(scope))
        except expressions.ExpressionError as wrong:
            answer = str(wrong).replace("\n", "")
        assert isinstance(answer, str)
