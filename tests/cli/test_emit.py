"""``pointsman emit``: an event of one's own."""

from pathlib import Path

import pytest

from daemon.connectors import discover
from tests.cli.desk import CONFIG, Desk

OPENED = discover().events["populr.tracer.opened"]


def shown(desk: Desk, id: str) -> dict[str, object]:
    found: dict[str, object] = desk.call("events", "show", id, "--json").document
    return found


def test_it_records_the_event_and_prints_its_id(desk: Desk) -> None:
    answer = desk.run("emit", "orders.received", "--subject", "17", "--data", '{"total": 9}')
    assert (answer.code, answer.err) == (0, "")
    event = shown(desk, answer.out.strip())
    assert (event["type"], event["subject"], event["source"]) == ("orders.received", "17", "emit")
    assert (event["data"], event["depth"], event["cause"]) == ({"total": 9}, 0, None)


def test_the_same_key_of_one_source_is_one_event(desk: Desk) -> None:
    first = desk.call("emit", "orders.received", "--key", "k", "--json").document
    again = desk.call("emit", "orders.received", "--key", "k", "--json").document
    other = desk.call("emit", "orders.received", "--key", "k", "--source", "shop", "--json").document
    assert (first["duplicate"], again) == (False, {"id": first["id"], "duplicate": True})
    assert other["id"] != first["id"]
    told = desk.call("emit", "orders.received", "--key", "k")
    assert (told.out.strip(), told.complaints) == (first["id"], ["this key was had already: no new event"])


def test_without_a_key_each_is_its_own(desk: Desk) -> None:
    assert desk.call("emit", "orders.received").out != desk.call("emit", "orders.received").out


def test_data_comes_from_a_file_or_standard_input(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"from": "a file"}')
    filed = desk.call("emit", "a.b", "--data", f"@{tmp_path / 'data.json'}").out.strip()
    piped = desk.call("emit", "a.b", "--data", "-", given='{"from": "a pipe"}').out.strip()
    assert shown(desk, filed)["data"] == {"from": "a file"}
    assert shown(desk, piped)["data"] == {"from": "a pipe"}


def test_secrets_of_the_config_are_blanked(desk: Desk) -> None:
    data = '{"note": "shop-secret-of-a-test", "password": "hunter2", "url": "https://u:p@x"}'
    event = shown(desk, desk.call("emit", "a.b", "--data", data).out.strip())
    assert event["data"] == {"note": "[blanked]", "password": "[blanked]", "url": "https://[blanked]@x"}


def test_secrets_that_this_shell_lacks_do_not_matter(desk: Desk) -> None:
    lacking = CONFIG.replace('"a secret that derives tokens"', '{ env = "NOT_SET_HERE" }')
    desk.config.write_text(lacking)
    answer = desk.call("emit", "a.b", "--data", '{"note": "shop-secret-of-a-test"}')
    assert answer.code == 0, answer.err
    assert shown(desk, answer.out.strip())["data"] == {"note": "[blanked]"}


@pytest.mark.parametrize(
    "given, complaint",
    [
        (("a.b", "--data", "[]"), "a JSON object is expected, came a list"),
        (("a.b", "--data", "{'a': 1}"), "not JSON"),
        (("a.b", "--data", '{"n": 99999999999999999999}'), "beyond 64 bits"),
        (("a.b", "--data", '{"a":' * 300 + "1" + "}" * 300), "not JSON"),
        (("a.b", "--data", "@/no/such/file"), "/no/such/file: No such file or directory"),
        (("a\nb",), "without control characters"),
        (("",), "it is empty"),
        (("populr.tracer.opend",), "Did you mean populr.tracer.opened?"),
        (("schedule.often",), "there is no event type schedule.often."),
        (("populr.tracer.opened", "--data", '{"first": 1}'), "data: pop is missing. Add pop."),
        (("populr.tracer.opened", "--data", '{"first": "x"}'), "data.first: true or false is expected"),
    ],
)
def test_what_cannot_be_an_event_is_wrong_usage(desk: Desk, given: tuple[str, ...], complaint: str) -> None:
    answer = desk.call("emit", *given)
    assert answer.code == 2
    assert complaint in answer.err
    assert desk.call("events", "--json").document == {"events": []}


def test_a_reserved_type_that_fits_its_schema_is_taken(desk: Desk) -> None:
    import json

    data = json.dumps(OPENED.example)
    answer = desk.call("emit", "populr.tracer.opened", "--source", "populr", "--data", data)
    assert answer.code == 0, answer.err
    assert shown(desk, answer.out.strip())["data"] == OPENED.example


def test_an_account_tells_its_own_kind_only(desk: Desk) -> None:
    data = '{"source": {"id": 1}, "status": "finished", "previous": null}'
    answer = desk.call("emit", "popily.source.finished", "--source", "populr", "--data", data)
    assert answer.code == 2
    assert "populr is a populr account and tells no popily.source.finished" in answer.err


def test_a_source_that_nobody_is_is_wondered_at(desk: Desk) -> None:
    answer = desk.call("emit", "a.b", "--source", "shopp")
    assert answer.code == 0
    assert answer.complaints == [
        "note: no account or webhook of the config is called shopp. Did you mean shop?"
    ]
