"""The whole path under full load: callback in, one-step reaction, call out, every intent and outcome durable; beside an
aiohttp forwarder that keeps everything in memory. What counts is when the last of the calls has come."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from bench import latency, load, servers
from bench.latency import Target
from bench.postgres import fresh_database

ROUNDS, EVENTS, CONNECTIONS = 5, 2_000, 16
GOAL = 0.5  # of the forwarder's reactions a second
GIVE_UP = 120.0  # seconds for the last call to come


async def _connection(port: int, path: str, numbers: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while numbers:
        writer.write(load.request(path, load.tracer_body(numbers.pop())))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(load.body_length(head))
        assert head.startswith(b"HTTP/1.1 202"), head
    writer.close()


async def rush(port: int, path: str, target_port: int) -> float:
    """Reactions a second: so many events as fast as they are taken, until the call of each has come."""
    target = Target({}, asyncio.Event())
    server = await asyncio.start_server(target.answer, "127.0.0.1", target_port, backlog=4_096)
    numbers = [next(load.numbers) for _ in range(EVENTS)]
    wanted = {load.pop_id(number) for number in numbers}
    began = time.perf_counter()
    await asyncio.gather(*[_connection(port, path, numbers) for _ in range(CONNECTIONS)])
    async with asyncio.timeout(GIVE_UP):
        while len(target.seen) < len(wanted):
            target.changed.clear()
            await target.changed.wait()
    spent = time.perf_counter() - began
    assert wanted == target.seen.keys()
    server.close()
    return EVENTS / spent


def measure(engine: str, url: str, folder: Path) -> str:
    """The table's row for one engine."""
    path, target_port = servers.tracer_path(), servers.free_port()
    reaction = latency.REACTION.format(port=target_port)
    with (
        latency.forwarder(target_port) as beside,
        servers.daemon(folder, url, reaction) as (port, _, process),
    ):
        servers.pin(servers.CLIENT_CORE)
        for one in (beside, port):
            uvloop.run(rush(one, path, target_port))
        before = servers.cpu_seconds(process.pid)
        pairs = [
            (uvloop.run(rush(beside, path, target_port)), uvloop.run(rush(port, path, target_port)))
            for _ in range(ROUNDS)
        ]
        cost = (servers.cpu_seconds(process.pid) - before) / ROUNDS / EVENTS * 1_000
    ratios = sorted(ours / theirs for theirs, ours in pairs)
    median = statistics.median(ratios)
    theirs, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    return (
        f"{engine:10} whole path: in memory {theirs:5.0f}/s, daemon {ours:5.0f}/s, ratio {median:.2f} "
        f"({ratios[0]:.2f}-{ratios[-1]:.2f}), goal {GOAL} {'met' if median >= GOAL else 'MISSED'}; "
        f"{cost:.2f} ms of processor for each event"
    )


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        for engine, url in (("sqlite", f"sqlite:///{folder}/whole.db"), ("postgresql", database)):
            print(measure(engine, url, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
