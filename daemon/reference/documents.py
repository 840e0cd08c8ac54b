"""The reference as JSON: events and actions of the catalog, the tables and keys of the config.

Pure. Called by the face of this room; ``pages`` reads what comes out.
"""

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from daemon.contract import secrets
from daemon.contract.catalog import Catalog
from daemon.contract.declare import Action, EventData
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject
from daemon.reference import answers, shapes

DEEPEST = 4  # tables in tables that are spelled out
_ROLE = re.compile(r":[a-z]+:`~?\.?([^`]+)`")


def events(catalog: Catalog) -> JsonObject:
    """``{"events": [{type, subject, about, told_by, data, example}]}``, by type; *data* is a JSON Schema."""
    return {"events": [_event(catalog, type, model) for type, model in sorted(catalog.events.items())]}


def _event(catalog: Catalog, type: str, model: type[EventData]) -> JsonObject:
    return {
        "type": type,
        "subject": model.subject,
        "about": plain(model.__doc__ or ""),
        "told_by": list(_tellers(catalog, type)),
        "data": schema_of(model),
        "example": model.example,
    }


def _tellers(catalog: Catalog, type: str) -> Iterator[str]:
    """What produces events of *type*: the watches and callbacks that declare it."""
    kind = type.partition(".")[0]
    for (owner, resource), watch in sorted(catalog.watches.items()):
        if owner == kind and (type in watch.events or type == f"{kind}.{watch.noun}.stalled"):
            yield f"watch {resource}"
    for (owner, hook), webhook in sorted(catalog.webhooks.items()):
        if owner == kind and webhook.event == type:
            yield f"callback {hook}"


def actions(catalog: Catalog) -> JsonObject:
    """``{"actions": [{name, service, doubt, why, probe, about, parameters, example, result, answer}]}``, by name.

    *probe* says what is looked for before a probed action is called again, or is null.
    *parameters* and *result* are JSON Schemas; a secret parameter is ``writeOnly``. *service* is the kind of
    account it needs, or null. *example* is one call's ``with``, *answer* a result such as it may have, or null.
    Where ``doubt_varies`` it goes by the parameters, as *why* says.
    """
    return {"actions": [_action(catalog, action) for _, action in sorted(catalog.actions.items())]}


def _action(catalog: Catalog, action: Action) -> JsonObject:
    needed = catalog.needs_account(action.name)
    return {
        "name": action.name,
        "service": catalog.action_kinds[action.name] if needed else None,
        "doubt": action.doubt.value,
        "doubt_varies": action.doubt_of is not None,
        "why": action.why,
        "probe": action.probe.about if action.probe is not None else None,
        "about": plain(action.about),
        "follows": action.follows,
        "parameters": schema_of(action.parameters),
        "example": dict(action.example),
        "result": schema_of(action.result),
        "answer": answers.recorded().get(action.name),
    }


def schema_of(model: type[BaseModel]) -> JsonObject:
    """*model*'s JSON Schema; its secret fields are ``writeOnly``."""
    schema = model.model_json_schema()
    properties = schema.get("properties", {})
    for name in secrets.secret_fields(model):
        written = model.model_fields[name].alias or name
        if written in properties:
            properties[written]["writeOnly"] = True
    return schema


def plain(docstring: str) -> str:
    """*docstring* as paragraphs of one line each, its reStructuredText marks as Markdown's."""
    paragraphs = re.split(r"\n\s*\n", docstring.strip())
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def config(schema: JsonObject) -> JsonObject:
    """``{"tables": [{name, about, keys: [{name, shape, required, default, about}], variants}]}`` in order.

    *name* is the table's header as a file has it, ``""`` for the keys before any table.
    """
    tables: list[JsonObject] = []
    for table in _tables("", schema, shapes.shapes_of(schema), DEEPEST):
        # What any NAME may hold was told already where a schema gives some names of their own.
        if ".NAME" not in table["name"] or all(table["keys"] != told["keys"] for told in tables):
            tables.append(table)
    return {"tables": tables}


def _tables(name: str, schema: Json, known: shapes.Shapes, depth: int) -> Iterator[JsonObject]:
    """The table of *schema* and those below it.

    An object with a single key is no table: the key that holds it shows it (``{ env = … }``).
    """
    found = known.resolve(schema)
    properties = jsons.as_object(found.get("properties"))
    if depth and (len(properties) > 1 or (properties and not name)):
        yield _table(name, found, known)
    for key, one in properties.items():
        yield from _below(f"{name}.{key}" if name else key, one, known, depth - 1)
    named = found.get("additionalProperties")
    if isinstance(named, dict):
        if (
            depth and not properties
        ):  # every name may be a key, none is given: the row of NAME says what it holds
            yield _table(name, {**found, "properties": {"NAME": named}}, known)
        yield from _below(f"{name}.NAME", named, known, depth - 1)


def _below(name: str, schema: Json, known: shapes.Shapes, depth: int) -> Iterator[JsonObject]:
    if depth <= 0:
        return
    found = known.resolve(schema)
    for one in found.get("anyOf") or found.get("oneOf") or [found]:
        variant = known.resolve(one)
        if variant.get("type") == "array":
            yield from _tables(f"[{name}]", variant.get("items"), known, depth)
        else:
            yield from _tables(name, variant, known, depth)


def _table(name: str, found: JsonObject, known: shapes.Shapes) -> JsonObject:
    return {
        "name": f"[{_header(name)}]" if name else "",
        "about": plain(str(found.get("description", ""))),
        "keys": _keys(found, known),
        "variants": list(_variants(found, known)),
    }


def _keys(found: JsonObject, known: shapes.Shapes, without: Iterable[str] = ()) -> list[JsonObject]:
    """The keys of an object's schema; one that a variant only allows again (``true``) says nothing."""
    required = found.get("required", [])
    listed = [
        known.field(key, one, required=key in required)
        for key, one in jsons.as_object(found.get("properties")).items()
        if key not in without and isinstance(one, dict)
    ]
    return [
        {
            "name": key.name,
            "shape": key.shape,
            "required": key.required,
            "default": key.default,
            "about": key.about,
        }
        for key in listed
    ]


def _variants(found: JsonObject, known: shapes.Shapes) -> Iterator[JsonObject]:
    """What may stand in a table by the value of one of its keys: ``{key, value, inside, keys}``.

    Schemas say so with ``if`` and ``then``. *inside* is the key under which *keys* stand, or "" for the table
    itself.
    """
    for one in found.get("allOf", []):
        then = jsons.as_object(one.get("then"))
        for key, test in jsons.as_object(jsons.as_object(one.get("if")).get("properties")).items():
            told = {"key": key, "value": test.get("const")}
            yield {**told, "inside": "", "keys": _keys(then, known, without=found["properties"])}
            for name in found["properties"]:
                inner = jsons.as_object(jsons.as_object(then.get("properties")).get(name))
                if inner.get("properties"):
                    yield {**told, "inside": name, "keys": _keys(inner, known)}


def _header(name: str) -> str:
    """``[reaction].do`` as TOML has it: the brackets of a list's table stand around the whole name."""
    bare = name.replace("[", "").replace("]", "")
    return f"[{bare}]" if name.endswith("]") else bare
