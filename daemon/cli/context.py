"""What every command shares: the config that is meant, how the journal is opened, how a failure is told."""

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from daemon import config
from daemon.app import house
from daemon.connectors import discover
from daemon.contract.catalog import Catalog
from daemon.journal import database, migrate
from daemon.journal.database import Journal

T = TypeVar("T")

CONFIG_VARIABLE = "POINTSMAN_CONFIG"
CONFIG_PLACES = (Path("config.toml"), Path("/etc/pointsman/config.toml"))

GOOD, NOT_GOOD, WRONG_USAGE = 0, 1, 2


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
        return discover()

    def config(self, catalog: Catalog) -> config.Config:
        """The config, or the end of the program with every problem told."""
        try:
            return house.read_config(self.path, catalog)
        except house.Refused as refused:
            for problem in refused.problems:
                print(problem, file=sys.stderr)
            raise SystemExit(WRONG_USAGE) from None

    def journal_url(self) -> str:
        """Where the journal is; needs only the ``[database]`` table, so that a broken reaction hides no run."""
        found = config.read(self.path, self.catalog())
        if found.config is None:
            for problem in found.problems:
                print(problem, file=sys.stderr)
            raise SystemExit(WRONG_USAGE)
        return found.config.database.url


def fail(text: str, code: int = WRONG_USAGE) -> NoReturn:
    """End the program with *text* on standard error."""
    print(text, file=sys.stderr)
    raise SystemExit(code)


async def with_journal(url: str, use: Callable[[Journal], Awaitable[T]]) -> T:
    """Open the journal at *url*, use it, close it; failures end the program with one line."""
    try:
        journal = await database.open_journal(url)
    except database.JournalMissing as missing:
        fail(f"{missing}: there is no journal here. Start the daemon, or run `pointsman db upgrade`.")
    except database.JournalUnavailable as broken:
        fail(str(broken))
    try:
        await migrate.require_current(journal)
        return await use(journal)
    except (database.JournalOutdated, database.JournalUnavailable) as broken:
        fail(str(broken))
    finally:
        await journal.close()
