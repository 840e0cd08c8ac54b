"""``pointsman reference`` and ``schema``: what the code says about itself."""

import pytest

from daemon.connectors import discover
from tests.cli.desk import Desk


def test_actions_tell_their_doubt_and_schemas(bare_desk: Desk) -> None:
    answer = bare_desk.run("reference", "actions", "--json")
    assert (answer.code, answer.err) == (0, "")
    listed = {one["name"]: one for one in answer.document["actions"]}
    assert set(listed) == set(discover().actions)
    create = listed["populr.create_pop"]
    assert create["doubt"] == "probed"
    assert "template_id" in create["parameters"]["properties"]
    assert create["result"]["type"] == "object"
    assert create["example"]["template_id"] == create["answer"]["template_id"]


def test_events_tell_their_schemas(bare_desk: Desk) -> None:
    listed = bare_desk.call("reference", "events", "--json").document["events"]
    assert {one["type"] for one in listed} == set(discover().events)


def test_commands_tell_what_is_built_alone(bare_desk: Desk) -> None:
    listed = bare_desk.call("reference", "commands", "--json").document["commands"]
    names = {one["name"] for one in listed}
    assert {"pointsman run", "pointsman events tail", "pointsman db upgrade"} <= names
    assert not {"pointsman backtest", "pointsman db copy"} & names


@pytest.mark.parametrize("kind", ["events", "actions", "config", "commands", "coverage"])
def test_each_reference_is_a_page(bare_desk: Desk, kind: str) -> None:
    answer = bare_desk.call("reference", kind)
    assert answer.code == 0
    assert answer.out.startswith(f"# {kind.capitalize()}\n")


def test_one_action_is_shown_alone_and_a_glob_shows_a_few(bare_desk: Desk) -> None:
    one = bare_desk.call("reference", "actions", "populr.create_pop")
    assert one.code == 0
    assert "### `populr.create_pop`" in one.out
    assert "create_tracer" not in one.out
    few = bare_desk.call("reference", "events", "compass.*", "--json").document["events"]
    assert few
    assert all(told["type"].startswith("compass.") for told in few)


@pytest.mark.parametrize(
    "asked, complaint",
    [
        (("actions", "populr.create_pob"), "Did you mean populr.create_pop?"),
        (("events", "nothing.like.it"), "`reference events` lists all."),
        (("config", "daemon"), "only actions and events can be named"),
    ],
)
def test_what_is_not_there_to_be_shown_alone(bare_desk: Desk, asked: tuple[str, ...], complaint: str) -> None:
    answer = bare_desk.call("reference", *asked)
    assert answer.code == 2
    assert complaint in " ".join(answer.err.split())


def test_an_unknown_reference_asks_what_was_meant(bare_desk: Desk) -> None:
    answer = bare_desk.call("reference", "event")
    assert answer.code == 2
    assert "Did you mean events?" in answer.err


def test_the_schema_needs_no_config(bare_desk: Desk) -> None:
    bare_desk.config.unlink()
    schema = bare_desk.run("schema").document
    assert schema["type"] == "object"
    assert {"daemon", "services", "watch", "reaction"} <= set(schema["properties"])


def test_the_schema_shows_editors_an_example_of_each_action(bare_desk: Desk) -> None:
    steps = bare_desk.run("schema").document["properties"]["reaction"]["items"]["properties"]["do"]["items"]
    shown = {
        one["if"]["properties"]["action"]["const"]: one["then"]["properties"]["with"]["examples"]
        for one in steps["allOf"]
    }
    assert shown == {name: [action.example] for name, action in discover().actions.items()}
