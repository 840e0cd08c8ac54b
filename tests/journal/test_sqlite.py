"""What is SQLite's alone: its settings, its one daemon, its disk."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import database, retention, sqlite, state
from daemon.journal.database import JournalUnavailable
from daemon.journal.sqlite import FileInUse, SqliteJournal
from tests.journal import making

BIG = "x" * 200_000


@pytest.fixture
async def journal(sqlite_url: str) -> AsyncIterator[SqliteJournal]:
    opened = await database.open_journal(sqlite_url)
    assert isinstance(opened, SqliteJournal)
    yield opened
    await opened.close()


def pragma(connection: Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def put(connection: Connection, key: str, value: str = "") -> str:
    state.put(connection, {key: value}, making.NOW)
    return key


async def kept(journal: SqliteJournal) -> set[str]:
    return set(await journal.read(lambda c: c.scalars(sa.text("SELECT key FROM state")).all()))


async def test_the_writer_keeps_the_promise_of_a_durable_commit(journal: SqliteJournal) -> None:
    found = await journal.write(
        lambda c: {name: pragma(c, name) for name in ("synchronous", "journal_mode", "wal_autocheckpoint")}
    )
    assert found == {"synchronous": 2, "journal_mode": "wal", "wal_autocheckpoint": 0}


async def test_every_function_runs_inside_the_one_transaction(journal: SqliteJournal) -> None:
    def in_transaction(connection: Connection) -> bool:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        connection.execute(sa.text("SELECT 1"))
        return driver.in_transaction

    assert await asyncio.gather(*(journal.write(in_transaction) for _ in range(3))) == [True] * 3


async def test_a_second_daemon_is_refused_by_whatever_name(sqlite_url: str, tmp_path: Path) -> None:
    first = await database.open_journal(sqlite_url, exclusive=True)
    link = tmp_path / "link.db"
    link.symlink_to(sqlite.path_of(sqlite_url))
    for url in (sqlite_url, f"sqlite:///{link}"):
        with pytest.raises(
            FileInUse, match=r"another daemon \(process \d+\) has this journal. Stop it first"
        ):
            await database.open_journal(url, exclusive=True)
    await first.close()
    second = await database.open_journal(sqlite_url, exclusive=True)
    assert await second.read(lambda c: c.scalar(sa.text("SELECT 1"))) == 1
    await second.close()


def test_the_refusal_crosses_processes_and_ends_with_them(sqlite_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from daemon.journal import database\n"
        "async def hold():\n"
        "    await database.open_journal(sys.argv[1], exclusive=True)\n"
        "    print('held', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(hold())\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, sqlite_url], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    path = sqlite.path_of(sqlite_url)
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FileInUse, match=f"process {holder.pid}"):
            sqlite.take_file(path)
        holder.kill()
    sqlite.take_file(path).close()
    assert holder.returncode == -9


async def test_a_command_writes_beside_the_daemon(sqlite_url: str) -> None:
    daemon = await database.open_journal(sqlite_url, exclusive=True)
    command = await database.open_journal(sqlite_url)
    both = [journal.write(partial(put, key=f"k{n}")) for n, journal in enumerate([daemon, command] * 20)]
    assert len(await asyncio.gather(*both)) == 40
    assert isinstance(daemon, SqliteJournal)
    assert len(await kept(daemon)) == 40
    await command.close()
    await daemon.close()


async def test_a_lock_that_stays_is_an_outage_and_then_over(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 30)
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = await asyncio.gather(
        *(journal.write(partial(put, key=f"k{n}")) for n in range(3)), return_exceptions=True
    )
    assert all(isinstance(one, JournalUnavailable) for one in outcomes)
    assert len({id(one) for one in outcomes}) == 3
    assert "locked" in str(outcomes[0])
    other.execute("ROLLBACK")
    other.close()
    assert await journal.write(lambda c: put(c, "late")) == "late"
    assert await kept(journal) == {"late"}


async def test_a_disk_without_room_loses_nothing_acknowledged_and_recovers(journal: SqliteJournal) -> None:
    await journal.write(lambda c: put(c, "before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sqlite.log_size(journal.path) + 50_000, hard))
    try:
        outcomes = await asyncio.gather(
            journal.write(lambda c: put(c, "small")),
            journal.write(lambda c: put(c, "large", BIG)),
            return_exceptions=True,
        )
        found = await kept(journal)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert all(isinstance(one, JournalUnavailable) for one in outcomes)
    assert found == {"before"}
    assert await journal.write(lambda c: put(c, "large", BIG)) == "large"
    assert await kept(journal) == {"before", "large"}


async def test_a_journal_that_went_missing_is_never_made_anew(journal: SqliteJournal, tmp_path: Path) -> None:
    await journal.write(lambda c: put(c, "before"))
    journal.path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(JournalUnavailable, match="moved, deleted or replaced"):
        await journal.write(lambda c: put(c, "into the moved file"))
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="unable to open"):
            await journal.write(lambda c: put(c, "k"))
        with pytest.raises(JournalUnavailable):
            await asyncio.gather(*(journal.read(lambda c: pragma(c, "user_version")) for _ in range(4)))
    assert not journal.path.exists()
    (tmp_path / "elsewhere.db").rename(journal.path)
    assert await journal.write(lambda c: put(c, "back")) == "back"


async def test_the_log_is_emptied_beside_the_commits(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_AT", 300_000)
    for n in range(60):
        await journal.write(partial(put, key=f"k{n % 3}", value=f"{n}{BIG}"))
    assert 0 < sqlite.log_size(journal.path) < 6_000_000  # of the 12 million bytes written


async def test_a_full_log_is_begun_anew_by_the_writer_and_cut(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_AT", 300_000)
    await journal.write(lambda c: put(c, "k", BIG))
    monkeypatch.setattr(sqlite, "LOG_CEILING", 1_000_000)
    monkeypatch.setattr(journal, "_checkpoint", journal._checkpointing.clear)  # one that never keeps up
    reader = sqlite3.connect(journal.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM state").fetchall()
    for n in range(20):
        await journal.write(partial(put, key="k", value=f"{n}{BIG}"))
    assert sqlite.log_size(journal.path) > sqlite.LOG_CEILING  # a reader holds it; the commits go on
    reader.close()
    for n in range(4):
        await journal.write(partial(put, key="k", value=f"{n}{BIG}"))
    assert sqlite.log_size(journal.path) < sqlite.LOG_CEILING


async def test_what_was_deleted_gives_its_space_back(journal: SqliteJournal) -> None:
    await journal.write(lambda c: [put(c, f"k{n}", BIG) for n in range(30)])
    full = await journal.read(lambda c: pragma(c, "page_count"))
    await journal.write(lambda c: c.execute(sa.text("DELETE FROM state")))
    free = await journal.read(lambda c: pragma(c, "freelist_count"))
    assert free > retention.PAGES
    assert await journal.write(retention.give_back) == free - retention.PAGES
    assert await journal.read(lambda c: pragma(c, "page_count")) == full - retention.PAGES
    while await journal.write(retention.give_back):
        pass
    assert await journal.read(lambda c: pragma(c, "freelist_count")) == 0
    await journal.close()
    assert journal.path.stat().st_size < full * 4096 / 4


def open_files(name: str) -> list[str]:
    """What this process has open below *name*."""
    links = [fd.readlink() for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    return [str(link) for link in links if name in str(link)]


async def test_nothing_is_left_open(sqlite_url: str) -> None:
    journal = await database.open_journal(sqlite_url, exclusive=True)
    await journal.write(lambda c: put(c, "k"))
    await asyncio.gather(*(journal.read(lambda c: pragma(c, "user_version")) for _ in range(4)))
    assert open_files(str(sqlite.path_of(sqlite_url)))
    await journal.close()
    await journal.close()
    assert open_files(str(sqlite.path_of(sqlite_url))) == []
