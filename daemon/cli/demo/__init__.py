"""``pointsman demo``: the example config played against simulated services, and what came of it.

* ``command``: the command, and the course of a demo.
* ``stage``: services, config, daemon and clock, built and stopped.
* ``telling``: each event and effect as a line.
* ``verdict``: the table of what was expected and found.
* ``screen``: what is said before, after and around it.

What people do, and what is expected, is ``daemon.sandbox.story``'s.
"""

from daemon.cli.demo.command import demo, perform

__all__ = ["demo", "perform"]
