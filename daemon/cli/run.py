"""``pointsman run``: the daemon."""

import asyncio
import signal

import typer
import uvloop

from daemon import app, logs
from daemon.app import building, house, listening
from daemon.cli import context
from daemon.journal import database, sqlite


def run(state: typer.Context) -> None:
    """Run the daemon.

    Refuses exactly what `check` refuses. SIGTERM and SIGINT drain and end it, SIGHUP takes the config anew (a bad
    one changes nothing and says why). An embedded SQLite journal is created and migrated by itself.

    \b
      pointsman --config config.toml run
    """
    given: context.Context = state.obj
    # A reload asked for before the daemon listens for it must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    catalog = given.catalog()
    settled = given.config(catalog)
    blanker = building.build_blanker(settled, catalog)
    logs.set_up(settled.daemon.log_level, settled.daemon.log_format, blanker.text)
    try:
        uvloop.run(app.run(settled, catalog, lambda: house.read_config(given.path, catalog)))
    except (
        database.JournalUnavailable,
        database.JournalOutdated,
        database.JournalMissing,
        sqlite.FileInUse,
        listening.CannotListen,
    ) as broken:
        context.fail(str(broken), context.NOT_GOOD)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
