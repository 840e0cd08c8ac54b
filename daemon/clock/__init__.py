"""What time it is, when something is due, and being woken then.

* ``wall``: the two clocks, real time and a faster one for the demo.
* ``crontab``: what a cron text means. Pure.
* ``firings``: the instants of a schedule, forward and back, DST included. Pure.
* ``wake``: "call me at this instant"; the only module that knows APScheduler.

The intake's loops and ``app`` import the names below from here; the config's check, which must stay pure,
imports ``daemon.clock.crontab`` and ``daemon.clock.firings`` themselves.
"""

from daemon.clock.crontab import parse_cron
from daemon.clock.firings import At, Cron, Every, Spec, local_instant, missed, next_firing, parse_zone
from daemon.clock.wake import Wakes
from daemon.clock.wall import FastClock, TimedClock, WallClock

__all__ = [
    "At",
    "Cron",
    "Every",
    "FastClock",
    "Spec",
    "TimedClock",
    "Wakes",
    "WallClock",
    "local_instant",
    "missed",
    "next_firing",
    "parse_cron",
    "parse_zone",
]
