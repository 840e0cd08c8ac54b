"""The admin side: ``/healthz``, ``/readyz``, ``/metrics``.

With a token every request needs ``Authorization: Bearer TOKEN``; without one only loopback is answered. Nothing of
it is reachable on the public port.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import exposition

from daemon import metrics
from daemon.contract import circuit, secrets
from daemon.journal import accounts, events, migrate, runs
from daemon.journal.database import Connection, Journal, JournalUnavailable
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.times import SECOND, Clock


@dataclass(frozen=True, slots=True)
class Health:
    """What the admin side looks at. *silent* names the loops that make no progress, *closed* the sides that do
    not listen (yet, or any more).
    """

    journal: Journal
    clock: Clock
    silent: Callable[[], list[str]]
    closed: Callable[[], list[str]] = list

    def alive(self) -> tuple[bool, JsonObject]:
        """Whether the process does its work: every loop makes its rounds."""
        silent = self.silent()
        return not silent, {"status": "alive" if not silent else "stuck", "silent": silent}

    async def ready(self) -> tuple[bool, JsonObject]:
        """Whether callbacks can be taken: the journal is reachable and its schema current, both sides listen, the
        loops go round.
        """
        try:
            revision = await self.journal.read(migrate.revision)
        except JournalUnavailable as broken:
            return False, {"status": "not ready", "journal": str(broken)}
        current = revision == migrate.HEAD
        silent, closed = self.silent(), self.closed()
        well = current and not silent and not closed
        told = {"journal": "current" if current else f"schema {revision}", "silent": silent, "closed": closed}
        return well, {"status": "ready" if well else "not ready", **told}

    async def measure(self) -> bytes:
        """Everything counted, in Prometheus' text form; what the journal knows is asked now."""
        now = self.clock.now()
        counts, unrouted, due, known, parked = await self.journal.read(
            lambda connection: _look(connection, now)
        )
        metrics.open_runs.clear()
        for (reaction, status), count in counts.items():
            metrics.open_runs.labels(reaction, status).set(count)
        metrics.oldest_unrouted.set((now - unrouted) / SECOND if unrouted is not None else 0)
        metrics.oldest_due.set((now - due) / SECOND if due is not None else 0)
        _measure_accounts(known, parked, now)
        return exposition.generate_latest(metrics.registry)


Looked = tuple[
    dict[tuple[str, str], int], int | None, int | None, Mapping[str, accounts.Account], Mapping[str, int]
]


def _look(connection: Connection, now: int) -> Looked:
    return (
        runs.open_counts(connection),
        events.oldest_unrouted(connection),
        runs.oldest_due(connection, now),
        accounts.listed(connection),
        accounts.counts_parked(connection),
    )


def _measure_accounts(known: Mapping[str, accounts.Account], parked: Mapping[str, int], now: int) -> None:
    for gauge in (metrics.account_up, metrics.account_held, metrics.parked_runs):
        gauge.clear()
    for name, row in known.items():
        held = circuit.is_held(row.circuit, now)
        metrics.account_up.labels(name).set(not row.circuit.is_down)
        metrics.account_held.labels(name).set(((row.circuit.held_until or 0) - now) / SECOND if held else 0)
    for name in known.keys() | parked.keys():
        metrics.parked_runs.labels(name).set(parked.get(name, 0))


class AdminSide:
    """Answers the admin listener. ``token`` None: loopback only; it may be replaced at any time."""

    def __init__(self, health: Health, token: str | None) -> None:
        self.token = token
        self._health = health

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        if not self._is_allowed(request):
            refused = _answer(401, {"error": "unauthorized", "error_type": "unauthorized"})
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        if request.method not in ("GET", "HEAD"):
            return _answer(405, {"error": "only GET is answered here", "error_type": "method_not_allowed"})
        try:
            return await self._page(request.path)
        except JournalUnavailable as broken:
            return _answer(503, {"error": str(broken), "error_type": "unavailable"})

    def _is_allowed(self, request: web.BaseRequest) -> bool:
        if self.token is not None:
            word, _, given = request.headers.get("Authorization", "").partition(" ")
            return word.lower() == "bearer" and secrets.is_equal(given.strip(), self.token)
        # A page in the operator's own browser comes from loopback, too, but under the name it was loaded from.
        return _is_loopback(request.remote) and _is_local_name(request.host)

    async def _page(self, path: str) -> web.Response:
        if path == "/healthz":
            well, told = self._health.alive()
            return _answer(200 if well else 503, told)
        if path == "/readyz":
            ready, told = await self._health.ready()
            return _answer(200 if ready else 503, told)
        if path == "/metrics":
            text = await self._health.measure()
            return web.Response(body=text, headers={"Content-Type": exposition.CONTENT_TYPE_LATEST})
        return _answer(404, {"error": "not found", "error_type": "not_found"})


def _is_loopback(remote: str | None) -> bool:
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False


def _is_local_name(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return name == "localhost" or _is_loopback(name.strip("[]"))


def _answer(status: int, told: JsonObject) -> web.Response:
    return web.Response(status=status, body=jsons.dumps(told).encode(), content_type="application/json")
