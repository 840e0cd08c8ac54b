"""The one place where everything is built, started and stopped.

* ``building``: from the config to clients, doors and watched rows.
* ``house``: the daemon itself; started in reading order, stopped in reverse.
* ``listening``: sockets, inherited from systemd or bound here.
* ``notifying``: what the service manager is told, and the watchdog.

``cli`` calls :func:`run`.
"""

from daemon.app.house import House, Refused, run

__all__ = ["House", "Refused", "run"]
