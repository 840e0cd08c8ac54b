"""Lives of a doomed daemon, one after the other on one journal: each ends at its station.

A life goes on from what the lives before it left behind, so every station is passed with work of all ages in hand.
"""

import contextlib
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests import waiting
from tests.crashes import reckoning
from tests.crashes.workload import Workload

AT_AN_OUTAGE = re.compile(r"parking\.|park|prob|prov|_reread|look_anew|circuits\.Circuits\._nothing")
AT_THE_END = re.compile(r"drain|close")
SECONDS = {"busy": 4.0, "outage": 9.0, "end": 5.0}  # until a life that came to no station is given up


@dataclass
class Lives:
    """The lives of one daemon; *missed* are the stations that none of theirs came to."""

    work: Workload
    once: bool = False  # do not try again where a life did not come to its station
    missed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def end_at(self, stations: Iterable[str]) -> None:
        """A life for each of *stations*; another one or two where the first did not come there."""
        for station in stations:
            if await self._die_at(station):
                self.ended.append(station)
            else:
                self.missed.append(station)

    async def _die_at(self, station: str) -> bool:
        for mood in moods(station)[: 1 if self.once else None]:
            if await self._live(station, mood):
                return True
        return False

    async def _live(self, station: str, mood: str) -> bool:
        """One life; whether it ended at *station*."""
        daemon, work = self.work.daemon, self.work
        daemon.station = station
        self.mend()
        {"busy": work.break_something, "outage": work.break_an_account, "end": work.hold_up}[mood]()
        if await daemon.begin():
            await work.offer()
            if mood == "end":
                daemon.signal(signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                await waiting.wait_for(lambda: daemon.is_dead, SECONDS[mood], "the end at a station")
        if mood == "end":  # it ends in any case: only its book can tell
            return daemon.is_dead and station in daemon.visited()
        died = daemon.is_dead
        await daemon.kill()
        return died

    def mend(self) -> None:
        """Let no life wait for what an earlier one broke: accounts that are down, polls that failed are due now."""
        change = self.work.daemon.change
        change("UPDATE accounts SET failures = 0, pauses = 0, probe_at = CASE WHEN probe_at > 0 THEN 1 END")
        change("UPDATE watches SET failures = 0, due_at = 1 WHERE role = 'watch'")

    async def reckon(self) -> list[str]:
        """A last life, which nobody ends before everything is settled; what is wrong then."""
        daemon, work = self.work.daemon, self.work
        await daemon.kill()
        daemon.station = ""
        daemon.sandbox.faults.remove()
        self.mend()
        work.hush()
        await daemon.start()
        await work.send_again()
        await reckoning.settle(work)
        return reckoning.wrongs(work)


def moods(station: str) -> list[str]:
    """In which circumstances a life may come to *station*, the likeliest first."""
    first = "outage" if AT_AN_OUTAGE.search(station) else "end" if AT_THE_END.search(station) else "busy"
    return [first, *(mood for mood in ("busy", "outage", "end") if mood != first)]
