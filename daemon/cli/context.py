"""What every command shares: the config that is meant, how the journal is opened, how a failure is told."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from daemon import config
from daemon.cli import loading
from daemon.config import Config, Located
from daemon.contract.catalog import Catalog
from daemon.contract.secret_forms import SecretMissing
from daemon.contract.secrets import Blanker
from daemon.journal import database, migrate
from daemon.journal.database import Connection, Journal

T = TypeVar("T")

CONFIG_VARIABLE = "POINTSMAN_CONFIG"
CONFIG_PLACES = (Path("config.toml"), Path("/etc/pointsman/config.toml"))

GOOD, NOT_GOOD, WRONG_USAGE = 0, 1, 2

NANOSECONDS = 1_000  # in a microsecond


@dataclass(frozen=True, slots=True)
class Context:
    """What stands before the command's name."""

    given: Path | None

    @property
    def path(self) -> Path:
        """The config file that is meant: ``--config``, ``$POINTSMAN_CONFIG``, ``./config.toml``, ``/etc/…``."""
        if self.given is not None:
            return self.given
        if os.environ.get(CONFIG_VARIABLE):
            return Path(os.environ[CONFIG_VARIABLE])
        return next((place for place in CONFIG_PLACES if place.exists()), CONFIG_PLACES[0])

    def catalog(self) -> Catalog:
        """Every connector."""
        with loading.uncollected():
            from daemon import connectors  # they are many; a look into the journal needs none of them

            return connectors.discover()

    def config(self, catalog: Catalog) -> Config:
        """The config as ``run`` would take it, or the end of the program with every problem told."""
        from daemon.app import house

        try:
            return house.read_config(self.path, catalog)
        except house.Refused as refused:
            refuse(refused.problems)

    def checked(self, catalog: Catalog) -> Config:
        """The config if ``check`` finds no error in it, or the end of the program with every problem told."""
        from daemon import checking

        found = config.read(self.path, catalog)
        problems = found.with_problems(checking.check(found.tree, catalog, whole=found.whole))
        if found.config is None or config.refuses(problems):
            refuse(problems)
        return found.config

    def accounts(self, catalog: Catalog) -> Config:
        """The config if its own tables and secrets are right, whatever its reactions say."""
        found = config.read(self.path, catalog)
        if found.config is None or config.refuses(found.problems):
            refuse(found.problems)
        return found.config

    def readable(self, catalog: Catalog) -> Config:
        """The config if it can be read at all: for commands that need a name of it, not its secrets."""
        found = config.read(self.path, catalog)
        if found.config is None or not found.whole:
            refuse(found.problems)
        return found.config

    def blanker(self, settled: Config | None = None, catalog: Catalog | None = None) -> Blanker:
        """Blanks what must not be stored: every secret of the config that can be had here."""
        from daemon.app import building

        known = catalog or self.catalog()
        given = settled or self.readable(known)
        try:
            return building.build_blanker(given, known)
        except SecretMissing:  # the daemon's environment has it, this shell has not
            return Blanker(known.secret_names(), given.known_secrets)

    def journal_url(self) -> str:
        """Where the journal is; needs only the ``[database]`` table, so that a broken reaction hides no run."""
        found, problems = config.read_database(self.path)
        if found is None:
            refuse(problems)
        return found.url

    def read(self, fn: Callable[[Connection], T]) -> T:
        """*fn* of the journal."""
        return self.with_journal(lambda journal: journal.read(fn))

    def look(self, fn: Callable[[Connection], T]) -> T | None:
        """*fn* of the journal; None where there is none yet, or none that can be read now."""
        try:
            return asyncio.run(_use(self.journal_url(), lambda journal: journal.read(fn)))
        except (database.JournalMissing, database.JournalOutdated, database.JournalUnavailable):
            return None

    def write(self, fn: Callable[[Connection], T]) -> T:
        """*fn* of the journal, committed."""
        return self.with_journal(lambda journal: journal.write(fn))

    def with_journal(self, use: Callable[[Journal], Awaitable[T]]) -> T:
        """Open the journal, use it, close it; failures end the program with one line."""
        url = self.journal_url()
        try:
            return asyncio.run(_use(url, use))
        except (
            database.JournalMissing,
            database.JournalOutdated,
            database.JournalUnavailable,
        ) as broken:
            fail(str(broken))


async def _use(url: str, use: Callable[[Journal], Awaitable[T]]) -> T:
    try:
        journal = await database.open_journal(url)
    except OSError as broken:  # a folder that we may not look into
        raise database.JournalUnavailable(f"{broken.filename}: {broken.strerror}") from None
    try:
        await migrate.require_current(journal)
        return await use(journal)
    finally:
        await journal.close()


def now() -> int:
    """The instant, in microseconds since the epoch."""
    return time.time_ns() // NANOSECONDS


def complain(text: str) -> None:
    """One line on standard error."""
    print(text, file=sys.stderr)


def fail(text: str, code: int = WRONG_USAGE) -> NoReturn:
    """End the program with *text* on standard error."""
    complain(text)
    raise SystemExit(code)


def refuse(problems: Iterable[Located]) -> NoReturn:
    """End the program because of what is wrong with the config."""
    for problem in problems:
        complain(str(problem))
    raise SystemExit(WRONG_USAGE)


def decide_each(given: Sequence[str], decide: Callable[[str], None]) -> bool:
    """Whether *decide* took each of *given*; it raises :class:`Refused` for those it did not, told here."""
    went_well = True
    for one in given:
        try:
            decide(one)
        except Refused as refused:
            complain(str(refused))
            went_well = False
    return went_well


class Refused(Exception):
    """What was asked of one thing cannot be done. The text says why."""
