"""The daemon: every room built, started in reading order, stopped in reverse.

``cli`` calls :func:`run`; the demo and the tests start a :class:`House` of their own, with their own clock.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from daemon import checking, clock, config, logs, metrics
from daemon.app import building, jumps, listening, notifying
from daemon.app.listening import Listener
from daemon.config import Located
from daemon.contract.catalog import Catalog
from daemon.contract.http import Http
from daemon.contract.services import Services
from daemon.intake.admission import Admission
from daemon.intake.rejecting import Rejections
from daemon.intake.schedules import Schedules
from daemon.intake.watches import Bells, Watcher
from daemon.intake.webhooks import PublicSide
from daemon.journal import bell, database, migrate, runs, watches
from daemon.journal.bell import Bell
from daemon.journal.database import Connection, Journal
from daemon.model.times import SECOND
from daemon.routing.matching import Rules
from daemon.routing.router import Router
from daemon.running import circuits
from daemon.running.circuits import Circuits
from daemon.running.course import Courses
from daemon.running.parking import Parking
from daemon.running.worker import Worker
from daemon.upkeep import Upkeep
from daemon.web.admin import AdminSide, Health

OLD_CLIENTS_LAST = 120.0  # seconds, at least, that the clients of an old config stay open for steps under way

log = structlog.get_logger()


class Refused(Exception):
    """The config has errors; the daemon does not start, or keeps the config it has."""

    def __init__(self, problems: tuple[Located, ...]) -> None:
        super().__init__(f"{len(problems)} problems in the config")
        self.problems = problems


def read_config(path: Path, catalog: Catalog) -> config.Config:
    """The config at *path*, checked whole. :class:`Refused` with every problem."""
    found = config.read(path, catalog, running=True)
    problems = found.with_problems(checking.check(found.tree, catalog, whole=found.whole))
    if found.config is None or config.refuses(problems):
        raise Refused(problems)
    return found.config


@dataclass(slots=True)
class Rooms:
    """What stands once the daemon is built."""

    journal: Journal
    router: Router
    courses: Courses
    worker: Worker
    circuits: Circuits
    parking: Parking
    watcher: Watcher
    schedules: Schedules
    upkeep: Upkeep
    public: PublicSide
    admin: AdminSide
    wakes: clock.Wakes
    listeners: list[Listener] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class House:
    """One daemon. *reread* gives the config anew at a reload."""

    def __init__(
        self,
        settled: config.Config,
        catalog: Catalog,
        reread: Callable[[], config.Config],
        timed: clock.TimedClock | None = None,
    ) -> None:
        self.config = settled
        self._began = settled  # what only a restart changes runs as it stands here, whatever was read since
        self._catalog = catalog
        self._reread = reread
        self._clock: clock.TimedClock = timed or clock.WallClock()
        self._services, self._clients = building.build_services(settled, catalog)
        self._bells = Bells(watches=Bell(), router=Bell(), workers=Bell())
        self._schedule_bell, self._parking_bell = Bell(), Bell()
        self._pulse = notifying.Pulse()
        self._rooms: Rooms | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def rooms(self) -> Rooms:
        """What stands; only after :meth:`start`."""
        assert self._rooms is not None, "not started"  # noqa: S101 - a programming error
        return self._rooms

    def services(self) -> Services:
        """The services of the present config."""
        return self._services

    # Starting

    async def start(self) -> None:
        """Open the journal, build every room, listen, and say so."""
        url = self.config.database.url
        if url.startswith("sqlite"):
            before, after = await migrate.upgrade(url)
            if before != after:
                log.info("journal.migrated", before=before, after=after)
        journal = await database.open_journal(url, exclusive=True, observe=metrics.commit_batch.observe)
        try:
            await migrate.require_current(journal)
            self._rooms = self._build(journal)
            await self._prepare(self._rooms)
            await self._listen(self._rooms)
        except BaseException:
            await journal.close()
            raise
        self._begin_loops(self._rooms)
        notifying.notify("READY=1", "STATUS=running")
        log.info("daemon.started", node=self.config.daemon.node, listening=self.addresses())

    def _build(self, journal: Journal) -> Rooms:
        settled, timed, bells, ours = self.config, self._clock, self._bells, self.config.daemon
        rung = circuits.Bells(self._parking_bell, bells.router, bells.workers)
        known = Circuits(journal, timed, self.services, rung)
        courses = Courses(journal, timed, self.services, known, bells.workers.ring)
        worker = Worker(journal, timed, courses, bells.workers, bells.router, ours.node, ours.lease)
        wakes = clock.Wakes(timed)
        doors = building.build_doors(settled, self._services)
        router = Router(journal, timed, Rules(settled.reactions), worker, bells.router, bells.workers)
        alone = _has_file(journal)
        watcher = Watcher(journal, timed, self.services, bells, ours.node, ours.lease, known, alone=alone)
        admission = Admission(journal, timed, router.hand_over, watcher.hurry)
        public = PublicSide(admission, Rejections(journal, timed), doors)
        health = Health(journal, timed, self._pulse.silent, self._closed)
        return Rooms(
            journal=journal,
            router=router,
            courses=courses,
            worker=worker,
            circuits=known,
            parking=Parking(journal, timed, self.services, known, bells.workers),
            watcher=watcher,
            schedules=Schedules(journal, timed, wakes, self._schedule_bell, bells.router),
            upkeep=Upkeep(journal, timed, settled.retention.events, settled.retention.runs),
            public=public,
            admin=AdminSide(health, building.admin_token(settled)),
            wakes=wakes,
        )

    async def _prepare(self, rooms: Rooms) -> None:
        """Void the leases of the past (a SQLite file has one daemon) and write the config's rows."""
        now = self._clock.now()
        wished = building.build_watches(self.config, self._catalog, now)

        def write(connection: Connection) -> int:
            freed = 0
            if _has_file(rooms.journal):
                freed = runs.release_all(connection, now)
                watches.release_all(connection)
            watches.configure(connection, wished)
            return freed

        freed = await rooms.journal.write(write)
        if freed:
            log.warning("runs.recovered", count=freed)
        await rooms.circuits.configure()
        rooms.wakes.start()
        await rooms.schedules.configure(self.config.schedules)

    async def _listen(self, rooms: Rooms) -> None:
        given = listening.inherited()
        http = self.config.http
        sides: list[tuple[str, listening.Side, tuple[str, int] | None]] = [
            ("public", rooms.public, http.public_listen),
            ("admin", rooms.admin.handle, http.admin_listen),
        ]
        for name, side, address in sides:
            if address is None:
                continue
            sockets: list[socket.socket] = given.get(name) or [listening.bind(*address)]
            listener = Listener(side, sockets)
            await listener.start()
            rooms.listeners.append(listener)

    def _begin_loops(self, rooms: Rooms) -> None:
        loops: list[tuple[str, Callable[[], Awaitable[bool]], Bell]] = [
            ("router", rooms.router.once, self._bells.router),
            ("worker", rooms.worker.once, self._bells.workers),
            ("parking", rooms.parking.once, self._parking_bell),
            ("watcher", rooms.watcher.once, self._bells.watches),
            ("schedules", rooms.schedules.once, self._schedule_bell),
            ("upkeep", rooms.upkeep.once, Bell()),
            ("leases", rooms.worker.renew, Bell()),
        ]
        if isinstance(self._clock, clock.WallClock):
            watched = jumps.Jumps(rooms.journal, self._clock, rooms.courses.carry)
            loops.append(("clock", watched.once, Bell()))
        rooms.tasks = [
            asyncio.create_task(
                bell.keep(name, once, rung, self._pulse.beat, partial(self._due_in, name)), name=name
            )
            for name, once, rung in loops
        ]
        rooms.tasks.append(asyncio.create_task(notifying.feed_watchdog(self._pulse), name="watchdog"))

    def _due_in(self, name: str) -> float:
        """Seconds until the next thing that the loop *name* knows to fall due."""
        rooms = self.rooms
        known = {
            "worker": rooms.worker.next_at,
            "watcher": rooms.watcher.next_at,
            "parking": rooms.parking.next_at,
        }
        next_at = known.get(name)
        return bell.LOOK_AGAIN if next_at is None else self._clock.until(next_at)

    def _closed(self) -> list[str]:
        """The sides that do not listen."""
        wanted = ["public", "admin"] if self.config.http.admin_listen is not None else ["public"]
        listeners = self._rooms.listeners if self._rooms is not None else []
        return [
            name for place, name in enumerate(wanted) if not any(one.is_open for one in listeners[place:][:1])
        ]

    def addresses(self) -> dict[str, list[str]]:
        """Where the daemon listens, by side."""
        names = ["public", "admin"] if self.config.http.admin_listen is not None else ["public"]
        return {name: one.addresses for name, one in zip(names, self.rooms.listeners, strict=True)}

    # Reloading

    async def reload(self) -> bool:
        """Take the config anew. A bad file changes nothing and says why; whether it was taken."""
        notifying.reloading()
        try:
            settled = self._reread()
            self._warn_of_fixed(settled)
            services, clients = building.build_services(settled, self._catalog)
            doors = building.build_doors(settled, services)
            token = building.admin_token(settled)
        except Refused as refused:
            for problem in refused.problems:
                log.error("reload.refused", problem=str(problem))
            metrics.reloads.labels("refused").inc()
            notifying.notify("READY=1", "STATUS=running; the last reload was refused, see the log")
            return False
        await self._replace(settled, services, clients)
        self.rooms.public.doors = doors
        self.rooms.admin.token = token
        metrics.reloads.labels("taken").inc()
        log.info("daemon.reloaded", reactions=len(settled.reactions))
        notifying.notify("READY=1", "STATUS=running")
        return True

    async def _replace(self, settled: config.Config, services: Services, clients: list[Http]) -> None:
        rooms, now = self.rooms, self._clock.now()
        wished = building.build_watches(settled, self._catalog, now)
        await rooms.journal.write(lambda connection: watches.configure(connection, wished))
        await rooms.schedules.configure(settled.schedules)
        old, self._clients = self._clients, clients
        before, self.config, self._services = self.config.accounts, settled, services
        await rooms.circuits.configure(circuits.changed(before, settled.accounts))
        rooms.router.rules = Rules(settled.reactions)
        rooms.upkeep.keep(settled.retention.events, settled.retention.runs)
        self._bells.watches.ring()
        task = asyncio.create_task(_close_later(old))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _warn_of_fixed(self, settled: config.Config) -> None:
        """Say in what the file and the running daemon differ until a restart."""
        fixed = {
            "[database] url": settled.database.url != self._began.database.url,
            "[http] public_listen": settled.http.public_listen != self._began.http.public_listen,
            "[http] admin_listen": settled.http.admin_listen != self._began.http.admin_listen,
            "[daemon] lease": settled.daemon.lease != self._began.daemon.lease,
        }
        for key in (key for key, changed in fixed.items() if changed):
            log.warning("reload.needs_restart", key=key)

    # Stopping

    async def stop(self) -> None:
        """Stop accepting, finish or hand back what runs, close the journal."""
        notifying.notify("STOPPING=1")
        rooms, patience = self.rooms, self.config.daemon.drain_timeout / SECOND
        log.info("daemon.stopping", drain_timeout=patience)
        for listener in rooms.listeners:
            await listener.stop()
        rooms.wakes.stop()
        loops = [task for task in rooms.tasks if task.get_name() not in ("leases", "watchdog")]
        await _cancel(loops)
        await rooms.watcher.drain()
        await rooms.parking.drain()
        with contextlib.suppress(database.JournalUnavailable):
            cut = await rooms.worker.drain(patience)
            if cut:
                log.warning("runs.handed_back", count=cut)
        await _cancel([*rooms.tasks, *self._closing])
        for client in self._clients:
            await client.close()
        await rooms.journal.close()
        log.info("daemon.stopped")


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _close_later(clients: list[Http]) -> None:
    try:
        await asyncio.sleep(OLD_CLIENTS_LAST)
        await asyncio.gather(*(client.retire() for client in clients))
    finally:
        for client in clients:
            await client.close()


async def run(settled: config.Config, catalog: Catalog, reread: Callable[[], config.Config]) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP reloads."""
    house = House(settled, catalog, reread)
    stop, hangup = asyncio.Event(), Bell()
    loop = asyncio.get_running_loop()
    # Before the start, so that a signal in the middle of it is not the end of the process.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hangup.ring)
    await house.start()
    reloader = asyncio.create_task(_reload_on(hangup, house))
    await stop.wait()
    await _cancel([reloader])
    await house.stop()


async def _reload_on(hangup: Bell, house: House) -> None:
    while True:
        await hangup.heard()
        try:
            if await house.reload():
                chosen = house.config.daemon
                logs.set_up(chosen.log_level, chosen.log_format, house.services().blanker.value)
        except Exception:
            log.exception("reload.broke")
            notifying.notify("READY=1")


def _has_file(journal: Journal) -> bool:
    """Whether the journal is this process's alone: a SQLite file, which it has locked."""
    return journal.dialect == "sqlite"
