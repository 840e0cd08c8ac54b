"""One environment for each vendor's client, built from its lock once and kept beside the project's own.

``python -m tests.vendors.environments`` builds those that do not stand (``make vendors``). Tests marked ``vendors``
are left out where one is missing, unless ``POINTSMAN_WHOLE`` says that all must run: then they build it, and fail where
that cannot be done.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".vendors"
NAMES = ("tonalytica-client", "redash-toolbelt", "chart-studio", "popily-api")
LONGEST_BUILD = 300  # seconds
_FROM_SOURCE = {"popily-api": "setuptools"}  # what builds it: pip would fetch that unpinned


class NotBuilt(Exception):
    """An environment cannot be built; the text holds what pip said."""


def lock_of(name: str) -> Path:
    """The lock of a client."""
    return HERE / "locks" / f"{name}.txt"


def folder_of(name: str) -> Path:
    """Where the environment of a client stands or will stand: another lock or another Python has another."""
    known = lock_of(name).read_bytes() + sys.version.encode() + os.fsencode(sys.executable)
    return CACHE / f"{name}-{hashlib.sha256(known).hexdigest()[:12]}"


def stands(name: str) -> bool:
    """Whether it was built to the end."""
    return (folder_of(name) / "built").exists()


def missing() -> list[str]:
    """The clients whose environments do not stand."""
    return [name for name in NAMES if not stands(name)]


def python_of(name: str) -> Path:
    """The Python of a client's environment, which is built if it does not stand. :class:`NotBuilt`."""
    with _alone():
        if not stands(name):
            _build(name)
    return folder_of(name) / "bin" / "python"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two processes do not build at once."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build(name: str) -> None:
    folder = folder_of(name)
    for old in CACHE.glob(f"{name}-*"):
        shutil.rmtree(old)
    _run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    builder = _FROM_SOURCE.get(name)
    if builder is not None:
        only = folder / "builder.txt"
        only.write_text(_part(lock_of(name).read_text(), builder))
        _run(*pip, "--require-hashes", "-r", only)
    _run(*pip, "--require-hashes", "--no-build-isolation", "-r", lock_of(name))
    (folder / "built").touch()


def _part(lock: str, name: str) -> str:
    """The entry of *name* in a lock, with its hashes."""
    lines = lock.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = start + 1
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    return "\n".join(lines[start:end]) + "\n"


def _run(*command: str | Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST_BUILD)
    except subprocess.TimeoutExpired:
        raise NotBuilt(f"{command[-1]}: not built within {LONGEST_BUILD} s. Is there a network?") from None
    if done.returncode:
        raise NotBuilt(f"{command[-1]}: {done.stderr.strip()[-2000:]}")


def main() -> None:
    """Build what does not stand."""
    for name in NAMES:
        print(f"{name}: {'stands' if stands(name) else 'building'}", flush=True)
        try:
            python_of(name)
        except NotBuilt as failed:
            raise SystemExit(str(failed)) from None


if __name__ == "__main__":
    main()
