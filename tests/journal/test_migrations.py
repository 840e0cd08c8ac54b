"""The migrations make what the tables say, once, whoever starts them."""

import asyncio
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import autogenerate
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from daemon.journal import database, migrate, postgres, sqlite
from daemon.journal.database import Journal, JournalMissing, JournalOutdated, JournalUnavailable
from daemon.journal.tables import metadata
from tests.journal import conftest, making

OBJECTS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'",
    "postgresql": """
        SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        UNION ALL SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
        UNION ALL SELECT table_name || ' ' || column_name, data_type || is_nullable || coalesce(column_default, '')
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
}


def objects(connection: Connection) -> dict[str, frozenset[str]]:
    """Every table, index and constraint with the parts of its definition, in whatever order they stand."""
    rows = connection.execute(sa.text(OBJECTS[connection.dialect.name])).all()
    return {row[0]: frozenset(str(row[1]).replace(",", " ").split()) for row in rows}


def drop_and_make(connection: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(sa.schema.DropTable(table))
    metadata.create_all(connection, checkfirst=False)


async def test_the_migrations_make_the_very_tables_of_the_code(journal: Journal) -> None:
    migrated = await journal.read(objects)
    await journal.write(drop_and_make)
    direct = await journal.read(objects)
    assert len(migrated) > len(metadata.tables)
    assert migrated == direct


async def test_a_new_migration_would_have_nothing_to_do(journal: Journal) -> None:
    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(autogenerate.compare_metadata(context, metadata))

    assert await journal.read(compare) == []


async def test_a_journal_that_is_current_is_left_alone(url: str) -> None:
    assert await migrate.upgrade(url) == (migrate.HEAD, migrate.HEAD)
    assert await migrate.current(url) == migrate.HEAD


def test_the_head_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.migrations_folder()))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


async def test_an_empty_database_gets_its_tables(postgres_url: str) -> None:
    assert await migrate.current(postgres_url) is None
    assert await migrate.upgrade(postgres_url) == (None, migrate.HEAD)
    assert await migrate.current(postgres_url) == migrate.HEAD


async def test_a_new_file_is_its_owners_alone_and_can_give_space_back(tmp_path: Path) -> None:
    path = tmp_path / "not there yet" / "a #?% name.db"
    assert await migrate.upgrade(f"sqlite:///{path}") == (None, migrate.HEAD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    raw = sqlite.connect(path)
    try:
        assert raw.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        raw.close()


async def test_nodes_that_start_together_upgrade_once_on_a_server(postgres_url: str) -> None:
    found = await asyncio.gather(*(migrate.upgrade(postgres_url) for _ in range(4)))
    assert sorted(found, key=str) == [(migrate.HEAD, migrate.HEAD)] * 3 + [(None, migrate.HEAD)]


async def test_commands_that_start_together_upgrade_a_file_once(tmp_path: Path) -> None:
    for n in range(5):
        url = f"sqlite:///{tmp_path}/{n}.db"
        work = [asyncio.to_thread(conftest.run_apart, partial(migrate.upgrade, url)) for _ in range(3)]
        found = await asyncio.gather(*work)
        assert sorted(found, key=str) == [(migrate.HEAD, migrate.HEAD)] * 2 + [(None, migrate.HEAD)]


def test_connections_that_open_a_new_file_together_wait_for_one_another(tmp_path: Path) -> None:
    together = threading.Barrier(6)

    def open_one(path: Path) -> str:
        together.wait()
        opened = sqlite.open_connection(path)
        try:
            return str(opened.raw.execute("PRAGMA journal_mode").fetchone()[0])
        finally:
            opened.close()

    with ThreadPoolExecutor(6) as pool:
        for n in range(40):
            path = tmp_path / f"{n}.db"
            path.touch()
            assert set(pool.map(open_one, [path] * 6)) == {"wal"}


async def test_a_half_made_journal_is_not_current_and_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    journal = await database.open_journal(f"sqlite:///{path}")
    with pytest.raises(JournalOutdated, match="schema is empty, this program needs"):
        await migrate.require_current(journal)
    await journal.close()
    assert await migrate.upgrade(f"sqlite:///{path}") == (None, migrate.HEAD)


async def test_a_journal_of_a_newer_program_is_refused(journal: Journal, url: str) -> None:
    await journal.write(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(JournalOutdated, match="9999"):
        await migrate.upgrade(url)
    with pytest.raises(JournalOutdated, match="9999") as refused:
        await migrate.require_current(journal)
    assert "Use the release of pointsman that made it" in str(refused.value)
    assert "db upgrade" not in str(refused.value)
    assert await making.counted(journal, "events") == 0


async def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_half_way(connection: Connection) -> Any:
        connection.execute(sa.text("CREATE TABLE events (n INTEGER)"))
        raise sa.exc.OperationalError("half way", None, Exception("stopped"))

    monkeypatch.setattr(migrate, "_upgrade", fail_half_way)
    for url in (f"sqlite:///{tmp_path}/journal.db", postgres_url):
        with pytest.raises((JournalUnavailable, sa.exc.OperationalError)):
            await migrate.upgrade(url)
    monkeypatch.undo()
    for url in (f"sqlite:///{tmp_path}/journal.db", postgres_url):
        assert await migrate.upgrade(url) == (None, migrate.HEAD)


async def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, whatever it is called" * 100)
    with pytest.raises(JournalUnavailable, match="not a database"):
        await migrate.upgrade(f"sqlite:///{path}")
    with pytest.raises(JournalUnavailable, match=r"/notes\.txt: .*not a database"):
        await database.open_journal(f"sqlite:///{path}")
    with pytest.raises(JournalMissing, match=r"missing\.db: there is no journal"):
        await database.open_journal(f"sqlite:///{tmp_path}/missing.db")
    with pytest.raises(JournalUnavailable, match="cannot make or upgrade it"):
        await migrate.upgrade(f"sqlite:///{path}/below/a/file.db")


async def test_a_server_that_refuses_us_says_why_and_keeps_the_password(postgres_url: str) -> None:
    beginning, _, end = postgres_url.partition("@")
    wrong = f"{beginning[:-4]}oops@{end}"
    with pytest.raises(JournalUnavailable, match="password authentication failed") as refused:
        await database.open_journal(wrong)
    assert "oops" not in str(refused.value)
    with pytest.raises(JournalUnavailable, match="does not exist"):
        await migrate.upgrade(f"{postgres_url}_not_there")
    assert str(postgres.async_url("postgresql://x/y")) == "postgresql+asyncpg://x/y"
