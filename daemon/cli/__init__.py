"""The command ``pointsman``: one file a noun.

``common options`` stand in ``context``, what is printed in ``printing``. Exit codes: 0 good, 1 the thing asked about
is not good, 2 wrong usage or config. Commands other than ``run``, ``demo`` and ``db upgrade`` never create a journal.
"""

from daemon.cli.program import main

__all__ = ["main"]
