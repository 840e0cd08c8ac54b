"""The short way of a callback through aiohttp: no task, request, response or writer object is made for it.

aiohttp's own parser reads every byte. A request that came whole and is nothing unusual is handed on from there and
its answer written straight to the connection; everything else (a body that is still coming, a chunked or compressed
one, the last request of a connection, whatever nobody wants) goes aiohttp's own way. Used by
``listening`` for the public side.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.web_protocol import RequestHandler

from daemon.intake import webhooks
from daemon.intake.webhooks import Addressee, Asked, PublicSide


class Taker(Protocol):
    """What the short way leads to (``intake.webhooks.PublicSide``)."""

    def find(self, asked: Asked, size: int) -> Addressee | None:
        """Who takes a body of *size* bytes; None where the request must go the long way."""
        ...

    def take(self, addressee: Addressee, asked: Asked, raw: bytes, answer: Callable[[bytes], None]) -> None:
        """Call *answer* once, now or later, with a whole HTTP/1.1 response. It does not raise."""
        ...


class ShortServer(web.Server):
    """A server whose connections know the short way."""

    def __init__(self, side: PublicSide, **settings: Any) -> None:
        super().__init__(side.handle, **settings)
        self._side = side
        self._settings = settings

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return Connection(self, self._side, loop=asyncio.get_running_loop(), **self._settings)


class Connection(RequestHandler):
    """One connection.

    aiohttp's task of the connection sleeps on ``_waiter`` between two requests. While a request is on the short way
    that future is kept in ``_held``: whatever comes meanwhile waits in aiohttp's queue, in its order.
    """

    __slots__ = ("_held", "_taker")

    def __init__(self, manager: web.Server, taker: Taker, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._taker = taker
        self._held: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Parse *data*; hand on what it completes."""
        sleeping, self._waiter = self._waiter, None
        closing = self._close, self._force_close
        if self._request_in_progress and self.transport is not None:
            # aiohttp reads nothing more once a stop has begun; the body that is under way is still waited for.
            self._close = self._force_close = False
        try:
            super().data_received(data)
        finally:
            self._waiter = sleeping
            self._close, self._force_close = closing
        self._hand_on()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Whoever has read a body asks for more; where nothing was paused nothing is parsed again for it."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Whatever aiohttp gives up is answered as everything else is; its own answer quotes what came."""
        super().handle_error(request, status, exc, message)  # it logs, and raises where an answer has begun
        return webhooks.answer_unread(status, exc)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The sender went away; an answer that is still to come is for nobody."""
        if self._held is not None:
            self._waiter, self._held = self._held, None
        super().connection_lost(exc)

    def _hand_on(self) -> None:
        """Lead the next request on, if the connection's task sleeps and there is one."""
        if self._waiter is None or self._waiter.done() or not self._messages:
            return
        message, payload = self._messages[0]
        asked = self._is_short(message, payload)
        addressee = self._taker.find(asked, payload.total_bytes) if asked is not None else None
        if asked is None or addressee is None or self._parser is None:
            self._waiter.set_result(None)
            return
        self._messages.popleft()
        self._parser.message_consumed()
        self._held, self._waiter = self._waiter, None
        self._request_in_progress = True
        self._taker.take(addressee, asked, payload.read_nowait(), self._answer)

    def _is_short(self, message: Any, payload: StreamReader) -> Asked | None:
        """The head of a request that can go the short way, None for any other."""
        if (
            not payload.is_eof()
            or payload.exception() is not None
            or self._paused
            or self._buffer_paused
            or getattr(message, "version", None) != HttpVersion11  # what cannot be parsed has none
            or message.should_close
            or message.upgrade
            or message.chunked
            or message.compression is not None
            or "Expect" in message.headers
        ):
            return None
        url = message.url
        return Asked(message.method, url.raw_path, url.raw_query_string, message.headers)

    def _answer(self, response: bytes) -> None:
        """Write *response*, and go back to sleep or on with what came meanwhile."""
        held, self._held = self._held, None
        self._request_in_progress = False
        if self._handler_waiter is not None:  # the server is shutting down and waits for this answer
            self._handler_waiter.set_result(None)
            self._handler_waiter = None
        if held is None or self.transport is None:
            return
        self.transport.write(response)
        self._waiter = held
        if self._close or self._force_close:
            held.cancel()
            return
        now = self._loop.time()
        self._next_keepalive_close_time = now + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )
        if self._messages:
            self._loop.call_soon(self._hand_on)
