"""What a durable 2xx costs while each callback is only a hint (the default): the daemon reads every tracer back from a
Populr that answers at once. For information: the reading shares the core with the acknowledging."""

import contextlib
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from bench import load, servers

ROUNDS, SECONDS = 7, 1.0

STUB = """
import json, sys, uvloop, asyncio
from aiohttp import web
async def pop(request):
    return web.json_response({"_id": request.match_info["pop"], "name": "Offer", "slug": "offer", "title": "An offer"})
async def tracer(request):
    return web.json_response({"_id": request.match_info["id"], **json.loads(sys.argv[2])})
async def main():
    app = web.Application()
    app.router.add_get("/v0/pops/{pop}", pop)
    app.router.add_get("/v0/pops/{pop}/tracers/{id}", tracer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()
uvloop.run(main())
"""

ACCOUNT = """
[services.hinted]
kind = "populr"
api_key = "MEASURED-MEASURED-MEASURED"
base_url = "http://127.0.0.1:{port}/v0"
rate = "10000/s"
concurrency = 16
"""


@contextlib.contextmanager
def populr() -> Iterator[int]:
    """A Populr that has every pop and tracer, on the client's core; its port."""
    port = servers.free_port()
    tracer = orjson.dumps(orjson.loads(load.tracer_body(0))["tracer"]).decode()  # what every callback claims
    process = servers.start(["-c", STUB, str(port), tracer], servers.CLIENT_CORE)
    try:
        servers.wait_for_port(port)
        yield port
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Print the table."""
    path = servers.tracer_path("hinted") + "?tracer=t1"
    with (
        tempfile.TemporaryDirectory() as folder,
        populr() as stub,
        servers.bare() as bare,
        servers.daemon(Path(folder), f"sqlite:///{folder}/hints.db", ACCOUNT.format(port=stub)) as ours,
    ):
        for connections in (16, 64):
            pairs = [
                (
                    load.press(*bare, path, connections, SECONDS),
                    load.press(ours[0], ours[2].pid, path, connections, SECONDS),
                )
                for _ in range(ROUNDS)
            ]
            print(_row(connections, pairs), flush=True)


def _row(connections: int, pairs: list[tuple[load.Window, load.Window]]) -> str:
    ratios = sorted(ours.rate / bare.rate for bare, ours in pairs)
    rate = statistics.median(ours.rate for _, ours in pairs)
    cost = statistics.median(ours.cost / bare.cost for bare, ours in pairs)
    busy = sum(ours.statuses.get(503, 0) for _, ours in pairs)
    return (
        f"sqlite     {connections:3} connections, read back: {rate:6.0f}/s, ratio {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f}-{ratios[-1]:.2f}) of bare's; processor {cost:.2f} x with the reading; answers 503: {busy}"
    )


if __name__ == "__main__":
    main()
