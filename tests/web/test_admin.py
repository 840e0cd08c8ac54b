"""The admin side over real sockets: who may ask, what is told, and that it stands on its own port alone."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from daemon import metrics
from daemon.app import listening
from daemon.contract.circuit import Circuit, Reason, State
from daemon.journal import accounts, database, events, migrate, runs, sqlite
from daemon.model.events import Fact
from daemon.model.runs import RunStatus
from daemon.web.admin import AdminSide, Health
from tests import clocks
from tests.intake.doors import read_answer
from tests.journal import making
from tests.journal.conftest import batches, blank_database, blank_file, journal, server_url, sqlite_url, url

__all__ = ["batches", "blank_database", "blank_file", "journal", "server_url", "sqlite_url", "url"]

SERIES = (
    'pointsman_callbacks_total{hook="shop",outcome="accepted"} ',
    'pointsman_callbacks_total{hook="shop",outcome="duplicate"} ',
    'pointsman_callbacks_total{hook="shop",outcome="rejected"} ',
    'pointsman_events_total{type="orders.received"} ',
    'pointsman_runs_total{reaction="copy",status="dead"} ',
    "pointsman_oldest_unrouted_seconds 7.0",
    "pointsman_oldest_due_run_seconds 0.0",
    "pointsman_poll_lag_seconds ",
    'pointsman_calls_total{account="shop",outcome="ok"} ',
    "pointsman_commit_batch_size_bucket",
    "pointsman_admission_batch_size_bucket",
)


class Admin:
    """An admin side that listens; the lists say what is wrong with the daemon."""

    def __init__(self, journal: database.Journal, token: str | None) -> None:
        self.clock = clocks.VirtualClock()
        self.silent: list[str] = []
        self.closed: list[str] = []
        health = Health(journal, self.clock, lambda: self.silent, lambda: self.closed)
        self.side = AdminSide(health, token)
        self.listener = listening.Listener(self.side.handle, [listening.bind("127.0.0.1", 0)])

    async def get(self, path: str, host: str = "127.0.0.1:8081", method: str = "GET", **headers: str):
        """One answer."""
        port = int(self.listener.addresses[0].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"{name}: {value}\r\n" for name, value in {"host": host, **headers}.items()]
        writer.write(f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        answer = await read_answer(reader)
        writer.close()
        return answer


@asynccontextmanager
async def serving(journal: database.Journal, token: str | None = None):
    """A started admin side."""
    admin = Admin(journal, token)
    await admin.listener.start()
    try:
        yield admin
    finally:
        await admin.listener.stop()


async def test_health_tells_of_loops_that_stand_still(journal):
    async with serving(journal) as admin:
        assert (await admin.get("/healthz")).json == {"status": "alive", "silent": []}
        admin.silent = ["router"]
        stuck = await admin.get("/healthz")
    assert (stuck.status, stuck.json) == (503, {"status": "stuck", "silent": ["router"]})


async def test_ready_is_a_reachable_current_journal_behind_open_listeners(journal):
    async with serving(journal) as admin:
        ready = await admin.get("/readyz")
        assert (ready.status, ready.json["status"], ready.json["journal"]) == (200, "ready", "current")
        admin.closed = ["public"]
        closed = await admin.get("/readyz")
        admin.closed, admin.silent = [], ["worker"]
        silent = await admin.get("/readyz")
    assert (closed.status, closed.json["closed"]) == (503, ["public"])
    assert (silent.status, silent.json["silent"]) == (503, ["worker"])


async def test_a_journal_of_another_schema_or_none_is_not_ready(sqlite_url):
    journal = await database.open_journal(sqlite_url)
    async with serving(journal) as admin:
        await journal.write(
            lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        )
        outdated = await admin.get("/readyz")
        path = sqlite.path_of(sqlite_url)
        path.rename(f"{path}.away")
        lost = await admin.get("/readyz")
        measured = await admin.get("/metrics")
        alive = await admin.get("/healthz")
    await journal.close()
    assert (outdated.status, outdated.json["journal"]) == (503, "schema 0000")
    assert migrate.HEAD != "0000"
    assert (lost.status, measured.status, alive.status) == (503, 503, 200)


async def test_metrics_hold_what_operators_need(journal, monkeypatch):
    monkeypatch.setattr(metrics, "_types", set())  # others may have filled it
    for outcome in ("accepted", "duplicate", "rejected"):
        metrics.callbacks.labels("shop", outcome).inc()
    metrics.count_events(["orders.received"])
    metrics.runs.labels("copy", "dead").inc()
    metrics.calls.labels("shop", "ok").inc()
    async with serving(journal) as admin:
        now = admin.clock.now()
        fact = Fact("orders.received", "", "k", {})
        await journal.write(lambda connection: events.emit(connection, [fact], "shop", now))
        admin.clock.set(now + 7_000_000)
        answer = await admin.get("/metrics")
    assert (answer.status, answer.headers["content-type"][:10]) == (200, "text/plain")
    text = answer.body.decode()
    assert [series for series in SERIES if series not in text] == []


async def test_metrics_tell_of_every_account(journal):
    async with serving(journal) as admin:
        now = admin.clock.now()
        down = Circuit(State.OPEN, 1, 5, Reason.UNAVAILABLE, "503", now, probe_at=now)
        held = Circuit(held_until=now + 9_000_000, held_for=9_000_000)

        def write(connection):
            accounts.configure(connection, ["mill", "shop"])
            accounts.change(connection, "shop", lambda _: down)
            accounts.change(connection, "mill", lambda _: held)
            (run,) = runs.make(connection, [making.new_run("e")], now, [making.LEASE])
            runs.move(connection, run, RunStatus.PARKED, parked_for="shop")

        await journal.write(write)
        text = (await admin.get("/metrics")).body.decode()
    assert 'pointsman_account_up{account="shop"} 0.0' in text
    assert 'pointsman_account_up{account="mill"} 1.0' in text
    assert 'pointsman_account_held_seconds{account="mill"} 9.0' in text
    assert 'pointsman_account_held_seconds{account="shop"} 0.0' in text
    assert 'pointsman_parked_runs{account="shop"} 1.0' in text
    assert 'pointsman_parked_runs{account="mill"} 0.0' in text


def test_types_without_end_are_counted_together(monkeypatch):
    monkeypatch.setattr(metrics, "_types", set())
    metrics.count_events(f"made.up.{n}" for n in range(2 * metrics.MOST_TYPES))
    count = metrics.registry.get_sample_value("pointsman_events_total", {"type": metrics.OTHER_TYPES})
    assert count is not None
    assert count >= metrics.MOST_TYPES


@pytest.mark.parametrize(
    "given, status",
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "the-admin-token"}, 401),
        ({"authorization": "Basic the-admin-token"}, 401),
        ({"authorization": "Bearer the-admin-token"}, 200),
        ({"authorization": "bearer the-admin-token"}, 200),
    ],
)
async def test_with_a_token_nobody_is_let_in_without(journal, given, status):
    async with serving(journal, "the-admin-token") as admin:
        answers = [await admin.get(path, **given) for path in ("/healthz", "/readyz", "/metrics")]
        other = await admin.get("/elsewhere", **given)
    assert {one.status for one in answers} == {status}
    assert other.status == (404 if status == 200 else 401)


@pytest.mark.parametrize(
    "host, status",
    [
        ("localhost", 200),
        ("localhost:8081", 200),
        ("127.0.0.1", 200),
        ("[::1]:8081", 200),
        ("evil.example:8081", 401),
        ("127.0.0.1.evil.example", 401),
    ],
)
async def test_without_a_token_a_strangers_page_on_loopback_is_kept_out(journal, host, status):
    async with serving(journal) as admin:
        assert (await admin.get("/healthz", host)).status == status


async def test_only_reading_is_answered(journal):
    async with serving(journal) as admin:
        assert (await admin.get("/healthz", method="POST")).status == 405
        assert (await admin.get("/hooks/orders", method="POST")).status == 405
        assert (await admin.get("/hooks/orders")).status == 404


@pytest.mark.parametrize(
    "remote, allowed", [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), (None, False), ("", False)]
)
def test_without_a_token_only_loopback_is_let_in(remote, allowed):
    asking = SimpleNamespace(headers={}, host="localhost", remote=remote)
    side = AdminSide(None, None)  # type: ignore[arg-type]  # who may ask is decided before anything is looked at
    assert side._is_allowed(asking) is allowed  # type: ignore[arg-type]  # all that is looked at


def test_a_taken_address_is_named_with_what_to_do():
    with listening.bind("127.0.0.1", 0) as taken:
        host, port = taken.getsockname()
        with pytest.raises(listening.CannotListen) as caught:
            listening.bind(host, port)
    assert f"{host}:{port}: Address already in use. Stop what" in str(caught.value)
    assert "[http]" in str(caught.value)
