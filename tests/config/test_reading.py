import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import config
from daemon.config import desk
from daemon.contract.configured import Rate
from daemon.contract.secret_forms import Secret
from daemon.model import times
from daemon.model.reactions import Do, Retry
from tests.config import surroundings

POPULR = '[services.populr]\napi_key = { env = "SECRET" }\n'
EMIT = '[[reaction.do]]\nid = "log"\naction = "log.write"\nwith = { message = "hi" }\n'
PIECES = [
    "",
    "x",
    "=",
    '"',
    "1",
    "[",
    "]]",
    "{",
    "}",
    "\n",
    "{{",
    "[[x]]\n",
    "é🚂",
    '"""',
    "\t#",
    ".",
    " = true\n",
    "\x00",
]
EVERYTHING = (Path(__file__).parent / "everything.toml").read_text()


def told(
    folder: Path, text: str, environ: dict[str, str] | None = None, *, running: bool = False
) -> list[str]:
    found = surroundings.problems(surroundings.read(folder, text, environ, running=running))
    return [str(one).replace(f"{folder}/", "") for one in found]


def test_an_empty_config_has_every_default(tmp_path: Path) -> None:
    settled = surroundings.good(tmp_path, "", {})
    assert str(os.getpid()) in settled.daemon.node
    assert (settled.daemon.log_level, settled.daemon.log_format) == ("info", "auto")
    assert settled.daemon.drain_timeout == settled.daemon.lease == 30 * times.SECOND
    assert settled.database.url == f"sqlite:///{tmp_path}/pointsman.db"
    assert settled.database.max_payload == 8 * 1024 * 1024
    assert settled.http.public_listen == ("127.0.0.1", 8080)
    assert settled.http.admin_listen == ("127.0.0.1", 8081)
    assert settled.http.max_body == 1024 * 1024
    assert (settled.http.public_url, settled.http.webhook_secret, settled.http.admin_token) == (
        None,
        None,
        None,
    )
    assert settled.retention.events == settled.retention.runs == 90 * times.DAY


def test_a_config_with_every_key_is_good(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("correct-horse-battery\n")
    settled = surroundings.good(
        tmp_path, EVERYTHING, {"SECRET": "correct-horse", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    )
    assert sorted(settled.accounts) == ["compass", "plotly", "popily", "populr", "second", "tonalytica"]
    assert settled.accounts["second"].kind == "populr"
    assert settled.accounts["second"].rate == Rate(10, times.HOUR)
    assert not settled.accounts["second"].readback
    assert [one.name for one in settled.webhooks] == ["orders", "signed", "bare"]
    assert settled.watches[0].options == {"ids": [2279]}
    assert settled.schedules[2].at == times.parse_rfc3339("2026-12-01T08:00:00Z")
    assert [one.name for one in settled.reactions] == ["everything", "small"]


def test_a_reaction_as_it_is_kept(tmp_path: Path) -> None:
    text = (
        f'{POPULR}[[reaction]]\nname = "r"\non = ["a.b", "c.*"]\nsubject = "x*"\nwhen = "event.data.n > 1"\n'
        'for_each = "event.data.rows"\ntimeout = "5m"\nretry = { attempts = 3 }\non_doubt = "redo"\nenabled = false\n'
        '[[reaction.do]]\naction = "populr.publish_pop"\nif = "item.ok"\nwith = { pop_id = "{{ item.id }}" }\n'
        '[[reaction.do]]\naction = "populr.publish_pop"\nwith = { pop_id = "{{ steps.publish_pop.id }}" }\n'
    )
    found = surroundings.read(tmp_path, text)
    assert found.config is not None
    (reaction,) = found.config.reactions
    assert reaction.on == ("a.b", "c.*")
    assert (reaction.subject, reaction.when, reaction.for_each) == (
        "x*",
        "event.data.n > 1",
        "event.data.rows",
    )
    assert reaction.timeout == 5 * times.MINUTE
    assert reaction.retry == Retry(3, 2 * times.SECOND, 15 * times.MINUTE)
    assert (reaction.on_doubt, reaction.enabled) == ("redo", False)
    assert reaction.do == (
        Do("publish_pop", "populr.publish_pop", "populr", "item.ok", {"pop_id": "{{ item.id }}"}),
        Do("publish_pop_2", "populr.publish_pop", "populr", None, {"pop_id": "{{ steps.publish_pop.id }}"}),
    )


def test_secrets_in_parameters_stay_references(tmp_path: Path) -> None:
    text = (
        '[http]\nallow_hosts = ["x.example"]\n'
        '[services.popily]\ntoken = { env = "SECRET" }\n[[reaction]]\nname = "r"\non = "a.b"\n'
        '[[reaction.do]]\nid = "one"\naction = "popily.add_source"\n'
        'with = { connection_string = "postgres://u:hunter2@h/d", query = "select 1" }\n'
        '[[reaction.do]]\nid = "two"\naction = "popily.add_source"\n'
        'with = { connection_string = { file = "dsn" }, query = "select 1" }\n'
        '[[reaction.do]]\nid = "three"\naction = "http.request"\n'
        'with = { url = "https://x.example", secret_headers = { Authorization = "Bearer {{ event.id }}" } }\n'
    )
    (tmp_path / "dsn").write_text("postgres://x\n")
    settled = surroundings.good(tmp_path, text)
    one, two, three = settled.reactions[0].do
    assert one.parameters["connection_string"] == {"inline": "r/one/connection_string"}
    assert two.parameters["connection_string"] == {"file": f"{tmp_path}/dsn"}
    assert three.parameters["secret_headers"] == {
        "Authorization": {"inline": "r/three/secret_headers/Authorization"}
    }
    assert settled.inline["r/one/connection_string"] == "postgres://u:hunter2@h/d"
    assert settled.inline["r/three/secret_headers/Authorization"] == "Bearer {{ event.id }}"
    assert {"postgres://u:hunter2@h/d", "postgres://x", "correct-horse-battery"} <= settled.known_secrets
    assert "hunter2" not in repr(settled)
    assert "correct-horse" not in repr(settled)


def test_dates_in_data_become_text(tmp_path: Path) -> None:
    text = (
        '[[schedule]]\nname = "s"\nevery = "1h"\n'
        "data = { a = 2026-12-01T09:00:00+01:00, b = 2026-12-01, c = 09:00:00, d = [1.5] }\n"
    )
    (schedule,) = surroundings.good(tmp_path, text).schedules
    assert schedule.data == {"a": "2026-12-01T08:00:00Z", "b": "2026-12-01", "c": "09:00:00", "d": [1.5]}


@pytest.mark.parametrize(
    "at", ['"2026-12-01T09:00:00"', "2026-12-01", "9999-12-31T23:59:59", "0001-01-01T00:00:00+10:00", "1"]
)
def test_moments_that_are_none(tmp_path: Path, at: str) -> None:
    (line,) = told(tmp_path, f'[[schedule]]\nname = "s"\nat = {at}\ntimezone = "America/New_York"\n')
    assert line.startswith("config.toml:3:6: a ")


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_json_lacks_are_refused(tmp_path: Path, number: str) -> None:
    (line,) = told(tmp_path, f'[[schedule]]\nname = "s"\nevery = "1h"\ndata = {{ a = [{number}] }}\n')
    assert line.startswith("config.toml:4:15: ")


@pytest.mark.parametrize(
    "environ, url, found",
    [
        ({}, "sqlite:///x.db", "{folder}/x.db"),
        ({}, "sqlite:////var/x.db", "/var/x.db"),
        ({"STATE_DIRECTORY": "/var/lib/p:/var/lib/q"}, "sqlite:///x.db", "/var/lib/p/x.db"),
    ],
)
def test_where_the_journal_is(tmp_path: Path, environ: dict[str, str], url: str, found: str) -> None:
    settled = surroundings.good(tmp_path, f'[database]\nurl = "{url}"\n', environ)
    assert settled.database.url == f"sqlite:///{found.format(folder=tmp_path)}"


def test_a_database_password_is_a_secret(tmp_path: Path) -> None:
    text = '[database]\nurl = "postgresql://u:hunter2-hunter2@h/d"\n'
    settled = surroundings.good(tmp_path, text)
    assert settled.database.url == "postgresql://u:hunter2-hunter2@h/d"
    assert "hunter2-hunter2" in settled.known_secrets
    assert "hunter2" not in repr(settled)
    (tmp_path / "config.toml").chmod(0o644)
    (warning,) = config.read(tmp_path / "config.toml", surroundings.catalog(), {}).problems
    assert (warning.place.line, warning.severity) == (2, "warning")


def test_a_secret_in_a_file_that_all_can_read_is_a_warning(tmp_path: Path) -> None:
    text = '[services.populr]\napi_key = "correct-horse-battery"\n'
    assert told(tmp_path, text) == []
    (tmp_path / "config.toml").chmod(0o644)
    (warning,) = config.read(tmp_path / "config.toml", surroundings.catalog(), {}).problems
    assert (warning.place.line, warning.place.column, warning.severity) == (2, 11, "warning")
    assert not config.refuses([warning])
    assert "correct-horse" not in str(warning)


def test_credentials_are_needed_to_run_but_not_to_check(tmp_path: Path) -> None:
    text = '[services.populr]\napi_key = { credential = "key" }\n[http]\nadmin_token = { credential = "token" }\n'
    checked = surroundings.read(tmp_path, text, {})
    assert [one.severity for one in checked.problems] == ["warning", "warning"]
    assert checked.config is not None
    run = surroundings.read(tmp_path, text, {}, running=True)
    assert config.refuses(run.problems)
    (tmp_path / "key").write_text("k" * 20)
    (tmp_path / "token").write_text("t" * 20)
    assert told(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, running=True) == []


def test_a_secret_file_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "key").write_text("correct-horse-battery")
    (tmp_path / "conf.d" / "a.toml").write_text('[services.populr]\napi_key = { file = "key" }\n')
    settled = surroundings.good(tmp_path, 'include = ["conf.d/*.toml"]\n')
    assert "correct-horse-battery" in settled.known_secrets


def test_one_mistake_hides_no_other(tmp_path: Path) -> None:
    text = (
        f'{POPULR}colour = "red"\nrate = 5\n[http]\nmax_body = 1\n[[watch]]\nname = 1\n'
        f'[[reaction]]\nname = "r"\non = "populr.nothing"\ntimeout = 1\nwhen = "evnt"\n{EMIT}'
    )
    assert [line.split(" ")[0] for line in told(tmp_path, text)] == [
        "config.toml:3:1:",
        "config.toml:4:8:",
        "config.toml:6:12:",
        "config.toml:7:1:",
        "config.toml:7:1:",
        "config.toml:7:1:",
        "config.toml:8:8:",
        "config.toml:11:6:",
        "config.toml:12:11:",
        "config.toml:13:8:",
    ]


def test_a_value_that_is_a_secret_is_never_quoted(tmp_path: Path) -> None:
    text = (
        '[services.plotly]\nusername = "ada"\napi_key = "hunter2 hunter2 ü"\n[http]\nadmin_token = 31415926\n'
    )
    lines = told(tmp_path, text)
    assert any(line.startswith("config.toml:5:15:") for line in lines)
    assert not any("hunter2" in line or "31415926" in line for line in lines)


def test_callbacks_are_about_a_tracer_or_about_collaboration(tmp_path: Path) -> None:
    head = '[http]\npublic_url = "https://h.example"\nwebhook_secret = { env = "SECRET" }\n'
    text = (
        f'{head}[services.populr]\napi_key = {{ env = "SECRET" }}\n'
        '[[callback]]\nservice = "populr"\npop_id = "1"\ntracer = "T"\n'
        '[[callback]]\nservice = "populr"\npop_id = "2"\ncollaboration = true\n'
    )
    settled = surroundings.good(tmp_path, text)
    found = [(one.account, one.pop_id, one.tracer) for one in settled.callbacks]
    assert found == [("populr", "1", "T"), ("populr", "2", None)]


@pytest.mark.parametrize("key", sorted(set(desk.UNBUILT[""])))
def test_tables_that_are_not_built_are_refused(tmp_path: Path, key: str) -> None:
    (line,) = told(tmp_path, f'[[{key}]]\nname = "x"\n')
    assert line.startswith("config.toml:1:3:")
    assert "not built yet" in line


@pytest.mark.parametrize("key", sorted(desk.UNBUILT["reaction"]))
def test_keys_that_are_not_built_are_refused(tmp_path: Path, key: str) -> None:
    (line,) = told(tmp_path, f'[[reaction]]\nname = "r"\non = "a.b"\n{key} = "x"\n{EMIT}')
    assert line == f"config.toml:4:1: {key} is not built yet. Take it out."


def test_a_problem_is_one_line_whatever_a_name_holds(tmp_path: Path) -> None:
    reaction = f'[[reaction]]\nname = "r"\non = "a.b"\n{EMIT}'
    lines = told(tmp_path, reaction.replace("log.write", "log.\\u001b[31m\\nwrite"))
    assert lines
    assert not any("\x1b" in line or "\n" in line for line in lines)


@given(st.integers(0, len(EVERYTHING)), st.integers(0, 40), st.sampled_from(PIECES))
def test_no_config_is_too_broken_to_be_told_of(start: int, length: int, piece: str) -> None:
    text = EVERYTHING[:start] + piece + EVERYTHING[start + length :]
    with tempfile.TemporaryDirectory() as name:
        found = surroundings.problems(surroundings.read(Path(name), text, {"SECRET": "correct-horse"}))
    lines = text.split("\n")
    for one in found:
        assert 1 <= one.place.line <= len(lines)
        assert 1 <= one.place.column <= len(lines[one.place.line - 1]) + 1


def test_the_wrong_kind_of_thing_everywhere(tmp_path: Path) -> None:
    text = (
        'daemon = 1\nservices = "x"\nwebhook = { name = "x" }\nwatch = [1]\nschedule = 2026-12-01\n'
        'reaction = [[{ name = "x" }]]\ninclude = [1]\ndatabase = []\n'
    )
    found = surroundings.read(tmp_path, text)
    lines = [one.place.line for one in surroundings.problems(found)]
    assert lines == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found.config is None


def test_the_example_is_good() -> None:
    path = Path(__file__).parents[2] / "config.example.toml"
    names = (
        "POINTSMAN_WEBHOOK_SECRET POINTSMAN_ADMIN_TOKEN TONALYTICA_API_KEY POPILY_TOKEN COMPASS_PASSWORD "
        "POPULR_API_KEY PLOTLY_API_KEY"
    )
    environ = {name: f"secret-of-{name.lower()}" for name in names.split()}
    found = config.read(path, surroundings.catalog(), environ, running=True)
    assert [str(one) for one in surroundings.problems(found)] == []
    assert found.config is not None
    assert {account.kind for account in found.config.accounts.values()} == set(
        surroundings.catalog().account_kinds
    )


def test_an_account_keeps_what_was_resolved(tmp_path: Path) -> None:
    settled = surroundings.good(
        tmp_path, '[services.plotly]\nusername = { env = "WHO" }\napi_key = "k2345678"\n', {"WHO": "ada"}
    )
    account = settled.accounts["plotly"]
    assert account.settings.model_dump()["username"] == "ada"
    assert (account.timeout, account.rate, account.concurrency) == (
        30 * times.SECOND,
        Rate(5, times.SECOND),
        2,
    )


def test_webhook_secrets_are_resolved_when_they_are_needed(tmp_path: Path) -> None:
    text = '[[webhook]]\nname = "o"\nverify = "token"\ntype = "a.b"\nsecret = { env = "SECRET" }\n'
    (webhook,) = surroundings.good(tmp_path, text).webhooks
    assert webhook.secret == Secret("env", "SECRET")
    standard = text.replace('"token"', '"standard-webhooks"')
    assert "not base64" in told(tmp_path, standard, {"SECRET": "whsec_no base64!"})[0]
    assert told(tmp_path, standard, {"SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) == []
    assert "header has no use" in told(tmp_path, f'{standard}header = "X"\n', {"SECRET": "whsec_MfKQ9r8G"})[0]
