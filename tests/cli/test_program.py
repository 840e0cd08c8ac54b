"""The program as a whole: every command teaches, names that are not built are refused, pipes may break."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from daemon import cli
from tests.cli.desk import Desk

BUILT = [
    *["run", "check", "demo", "sandbox", "services", "webhooks", "plan", "apply", "emit", "events"],
    *["runs", "watches"],
    *["rejections", "db", "reference", "schema"],
]
UNBUILT = [
    *[("why", "x"), ("why-not", "x", "y"), ("test", "--from-run", "x")],
    *[
        ("backtest", "--since", "7d"),
        ("db", "prune"),
        ("db", "backup", "f"),
        ("db", "copy", "postgresql://x"),
    ],
]


def commands(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its names, groups too."""
    yield names, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *names, name)


ALL = dict(commands(typer.main.get_command(cli.app)))


def test_the_root_lists_what_is_built(desk: Desk) -> None:
    answer = desk.run("--help")
    assert answer.code == 0
    listed = [line.split()[0] for line in answer.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == BUILT


@pytest.mark.parametrize(
    "names", [names for names, command in ALL.items() if not command.hidden], ids=" ".join
)
def test_every_help_shows_an_example(desk: Desk, names: tuple[str, ...]) -> None:
    answer = desk.call(*names, "--help")
    assert answer.code == 0
    assert re.search(rf"^ +pointsman (--config \S+ )?{' '.join(names)}", answer.out, re.MULTILINE)
    assert "..." not in answer.out.partition("Commands:")[2].replace("ARGS]...", "")


@pytest.mark.parametrize("command", UNBUILT, ids=" ".join)
def test_what_is_not_built_is_refused(desk: Desk, command: tuple[str, ...]) -> None:
    answer = desk.call(*command)
    name = " ".join(command[:2] if command[0] == "db" else command[:1])
    assert (answer.code, answer.complaints) == (2, [f"pointsman {name} is not built yet"])


def test_a_mistyped_command_asks_what_was_meant(desk: Desk) -> None:
    answer = desk.run("evnts")
    assert answer.code == 2
    assert "Did you mean 'events'" in answer.err


def test_a_config_named_behind_the_command_is_told_its_place(desk: Desk) -> None:
    for command in (["check"], ["events", "show", "x"]):
        answer = desk.call(*command, "--config", "other.toml")
        assert answer.code == 2
        assert f"it stands before the command, as in pointsman --config FILE {command[0]}" in answer.err


def test_it_tells_its_version(desk: Desk) -> None:
    answer = desk.run("--version")
    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"pointsman \d+\.\d+\.\d+\S*\n", answer.out)


def test_a_reader_that_goes_is_no_trouble(desk: Desk) -> None:
    desk.tell(data={"text": "x" * 100_000})
    with desk.start("events", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("command", [("webhooks", "--json"), ("schema",)])
def test_an_answer_that_finds_no_place_is_one_line(desk: Desk, command: tuple[str, ...]) -> None:
    with (
        Path("/dev/full").open("w") as full,
        desk.start(*command, into=full, errors=subprocess.PIPE) as process,
    ):
        assert process.stderr is not None
        told = process.stderr.read()
    assert told == "cannot write: no space is left. Make room, or give the output another place.\n"
    assert process.returncode == 1


def test_check_tells_warnings_and_errors_by_its_exit_code(bare_desk: Desk) -> None:
    good = bare_desk.run("check")
    assert (good.code, good.out, good.err) == (0, f"{bare_desk.config}: good\n", "")
    bare_desk.config.chmod(0o644)
    warned = bare_desk.call("check")
    assert warned.code == 0
    assert "good, with 3 warnings" in warned.out
    bare_desk.config.write_text("[daemon]\nlog_levle = 1\n")
    bad = bare_desk.call("check", "--json")
    assert bad.code == 1
    (problem,) = bad.document["problems"]
    assert (problem["line"], problem["column"], problem["severity"]) == (2, 1, "error")
    assert set(problem) == {"file", "line", "column", "severity", "message", "help"}


def test_run_refuses_what_check_refuses(bare_desk: Desk) -> None:
    bare_desk.config.write_text("[daemon]\nlog_levle = 1\n")
    checked, refused = bare_desk.run("check"), bare_desk.run("run")
    assert (checked.code, refused.code) == (1, 2)
    assert refused.complaints == checked.complaints
    assert not (bare_desk.folder / "pointsman.db").exists()


def test_a_terminal_that_lacks_a_character_is_no_trouble(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.tell(subject="Zoë")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    answer = desk.run("events")
    assert (answer.code, answer.err) == (0, "")
    assert "Zo\\xeb" in answer.out
