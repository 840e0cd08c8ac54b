"""Making a journal and bringing it up to date.

``run`` and ``demo`` do it for an embedded SQLite file by themselves, ``pointsman db upgrade`` for either. Alembic is
imported only when a migration is really due. Called by ``app`` and ``cli``.
"""

from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from daemon.journal import database, postgres, sqlite

HEAD = "0001"  # the newest revision in migrations/versions


def migrations_folder() -> Path:
    """Where Alembic's scripts are: inside the installed package, or beside it in a checkout."""
    package = Path(str(resources.files("daemon")))
    inside = package / "migrations"
    return inside if inside.exists() else package.parent / "migrations"


def revision(connection: Connection) -> str | None:
    """The schema's revision, None for an empty database."""
    try:
        with connection.begin_nested() if connection.dialect.name == "postgresql" else _nothing():
            return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    except DBAPIError as broken:
        text = str(broken.orig).lower()
        if "no such table" in text or "does not exist" in text:
            return None
        raise


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *exc: object) -> None: ...


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def current(url: str) -> str | None:
    """The revision of the journal at *url*; :class:`~daemon.journal.database.JournalMissing` without one."""
    journal = await database.open_journal(url)
    try:
        return await journal.read(revision)
    finally:
        await journal.close()


async def upgrade(url: str) -> tuple[str | None, str]:
    """Create the journal where there is none, and bring it to :data:`HEAD`; the revisions before and after."""
    if url.startswith("sqlite"):
        return _upgrade_sqlite(url)
    engine = postgres.make_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade_once)
    except (DBAPIError, OSError, TimeoutError) as broken:
        raise postgres.unavailable(broken) from broken
    finally:
        await engine.dispose()


def _upgrade_once(connection: Connection) -> tuple[str | None, str]:
    """Upgrade under a lock, so that nodes that start together do it once."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(7070002)"))
    before = revision(connection)
    if before != HEAD:
        _upgrade(connection)
    return before, HEAD


def _upgrade_sqlite(url: str) -> tuple[str | None, str]:
    path = sqlite.path_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        raw = sqlite.connect(path)
    except (OSError, *sqlite.ERRORS) as broken:
        raise database.JournalUnavailable(f"{path}: cannot make or open the journal: {broken}") from None
    if fresh:
        path.chmod(0o600)
    try:
        connection = sqlite.core_connection(raw)
        before = revision(connection)
        if before != HEAD:
            raw.execute("BEGIN IMMEDIATE")
            _upgrade(connection)
            raw.execute("COMMIT")
        return before, HEAD
    finally:
        raw.close()


async def require_current(journal: Any) -> None:
    """Raise :class:`~daemon.journal.database.JournalOutdated` unless *journal* has the schema of this program."""
    found = await journal.read(revision)
    if found != HEAD:
        raise database.JournalOutdated(
            f"the journal's schema is {found or 'empty'}, this program needs {HEAD}. Run `pointsman db upgrade`."
        )
