"""The documents agree with the program: pages, commands, keys, words."""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import recorded_results, reference_pages, sources

WORDS = [
    *["service", "account", "event", "trigger", "watch", "reaction", "action", "run", "step"],
    *["attempt", "dead", "in doubt", "journal"],
]
README = (sources.ROOT / "README.md").read_text()
TEMPLATES = (sources.ROOT / "docs" / "templates.md").read_text()
EXAMPLE = (sources.ROOT / "config.example.toml").read_text()
COMMANDS = set(re.findall(r"(?:^|`)pointsman (?:--config \S+ )?([a-z]+)", README, re.MULTILINE))

ACCOUNTS = """
[daemon]
read_below = ["/srv/pages"]
write_below = ["/var/lib/pointsman"]

[http]
public_url = "https://hooks.example.com"
webhook_secret = { env = "HOOKS" }
allow_hosts = ["crm.example.com"]

[services]
tonalytica = { api_key = { env = "TONALYTICA" } }
popily = { token = { env = "POPILY" } }
compass = { base_url = "https://compass.example.com/api", username = "ada", password = { env = "COMPASS" } }
populr = { api_key = { env = "POPULR" } }
plotly = { username = "ada", api_key = { env = "PLOTLY" } }

[notify]
sales = { env = "SALES" }
"""


@functools.cache
def pointsman(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command answers."""
    command = [sys.executable, "-m", "daemon", *arguments]
    return subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("kind", reference_pages.KINDS)
def test_the_reference_is_what_the_code_says(kind: str) -> None:
    page = reference_pages.PAGES / f"{kind}.md"
    assert page.read_text() == reference_pages.render(kind), "run: make docs"


async def test_the_results_of_the_reference_are_what_the_services_answer(tmp_path: Path) -> None:
    found = recorded_results.written(await recorded_results.record(tmp_path))
    assert recorded_results.FILE.read_text() == found, "run: make docs"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_commands_of_the_readme_exist(command: str) -> None:
    answer = pointsman(command, "--help")
    assert answer.returncode == 0, answer.stderr
    assert command in answer.stdout


@pytest.mark.parametrize("text", [*re.findall(r"```toml\n(.*?)```", README + TEMPLATES, re.DOTALL), EXAMPLE])
def test_the_configs_that_a_newcomer_copies_are_right(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in re.findall(r'\{\s*env\s*=\s*"(\w+)"', text):
        monkeypatch.setenv(name, f"a-secret-named-{name}")
    (tmp_path / "config.toml").write_text(text)
    checked = pointsman("--config", str(tmp_path / "config.toml"), "check", "--json")
    assert json.loads(checked.stdout)["problems"] == [], checked.stderr
    assert checked.returncode == 0


def test_the_examples_of_actions_are_steps_that_check_finds_nothing_wrong_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = re.findall(r"```toml\n(.*?)```", (reference_pages.PAGES / "actions.md").read_text(), re.DOTALL)
    reactions = [f'[[reaction]]\nname = "r{n}"\non = "x"\n\n{step}' for n, step in enumerate(steps)]
    text = "\n".join([ACCOUNTS, *reactions])
    for name in re.findall(r'env = "(\w+)"', text):
        monkeypatch.setenv(name, f"a-secret-named-{name}")
    monkeypatch.setenv("SALES", "json://people.example.com/notices")
    (tmp_path / "config.toml").write_text(text)
    checked = pointsman("--config", str(tmp_path / "config.toml"), "check", "--json")
    assert json.loads(checked.stdout)["problems"] == [], checked.stderr
    assert len(steps) > 100


def test_the_first_config_has_ten_lines() -> None:
    (first,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert first.count("\n") <= 10


def test_the_make_targets_of_the_readme_exist() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)", README))
    targets = set(re.findall(r"^([a-z]+):", (sources.ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_config_key_is_documented() -> None:
    page = (reference_pages.PAGES / "config.md").read_text()
    missing = {key for key in keys(json.loads(pointsman("schema").stdout)) if f"`{key}`" not in page}
    assert not missing


def keys(schema: Any) -> Iterator[str]:
    """Every property name that a JSON Schema gives, at any depth."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for part in schema.values():
            yield from keys(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys(part)


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_house_is_explained(word: str) -> None:
    glossary = (sources.ROOT / "docs" / "glossary.md").read_text()
    assert re.search(rf"^## {word}\n\n\w", glossary, re.MULTILINE)


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in sources.texts().items()
        if name.endswith(".md")
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
        if not (sources.ROOT / name).parent.joinpath(target).exists()
    ]
    assert not broken, "\n".join(broken)
