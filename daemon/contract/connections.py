"""How the one HTTP client connects: only to addresses that are allowed, and only while the request may still go out.

Made by ``http``.
"""

import asyncio
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from daemon.contract import errors, guard, sending


class LateConnector(aiohttp.TCPConnector):
    """Asks once more, with the connection in hand, whether the request may still go out (``sending``)."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        """A connection for *req*; :class:`~daemon.contract.sending.TooLate`."""
        connection = await super().connect(req, traces, timeout)
        try:
            await sending.check()
        except BaseException:
            connection.close()
            raise
        return connection


def asking_late() -> aiohttp.TraceConfig:
    """Asks before each piece of a body, too: that is written by a task of its own, some time after the connection is
    in hand, and the headers go out with its first piece. aiohttp wraps what is raised there.
    """

    async def ask(_session: object, _context: object, _chunk: object) -> None:
        await sending.check()

    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(ask)
    return trace


class UnderWay:
    """Around each call: how many are under way, and when none is."""

    def __init__(self) -> None:
        self._calls = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def __enter__(self) -> None:
        self._calls += 1
        self.idle.clear()

    def __exit__(self, *_how: object) -> None:
        self._calls -= 1
        if not self._calls:
            self.idle.set()


class GuardedResolver(AbstractResolver):
    """Looks names up and keeps only addresses that the guard allows; the connection uses just those."""

    def __init__(self, allowed: guard.Guard) -> None:
        self._guard = allowed
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of *host*; :class:`PermanentError` where there is none."""
        found = await self._inner.resolve(host, port, family)
        kept = [one for one in found if self._guard.allows_address(host, port, one["host"])]
        if not kept:
            raise errors.PermanentError(
                f"{host} leads to a private address that [http] allow_hosts does not name"
            )
        return kept

    async def close(self) -> None:
        """Nothing is kept open."""
        await self._inner.close()
