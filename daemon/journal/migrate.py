"""Making a journal and bringing it up to date.

``run`` and ``demo`` do it for an embedded SQLite file by themselves, ``pointsman db upgrade`` for either.
Alembic is imported only when a migration is really due. Called by ``app`` and ``cli``.
"""

import contextlib
import os
from importlib import resources
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import database, sqlite

HEAD = "0001"  # the newest revision in migrations/versions
NEWER = "Use the release of pointsman that made it, or a newer one."
UPGRADE_LOCK = 7_070_002  # PostgreSQL advisory lock: nodes that start together upgrade once


def migrations_folder() -> Path:
    """Where Alembic's scripts are: inside the installed package, or beside it in a checkout."""
    package = Path(str(resources.files("daemon")))
    inside = package / "migrations"
    return inside if inside.exists() else package.parent / "migrations"


def revision(connection: Connection) -> str | None:
    """The schema's revision, None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    """Bring the schema to :data:`HEAD` inside the open transaction; the revisions before and after."""
    before = revision(connection)
    if before == HEAD:
        return before, HEAD
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as broken:
        raise database.JournalOutdated(
            f"the journal's schema is {before}, which this program does not know ({broken}). {NEWER}"
        ) from None
    return before, HEAD


async def current(url: str) -> str | None:
    """The revision of the journal at *url*; :class:`~daemon.journal.database.JournalMissing` without one."""
    journal = await database.open_journal(url)
    try:
        return await journal.read(revision)
    finally:
        await journal.close()


async def upgrade(url: str) -> tuple[str | None, str]:
    """Create the journal where there is none, and bring it to :data:`HEAD`; the revisions before and after.

    :class:`~daemon.journal.database.JournalUnavailable` where it cannot be made or written,
    :class:`~daemon.journal.database.JournalOutdated` where a newer program made it.
    """
    if url.startswith("sqlite"):
        return _upgrade_sqlite(sqlite.path_of(url))
    from daemon.journal import postgres  # with its driver, which a SQLite journal does without

    engine = postgres.make_engine(url, connections=1, answer_timeout=None)
    with database.naming(url):
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(_upgrade_locked)
        except postgres.ERRORS as broken:
            raise postgres.unavailable(broken) from broken
        finally:
            await engine.dispose()


def _upgrade_locked(connection: Connection) -> tuple[str | None, str]:
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
    return _upgrade(connection)


def _upgrade_sqlite(path: Path) -> tuple[str | None, str]:
    try:
        _make_file(path)
        opened = sqlite.open_connection(path)
        try:
            if revision(opened.core) == HEAD:  # without waiting for anybody's lock
                return HEAD, HEAD
            opened.raw.execute("BEGIN IMMEDIATE")
            found = _upgrade(opened.core)
            opened.raw.execute("COMMIT")
            return found
        finally:
            opened.close()
    except (OSError, *sqlite.ERRORS) as broken:
        why = broken.strerror if isinstance(broken, OSError) else sqlite.unavailable(broken)
        raise database.JournalUnavailable(f"{path}: cannot make or upgrade it: {why}") from broken


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner reads; what SQLite puts beside it follows its rights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


async def require_current(journal: database.Journal) -> None:
    """:class:`~daemon.journal.database.JournalOutdated` unless *journal* has the schema of this program."""
    found = await journal.read(revision)
    if found != HEAD:
        help = NEWER if found is not None and found > HEAD else "Run `pointsman db upgrade`."
        raise database.JournalOutdated(
            f"the journal's schema is {found or 'empty'}, this program needs {HEAD}. {help}"
        )
