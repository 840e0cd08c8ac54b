"""Steps: the action exists, the account offers it, the parameters are its own. Pure; called by ``check``.

A literal is judged by the action's own model. A lone ``{{ … }}`` may give any type and is not judged; a text
with a template in it is text, so it is judged by its type alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from daemon.checking import naming
from daemon.checking.draft import Draft, Step
from daemon.contract import secret_forms, secrets, wording
from daemon.contract.catalog import Catalog
from daemon.contract.declare import Action
from daemon.model.problems import Path, Problem

PLACEHOLDER = "not-at-hand"  # stands for a secret's reference while the other parameters are judged
FORMS = 'Write { env = "NAME" }, { file = "PATH" }, { credential = "NAME" } or the text itself.'
MARKS = ("{{", "{%", "{#")
OF_TYPE = ("_type", "_parsing", "int_from_float")  # the errors that a text makes whatever it says


def check_step(draft: Draft, catalog: Catalog, step: Step) -> Iterator[Problem]:
    """Action, account and parameters of *step*."""
    if step.action is None:
        return
    action = catalog.actions.get(step.action)
    if action is None:
        yield Problem(
            (*step.path, "action"), f"there is no action {step.action}", _near(catalog, step.action)
        )
        return
    yield from _check_account(draft, catalog, step, action)
    if step.formed:
        yield from _check_parameters(step, action)


def _near(catalog: Catalog, name: str) -> str:
    kind, _, verb = name.partition(".")
    own = sorted(known.partition(".")[2] for known in catalog.actions if known.startswith(f"{kind}."))
    if own:
        near = wording.nearest(verb, own)
        return f"Did you mean {kind}.{near}?" if near else f"{kind} can: {', '.join(own)}."
    return wording.meant(name, catalog.actions, otherwise="Look at `pointsman reference actions`.")


def _check_account(draft: Draft, catalog: Catalog, step: Step, action: Action) -> Iterator[Problem]:
    kind = catalog.action_kinds[action.name]
    needed = catalog.needs_account(action.name)
    if step.account is not None and not needed:
        text = f"{action.name} speaks to no account"
        yield Problem((*step.path, "service"), text, "Take service out.", spot="key")
    elif step.account is not None:
        path = (*step.path, "service")
        yield from naming.check_account(draft, catalog, path, step.account, kind, action.name)
    elif needed:
        accounts = draft.accounts_of(kind)
        if len(accounts) > 1:
            text = f"there are several accounts of {kind}: service is missing"
            yield Problem(step.path, text, f"Add service, one of {', '.join(accounts)}.", spot="table")
        elif not accounts and draft.whole:
            text = f"there is no account of {kind} for {action.name}"
            yield Problem((*step.path, "action"), text, f"Add [services.{kind}].")


def _check_parameters(step: Step, action: Action) -> Iterator[Problem]:
    path = (*step.path, "with")
    secret = secrets.secret_fields(action.parameters)
    known = [item.alias or name for name, item in action.parameters.model_fields.items()]
    given = {key: _shown(value) if key in secret else value for key, value in step.parameters.items()}
    try:
        action.parameters.model_validate(given)
    except ValidationError as wrong:
        judge = _Judge(step.parameters)
        found = wording.problems(wrong, given, path, _keys(action.parameters, known), secret, judge.judged)
        for problem in found:
            helped = replace(problem, help=FORMS) if _stands_at(problem, path) in secret else problem
            yield _about_secret(helped, path, step.parameters, action.name) or judge.helped(helped, path)


def _keys(model: type[BaseModel], known: list[str]) -> Any:
    return lambda path: known if not path else ()


def _shown(value: Any) -> Any:
    """*value* of a secret parameter with every reference in it as some text."""
    if secret_forms.is_reference(value):
        return PLACEHOLDER
    return {key: _shown(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _about_secret(problem: Problem, path: Path, given: Mapping[str, Any], action: str) -> Problem | None:
    """A clearer word for a secret's form where the action takes plain text."""
    key = _stands_at(problem, path)
    if key is None or not secret_forms.is_reference(given.get(key)):
        return None
    text = f"{key} of {action} is no secret, so no secret's form stands here"
    return Problem(problem.path, text, "Write the value itself; it is shown with the run.")


def _stands_at(problem: Problem, path: Path) -> str | None:
    """The parameter whose whole value *problem* is about."""
    here = problem.spot == "value" and len(problem.path) == len(path) + 1
    return str(problem.path[-1]) if here else None


def is_template(text: str) -> bool:
    """Whether *text* has anything that is rendered."""
    return any(mark in text for mark in MARKS)


class _Judge:
    """Says which errors count, by where the templates stand in the parameters."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._templates = dict(_templates(given, ()))

    def judged(self, place: Path, kind: str) -> bool:
        """Whether an error of *kind* at *place* would be there whatever the templates give."""
        if kind in ("missing", "extra_forbidden"):
            return True
        text = self._templates.get(place)
        if text is not None:
            return not _is_lone(text) and (kind.endswith(OF_TYPE) or kind in OF_TYPE)
        return not any(other[: len(place)] == place for other in self._templates)

    def helped(self, problem: Problem, path: Path) -> Problem:
        """*problem* with what to do about a template that can only give text."""
        if problem.path[len(path) :] not in self._templates or problem.spot != "value":
            return problem
        return replace(problem, help="Only {{ … }} with nothing before or behind it keeps its value's type.")


def _templates(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    match value:
        case str() if is_template(value):
            yield path, value
        case Mapping():
            for key, item in value.items():
                yield from _templates(item, (*path, key))
        case list():
            for number, item in enumerate(value):
                yield from _templates(item, (*path, number))


def _is_lone(text: str) -> bool:
    return text.startswith("{{") and text.endswith("}}")
