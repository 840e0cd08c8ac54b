"""Makes daemons that die at stations: a program that imported everything once and forks for each life.

So a life costs what a start costs, not what Python's imports do, and yet it is a process of its own that the kernel
takes away whole. ``doomed`` starts it and speaks to it: one JSON line for each life, the new process's number back.
"""

import ctypes
import json
import os
import signal
import sys

from tests.crashes import stations

stations.compile_in()

from daemon import connectors  # noqa: E402 - after the stations are compiled in
from daemon.cli import program, run, runs  # noqa: E402 - as above; no life imports them anew
from daemon.journal import postgres, sqlite  # noqa: E402 - as above

KEPT = (run, runs, postgres, sqlite)
DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def live(order: dict) -> None:
    """Become the command that *order* asks for; does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    os.chdir(order["folder"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(0)
    stations.armed = stations.Armed(order["station"], order["visit"], order["visited"])
    sys.argv = ["pointsman", *order["command"]]
    code = 1
    try:
        program.main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Fork for each line of standard input; at its end all die with this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ended is gone at once
    connectors.discover()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            live(order)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
