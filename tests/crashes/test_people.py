"""A command that decides a held run is killed before and behind its commit: it is decided wholly, or not at all."""

import pytest

from daemon.sandbox.faults import Fault
from tests import waiting
from tests.crashes.doomed import Doomed
from tests.crashes.workload import CHARGE
from tests.journeys.daemons import PATIENCE

COMMIT = "journal.sqlite.SqliteJournal._commit_batch: COMMIT"


async def held(daemon: Doomed) -> str:
    """A daemon with a run that is held in doubt, whose call took no effect; the run's id."""
    daemon.configure(CHARGE)
    await daemon.start()
    daemon.sandbox.faults.add(Fault("populr", "drop_before", "POST", "*/embeds"))
    await daemon.order(kind="charge", n=1)
    (run,) = await daemon.until_runs("charge", "in_doubt")
    return str(run["id"])


async def decide(daemon: Doomed, *command: str) -> None:
    """Run a command beside the daemon, until it has ended or died at its station."""
    process = daemon.bear(*command)
    await waiting.wait_for(lambda: process.poll() is not None, PATIENCE, "the end of a command")
    daemon.station = ""


@pytest.mark.parametrize("side, decided", [("before", False), ("after", True)])
async def test_a_decision_is_there_wholly_or_not_at_all(daemon: Doomed, side: str, decided: bool) -> None:
    id = await held(daemon)
    daemon.station = f"{COMMIT} {side}"
    await decide(daemon, "runs", "resolve", id, "--redo")
    assert f"{id} resolved" not in daemon.log.read_text()
    if not decided:
        (run,) = daemon.runs("charge")
        assert (run["status"], daemon.effects("populr", "embed.created")) == ("in_doubt", [])
        await decide(daemon, "runs", "resolve", id, "--redo")
    await daemon.until_runs("charge", "succeeded")
    assert len(daemon.effects("populr", "embed.created")) == 1
    await decide(daemon, "runs", "resolve", id, "--redo")  # decided twice is decided once
    (run,) = await daemon.until_runs("charge", "succeeded")
    assert len(daemon.effects("populr", "embed.created")) == 1
