"""JSON Schema of the config file, made from the same models that read it.

``pointsman schema`` prints it for editors, ``reference`` makes the page of the config out of it. Keys that
are not built yet are not in it.
"""

from typing import Any

from pydantic import BaseModel

from daemon.config import build, forms, tables
from daemon.contract.catalog import Catalog
from daemon.contract.declare import Action, Connector, Watch
from daemon.model.jsons import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOTIFY = (
    "Whom `notify.send` can tell something: each key is a name, each value a secret, the address in Apprise's form "
    "(`mailto://…`, `slack://…`, `json://…`)."
)
ANY_SECRET: JsonObject = {"$ref": "#/$defs/secret"}


def json_schema(catalog: Catalog) -> JsonObject:
    """The schema of a whole config file, with the services, resources and actions of *catalog*."""
    includes = {"type": "array", "items": {"type": "string"}, "description": "Globs, relative to this file."}
    services: dict[str, JsonObject] = {
        name: {"$ref": f"#/$defs/{name}_account"} for name in catalog.account_kinds
    }
    any_service: JsonObject = {"anyOf": list(services.values())}
    return {
        "$schema": DIALECT,
        "title": "Pointsman's config",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "include": includes,
            **{name: _table(model) for name, model in build.PLAIN.items()},
            "services": {
                "type": "object",
                "description": "The accounts; a table's name is the account's, and its kind by default.",
                "properties": {
                    name: {"if": {"required": ["kind"]}, "then": any_service, "else": of_its_name}
                    for name, of_its_name in services.items()
                },
                "additionalProperties": any_service,
            },
            "notify": {
                "type": "object",
                "description": NOTIFY,
                "additionalProperties": {**ANY_SECRET, "description": "An address, as Apprise writes it."},
            },
            "webhook": _array(_table(tables.WebhookTable)),
            "watch": _array(_watch(catalog)),
            "schedule": _array(_table(tables.ScheduleTable)),
            "callback": _array(_table(tables.CallbackTable)),
            "reaction": _array(_reaction(catalog)),
        },
        "$defs": {
            "secret": forms.SECRET_SCHEMA,
            **{f"{kind}_account": _account(catalog.connectors[kind]) for kind in catalog.account_kinds},
        },
    }


def _array(items: JsonObject) -> JsonObject:
    """An array of tables; it is for what each of them is for."""
    return {"type": "array", "items": items, "description": items["description"]}


def _table(model: type[BaseModel]) -> JsonObject:
    return _inlined(model.model_json_schema(by_alias=True))


def _inlined(schema: JsonObject) -> JsonObject:
    """*schema* with its own definitions put where they are referred to, so that it can stand in another."""
    definitions = schema.pop("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, list):
            return [put(item) for item in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if name in definitions:
            return {
                **put(definitions[name]),
                **{key: put(item) for key, item in node.items() if key != "$ref"},
            }
        return {key: put(item) for key, item in node.items()}

    inlined: JsonObject = put(schema)
    return inlined


def _account(connector: Connector) -> JsonObject:
    """The table of an account: the keys that all have, and those of its kind."""
    schema = _table(tables.AccountTable)
    assert connector.settings is not None  # noqa: S101 - only kinds with accounts are asked for
    own = _table(connector.settings)
    secret = build.secret_settings(connector.settings)
    properties = {
        name: {**ANY_SECRET, "description": value.get("description", "")} if name in secret else value
        for name, value in own["properties"].items()
    }
    schema["properties"].update(properties)
    schema["properties"]["kind"] = {"const": connector.kind, "description": "The service."}
    return {**schema, "description": connector.about, "required": own.get("required", [])}


def _watch(catalog: Catalog) -> JsonObject:
    schema = _table(tables.WatchTable)
    resources = sorted({resource for _, resource in catalog.watches})
    schema["properties"]["resource"]["enum"] = resources
    schema["allOf"] = [_watch_options(resource, catalog) for resource in resources]
    return schema


def _watch_options(resource: str, catalog: Catalog) -> JsonObject:
    """What may stand beside the common keys when *resource* is polled."""
    watches: list[Watch] = [watch for (_, name), watch in catalog.watches.items() if name == resource]
    options = {key: value for watch in watches for key, value in _table(watch.options)["properties"].items()}
    return {
        "if": {"properties": {"resource": {"const": resource}}},
        "then": {"properties": {**options, **dict.fromkeys(tables.WatchTable.model_fields, True)}},
    }


def _reaction(catalog: Catalog) -> JsonObject:
    schema = _table(tables.ReactionTable)
    step = schema["properties"]["do"]["items"]
    step["properties"]["action"]["enum"] = sorted(catalog.actions)
    step["allOf"] = [_step_parameters(action) for _, action in sorted(catalog.actions.items())]
    return schema


def _step_parameters(action: Action) -> JsonObject:
    """The parameters that *action* takes. Any may be a template, so their types are not judged here."""
    own = _table(action.parameters)
    described = {
        name: {key: value[key] for key in ("description", "default", "examples") if key in value}
        for name, value in own.get("properties", {}).items()
    }
    return {
        "if": {"properties": {"action": {"const": action.name}}},
        "then": {
            "description": action.about,
            "properties": {
                "with": {
                    "properties": described,
                    "required": own.get("required", []),
                    "additionalProperties": False,
                    "examples": [dict(action.example)],
                }
            },
        },
    }
