"""Whether a test may mount a small disk of its own and make files unchangeable; and the doing of it.

``conftest`` leaves the tests marked ``mounts`` out where that cannot be, unless ``POINTSMAN_WHOLE`` says that nothing
may be left out (as ``.ci/run`` does): then they fail and say what is missing.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@cache
def missing() -> str:
    """What stands in the way of it; empty if nothing does."""
    if os.geteuid() != 0:
        return "it needs root"
    with tempfile.TemporaryDirectory(prefix="pointsman-mounts-") as folder:
        try:
            with small_disk(Path(folder) / "disk", 1), frozen(Path(folder)):
                return ""
        except RuntimeError as refused:
            return str(refused)


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk of so many *megabytes*, in memory, mounted at *place*."""
    place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "pointsman-test", str(place))
    try:
        yield place
    finally:
        _run("umount", "--lazy", str(place))  # whoever still has a file open there is about to be ended


@contextmanager
def frozen(*paths: Path) -> Iterator[None]:
    """Nobody can write to *paths*, not even root, nor whoever has them open for writing."""
    named = [str(path) for path in paths]
    _run("chattr", "+i", *named)
    try:
        yield
    finally:
        _run("chattr", "-i", *named)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
