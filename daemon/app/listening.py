"""Sockets: inherited from the service manager by name, or bound here; and how listeners end without a lost request."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import http_exceptions, web

from daemon.app.short_way import ShortServer
from daemon.intake.webhooks import PublicSide

BACKLOG = 4_096  # asyncio's own default would shrink what the socket unit gave
FIRST_INHERITED = 3  # file descriptors of the service manager begin here
TURNS = 10  # of the loop, for connections that are accepted but not yet handed on
LAST_ANSWERS = 5.0  # seconds that requests under way have when the daemon stops
LINGER = 2.0  # seconds for which what is left of a refused body is thrown away, so that its answer is read

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Side = Handler | PublicSide


class CannotListen(Exception):
    """An address cannot be bound; the text says which and why."""


def inherited(environ: Mapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """The sockets that the service manager passed, by their ``FileDescriptorName``."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for place in range(count):
        given = socket.socket(fileno=FIRST_INHERITED + place)
        given.setblocking(False)
        os.set_inheritable(given.fileno(), False)
        name = names[place] if place < len(names) and names[place] else "public"
        found.setdefault(name, []).append(given)
    return found


def bind(host: str, port: int) -> socket.socket:
    """A listening socket at *host* and *port* (0: any free one). :class:`CannotListen`."""
    listener: socket.socket | None = None
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        listener = socket.socket(found[0][0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[0][4])
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as broken:
        if listener is not None:
            listener.close()
        what = f"cannot listen on {host}:{port}: {broken.strerror or broken}"
        raise CannotListen(
            f"{what}. Stop what listens there, or name another address under [http]."
        ) from None
    return listener


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a complaint is about us: what strangers send that is no HTTP, or no body as its head says, would fill the
    log, and quotes paths."""
    broken = record.exc_info[1] if record.exc_info else None
    return not isinstance(broken, http_exceptions.HttpProcessingError | web.RequestPayloadError)


_log = logging.getLogger(__name__)
_log.addFilter(_is_ours)


def _address(name: object) -> str:
    if not isinstance(name, tuple):
        return str(name)
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


class Listener:
    """One side of the daemon: its sockets and the server behind them (the public side's knows the short way)."""

    def __init__(self, side: Side, sockets: list[socket.socket]) -> None:
        self.sockets = sockets
        self.is_open = False
        settings: dict[str, Any] = {"access_log": None, "logger": _log, "lingering_time": LINGER}
        server = (
            ShortServer(side, **settings) if isinstance(side, PublicSide) else web.Server(side, **settings)
        )
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=LAST_ANSWERS)

    @property
    def addresses(self) -> list[str]:
        """Where it listens, as ``host:port``."""
        names = [one.getsockname() for one in self.sockets]
        return [_address(name) for name in names]

    async def start(self) -> None:
        """Accept connections."""
        await self._runner.setup()
        for one in self.sockets:
            await web.SockSite(self._runner, one, backlog=BACKLOG).start()
        self.is_open = True

    async def stop(self) -> None:
        """Accept no more, answer what came."""
        self.is_open = False
        for site in list(self._runner.sites):
            await site.stop()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await self._runner.cleanup()
