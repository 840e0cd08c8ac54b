"""The journal's tables. One schema for SQLite and PostgreSQL; Alembic's migrations follow it.

Instants are UTC microseconds in BIGINT, payloads are JSON text, booleans are real ones. Due work is found by
partial indexes that hold only unfinished rows, so claiming costs the same whatever has finished.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
)

metadata = MetaData()


def storable(text: str) -> str:
    """*text* as both databases can keep it: PostgreSQL refuses NUL, neither takes half a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


class Text(sa.TypeDecorator[str]):
    """Text that is made :func:`storable` on its way in, in statements and in what they compare with."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """The text as it is stored."""
        return value if value is None else storable(value)


def insert_into(connection: sa.Connection, table: Table) -> Any:
    """An INSERT of the connection's own database, which has ON CONFLICT. The other database's is not loaded."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows for which *where* holds. Said for SQLite alone: a word about PostgreSQL here loads all that
    SQLAlchemy knows of it, into daemons that never meet one.
    """
    return Index(name, *columns, unique=unique, sqlite_where=sa.text(where))


@sa.event.listens_for(metadata, "before_create")
def say_in_full(target: MetaData, _connection: sa.Connection, **_options: Any) -> None:
    """Say it for PostgreSQL too, where *target*'s tables are made without the migrations."""
    for table in target.tables.values():
        for index in table.indexes:
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


# SQLite gives automatic numbers to INTEGER PRIMARY KEY only.
_Seq = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    Column("trace", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("cause", Text),
    Column("origin", Text),
    Column("data", Text, nullable=False),
    Index("events_id", "id", unique=True),
    Index("events_fact", "fact", unique=True),
    # An event that begins a trace gave it its own id, and most events do.
    _partial("events_trace", "trace", where="trace <> id"),
    sqlite_autoincrement=True,
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

reactions = Table(
    "reactions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)

_STATUSES = "'pending','running','waiting','parked','succeeded','dead','in_doubt','cancelled','skipped'"
_GOING_ON = "'pending','running','waiting','parked'"
_ENDED = "'succeeded','cancelled','skipped'"

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reaction", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("item_key", Text, nullable=False, server_default=""),
    Column("item", Text),
    Column("replay", Integer, nullable=False, server_default="0"),
    Column("status", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("node", Text),
    Column("lease_until", BigInteger),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("due_at", BigInteger),
    Column("lock_key", Text),
    Column("locked", Boolean, nullable=False, server_default=sa.false()),
    Column("waits_for", Text),
    Column("parked_for", Text),
    Column("spent", BigInteger, nullable=False, server_default="0"),
    Column("counting_since", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    CheckConstraint(f"status IN ({_STATUSES})", name="runs_status"),
    CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name="runs_lease"),
    CheckConstraint("(status = 'parked') = (parked_for IS NOT NULL)", name="runs_parking"),
    CheckConstraint(f"lock_key IS NULL OR status IN ({_GOING_ON})", name="runs_lock"),
    CheckConstraint("lock_key IS NOT NULL OR NOT locked", name="runs_locked_by_key"),
    CheckConstraint("waits_for IS NULL OR status = 'waiting'", name="runs_wait"),
    Index("runs_once", "reaction", "event_id", "item_key", "replay", unique=True),
    Index("runs_event", "event_id"),
    Index("runs_digest", "digest"),
    _partial("runs_due", "due_at", "id", where="status IN ('pending','waiting') AND due_at IS NOT NULL"),
    _partial("runs_leased", "lease_until", where="status = 'running'"),
    _partial("runs_waiting_for", "waits_for", where="waits_for IS NOT NULL"),
    _partial("runs_locked", "lock_key", unique=True, where="locked"),
    _partial("runs_line", "lock_key", "id", where="lock_key IS NOT NULL"),
    _partial("runs_parked", "parked_for", "id", where="status = 'parked'"),
    _partial("runs_open", "status", "id", where=f"status NOT IN ({_ENDED})"),
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("account", Text),
    Column("status", Text, nullable=False),
    Column("doubt", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("request", Text),
    Column("before", Text),
    Column("remote", Text),
    Column("response", Text),
    Column("error", Text),
    Column("history", Text),
    Column("doubted_at", BigInteger),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("sent_at", BigInteger),
    Column("finished_at", BigInteger),
    CheckConstraint(
        "status IN ('pending','running','waiting','succeeded','failed','in_doubt','skipped')",
        name="steps_status",
    ),
    CheckConstraint(
        "doubted_at IS NULL OR status IN ('pending','running','failed','in_doubt')", name="steps_doubt"
    ),
    CheckConstraint(
        "(sent_at IS NOT NULL AND doubted_at IS NOT NULL) OR status NOT IN ('running','in_doubt')",
        name="steps_intent",
    ),
    _partial("steps_waiting_for", "remote", where="status = 'waiting'"),
)

remotes = Table(
    "remotes",
    metadata,
    Column("account", Text, primary_key=True),
    Column("noun", Text, primary_key=True),
    Column("remote_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("step_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("wanted", Text),
    Column("announce", Boolean, nullable=False),
    Column("every", BigInteger),
    Column("stalled_after", BigInteger),
    Column("due_at", BigInteger),
    Column("node", Text),
    Column("lease_until", BigInteger),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("paused", Boolean, nullable=False, server_default=sa.false()),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", BigInteger),
    Column("failing_told", Boolean, nullable=False, server_default=sa.false()),
    Column("error", Text),
    Column("polled_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("role IN ('watch','follow','hint')", name="watches_role"),
    _partial("watches_due", "due_at", where="due_at IS NOT NULL"),
)

memories = Table(
    "memories",
    metadata,
    Column("account", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("remote_id", Text, primary_key=True),
    Column("memory", Text),
    Column("version", BigInteger, nullable=False),
    Column("state", Text),
    Column("since", BigInteger),
    Column("stalled_told", Boolean, nullable=False, server_default=sa.false()),
    Column("callbacks", Integer, nullable=False, server_default="0"),
    Column("event_id", Text),
    Column("called_at", BigInteger),
    Column("calling", Text),
)

hints = Table(
    "hints",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("watch", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("claim", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("found", Text),
    Column("became", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    CheckConstraint("verdict IN ('waiting','confirmed','superseded','refuted')", name="hints_verdict"),
    _partial("hints_waiting", "watch", where="verdict = 'waiting'"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("next_at", BigInteger),
    Column("fired_at", BigInteger),
    Column("node", Text),
    Column("lease_until", BigInteger),
    Column("fence", BigInteger, nullable=False, server_default="0"),
)

state = Table(
    "state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False, server_default="closed"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("error", Text),
    Column("since", BigInteger),
    Column("pauses", Integer, nullable=False, server_default="0"),
    Column("probe_at", BigInteger),
    Column("held_until", BigInteger),
    Column("held_for", BigInteger, nullable=False, server_default="0"),
    Column("trial", Text),
    Column("tried", Text),
    Column("worked_at", BigInteger),
    Column("busy_until", BigInteger),
    CheckConstraint("state IN ('closed','open','half_open')", name="accounts_state"),
    CheckConstraint("state = 'closed' OR (reason IS NOT NULL AND since IS NOT NULL)", name="accounts_down"),
    CheckConstraint("trial IS NULL OR state = 'half_open'", name="accounts_trial"),
)

rejections = Table(
    "rejections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("body", Text, nullable=False),
)
