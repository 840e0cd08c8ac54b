"""A scope as the router and the steps give it, and short ways to render in it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daemon import expressions

EVENT_TIME = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 9, 0, 0, 500_000, tzinfo=UTC)


def scope(**data: Any) -> dict[str, Any]:
    """An event with *data*, a step done and a step skipped, and the two functions."""
    return {
        "event": {"id": "e1", "subject": "s1", "time": EVENT_TIME, "data": data},
        "steps": {"grid": {"fid": "ada:12"}, "skipped": None},
        "run": {"id": "r1"},
        "state": lambda key: {"seen": 3}.get(key),
        "now": lambda: NOW,
    }


def render(value: Any, given: Mapping[str, Any] | None = None, /, **data: Any) -> Any:
    """*value* rendered as a parameter."""
    return expressions.compile_value(value).render(given if given is not None else scope(**data))


def evaluate(text: str, **data: Any) -> Any:
    """*text* evaluated as a condition."""
    return expressions.compile_condition(text).value(scope(**data))
