"""Every expression and template of the config: it compiles, and what it reads is there. Pure.

Called by ``check`` and, for a webhook's key, by ``triggers``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from daemon import expressions
from daemon.checking import references, sights
from daemon.checking.draft import Draft, Rule, Step
from daemon.checking.references import Sight
from daemon.contract import secret_forms, secrets
from daemon.contract.catalog import Catalog
from daemon.expressions import ExpressionError
from daemon.model.problems import Path, Problem

BODY = Sight(("body",))  # what a webhook's key sees


def check_rule(draft: Draft, catalog: Catalog, rule: Rule) -> Iterator[Problem]:
    """The expressions of *rule* and of its steps."""
    shapes = sights.event_shapes(draft, catalog, rule)
    conditions = sights.for_conditions(shapes)
    yield from check_condition((*rule.path, "when"), rule.when, conditions)
    yield from check_condition((*rule.path, "for_each"), rule.for_each, conditions)
    for step, sight in zip(rule.steps, sights.for_steps(catalog, rule, shapes), strict=True):
        yield from _check_step(catalog, step, sight)


def _check_step(catalog: Catalog, step: Step, sight: Sight) -> Iterator[Problem]:
    yield from check_condition((*step.path, "if"), step.condition, sight)
    action = catalog.actions.get(step.action or "")
    hidden = secrets.secret_fields(action.parameters) if action is not None else ()
    for key, value in step.parameters.items():
        if not secret_forms.is_reference(value):
            seen = replace(sight, secret=key in hidden)
            yield from check_templates((*step.path, "with", key), value, seen)


def check_condition(path: Path, source: str | None, sight: Sight) -> Iterator[Problem]:
    """The bare expression *source* at *path*."""
    if source is None:
        return
    try:
        found = expressions.names(expressions.compile_condition(source))
    except ExpressionError as wrong:
        yield _unreadable(path, wrong)
    else:
        yield from references.check_reads(path, found, sight)


def check_templates(path: Path, value: Any, sight: Sight) -> Iterator[Problem]:
    """Every template in the tree *value* at *path*."""
    broken = expressions.find_errors(value)
    for wrong in broken:
        yield _unreadable(path, wrong)
    for at, text in _texts(value, ()):
        if not any(wrong.path == at for wrong in broken):
            found = expressions.names(expressions.compile_value(text))
            yield from references.check_reads((*path, *at), found, sight)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, item in value.items():
                yield from _texts(item, (*path, key))
        case list():
            for number, item in enumerate(value):
                yield from _texts(item, (*path, number))


def _unreadable(path: Path, wrong: ExpressionError) -> Problem:
    return Problem((*path, *wrong.path), wrong.text, spot="text", line=wrong.line - 1)
