"""The way in: a config file as a :class:`~daemon.config.settled.Config`, and all that is wrong with it.

``cli`` and ``app`` call :func:`read`, hand the tree on to the checks, and put both findings together::

    found = config.read(path, catalog, running=True)
    problems = found.with_problems(checking.check(found.tree, catalog, whole=found.whole))
"""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from daemon.config import build, load, problems, settled
from daemon.config.desk import Desk, Surroundings
from daemon.config.load import Source
from daemon.config.problems import Located
from daemon.contract import catalog as catalogs
from daemon.contract.catalog import Catalog
from daemon.model.jsons import JsonObject
from daemon.model.problems import Problem


@dataclass(frozen=True, slots=True)
class Read:
    """What reading gave. *config* is None where an error kept it from being built; *problems* are in order.

    A config may stand beside errors: only :func:`~daemon.config.problems.refuses` says whether to go on.
    """

    config: settled.Config | None
    problems: tuple[Located, ...]
    source: Source

    @property
    def tree(self) -> JsonObject:
        """The merged values of all files, for the checks."""
        return self.source.tree

    @property
    def whole(self) -> bool:
        """Whether every file could be read, so that a name that is nowhere is a mistake."""
        return self.source.whole

    def with_problems(self, found: Iterable[Problem]) -> tuple[Located, ...]:
        """*found* by the checks, at their places, together with what reading found, in order."""
        return problems.in_order((*self.problems, *place_all(self.source, found)))


def read(
    path: FilePath, catalog: Catalog, environ: Mapping[str, str] | None = None, *, running: bool = False
) -> Read:
    """Read the config at *path*. Never raises for what an operator can get wrong.

    *environ* is where secrets and systemd's directories are looked up. With *running* a credential that
    cannot be had is an error, else a warning.
    """
    source = load.load(path)
    at = Desk(source, catalog, Surroundings(os.environ if environ is None else environ, running))
    config = build.build(at)
    _warn_of_readers(at)
    found = problems.in_order((*source.problems, *place_all(source, at.problems)))
    return Read(config, found, source)


def read_database(
    path: FilePath, environ: Mapping[str, str] | None = None
) -> tuple[settled.Database | None, tuple[Located, ...]]:
    """``[database]`` of the config at *path*, whatever else is wrong there; None beside what is wrong with it.

    For commands that only look into the journal: they need no connector and none of the other secrets.
    """
    source = load.load(path)
    nothing = catalogs.gather(())
    at = Desk(source, nothing, Surroundings(os.environ if environ is None else environ, False))
    database = build.build_database(at)
    unread = () if source.whole else source.problems
    found = problems.in_order((*unread, *place_all(source, at.problems)))
    return (None if problems.refuses(found) else database), found


def place_all(source: Source, found: Iterable[Problem]) -> list[Located]:
    """*found* at their places in *source*'s files."""
    return [problems.locate(one, source.place(one.path, one.spot, one.line)) for one in found]


def _warn_of_readers(at: Desk) -> None:
    """A warning for each file with secrets written in it that everyone on the machine can read."""
    for path in dict.fromkeys(at.written_inline):
        name = at.source.file_of(path).name
        if _is_open(FilePath(name)):
            text = f"a secret is written here, and everyone on this machine can read {name}"
            help = f'Run chmod o-r {name}, or write {{ env = "NAME" }} in its place.'
            at.note(path, text, help, severity="warning")


def _is_open(path: FilePath) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
