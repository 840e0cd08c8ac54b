"""A catalog and a way to read a config in one line, for the tests of this room and of the checks."""

from functools import cache
from pathlib import Path

from daemon import checking, config, connectors
from daemon.config.problems import Located
from daemon.contract.catalog import Catalog

ENVIRON = {"SECRET": "correct-horse-battery"}


@cache
def catalog() -> Catalog:
    """The real one."""
    return connectors.discover()


def read(
    folder: Path, text: str, environ: dict[str, str] | None = None, *, running: bool = False
) -> config.Read:
    """The config *text*, as a file in *folder*."""
    path = folder / "config.toml"
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return config.read(path, catalog(), ENVIRON if environ is None else environ, running=running)


def good(folder: Path, text: str, environ: dict[str, str] | None = None) -> config.Config:
    """The config of a good *text*."""
    found = read(folder, text, environ)
    assert [str(one) for one in problems(found)] == []
    assert found.config is not None
    return found.config


def problems(found: config.Read) -> tuple[Located, ...]:
    """Everything that reading and checking say."""
    return found.with_problems(checking.check(found.tree, catalog(), whole=found.whole))
