"""``pointsman run``: the daemon."""

import asyncio
import ctypes
import gc
import signal
from functools import partial
from pathlib import Path

import typer
import uvloop

from daemon import app, logs
from daemon.app import building, house, listening
from daemon.cli import context
from daemon.config import Config
from daemon.contract.catalog import Catalog
from daemon.journal import database, sqlite

OBJECTS_TO_COLLECT = 20_000  # new ones, between two looks of the garbage collector
MMAP_THRESHOLD = -3  # glibc's number for that option (malloc.h)
LARGE_PIECE = 1024 * 1024  # bytes


def run(state: typer.Context) -> None:
    """Run the daemon.

    Refuses exactly what `check` refuses. SIGTERM and SIGINT drain and end it, SIGHUP takes the config anew (a bad
    one changes nothing and says why). An embedded SQLite journal is created and migrated by itself.

    \b
      pointsman --config config.toml run
    """
    given: context.Context = state.obj
    tend_memory()
    # A reload asked for before the daemon listens for it must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    catalog = given.catalog()
    settled = given.config(catalog)
    _set_up_log(settled, catalog)
    try:
        uvloop.run(app.run(settled, catalog, partial(_reread, given.path, catalog)))
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


def tend_memory() -> None:
    """How the daemon's process keeps house with its memory."""
    # A callback leaves few cycles behind; collecting after every 700 objects took a tenth of its time.
    gc.set_threshold(OBJECTS_TO_COLLECT)
    give_back_large_pieces()


def give_back_large_pieces() -> bool:
    """Let memory of a megabyte or more go back to the system as soon as it is let go of; whether that can be had.

    By itself glibc raises that size with what it sees: after one large answer the next ones stay in the heap, and
    leave holes there. Other C libraries have no such habit, nor the switch.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE_PIECE))
    except (OSError, AttributeError):
        return False


def _reread(path: Path, catalog: Catalog) -> Config:
    """The config of a reload: from now on the log blanks its secrets, and has its level."""
    settled = house.read_config(path, catalog)
    _set_up_log(settled, catalog)
    return settled


def _set_up_log(settled: Config, catalog: Catalog) -> None:
    blanker = building.build_blanker(settled, catalog)
    logs.set_up(settled.daemon.log_level, settled.daemon.log_format, blanker.value)
