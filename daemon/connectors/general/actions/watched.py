"""The two ways by which Apprise's plugins reach the outside, HTTP and SMTP, so that what they did is seen.

A plugin answers yes or no. Whether a message may have arrived all the same is known only where it leaves: here. What
is sent inside :func:`watching` is noted as exchanges; redirects are never followed, whatever an address says.
Imported by ``apprised`` alone, when the first message is sent or the first address judged.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import requests
from requests import adapters, exceptions
from urllib3 import exceptions as lower

from daemon.connectors.general.actions import verdicts
from daemon.connectors.general.actions.verdicts import Exchange, Verdict
from daemon.contract import sending
from daemon.model import times

PATIENCE = (10.0, 30.0)  # seconds to connect and between two bytes, where a plugin names none
ENDING = ("rset", "quit")  # SMTP commands whose replies tell nothing about the message

_exchanges: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)


@contextmanager
def watching() -> Iterator[list[Exchange]]:
    """What goes out inside, in order."""
    exchanges: list[Exchange] = []
    token = _exchanges.set(exchanges)
    try:
        yield exchanges
    finally:
        _exchanges.reset(token)


_send = adapters.HTTPAdapter.send


def watched_send(
    adapter: adapters.HTTPAdapter, request: requests.PreparedRequest, **given: Any
) -> requests.Response:
    """The answer to *request*, noted; one that redirects is without the place that it redirects to."""
    exchanges, reads = _exchanges.get(), request.method in sending.READS
    given["timeout"] = given.get("timeout") or PATIENCE
    try:
        answer = _send(adapter, request, **given)
    except exceptions.RequestException as broken:
        if exchanges is not None:
            exchanges.append(_broken(broken, reads))
        raise
    if exchanges is not None:
        now = times.from_datetime(datetime.now(UTC))
        retry_after = str(answer.headers.get("retry-after", ""))
        exchanges.append(verdicts.of_http(answer.status_code, retry_after, reads, now))
    if 300 <= answer.status_code < 400:
        answer.headers.pop("location", None)
    return answer


def _broken(broken: exceptions.RequestException, reads: bool) -> Exchange:
    """Nothing was sent where no connection stood; else nobody knows."""
    cause = getattr(broken.args[0], "reason", None) if broken.args else None
    unconnected = isinstance(broken, exceptions.ConnectTimeout) or isinstance(
        cause, lower.NewConnectionError | lower.ConnectTimeoutError | lower.SSLError
    )
    if unconnected:
        return Exchange(Verdict.LATER, "cannot connect", reads=reads)
    return Exchange(Verdict.LOST, "the answer was lost", reads=reads)


class _Watched(smtplib.SMTP):
    """Notes every message by SMTP: what was refused, what was taken, what was sent and never answered."""

    _exchange: Exchange | None = None

    def _begin(self) -> None:
        exchanges = _exchanges.get()
        if exchanges is not None and (self._exchange is None or not self._exchange.fresh):
            self._exchange = Exchange(Verdict.LATER, "cannot connect", fresh=True)
            exchanges.append(self._exchange)

    def connect(self, *given: Any, **named: Any) -> tuple[int, bytes]:
        """As smtplib does."""
        self._begin()
        return super().connect(*given, **named)

    def mail(self, *given: Any, **named: Any) -> tuple[int, bytes]:
        """As smtplib does; one connection may carry several messages."""
        self._begin()
        return super().mail(*given, **named)

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib does; a failing reply is the message's end unless another follows."""
        code, said = super().getreply()
        noted = self._exchange
        if noted is not None and code >= 400:
            ended = verdicts.of_smtp(code)
            noted.verdict, noted.text, noted.fresh = ended.verdict, ended.text, False
        elif noted is not None and noted.verdict in (Verdict.LATER, Verdict.REFUSED):
            noted.verdict, noted.text, noted.fresh = Verdict.LATER, verdicts.BROKE, True
        return code, said

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        """As smtplib does."""
        if cmd not in ENDING:
            return super().docmd(cmd, args)
        noted, self._exchange = self._exchange, None
        try:
            return super().docmd(cmd, args)
        finally:
            self._exchange = noted

    def data(self, msg: Any) -> tuple[int, bytes]:
        """As smtplib does; from here on a lost answer leaves a doubt."""
        noted = self._exchange
        if noted is not None:
            noted.verdict, noted.text, noted.fresh = Verdict.LOST, "the answer to the message was lost", False
        code, said = super().data(msg)
        if noted is not None and code < 400:
            noted.verdict, noted.text = Verdict.TAKEN, f"it answered {code}"
        return code, said


class WatchedSmtp(_Watched):
    """SMTP, watched."""


class WatchedSmtpOverTls(_Watched, smtplib.SMTP_SSL):
    """SMTP over TLS, watched."""


def install() -> None:
    """Have every later request and connection of these libraries watched. Nothing else in this process uses them."""
    adapters.HTTPAdapter.send = watched_send  # type: ignore[method-assign,assignment] # for adapters of plugins too
    vars(smtplib)["SMTP"] = WatchedSmtp
    vars(smtplib)["SMTP_SSL"] = WatchedSmtpOverTls
