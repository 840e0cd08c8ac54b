"""SIGKILL in the middle of commits: all that was acknowledged stands, nothing stands by half."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.journal import database
from daemon.journal.database import Journal
from tests.journal import committing, making

ROOT = Path(__file__).parents[2]


def write_and_be_killed(url: str, after: int) -> set[int]:
    """Run the writing program until it has acknowledged *after* pairs, kill it, and say which those were."""
    program = subprocess.Popen(
        [sys.executable, "-m", committing.__name__, url], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert program.stdout is not None
    with program:
        said = [program.stdout.readline() for _ in range(after)]
        program.kill()
        said += program.stdout.readlines()
    # The last line may be cut off; a number cut short would be that of another pair.
    return {int(line) for line in said if line.endswith("\n")}


async def pairs(journal: Journal) -> tuple[set[int], set[int]]:
    """The numbers whose first row stands, and those whose second does."""
    keys = await journal.read(lambda c: c.scalars(sa.text("SELECT key FROM events")).all())
    states = await journal.read(lambda c: c.scalars(sa.text("SELECT key FROM state")).all())
    return {int(key.split()[1]) for key in keys}, {int(key.split()[1]) for key in states}


@pytest.mark.parametrize("after", [1, 300, 1_500])
async def test_a_kill_loses_nothing_acknowledged_and_shows_nothing_by_half(url: str, after: int) -> None:
    acknowledged = write_and_be_killed(url, after)
    journal = await database.open_journal(url, exclusive=True)
    first, second = await pairs(journal)
    assert len(acknowledged) >= after
    assert acknowledged <= first
    assert first == second
    assert not any(number % 7 == 0 for number in first)
    assert len(first) - len(acknowledged) <= committing.WRITERS * 2
    await making.told(journal, "event 1000001")
    await journal.close()
