"""The sandbox as a whole: five services and the control API, each on its own loopback port.

Built by ``pointsman sandbox``, ``pointsman demo`` and tests: ``Sandbox(clock)``, ``await start()``,
point a config at ``urls`` with ``credentials``, ``await stop()``. Everything a vendor takes time for
runs on the given clock.
"""

import asyncio

from aiohttp import web

from daemon.model import times
from daemon.sandbox import (
    compass,
    control,
    exchange,
    faults,
    ledger,
    plotly,
    popily,
    populr,
    populr_calls,
    site,
    tonalytica,
)

HOST = "127.0.0.1"
KINDS = ("populr", "popily", "compass", "tonalytica", "plotly")
STOP_SECONDS = 1.0


class Sandbox:
    """Five simulated services. *port* 0 takes free ports; any other takes six in a row from there:
    the services in the order of :data:`KINDS`, then the control API."""

    def __init__(self, clock: times.Clock, port: int = 0) -> None:
        self.clock = clock
        self.ledger = ledger.Ledger()
        self.faults = faults.Faults()
        self.populr = populr.Populr(clock)
        self.popily = popily.Popily(clock)
        self.compass = compass.Compass(clock)
        self.tonalytica = tonalytica.Tonalytica(clock)
        self.plotly = plotly.Plotly(clock)
        self.services: dict[str, exchange.Service] = {
            "populr": self.populr,
            "popily": self.popily,
            "compass": self.compass,
            "tonalytica": self.tonalytica,
            "plotly": self.plotly,
        }
        self.calls = populr_calls.Calls(self.populr, clock, self.ledger)
        self.urls: dict[str, str] = {}
        self.control_url = ""
        self._port = port
        self._sites = [site.Site(s, clock, self.ledger, self.faults) for s in self.services.values()]
        self._runners: list[web.AppRunner] = []
        self._caller: asyncio.Task[None] | None = None

    @property
    def credentials(self) -> dict[str, dict[str, str]]:
        """What each service accepts now, by kind; ``tonalytica`` also names its query keys
        (``query_key_17`` …)."""
        return {
            "populr": {"api_key": self.populr.api_key},
            "popily": {"token": self.popily.token},
            "compass": {"username": compass.USERNAME, "password": self.compass.password(compass.USERNAME)},
            "tonalytica": {"api_key": self.tonalytica.api_key, **self.tonalytica.query_keys()},
            "plotly": {"username": self.plotly.username, "api_key": self.plotly.api_key},
        }

    async def start(self) -> None:
        """Listen; afterwards ``urls`` and ``control_url`` are known. :class:`OSError` if a port is taken."""
        for number, served in enumerate(self._sites):
            base = await self._listen(served.application(), number)
            self.urls[served.service.kind] = base + served.service.base_path
        self.control_url = await self._listen(control.application(self), len(self._sites))
        await self.calls.start()
        self._caller = asyncio.create_task(self.calls.run())

    async def stop(self) -> None:
        """Let hanging requests go, close every port; may be called twice."""
        if self._caller is not None:
            self._caller.cancel()
            await asyncio.gather(self._caller, return_exceptions=True)
            self._caller = None
            await self.calls.stop()
        for served in self._sites:
            served.stopping.set()
        for runner in reversed(self._runners):
            await runner.cleanup()
        self._runners.clear()

    def reset(self) -> None:
        """New accounts everywhere, no faults, an empty ledger; ports and first credentials stay."""
        for service in self.services.values():
            service.reset()
        self.faults.remove()
        self.ledger.clear()

    async def _listen(self, application: web.Application, number: int) -> str:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, HOST, self._port + number if self._port else 0).start()
        port = runner.addresses[0][1]
        return f"http://{HOST}:{port}"
