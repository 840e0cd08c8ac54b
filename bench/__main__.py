"""``make bench``: the measurements one after another, a process each; ``ARGS="ack idle"`` makes it some of them.

Ends with 1 if one of them could not be run, or missed a goal.
"""

import importlib.metadata
import os
import platform
import subprocess
import sys

from bench import BENCHES

STACK = ("aiohttp", "uvloop", "pydantic", "sqlalchemy", "asyncpg")


def main() -> None:
    """Run what is named, or all."""
    wished = sys.argv[1:] or BENCHES
    unknown = [name for name in wished if name not in BENCHES]
    if unknown:
        raise SystemExit(f"no such measurement: {', '.join(unknown)}. There are: {', '.join(BENCHES)}")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in STACK)
    print(f"{platform.platform()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}")
    wrong = [said for name in wished if (said := measure(name))]
    if wrong:
        raise SystemExit("; ".join(wrong))


def measure(name: str) -> str:
    """Run one in a process of its own and pass on what it prints; what is wrong with it, "" where nothing is."""
    print(f"-- {name} (load {os.getloadavg()[0]:.1f})", flush=True)
    missed = 0
    with subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            missed += "MISSED" in line
    if process.returncode:
        return f"{name}: not measured"
    return f"{name}: {missed} goals missed" if missed else ""


if __name__ == "__main__":
    main()
