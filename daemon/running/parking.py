"""Parking: asks accounts that are down whether they are back, and lets the runs go on that wait for them.

A loop beside the workers; ``circuits`` rings its bell. A probe has two halves: the connector's ping, which is harmless,
and if that goes well the next call of one parked run, since a service may answer pings and nothing else. Then the
parked runs go on in their order, a few at a time: as fast as their account takes them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from daemon.contract import circuit, errors
from daemon.contract.services import Services
from daemon.journal import accounts, runs, steps, watches
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.model.runs import Run, RunStatus, Step, StepStatus
from daemon.model.times import MILLISECOND, MINUTE, SECOND, Clock
from daemon.running.circuits import Circuits, Ticket

ROOM = 16  # runs that may stand at one account's places before no more are let go on
LOOK_AGAIN = 50 * MILLISECOND  # while runs go on
ORPHANS = 100  # runs at once that wait for an account which is configured no more
# Answers to a ping that come from the service itself: it is there, though it grants us little. A 404 or a web page
# comes as well from whatever stands before a service that is gone.
REFUSALS = frozenset({400, 403, 405, 409, 422})
PATIENCE = 15.0  # seconds for the answer to a ping
WAIT_ON = 1 * MINUTE  # for remote work that cannot be seen when a run's patience ends
NOTE_EVERY = 10 * SECOND  # how often it is written down when accounts worked last

log = structlog.get_logger()


class Parking:
    """This node's part of it. *services* gives the present accounts; *workers* is rung for runs that go on."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        services: Callable[[], Services],
        circuits: Circuits,
        workers: Bell,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._services = services
        self._circuits = circuits
        self._workers = workers
        self._probing: dict[str, asyncio.Task[None]] = {}
        self._noted_at: int | None = None
        self.next_at: int | None = None  # when the next probe is due, a hold ends or more runs can go on

    async def once(self) -> bool:
        """Begin the probes that are due, let runs go on that need not wait, note what worked. It never asks to be
        called again at once: :attr:`next_at` says when.
        """
        now, configured = self._clock.now(), self._services().accounts
        rows = await self._circuits.refresh()
        for name in configured.keys() & rows.keys() - self._probing.keys():
            if circuit.is_probe_due(self._circuits.known(name), now):
                task = asyncio.create_task(self._probe(name), name=f"probe {name}")
                self._probing[name] = task
                task.add_done_callback(partial(self._ended, name))
        released = [
            await self._let_go(name) for name in await self._journal.read(accounts.accounts_with_parked)
        ]
        await self._note_work(now)
        waits = [
            circuit.next_at(self._circuits.known(name), now) for name in rows.keys() - self._probing.keys()
        ]
        waits += [now + LOOK_AGAIN] if any(released) else []
        self.next_at = min((at for at in waits if at is not None), default=None)
        return False

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        if self._probing.get(name) is task:
            del self._probing[name]

    async def drain(self) -> None:
        """Cut probes short; another node, or the next start, makes them again."""
        cut = list(self._probing.values())
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    # Runs that go on

    async def _let_go(self, account: str) -> bool:
        """Let the next runs that are parked for *account* go on; whether more may follow soon."""
        now, services = self._clock.now(), self._services()
        room = ORPHANS
        if account in services.accounts:
            if not circuit.admits(self._circuits.known(account), now, ""):
                return False
            lane = services.lanes.get(account)
            room = ROOM - lane.waiting if lane is not None else ROOM
        if room > 0:
            go_on = partial(accounts.release, account=account, now=now, limit=room)
            if await self._journal.write(go_on):
                self._workers.ring()
        return True

    # Probes

    async def _probe(self, account: str) -> None:
        try:
            ticket = await self._circuits.begin_probe(account)
            if ticket is not None and await self._answers(ticket):
                await self._circuits.prove(ticket)
        except JournalUnavailable as broken:
            log.warning("probe.lost", account=account, error=str(broken))

    async def _answers(self, ticket: Ticket) -> bool:
        """Whether the account of *ticket* answers its connector's ping; a failure is counted."""
        services = self._services()
        connector = services.catalog.connectors[services.accounts[ticket.account].kind]
        if connector.ping is None:
            return True
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await connector.ping(services.client(ticket.account))
            if answer.authorized:
                return True
            failed = errors.TemporaryError(answer.detail or "credentials refused", unauthorized=True)
        except errors.TemporaryError as told:
            failed = told
        except errors.PermanentError as told:
            if told.status in REFUSALS:
                return True
            failed = errors.TemporaryError(told.text, status=told.status)
        except TimeoutError:
            failed = errors.TemporaryError(f"no answer within {PATIENCE:g} seconds")
        except Exception as bug:
            log.exception("probe.broke", account=ticket.account)
            failed = errors.TemporaryError(
                f"a bug in Pointsman: {type(bug).__name__}; the log has the traceback"
            )
        await self._circuits.count(ticket, failed)
        return False

    async def _note_work(self, now: int) -> None:
        """Write down now and then when accounts worked last, and how long their rates are busy."""
        if self._noted_at is not None and 0 <= now - self._noted_at < NOTE_EVERY:
            return
        self._noted_at = now
        lanes, loop_now = self._services().lanes, asyncio.get_running_loop().time()
        worked = {
            name: (at, now + (lanes[name].busy_for(loop_now) if name in lanes else 0))
            for name, at in self._circuits.take_worked().items()
        }
        if worked:
            await self._journal.write(partial(accounts.note_work, worked=worked))


# How a run comes to wait


def unspent(step: Step) -> Step:
    """*step* with its last attempt given back: it failed because its account is down."""
    return replace(step, status=StepStatus.PENDING, attempts=step.attempts - 1)


def park(run: Run, step: Step | None, account: str, error: str, now: int) -> Callable[[Connection], None]:
    """The run waits for *account* to come back, without a worker and not in its own time. *step* was called in vain."""

    def write(connection: Connection) -> None:
        runs.move(
            connection,
            run,
            RunStatus.PARKED,
            parked_for=account,
            due_at=None,
            attempts=run.attempts,
            error=error,
            spent=run.elapsed(now),
            counting_since=None,
        )
        if step is not None:
            steps.put(connection, step)

    return write


def is_out_of_sight(connection: Connection, step: Step) -> bool:
    """Whether the remote work that *step* waits for cannot be asked about now: its polls fail."""
    account, resource, remote_id = (step.remote or "  ").split(" ", 2)
    row = watches.get(connection, watches.name_for("follow", account, resource, remote_id))
    return row is not None and row.failures > 0


def wait_on(run: Run, step: Step, now: int) -> Callable[[Connection], None]:
    """The run goes on waiting for the work of *step*: that nobody could see it end is no reason to give it up."""
    return lambda connection: runs.move(
        connection,
        run,
        RunStatus.WAITING,
        due_at=now + WAIT_ON,
        waits_for=step.remote,
        spent=run.elapsed(now),
        counting_since=None,
    )
