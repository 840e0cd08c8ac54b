"""``[notify]``: whom people are told things at, by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from daemon.contract.secret_forms import Secret
from tests.config import surroundings

ADDRESS = "json://ada:hunter2-hunter2@chat.example.com/hook"


def test_an_address_takes_every_form_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "chat").write_text(f"{ADDRESS}\n")
    text = f"""
    [notify]
    one = "{ADDRESS}"
    two = {{ env = "CHAT" }}
    three = {{ file = "chat" }}
    four = {{ credential = "chat" }}
    """
    settled = surroundings.good(tmp_path, text, {"CHAT": ADDRESS, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert settled.notify["three"] == Secret("file", str(tmp_path / "chat"))
    environ = {"CHAT": ADDRESS, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert {one.resolve(environ) for one in settled.notify.values()} == {ADDRESS}
    assert {ADDRESS, "hunter2-hunter2"} <= settled.known_secrets
    assert "hunter2" not in repr(settled)


def test_a_credential_outside_systemd_is_a_warning_until_it_is_needed(tmp_path: Path) -> None:
    text = '[notify]\nchat = { credential = "chat" }\n'
    (warned,) = surroundings.problems(surroundings.read(tmp_path, text, {}))
    (refused,) = surroundings.problems(surroundings.read(tmp_path, text, {}, running=True))
    assert (warned.severity, refused.severity) == ("warning", "error")
    assert (refused.place.line, refused.place.column) == (2, 8)


@pytest.mark.parametrize("text", ["notify = 1\n", "[[notify]]\nchat = 1\n"])
def test_it_is_a_table(tmp_path: Path, text: str) -> None:
    (problem,) = surroundings.problems(surroundings.read(tmp_path, text))
    assert problem.text.startswith("notify is a table")


def test_what_is_wrong_with_an_address_does_not_show_it(tmp_path: Path) -> None:
    text = '[notify]\nchat = "slack://hunter2-hunter2"\nsales = { env = "SALES" }\n'
    found = surroundings.problems(surroundings.read(tmp_path, text, {"SALES": "hunter2-hunter2"}))
    assert [(one.place.line, one.place.column) for one in found] == [(2, 8), (3, 9)]
    assert "hunter2" not in "".join(map(str, found))


def test_apprise_is_loaded_only_where_somebody_can_be_told_something(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from daemon import checking, config, connectors
catalog = connectors.discover()
found = config.read(Path(sys.argv[1]), catalog, {})
assert not found.with_problems(checking.check(found.tree, catalog)), found.problems
print(sorted({"apprise", "requests", "smtplib"} & set(sys.modules)))
"""
    given = tmp_path / "config.toml"
    said = []
    for text in ("[daemon]\n", f'[notify]\nchat = "{ADDRESS}"\n'):
        given.write_text(text)
        given.chmod(0o600)
        done = subprocess.run([sys.executable, "-c", program, given], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.strip())
    assert said == ["[]", "['apprise', 'requests', 'smtplib']"]
