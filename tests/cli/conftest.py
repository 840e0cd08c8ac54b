"""Desks to call the command line at."""

from pathlib import Path

import pytest

from daemon.journal import migrate
from tests.cli.desk import CONFIG, Desk
from tests.journal import conftest as journals


@pytest.fixture(scope="session")
def blank_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite journal, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "journal.db"
    journals.run_apart(lambda: migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def bare_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A config without a journal."""
    for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "POINTSMAN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    made = Desk(tmp_path)
    made.config.write_text(CONFIG)
    made.config.chmod(0o600)
    return made


@pytest.fixture
def desk(bare_desk: Desk, blank_journal: Path) -> Desk:
    """A config with an empty journal."""
    bare_desk.make_journal(blank_journal)
    return bare_desk
