"""Write the locks: exact versions with the hashes of every file that pip may choose for them.

Run by hand (``python requirements/lock.py``, with the oldest Python that the project supports) whenever
``pyproject.toml``'s ranges change or newer versions are wanted. ``make venv`` installs ``dev.lock``;
an installation of the daemon alone needs ``run.lock``. Neither names a host: pip takes what it is
configured to take, and refuses it unless its hash stands here.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent / "pyproject.toml"
LOCKS: dict[str, list[str]] = {
    "run.lock": [],
    "dev.lock": ["--extra=dev", f"--constraint={HERE / 'run.lock'}"],
}
OPTIONS = [
    "--quiet",
    "--generate-hashes",
    "--upgrade",
    "--strip-extras",
    "--allow-unsafe",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--no-emit-options",
    "--resolver=backtracking",
]
HEADER = "# Written by requirements/lock.py from the ranges in pyproject.toml. Not edited by hand.\n"


def write_locks(resolver: Path) -> None:
    """Resolve each lock with the pip-tools in *resolver* and write it beside this file."""
    for name, options in LOCKS.items():
        print(f"resolving {name}")
        target = HERE / name
        target.unlink(missing_ok=True)
        command = [str(resolver / "bin" / "pip-compile"), *OPTIONS, *options, f"--output-file={target}"]
        subprocess.run([*command, str(PROJECT)], check=True, cwd=HERE.parent)
        target.write_text(HEADER + target.read_text())
        if "://" in target.read_text():
            raise SystemExit(f"{name} names a place to download from; a lock must not")


def main() -> None:
    """Make a throw-away environment with pip-tools and write the locks with it."""
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("lock.py: run it with Python 3.11, the oldest that the project supports")
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", "pip-tools>=7.5"], check=True)
        write_locks(Path(folder))


if __name__ == "__main__":
    main()
