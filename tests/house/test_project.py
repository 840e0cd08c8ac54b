"""What stands around the code: locks, change log, scripts, the texts a newcomer reads first."""

import os
import re
import tomllib

import pytest
from packaging import requirements, utils, version

from tests.house import sources

PROJECT = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["project"]
LOCKED = {"run.lock": PROJECT["dependencies"], "dev.lock": PROJECT["optional-dependencies"]["dev"]}


def pins(lock: str) -> dict[str, version.Version]:
    """Name to version, as the lock has them."""
    text = (sources.ROOT / "requirements" / lock).read_text()
    found = re.findall(r"^([\w.\-]+)==(\S+)", text, re.MULTILINE)
    return {utils.canonicalize_name(name): version.Version(number) for name, number in found}


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock"])
def test_the_lock_keeps_to_the_ranges(lock: str) -> None:
    locked = pins(lock)
    for text in LOCKED[lock]:
        wanted = requirements.Requirement(text)
        assert locked[utils.canonicalize_name(wanted.name)] in wanted.specifier, f"{wanted} in {lock}"


def test_both_locks_agree() -> None:
    run, dev = pins("run.lock"), pins("dev.lock")
    assert run
    assert run.items() <= dev.items()


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock"])
def test_every_pin_has_hashes_and_no_host(lock: str) -> None:
    text = (sources.ROOT / "requirements" / lock).read_text()
    entries = re.split(r"\n(?=[\w.\-]+==)", text)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


@pytest.mark.parametrize("script", [".ci/run", "tests/systemd/run-in-systemd"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(sources.ROOT / script, os.X_OK)


def test_the_change_log_knows_this_version() -> None:
    log = (sources.ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.+?)\]", log, re.MULTILINE)
    assert headings
    assert headings[0] in {"Unreleased", PROJECT["version"]}


def test_the_licence_is_there() -> None:
    assert "MIT License" in (sources.ROOT / "LICENSE").read_text()
