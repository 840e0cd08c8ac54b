"""The environments of the vendors' clients: locked whole, built loudly or not at all."""

import re
import sys

import pytest

from tests.vendors import environments

ENTRY = re.compile(r"[a-z0-9.-]+==[^ ]+( \\\n    --hash=sha256:[0-9a-f]{64})+")


@pytest.mark.parametrize("name", environments.NAMES)
def test_a_lock_pins_everything_by_hash_and_names_no_host(name: str) -> None:
    lines = environments.lock_of(name).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    entries = [one[0] for one in ENTRY.finditer(text)]
    assert "\n".join(entries) == text
    assert any(entry.startswith(f"{name}==") for entry in entries)
    assert "://" not in "".join(lines)


def test_what_builds_a_client_is_its_locks_own() -> None:
    lock = environments.lock_of("popily-api").read_text()
    part = environments._part(lock, "setuptools")
    assert part in lock
    assert ENTRY.fullmatch(part.strip())


def test_what_cannot_be_built_says_why() -> None:
    with pytest.raises(environments.NotBuilt, match="no such host"):
        environments._run(sys.executable, "-c", "import sys; sys.exit('no such host')")


def test_another_lock_has_another_environment(tmp_path, monkeypatch) -> None:
    before = environments.folder_of("popily-api")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "popily-api.txt").write_text("other")
    monkeypatch.setattr(environments, "HERE", tmp_path)
    assert environments.folder_of("popily-api") != before
    assert not environments.stands("popily-api")
