"""``pointsman services`` and ``webhooks``: where the accounts are, and how they reach us."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from daemon.cli import context
from daemon.contract.circuit import Circuit, Reason, State
from daemon.intake import verifying
from daemon.journal import accounts, watches
from daemon.journal.database import Connection
from daemon.model import times
from daemon.model.runs import RunStatus
from tests.cli import stage
from tests.cli.desk import CONFIG, Desk
from tests.journal import making

ASKED = ["name", "kind", "base_url", "reachable", "authorized", "version", "latency_ms"]
KNOWN = ["rate_left", "circuit", "reason", "since", "held_until", "parked", "worked_at"]
CALLED = ["callbacks", "last_callback"]
KEYS = [*ASKED, "rate", *KNOWN, *CALLED, "error"]


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
    assert {one[name] for one in listed for name in (*KNOWN, *CALLED)} == {None}  # there is no journal
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
    assert (listed["nobody"]["reachable"], listed["nobody"]["authorized"]) == (False, None)
    assert "cannot connect" in listed["nobody"]["error"]
    assert listed["plotly"]["authorized"]
    assert "a-wrong-token" not in answer.out


def swap(wanted: Circuit, _before: Circuit) -> Circuit:
    return wanted


def put(desk: Desk, blank_journal: Path, **known: Circuit) -> None:
    """Make a journal that knows of these accounts' circuits, the first of which has a parked run."""
    desk.make_journal(blank_journal)

    def write(connection: Connection) -> None:
        accounts.configure(connection, known.keys())
        for name, one in known.items():
            accounts.change(connection, name, partial(swap, one))
        busy = (making.NOW, context.now() + times.HOUR)
        accounts.note_work(connection, {"compass": busy, "plotly": (making.NOW, making.NOW)})

    desk.write(write)
    desk.make_run(desk.tell(), RunStatus.PARKED, parked_for="populr")


def test_what_the_journal_knows_of_accounts_is_told(sandbox_desk: Desk, blank_journal: Path) -> None:
    hour = context.now() + times.HOUR
    put(
        sandbox_desk,
        blank_journal,
        populr=Circuit(State.OPEN, 1, 5, Reason.UNAVAILABLE, "503: busy", making.NOW, probe_at=hour),
        plotly=Circuit(failures=2, error="500", since=making.NOW),
        popily=Circuit(held_until=hour, held_for=2 * times.HOUR, error="429: slowly"),
        compass=Circuit(),
    )
    answer = sandbox_desk.call("services", "--json")
    assert answer.code == 1  # one of them is down, whatever its ping says
    told = {
        one["name"]: {name: one[name] for name in (*KNOWN, "rate", "error")}
        for one in answer.document["services"]
    }
    nothing = dict.fromkeys(KNOWN)
    since = "2025-12-01T00:00:00Z"
    closed = {**nothing, "circuit": "closed", "parked": 0, "error": None, "rate": "5/s", "rate_left": 5}
    assert told["tonalytica"] == {**nothing, "rate": "5/s", "error": None}
    assert told["plotly"] == {**closed, "worked_at": since}
    assert told["compass"] == {**closed, "worked_at": since, "rate_left": 0}
    held_until = told["popily"].pop("held_until")
    assert times.parse_rfc3339(held_until) == hour
    assert {**told["popily"], "held_until": None} == {**closed, "rate_left": 0, "error": "429: slowly"}
    assert told["populr"] == {
        **closed,
        "circuit": "open",
        "reason": "unavailable",
        "since": since,
        "parked": 1,
        "rate_left": 0,
        "error": "503: busy",
    }


def test_an_account_says_whether_its_callbacks_come(sandbox_desk: Desk, blank_journal: Path) -> None:
    sandbox_desk.make_journal(blank_journal)
    called = [
        making.memory("p/1", callbacks=3, called_at=making.NOW),
        making.memory("p/2", callbacks=1, called_at=making.NOW - times.HOUR),
        making.memory("p/3"),
    ]
    sandbox_desk.write(lambda c: watches.remember(c, "populr", "tracers", called))
    listed = {one["name"]: one for one in sandbox_desk.call("services", "--json").document["services"]}
    assert (listed["populr"]["callbacks"], listed["populr"]["last_callback"]) == (2, "2025-12-01T00:00:00Z")
    assert (listed["compass"]["callbacks"], listed["compass"]["last_callback"]) == (None, None)


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
