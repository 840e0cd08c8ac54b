"""After kill -9 with thousands of runs pending: how soon callbacks are taken again, how fast what waited is done."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench import idle, latency, load, servers, whole
from bench.latency import Target
from daemon.journal import migrate

ROUNDS, PENDING = 3, 5_000
GOAL_START, GOAL_DRAIN = 0.5, 0.8  # seconds beyond the stack's import; of the saturated rate
IMPORTS = idle.STACK.partition("with socket")[0]


def import_seconds() -> float:
    """Seconds that a process needs to import the given stack and to end."""
    began = time.perf_counter()
    with servers.start(["-c", IMPORTS]) as process:
        process.wait()
    return time.perf_counter() - began


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take what comes and never answer."""
    while await reader.read(65_536):
        pass


async def fill(port: int, path: str, target_port: int) -> set[str]:
    """Let so many callbacks be acknowledged while no call is answered; the pops they are about."""
    server = await asyncio.start_server(silent, "127.0.0.1", target_port, backlog=4_096)
    numbers = [next(load.numbers) for _ in range(PENDING)]
    wanted = {load.pop_id(number) for number in numbers}
    await asyncio.gather(*[whole._connection(port, path, numbers) for _ in range(whole.CONNECTIONS)])
    server.close()
    return wanted


async def drained(target: Target, wanted: set[str]) -> float:
    """Until the call of each of *wanted* has come."""
    async with asyncio.timeout(whole.GIVE_UP):
        while not wanted <= target.seen.keys():
            target.changed.clear()
            await target.changed.wait()
    return time.perf_counter()


async def first_ack(port: int, path: str) -> float:
    """Until a callback is acknowledged."""
    while True:
        try:
            await whole._connection(port, path, [next(load.numbers)])
            return time.perf_counter()
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.005)


async def wait(port: int, path: str, target_port: int, wanted: set[str]) -> tuple[float, float]:
    """The instants of the first acknowledgement, and of the last call that had waited."""
    target = Target({}, asyncio.Event())
    server = await asyncio.start_server(target.answer, "127.0.0.1", target_port, backlog=4_096)
    both = await asyncio.gather(first_ack(port, path), drained(target, wanted))
    server.close()
    return both[0], both[1]


def once(folder: Path, number: int) -> tuple[float, float, float]:
    """Seconds to the first acknowledgement beyond the stack's import; the rates of draining and of full load."""
    port, admin, target_port = servers.free_port(), servers.free_port(), servers.free_port()
    url, path = f"sqlite:///{folder}/{number}.db", servers.tracer_path()
    config = folder / f"{number}.toml"
    more = latency.REACTION.format(port=target_port)
    config.write_text(servers.CONFIG.format(url=url, port=port, admin=admin, more=more))
    config.chmod(0o600)
    asyncio.run(migrate.upgrade(url))
    command = ["-m", "daemon", "--config", str(config), "run"]
    with servers.start(command) as process:
        servers.wait_for_ready(admin)
        saturated = statistics.median(uvloop.run(whole.rush(port, path, target_port)) for _ in range(3))
        wanted = uvloop.run(fill(port, path, target_port))
        process.kill()
    imports = import_seconds()
    began = time.perf_counter()
    with servers.start(command) as process:
        first, last = uvloop.run(wait(port, path, target_port, wanted))
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    return first - began - imports, PENDING / (last - first), saturated


def main() -> None:
    """Print the table."""
    servers.pin(servers.CLIENT_CORE)
    with tempfile.TemporaryDirectory() as name:
        rounds = [once(Path(name), number) for number in range(ROUNDS)]
    start = statistics.median(one[0] for one in rounds)
    ratio = statistics.median(drain / full for _, drain, full in rounds)
    met = ("met" if start <= GOAL_START else "MISSED", "met" if ratio >= GOAL_DRAIN else "MISSED")
    print(
        f"after kill -9 with {PENDING:,} runs pending: taking callbacks {start:+.2f} s beyond the stack's import "
        f"(goal {GOAL_START}, {met[0]}); drained at {ratio:.2f} x the saturated rate (goal {GOAL_DRAIN}, {met[1]}); "
        f"Python {sys.version.split()[0]}"
    )


if __name__ == "__main__":
    main()
