"""What ``docs/templates.md`` says of templates is what they do: each of its lines is rendered."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from daemon import expressions
from daemon.expressions import filters
from tests.house import sources

PAGE = (sources.ROOT / "docs" / "templates.md").read_text()
(SCENE,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
LINES = [line for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def scope() -> dict[str, Any]:
    """What the page says there is."""
    given: dict[str, Any] = json.loads(SCENE)
    given["event"]["time"] = datetime.fromisoformat(given["event"]["time"])
    moment = datetime(2026, 11, 25, 9, tzinfo=UTC)
    return given | {"state": {"last": 41}.get, "now": lambda: moment}


def render(source: str) -> Any:
    """What *source* gives, as JSON data: a template, or a bare expression where it has no braces."""
    if "{{" in source:
        return expressions.to_plain(expressions.compile_value(source).render(scope()))
    return expressions.to_plain(expressions.compile_condition(source).value(scope()))


@pytest.mark.parametrize("line", LINES)
def test_a_line_gives_what_the_page_says(line: str) -> None:
    source, _, told = line.rpartition(" -> ")
    if told == "error":
        with pytest.raises(expressions.ExpressionError):
            render(source)
    else:
        assert render(source) == json.loads(told)


def test_every_filter_of_ours_has_an_example() -> None:
    shown = {name for line in LINES for name in re.findall(r"\| (\w+)", line)}
    assert set(filters.OURS) <= shown


def test_every_name_in_scope_is_told() -> None:
    assert set(scope()) <= set(re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE))
