"""What is asked all the time is answered from an index, however many rows have finished."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import accounts, bulk, events, hints, retention, runs, steps, turn, watches
from daemon.journal.database import Journal
from tests.journal.making import LEASE, NOW

ROWS = 3_000

ASKED: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "claim due": (lambda c: runs.claim(c, NOW, LEASE, NOW, 100), "runs_due"),
    "claim expired": (lambda c: runs.claim(c, NOW, LEASE, NOW, 100), "runs_leased"),
    "has expired": (lambda c: runs.has_expired(c, NOW), "runs_leased"),
    "oldest due": (lambda c: runs.oldest_due(c, NOW), "runs_due"),
    "router's turn": (lambda c: [turn.take(c, n, n + 1, NOW) for n in range(2)], "runs_due"),
    "next due": (runs.next_due, "runs_due"),
    "accounts with parked": (accounts.accounts_with_parked, "runs_parked"),
    "how many are parked": (lambda c: accounts.count_parked(c, "a"), "runs_parked"),
    "release parked": (lambda c: accounts.release(c, "a", NOW, 16), "runs_parked"),
    "open counts": (runs.open_counts, "runs_open"),
    "dead runs": (lambda c: runs.listed(c, runs.Filters(status="dead")), "runs_open"),
    "wake": (lambda c: runs.wake(c, "w", NOW), "runs_waiting_for"),
    "release": (lambda c: runs.release_all(c, NOW), "runs_leased"),
    "runs of an event": (lambda c: runs.of_event(c, "e"), "runs_event"),
    "steps of a work": (lambda c: steps.of_remote(c, "w"), "steps_waiting_for"),
    "hints of a row": (lambda c: hints.waiting(c, "w"), "hints_waiting"),
    "claim rows": (lambda c: watches.claim(c, NOW, "n", NOW, NOW, 10), "watches_due"),
    "next row": (watches.next_due, "watches_due"),
    "a trace": (lambda c: events.listed(c, events.Filters(trace="t7")), "events_trace"),
    "one fact": (lambda c: events.find_by_key(c, "s", "k"), "events_fact"),
    "unpinned": (lambda c: retention.prune_reactions(c, NOW), "runs_digest"),
}


RUNS: tuple[tuple[str, int, dict[str, str]], ...] = (  # status, how many, and what else such a row holds
    ("succeeded", ROWS, {}),
    ("pending", 400, {"due_at": "n"}),
    ("running", 40, {"lease_until": "n"}),
    ("waiting", 200, {"waits_for": "'w' || n"}),
    ("dead", 100, {}),
    ("parked", 100, {"parked_for": "'a'"}),
)
OTHERS = {
    "steps": "'r' || n, 0, 'a', 'log.write', 'succeeded', 'repeatable'",
    "hints": "'e' || n, 'w', 'a', 'r', 'i', '{}', 'confirmed', 1",
    "watches": "'w' || n, 'follow', 'a', 'r', '{}', TRUE, 1",
    "events": "'e' || n, 's', 'a.b', 's', 1, 1, 'k' || n, CAST('k' || n AS BLOB), 't', 0, '{}'",
}
COLUMNS = {
    "steps": "run_id, position, id, action, status, doubt",
    "hints": "event_id, watch, account, resource, remote_id, claim, verdict, created_at",
    "watches": "name, role, account, resource, options, announce, created_at",
    "events": "id, source, type, subject, time, recorded_at, key, fact, trace, depth, data",
}


def fill(connection: Connection) -> None:
    """Many finished rows, and a few of every other kind."""
    for status, number, more in RUNS:
        columns = ", ".join(["id, reaction, digest, event_id, status, trace, depth, created_at", *more])
        values = ", ".join(
            [f"'{status}' || n, 'copy', 'd', '{status}' || n, '{status}', 't', 0, 1", *more.values()]
        )
        insert(connection, "runs", columns, values, number)
    for table, values in OTHERS.items():
        insert(connection, table, COLUMNS[table], values, ROWS)
    insert(connection, "reactions", "digest, name, definition, recorded_at", "'d' || n, 'x', '{}', 1", 3)
    if connection.dialect.name == "postgresql":  # nobody says it to SQLite
        connection.execute(sa.text("ANALYZE"))


def insert(connection: Connection, table: str, columns: str, values: str, number: int) -> None:
    if connection.dialect.name == "postgresql":
        values = values.replace("AS BLOB", "AS BYTEA")
    count = f"SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number}"
    numbers = f"WITH RECURSIVE numbers(n) AS ({count})"
    connection.execute(sa.text(f"INSERT INTO {table} ({columns}) {numbers} SELECT {values} FROM numbers"))


def plans_of(connection: Connection, asked: Callable[[Connection], Any]) -> str:
    """The plans of all statements that *asked* makes, with the very values it binds."""
    said: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        said.append((statement, parameters))

    ready = bulk.Statement._ready

    def overhear(one: bulk.Statement, c: Connection, values: Any) -> Any:
        words, given = ready(one, c, values)
        said.append((words, tuple(given)))
        return words, given

    sa.event.listen(connection, "before_cursor_execute", listen)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bulk.Statement, "_ready", overhear)
        asked(connection)
    sa.event.remove(connection, "before_cursor_execute", listen)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    plans = [
        connection.exec_driver_sql(explain + statement, parameters).all()
        for statement, parameters in said
        if not statement.startswith(("LOCK", "SAVEPOINT"))
    ]
    return "\n".join(str(row) for plan in plans for row in plan)


async def test_what_is_asked_is_answered_from_its_index(journal: Journal) -> None:
    await journal.write(fill)
    plans = {name: await journal.write(partial(plans_of, asked=asked)) for name, (asked, _) in ASKED.items()}
    elsewhere = {name: plan for name, plan in plans.items() if ASKED[name][1] not in plan}
    assert elsewhere == {}
