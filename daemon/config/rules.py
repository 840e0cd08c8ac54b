"""From the merged tree to reactions. Called by ``build``.

A step's parameter that its action declares secret is never kept in the reaction, whose definition is stored:
a reference (``{ env = … }``) stays as it is, a text becomes ``{"inline": "REACTION/STEP/PARAMETER"}`` and
lies in the config's ``inline``. Such a text may be a template. Both are resolved at each call. So it is with a text
that holds a secret in any other parameter, as ``?token=…`` in an address does: there ``{"written secret": …}`` stands.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from daemon.config import forms, tables, triggers
from daemon.config.desk import Desk
from daemon.contract import secret_forms, secrets
from daemon.model import reactions as model
from daemon.model.jsons import Json, JsonObject
from daemon.model.problems import Path
from daemon.model.reactions import Do, Reaction, Retry

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def reactions(at: Desk) -> list[Reaction]:
    """The ``[[reaction]]`` tables that are good in themselves."""
    return [
        _reaction(at, path, table) for path, table in triggers.tables_of(at, "reaction", tables.ReactionTable)
    ]


def _reaction(at: Desk, path: Path, table: tables.ReactionTable) -> Reaction:
    if table.retry.first > table.retry.max:
        text = "retry.first is longer than retry.max"
        at.note((*path, "retry"), text, "Make max at least as long.")
    ids = model.step_ids([step.id for step in table.do], [step.action for step in table.do])
    return Reaction(
        name=table.name,
        on=tuple(table.on),
        source=table.source,
        subject=table.subject,
        when=table.when,
        for_each=table.for_each,
        timeout=table.timeout,
        retry=Retry(table.retry.attempts, table.retry.first, table.retry.max),
        on_doubt=table.on_doubt,
        enabled=table.enabled,
        markers=table.markers,
        do=tuple(
            _do(at, (*path, "do", number), step, f"{table.name}/{id}")
            for number, (step, id) in enumerate(zip(table.do, ids, strict=True))
        ),
    )


def _do(at: Desk, path: Path, table: tables.DoTable, name: str) -> Do:
    given = {key: at.plain(value, (*path, "with", key)) for key, value in table.with_.items()}
    step = name.rpartition("/")[2]
    return Do(
        id=step,
        action=table.action,
        account=table.service or _only_account(at, table.action),
        condition=table.if_,
        parameters=_without_secrets(at, table.action, given, (*path, "with"), name),
    )


def _only_account(at: Desk, action: str) -> str | None:
    """The account of *action*'s kind, where there is exactly one; the check of names says where not."""
    if action not in at.catalog.actions or not at.catalog.needs_account(action):
        return None
    services = at.source.tree.get("services", {})
    kind = at.catalog.action_kinds[action]
    found = [
        name
        for name, table in (services.items() if isinstance(services, Mapping) else ())
        if isinstance(table, Mapping) and table.get("kind", name) == kind
    ]
    return found[0] if len(found) == 1 else None


def _without_secrets(at: Desk, action: str, given: JsonObject, path: Path, name: str) -> JsonObject:
    declared = at.catalog.actions.get(action)
    if declared is None:
        return given
    secret = secrets.secret_fields(declared.parameters)
    return {
        key: (_as_reference if key in secret else _without_written)(at, value, (*path, key), f"{name}/{key}")
        for key, value in given.items()
    }


def _without_written(at: Desk, value: Json, path: Path, name: str) -> Json:
    """*value* without the texts in it that hold a secret, by their name or by what they are."""
    if isinstance(value, Mapping):
        return {key: _without_written(at, item, (*path, key), f"{name}/{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [
            _without_written(at, item, (*path, number), f"{name}/{number}")
            for number, item in enumerate(value)
        ]
    if not isinstance(value, str):
        return value
    written, key = _TEMPLATE.sub("", value), path[-1]
    is_secret = bool(written) and str(key).lower() in at.blanker.names
    if not is_secret and at.blanker.text(written) == written:
        return value
    at.inline[name] = value
    at.written_inline.append(path)
    if is_secret and written == value:
        at.secrets.add(value)
    return {secret_forms.WRITTEN: name}


def _as_reference(at: Desk, value: Json, path: Path, name: str) -> Json:
    """*value* with every text and secret form in it as a reference."""
    if isinstance(value, str):
        at.inline[name] = value
        if "{{" not in value:
            at.written_inline.append(path)
            at.secrets.add(value)
        return {"inline": name}
    if (
        isinstance(value, Mapping)
        and any(form in value for form in secret_forms.REFERENCES)
        and len(value) == 1
    ):
        return _checked_reference(at, value, path)
    if isinstance(value, Mapping):
        return {key: _as_reference(at, item, (*path, key), f"{name}/{key}") for key, item in value.items()}
    return value


def _checked_reference(at: Desk, value: Mapping[str, Any], path: Path) -> Json:
    try:
        secret = at.anchored(forms.read_secret(dict(value)), path)
    except PydanticCustomError as wrong:
        at.note(path, wrong.message(), str((wrong.context or {})["help"]))
        return dict(value)
    at.reveal(secret, path)
    return {secret.form: secret.place}
