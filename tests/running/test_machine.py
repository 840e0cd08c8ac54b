"""Runs, steps, leases and lines as one state machine, over a real SQLite journal.

Two nodes claim, write and forget; persons decide; time passes and leases run out. Whatever comes in whatever order: no
move is made that the model does not allow, who lost a lease writes nothing, an object has one run at most, and nobody
is forgotten in a line.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from daemon.journal import database, runs, steps
from daemon.journal.database import Connection, LostLease
from daemon.journal.runs import Lease
from daemon.model import times
from daemon.model.runs import RUN_MOVES, Doubt, Run, RunStatus, Step, StepStatus
from daemon.running import deciding, outcome, parking
from tests.journal import making

T = TypeVar("T")
LEASE = 30 * times.SECOND
LOCKED = {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING, RunStatus.PARKED}
HELD = st.sampled_from(["hold", "die", "succeed", "later", "doubt", "park", "intend", "ask a", "ask b"])


class Machine(RuleBasedStateMachine):
    """What may happen to a journal. *blank* is a migrated file, to be copied."""

    blank: Path
    holders: Bundle[Run] = Bundle("holders")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="machine"))
        shutil.copyfile(self.blank, self.folder / "journal.db")
        url = f"sqlite:///{self.folder / 'journal.db'}"
        self.journal = self.loop.run_until_complete(database.open_journal(url))
        self.now = making.NOW
        self.made = 0
        self.seen: dict[str, Run] = {}

    def teardown(self) -> None:
        self.loop.run_until_complete(self.journal.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    def write(self, fn: Callable[[Connection], T]) -> T:
        """One transaction."""
        return self.loop.run_until_complete(self.journal.write(fn))

    def read(self) -> tuple[dict[str, Run], dict[str, list[Step]]]:
        """All runs, and their steps."""

        def look(connection: Connection) -> tuple[dict[str, Run], dict[str, list[Step]]]:
            found = {run.id: run for run in runs.listed(connection, runs.Filters(limit=1_000))}
            return found, steps.of_runs(connection, list(found))

        return self.loop.run_until_complete(self.journal.read(look))

    @rule()
    def make(self) -> None:
        self.made += 1
        new = making.new_run(f"e{self.made}")
        self.write(lambda connection: runs.make(connection, [new], self.now, [None]))

    @rule(seconds=st.sampled_from([1, 20, 60]))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds * times.SECOND

    @rule(target=holders, node=st.sampled_from(["one", "two"]))
    def claim(self, node: str) -> Any:
        lease = Lease(node, self.now + LEASE)
        claimed = self.write(lambda connection: runs.claim(connection, self.now, lease, self.now, 1))
        return claimed[0] if claimed else Run(**{**_NOBODY, "id": "nobody"})

    @rule(node=st.sampled_from(["one", "two"]))
    def renew(self, node: str) -> None:
        held = list(self.seen)
        self.write(lambda connection: runs.renew(connection, node, held, self.now + LEASE))

    @rule(holder=holders, what=HELD)
    def act(self, holder: Run, what: str) -> None:
        """Whoever holds *holder*, or held it once, writes what came of it."""
        present = self.read()[0].get(holder.id)
        lost = present is None or present.fence != holder.fence or present.status is not RunStatus.RUNNING
        run = holder if lost or present is None else present
        before = self.read()
        try:
            self.write(self._written(run, what))
        except LostLease:
            assert lost
            assert self.read() == before
            return
        assert not lost

    def _written(self, run: Run, what: str) -> Callable[[Connection], Any]:
        step = self._step(run)
        sent = replace(step, status=StepStatus.RUNNING, sent_at=self.now, doubted_at=self.now)
        later = self.now + 10 * times.SECOND

        def put(last: Callable[[Connection], Any], one: Step) -> Callable[[Connection], Any]:
            def both(connection: Connection) -> None:
                steps.put(connection, one)
                last(connection)

            return both

        written: dict[str, Callable[[], Callable[[Connection], Any]]] = {
            "intend": lambda: outcome.intend(replace(run, attempts=run.attempts + 1), sent),
            "ask a": lambda: outcome.stand_in_line(run, "shop table a", self.now),
            "ask b": lambda: outcome.stand_in_line(run, "shop table b", self.now),
            "later": lambda: outcome.retry_later(
                run, replace(step, doubted_at=None), self.now, later, "503", counts=True
            ),
            "doubt": lambda: outcome.retry_later(run, sent, self.now, later, "lost", counts=True),
            "park": lambda: parking.park(run, None, "shop", "down", self.now),
            "die": lambda: put(
                outcome.die(run, "no", self.now), replace(step, status=StepStatus.FAILED, error="no")
            ),
            "hold": lambda: put(
                outcome.hold(run, replace(sent, error="lost"), "look there", self.now),
                replace(sent, status=StepStatus.IN_DOUBT, error="lost"),
            ),
            "succeed": lambda: put(
                outcome.succeed(run, self.now),
                replace(step, status=StepStatus.SUCCEEDED, doubted_at=None, response={}),
            ),
        }
        return written[what]()

    def _step(self, run: Run) -> Step:
        found = self.read()[1].get(run.id)
        if found:
            return found[0]
        (do,) = making.reaction().do
        return outcome.new_step(run, 0, do, Doubt.PROBED, {"message": "hello"})

    @rule(number=st.integers(0, 30), what=st.sampled_from(["retry", "cancel", "done", "redo"]))
    def decide(self, number: int, what: str) -> None:
        """A person decides about some run, or is refused."""
        if not self.seen:
            return
        id = sorted(self.seen)[number % len(self.seen)]
        decisions: dict[str, Callable[[Connection], None]] = {
            "retry": lambda connection: deciding.retry(connection, id, self.now),
            "cancel": lambda connection: deciding.cancel(connection, id, self.now),
            "done": lambda connection: deciding.resolve_done(connection, id, {}, self.now),
            "redo": lambda connection: deciding.resolve_redo(connection, id, self.now),
        }
        with contextlib.suppress(deciding.Undecidable):
            self.write(decisions[what])

    @rule()
    def restart(self) -> None:
        """The only process ends and begins again: the leases of its past are nobody's."""
        self.write(lambda connection: runs.release_all(connection, self.now))

    @invariant()
    def every_move_is_allowed(self) -> None:
        found, begun = self.read()
        for id, run in found.items():
            was = self.seen.get(id)
            assert was is None or run.status is was.status or run.status in RUN_MOVES[was.status]
            assert was is None or run.fence >= was.fence
            assert (run.status is RunStatus.RUNNING) == (run.lease_until is not None)
            for step in begun[id]:
                assert (step.status is StepStatus.IN_DOUBT) <= (step.doubted_at is not None)
                assert step.status is not StepStatus.RUNNING or step.doubted_at is not None
                assert run.status is not RunStatus.SUCCEEDED or step.doubted_at is None
        self.seen = found

    @invariant()
    def an_object_has_one_run_and_a_line_has_a_head(self) -> None:
        named = [run for run in self.read()[0].values() if run.lock_key is not None]
        having = [run.lock_key for run in named if run.locked]
        assert len(having) == len(set(having))
        assert {run.lock_key for run in named} == set(having)
        assert {run.status for run in named} <= LOCKED
        assert all(run.due_at is not None for run in named if run.locked and run.status is RunStatus.PENDING)


_NOBODY: dict[str, Any] = {
    **dict.fromkeys(
        "reaction digest event_id trace item item_key error started_at finished_at due_at node lease_until "
        "waits_for counting_since".split()
    ),
    "status": RunStatus.PENDING,
    "depth": 0,
    "replay": 0,
    "attempts": 0,
    "created_at": 0,
    "fence": -1,
    "spent": 0,
}


def test_no_order_of_events_breaks_a_run_a_step_a_lease_or_a_line(blank_file: Path) -> None:
    class Copied(Machine):
        """It begins with the migrated file."""

        blank = blank_file

    quick = settings(
        max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Copied, settings=quick)
    assert Copied.blank.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET status = 'succeeded'",  # with its lease
        "UPDATE runs SET status = 'dead', lease_until = NULL, lock_key = 'k'",
        "UPDATE runs SET locked = 1",
        "UPDATE runs SET waits_for = 'popily sources 7'",
        "UPDATE runs SET status = 'gone', lease_until = NULL",
        "UPDATE runs SET lock_key = 'k', locked = 1",  # both runs
        "UPDATE steps SET doubted_at = NULL",
        "UPDATE steps SET sent_at = NULL",
        "UPDATE steps SET status = 'succeeded'",  # still in doubt
    ],
)
async def test_the_database_refuses_what_cannot_be(sqlite_url: str, statement: str) -> None:
    journal = await database.open_journal(sqlite_url)
    try:
        await journal.write(_two_that_run)
        with pytest.raises(Exception, match=r"(?i)constraint failed"):
            await journal.write(lambda connection: connection.exec_driver_sql(statement).rowcount)
        found = await journal.read(lambda connection: runs.listed(connection, runs.Filters()))
    finally:
        await journal.close()
    assert {(run.status, run.lock_key, run.locked) for run in found} == {(RunStatus.RUNNING, None, False)}


def _two_that_run(connection: Connection) -> None:
    new = [making.new_run("e1"), making.new_run("e2")]
    for run in runs.make(connection, new, making.NOW, [making.LEASE] * 2):
        (do,) = making.reaction().do
        step = outcome.new_step(run, 0, do, Doubt.UNSAFE, {})
        sent = replace(step, status=StepStatus.RUNNING, sent_at=making.NOW, doubted_at=making.NOW)
        outcome.intend(run, sent)(connection)
