import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daemon.config import desk, schema, tables
from tests.config import surroundings

EVERYTHING = tomllib.loads((Path(__file__).parent / "everything.toml").read_text())
SCHEMA = schema.json_schema(surroundings.catalog())


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for item in node.values():
            yield from walk(item)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


def test_every_reference_leads_somewhere() -> None:
    references = {node["$ref"] for node in walk(SCHEMA) if "$ref" in node}
    assert references
    assert references <= {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


def test_every_table_of_the_config_is_there() -> None:
    assert set(EVERYTHING) == set(SCHEMA["properties"])
    for name in ("daemon", "database", "http", "retention"):
        assert set(EVERYTHING[name]) == set(SCHEMA["properties"][name]["properties"])
    for name in ("webhook", "watch", "schedule", "callback", "reaction"):
        used = {key for item in EVERYTHING[name] for key in item}
        described = set(SCHEMA["properties"][name]["items"]["properties"])
        assert described <= used
        assert name == "watch" or used == described


def test_defaults_are_as_an_operator_writes_them() -> None:
    daemon = SCHEMA["properties"]["daemon"]["properties"]
    assert (daemon["lease"]["default"], daemon["lease"]["type"]) == ("30s", "string")
    assert SCHEMA["properties"]["http"]["properties"]["max_body"]["default"] == "1MiB"
    assert SCHEMA["properties"]["reaction"]["items"]["properties"]["timeout"]["default"] == "1h"


def test_every_key_is_described() -> None:
    assert [name for name, key in SCHEMA["properties"].items() if not key.get("description")] == []
    for model in (
        tables.Daemon,
        tables.Database,
        tables.HttpTable,
        tables.Retention,
        tables.AccountTable,
        tables.WebhookTable,
        tables.WatchTable,
        tables.ScheduleTable,
        tables.RetryTable,
        tables.DoTable,
        tables.ReactionTable,
    ):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_accounts_have_a_table_of_their_kind() -> None:
    account = SCHEMA["$defs"]["plotly_account"]
    assert {"username", "api_key", "base_url", "rate", "timeout"} <= set(account["properties"])
    assert account["properties"]["api_key"]["$ref"] == "#/$defs/secret"
    assert account["required"] == ["username", "api_key"]


def test_an_account_of_another_kind_may_have_a_kinds_name() -> None:
    services = SCHEMA["properties"]["services"]
    named = services["properties"]["populr"]
    assert named["if"] == {"required": ["kind"]}
    assert named["then"] == services["additionalProperties"]
    assert {"$ref": "#/$defs/compass_account"} in named["then"]["anyOf"]
    assert named["else"] == {"$ref": "#/$defs/populr_account"}


def test_actions_name_their_parameters() -> None:
    step = SCHEMA["properties"]["reaction"]["items"]["properties"]["do"]["items"]
    assert step["properties"]["action"]["enum"] == sorted(surroundings.catalog().actions)
    grid = next(
        one for one in step["allOf"] if one["if"]["properties"]["action"]["const"] == "plotly.create_grid"
    )
    taken = grid["then"]["properties"]["with"]
    assert taken["required"] == ["filename"]
    assert "rows" in taken["properties"]


def test_what_is_not_built_is_not_offered() -> None:
    reaction = SCHEMA["properties"]["reaction"]["items"]["properties"]
    assert not set(desk.UNBUILT["reaction"]) & set(reaction)
    assert not set(desk.UNBUILT[""]) & set(SCHEMA["properties"])
