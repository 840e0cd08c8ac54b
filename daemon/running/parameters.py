"""A step's parameters: rendered once, with its intent; secrets stay references until each call.

Called by ``course``. What is written down never holds a secret: a parameter that its action declares secret
is kept as the reference the config gave it, and everything else passes the
blanker.
"""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from daemon import expressions
from daemon.contract import secret_forms, secrets
from daemon.contract.declare import Action
from daemon.contract.services import Services
from daemon.model import jsons, times
from daemon.model.jsons import Json, JsonObject
from daemon.model.scope import Scope


class UnfitParameters(Exception):
    """The parameters cannot be rendered or are not what the action takes. The text shows no secret."""


def fill(written: JsonObject, services: Services) -> JsonObject:
    """The parameters as the config has them: a definition is kept without the texts that hold secrets.

    :class:`UnfitParameters` where such a text stands in the config no more.
    """
    try:
        return {name: _filled(value, services) for name, value in written.items()}
    except secret_forms.SecretMissing as missing:
        raise UnfitParameters(f"a secret is missing: {missing.text}") from None


def _filled(value: Json, services: Services) -> Json:
    if isinstance(value, dict):
        if list(value) == [secret_forms.WRITTEN]:
            return services.resolve(secret_forms.Secret("inline", value[secret_forms.WRITTEN]))
        return {key: _filled(item, services) for key, item in value.items()}
    return [_filled(item, services) for item in value] if isinstance(value, list) else value


def render(action: Action, written: JsonObject, scope: Scope) -> JsonObject:
    """The parameters to write down: secret ones as references, the rest as plain JSON.

    :class:`UnfitParameters`; :class:`~daemon.model.scope.StateNeeded` for a state key that is not in the
    scope.
    """
    hidden = secrets.secret_fields(action.parameters)
    try:
        open_ones = {name: value for name, value in written.items() if name not in hidden}
        values = expressions.compile_value(open_ones).render(scope)
        rendered = {name: _plain(name, value) for name, value in values.items()}
    except expressions.ExpressionError as wrong:
        raise UnfitParameters(str(wrong)) from None
    return {**rendered, **{name: written[name] for name in hidden if name in written}}


def _plain(name: str, value: Any) -> Json:
    try:
        plain: Json = expressions.to_plain(value)
    except expressions.ExpressionError as wrong:
        raise wrong.under(name) from None
    return plain


def to_store(action: Action, request: JsonObject, blanker: secrets.Blanker) -> JsonObject:
    """*request* as it is written down: references to secrets stay, every other secret is blanked."""
    hidden = secrets.secret_fields(action.parameters)
    if not hidden:
        return jsons.as_object(blanker.value(request))
    shown = blanker.value({name: value for name, value in request.items() if name not in hidden})
    return {name: _references(value) if name in hidden else shown[name] for name, value in request.items()}


def _references(value: Json) -> Json:
    """A secret parameter with only its references left."""
    if secret_forms.is_reference(value):
        return value
    if isinstance(value, dict):
        return {key: _references(item) for key, item in value.items()}
    return secrets.BLANK if value else value


def restore(kept: JsonObject, rendered: JsonObject) -> JsonObject:
    """A stored request for the next call: as it was first rendered, but for what was blanked in it."""
    return {name: rendered.get(name) if was_blanked(value) else value for name, value in kept.items()}


def was_blanked(request: Json) -> bool:
    """Whether a stored request lost something to the blanker, so that this must be rendered anew for the
    call.
    """
    if isinstance(request, dict):
        return any(was_blanked(value) for value in request.values())
    if isinstance(request, list):
        return any(was_blanked(value) for value in request)
    return isinstance(request, str) and secrets.BLANK in request


def resolve(action: Action, request: JsonObject, scope: Scope, services: Services) -> BaseModel:
    """The parameters of one call: *request* with its secrets in place, validated.
    :class:`UnfitParameters`.
    """
    hidden = secrets.secret_fields(action.parameters)
    try:
        values = {
            name: _secret(value, scope, services) if name in hidden else value
            for name, value in request.items()
        }
        return action.parameters.model_validate(values)
    except secret_forms.SecretMissing as missing:
        raise UnfitParameters(f"a secret is missing: {missing.text}") from None
    except expressions.ExpressionError as wrong:
        raise UnfitParameters(str(wrong)) from None
    except ValidationError as wrong:
        raise UnfitParameters(describe(wrong)) from None


def _secret(value: Json, scope: Scope, services: Services) -> Json:
    """The secrets that references name, in objects too. A text from the config itself is a template."""
    if not secret_forms.is_reference(value):
        return (
            {k: _secret(v, scope, services) for k, v in value.items()} if isinstance(value, dict) else value
        )
    reference = secret_forms.from_json(value)
    text = services.resolve(reference)
    if reference.form != "inline":
        return text
    return expressions.to_plain(expressions.compile_text(text).render(scope))


def describe(wrong: ValidationError) -> str:
    """A validation error in one line: which parameter, what about it; never the value."""
    return "the parameters do not fit: " + "; ".join(_describe(one) for one in wrong.errors())


def _describe(wrong: ErrorDetails) -> str:
    """What is wrong with a parameter; what a validator of ours says of several stands alone."""
    place = ".".join(str(part) for part in wrong["loc"])
    said = wrong["msg"].removeprefix("Value error, ")  # pydantic's own
    return f"{place}: {said}" if place else said


def wants_to_wait(action: Action, parameters: Any) -> bool:
    """Whether the step is to wait for the remote work it starts."""
    return action.follows is not None and bool(getattr(parameters, "wait", False))


def patience(parameters: Any) -> int:
    """How long the step waits for the remote work it starts, in microseconds."""
    return times.parse_duration(parameters.wait_timeout)
