"""``pointsman services`` and ``webhooks``: where the accounts are, and how they reach us."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.intake import verifying
from tests.cli import stage
from tests.cli.desk import CONFIG, Desk

KEYS = ["name", "kind", "base_url", "reachable", "authorized", "version", "latency_ms", "error"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stage.Sandbox]:
    with stage.sandbox(tmp_path_factory.mktemp("sandbox")) as found:
        yield found


@pytest.fixture
def sandbox_desk(bare_desk: Desk, sandbox: stage.Sandbox, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A config of all five services, just as ``pointsman sandbox`` prints it."""
    bare_desk.config.write_text(sandbox.toml)
    for name, value in sandbox.variables.items():
        monkeypatch.setenv(name, value)
    return bare_desk


def test_the_sandbox_prints_a_config_that_is_good(sandbox_desk: Desk) -> None:
    assert sandbox_desk.call("check", "--json").document == {"problems": []}


def test_every_account_of_the_sandbox_lets_us_in(sandbox_desk: Desk) -> None:
    answer = sandbox_desk.run("services", "--json")
    assert (answer.code, answer.err) == (0, "")
    listed = answer.document["services"]
    assert [list(one) for one in listed] == [KEYS] * 5
    assert {one["kind"] for one in listed} == {"populr", "popily", "compass", "tonalytica", "plotly"}
    assert all(one["reachable"] and one["authorized"] and one["error"] is None for one in listed)
    assert all(0 < one["latency_ms"] < 10_000 for one in listed)
    told = sandbox_desk.call("services")
    assert told.code == 0
    assert "tonalytica" in told.out


def test_refused_credentials_and_a_silent_place_are_told_apart(
    sandbox_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POPILY_TOKEN", "a-wrong-token-never-shown")
    sandbox_desk.config.write_text(
        sandbox_desk.config.read_text()
        + '\n[services.nobody]\nkind = "populr"\nbase_url = "http://127.0.0.1:9/v0"\napi_key = "a-key"\n'
    )
    sandbox_desk.config.chmod(0o600)
    answer = sandbox_desk.call("services", "--json")
    assert answer.code == 1
    listed = {one["name"]: one for one in answer.document["services"]}
    assert (listed["popily"]["reachable"], listed["popily"]["authorized"]) == (True, False)
    assert listed["popily"]["error"]
    assert (listed["nobody"]["reachable"], listed["nobody"]["authorized"]) == (False, False)
    assert "cannot connect" in listed["nobody"]["error"]
    assert listed["plotly"]["authorized"]
    assert "a-wrong-token" not in answer.out


def test_a_missing_secret_is_told_with_its_place(bare_desk: Desk) -> None:
    bare_desk.config.write_text('[services.populr]\napi_key = { env = "NOT_SET_HERE" }\n')
    answer = bare_desk.call("services")
    assert answer.code == 2
    assert answer.complaints[0].startswith(f"{bare_desk.config}:2:11: ")


def test_webhooks_are_ready_to_paste(bare_desk: Desk) -> None:
    answer = bare_desk.run("webhooks", "--json")
    assert (answer.code, answer.err) == (0, "")
    base, secret = "https://hooks.example.com", "a secret that derives tokens"
    tracer = verifying.callback_path(secret, "populr", "tracer")
    collaboration = verifying.callback_path(secret, "populr", "collaboration")
    assert answer.document == [
        {
            "account": "populr",
            "kind": "tracer",
            "url": f"{base}{tracer}?pop=%{{pop-id}}&tracer=%{{tracer-id}}",
        },
        {"account": "populr", "kind": "collaboration", "url": f"{base}{collaboration}"},
        {"account": "shop", "kind": "webhook", "url": f"{base}/hooks/shop"},
    ]
    assert f"{base}/hooks/shop" in bare_desk.call("webhooks").out.splitlines()[2]


@pytest.mark.parametrize("key", ["public_url", "webhook_secret"])
def test_webhooks_need_an_address_and_a_secret(bare_desk: Desk, key: str) -> None:
    kept = [line for line in CONFIG.splitlines() if not line.startswith(key)]
    Path(bare_desk.config).write_text("\n".join(kept))
    answer = bare_desk.call("webhooks")
    assert (answer.code, len(answer.complaints)) == (2, 1)
    assert f"[http] {key} is missing" in answer.err
