"""The journal over both engines: each test that asks for ``journal`` or ``url`` runs once on SQLite, once on
PostgreSQL, on a migrated journal of its own."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from daemon.journal import database, migrate
from daemon.journal.database import Journal
from tests import postgres

ENGINES = ("sqlite", "postgresql")


def run_apart(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run *work* on a loop of its own, beside the test's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


@pytest.fixture(scope="session")
def blank_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite journal, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "journal.db"
    run_apart(lambda: migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def blank_database(postgres_server: postgres.Server) -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL journal, to be copied."""
    with postgres_server.fresh_database() as url:
        run_apart(lambda: migrate.upgrade(url))
        yield url.rpartition("/")[2]


@pytest.fixture
def sqlite_url(blank_file: Path, tmp_path: Path) -> str:
    """A migrated SQLite journal of this test's own."""
    path = tmp_path / "journal.db"
    shutil.copyfile(blank_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def server_url(postgres_server: postgres.Server, blank_database: str) -> Iterator[str]:
    """A migrated PostgreSQL journal of this test's own."""
    name = f"test_{secrets.token_hex(6)}"
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {blank_database} STRATEGY FILE_COPY")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    """A migrated journal of this test's own, on each engine in turn."""
    found: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "server_url")
    return found


@pytest.fixture
async def journal(url: str, batches: list[int]) -> AsyncIterator[Journal]:
    """An open journal."""
    opened = await database.open_journal(url, observe=batches.append)
    yield opened
    await opened.close()


@pytest.fixture
def batches() -> list[int]:
    """How many functions each commit of ``journal`` carried."""
    return []
