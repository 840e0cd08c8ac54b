"""From the acknowledgement of a callback to the call that it causes, at twenty a second, beside an aiohttp forwarder
that keeps everything in memory."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from bench import load, servers
from bench.postgres import fresh_database

ROUNDS, EVENTS, PAUSE = 3, 100, 0.05  # seconds between two callbacks: 20 a second
GIVE_UP = 20.0  # seconds for the last call to come
P50_GOAL, P99_GOAL = 3.0, 40.0  # milliseconds

REACTION = """
[[reaction]]
name = "forward"
on = "populr.tracer.opened"
[[reaction.do]]
action = "http.request"
with = {{ method = "GET", url = "http://127.0.0.1:{port}/{{{{ event.subject }}}}" }}
"""

FORWARDER = """
import asyncio, sys, aiohttp, uvloop
from aiohttp import web
async def main():
    session, queue = aiohttp.ClientSession(), asyncio.Queue()
    async def take(request):
        body = await request.json()
        queue.put_nowait(body["pop"]["id"])
        return web.json_response({}, status=202)
    async def forward():
        while True:
            async with session.get(f"http://127.0.0.1:{sys.argv[2]}/{await queue.get()}") as reply:
                await reply.read()
    app = web.Application()
    app.router.add_post("/hooks/{account}/tracer/{token}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.gather(*[forward() for _ in range(32)])
uvloop.run(main())
"""


@dataclass(slots=True)
class Target:
    """Where the calls arrive: when each path was first asked for."""

    seen: dict[str, float]
    changed: asyncio.Event

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request of one connection."""
        # Cancelled when the round is over: the callers keep their connections.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.seen.setdefault(head.split(b" ", 2)[1].decode().lstrip("/"), time.perf_counter())
                self.changed.set()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                )
        writer.close()

    async def wait_for(self, wanted: set[str]) -> None:
        """Until all *wanted* paths were asked for."""
        async with asyncio.timeout(GIVE_UP):
            while not wanted <= self.seen.keys():
                self.changed.clear()
                await self.changed.wait()


async def _send(port: int, path: str, target_port: int) -> list[float]:
    """Milliseconds from each acknowledgement to its call (below nought: the call left first)."""
    target = Target({}, asyncio.Event())
    server = await asyncio.start_server(target.answer, "127.0.0.1", target_port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered: dict[str, float] = {}
    began = time.perf_counter()
    for place in range(EVENTS):
        await asyncio.sleep(max(0.0, began + place * PAUSE - time.perf_counter()))
        number = next(load.numbers)
        writer.write(load.request(path, load.tracer_body(number)))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(load.body_length(head))
        assert head.startswith(b"HTTP/1.1 202"), head
        answered[load.pop_id(number)] = time.perf_counter()
    await target.wait_for(set(answered))
    writer.close()
    server.close()
    return [(target.seen[pop] - at) * 1_000 for pop, at in answered.items()]


@contextlib.contextmanager
def forwarder(target_port: int) -> Iterator[int]:
    """The forwarder that keeps nothing; its port."""
    port = servers.free_port()
    process = servers.start(["-c", FORWARDER, str(port), str(target_port)])
    try:
        servers.wait_for_port(port)
        yield port
    finally:
        process.kill()
        process.wait()


def measure(engine: str, url: str, folder: Path) -> list[str]:
    """Rows of the table for one engine."""
    path, target_port = servers.tracer_path(), servers.free_port()
    reaction = REACTION.format(port=target_port)
    with forwarder(target_port) as beside, servers.daemon(folder, url, reaction) as (port, _admin, _process):
        servers.pin(servers.CLIENT_CORE)
        ask = partial(_send, path=path, target_port=target_port)
        uvloop.run(ask(port))  # warm: the first run loads its reaction
        rounds = [(uvloop.run(ask(beside)), uvloop.run(ask(port))) for _ in range(ROUNDS)]
    return [_row(engine, rounds)]


def _row(engine: str, rounds: list[tuple[list[float], list[float]]]) -> str:
    theirs, ours = ([_percentiles(one) for one in side] for side in zip(*rounds, strict=True))
    p50, p99 = (statistics.median(one[place] for one in ours) for place in (0, 1))
    met = "met" if p50 <= P50_GOAL and p99 <= P99_GOAL else "MISSED"
    spread = f"{min(one[0] for one in ours):.2f}-{max(one[0] for one in ours):.2f}"
    return (
        f"{engine:10} ack to call: p50 {p50:.2f} ms ({spread}), p99 {p99:.2f} ms, goal {P50_GOAL:g}/{P99_GOAL:g} "
        f"{met}; in memory p50 {statistics.median(one[0] for one in theirs):.2f} ms, "
        f"p99 {statistics.median(one[1] for one in theirs):.2f} ms"
    )


def _percentiles(spent: list[float]) -> tuple[float, float]:
    ordered = sorted(spent)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        for engine, url in (("sqlite", f"sqlite:///{folder}/latency.db"), ("postgresql", database)):
            for row in measure(engine, url, Path(folder)):
                print(row, flush=True)


if __name__ == "__main__":
    main()
