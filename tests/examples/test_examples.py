"""The examples as files: each says what it does, and is right as it stands."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon import cli
from tests.examples import stage
from tests.house import sources

TEXTS = stage.texts()
NAMES = sorted(TEXTS)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_checked_without_a_word(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, secret in stage.secrets(TEXTS[name]).items():
        monkeypatch.setenv(variable, secret)
    (tmp_path / "config.toml").write_text(TEXTS[name])
    answer = CliRunner().invoke(cli.app, ["--config", str(tmp_path / "config.toml"), "check", "--json"])
    assert json.loads(answer.stdout)["problems"] == []
    assert answer.exit_code == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_example_begins_with_what_it_does_and_what_to_fill_in(name: str) -> None:
    head = TEXTS[name].partition("\n\n")[0].splitlines()
    assert 4 <= len(head) <= 12
    assert all(line.startswith("#") for line in head)
    assert "To fill in" in "\n".join(head)
    assert stage.secrets(TEXTS[name])


def test_the_examples_are_numbered_without_a_gap() -> None:
    assert [name[:2] for name in NAMES] == [f"{number:02}" for number in range(1, len(NAMES) + 1)]
    assert len(NAMES) >= 10
    assert all(re.fullmatch(r"\d\d-[a-z-]+\.toml", name) for name in NAMES)


def test_each_example_is_run_by_a_test() -> None:
    tests = "".join(
        text for name, text in sources.code("tests").items() if name.startswith("tests/examples/")
    )
    run = set(re.findall(r'playing\(\s*"(\d\d)"', tests))
    assert run == {name[:2] for name in NAMES}


def test_the_readme_lists_every_example() -> None:
    readme = (sources.ROOT / "README.md").read_text()
    assert [name for name in NAMES if f"(examples/{name})" not in readme] == []
