"""The command ``pointsman``: one file a noun.

``program`` knows the commands by name, ``context`` what they share, ``options`` what they are given, ``printing``
what they answer. Exit codes: 0 good, 1 the thing asked about is not good, 2 wrong usage or config. Commands other
than ``run``, ``demo`` and ``db upgrade`` never create a journal; they open it directly, whether or not the daemon
runs.
"""

from daemon.cli.program import app, main

__all__ = ["app", "main"]
