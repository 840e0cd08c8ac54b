"""That large pieces of memory go back to the system, seen in a process of its own."""

import subprocess
import sys

MEGABYTE = 1024 * 1024
HOLES = """
import os, sys
from daemon.cli import run

def held():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

if sys.argv[1] == "given back" and not run.give_back_large_pieces():
    sys.exit(3)
bytearray(30 << 20)  # glibc has seen a large piece come and go: the next ones stay in its heap
before = held()
pieces = [bytearray(b"x" * (10 << 20)) for _ in range(3)]
above = bytearray(b"x" * 100_000)
del pieces
print(held() - before)
"""


def grown(how: str) -> int:
    """By how many bytes a process is larger after large pieces came and went."""
    done = subprocess.run([sys.executable, "-c", HOLES, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_large_pieces_go_back_to_the_system() -> None:
    assert grown("given back") < 5 * MEGABYTE
    assert grown("kept") > 5 * MEGABYTE
