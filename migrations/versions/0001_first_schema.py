"""The first schema: events, runs and steps, watches and what they remember, hints, schedules, state."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _index(name: str, table: str, columns: list[str], where: str, unique: bool = False) -> None:
    """An index of the rows of which *where* is true."""
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fact", sa.LargeBinary(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_fact", "events", ["fact"], unique=True)
    op.create_index("events_id", "events", ["id"], unique=True)
    _index("events_trace", "events", ["trace"], "trace <> id")


def _hints() -> None:
    op.create_table(
        "hints",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("watch", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=True),
        sa.Column("became", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("verdict IN ('waiting','confirmed','superseded','refuted')", name="hints_verdict"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    _index("hints_waiting", "hints", ["watch"], "verdict = 'waiting'")


def _memories() -> None:
    op.create_table(
        "memories",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("memory", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("stalled_told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("callbacks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("called_at", sa.BigInteger(), nullable=True),
        sa.Column("calling", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account", "resource", "remote_id"),
    )


def _reactions() -> None:
    op.create_table(
        "reactions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def _rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _remotes() -> None:
    op.create_table(
        "remotes",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "noun", "remote_id", "run_id"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("reaction", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("item_key", sa.Text(), server_default="", nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("replay", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lock_key", sa.Text(), nullable=True),
        sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("parked_for", sa.Text(), nullable=True),
        sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counting_since", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        *_runs_checks(),
        sa.PrimaryKeyConstraint("id"),
    )


def _runs_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name="runs_lease"),
        sa.CheckConstraint("(status = 'parked') = (parked_for IS NOT NULL)", name="runs_parking"),
        sa.CheckConstraint(
            "lock_key IS NULL OR status IN ('pending','running','waiting','parked')", name="runs_lock"
        ),
        sa.CheckConstraint("lock_key IS NOT NULL OR NOT locked", name="runs_locked_by_key"),
        sa.CheckConstraint("waits_for IS NULL OR status = 'waiting'", name="runs_wait"),
        sa.CheckConstraint(
            "status IN ('pending','running','waiting','parked','succeeded','dead','in_doubt','cancelled',"
            "'skipped')",
            name="runs_status",
        ),
    ]


def _runs_indexes() -> None:
    _index("runs_due", "runs", ["due_at", "id"], "status IN ('pending','waiting') AND due_at IS NOT NULL")
    op.create_index("runs_digest", "runs", ["digest"], unique=False)
    op.create_index("runs_event", "runs", ["event_id"], unique=False)
    _index("runs_leased", "runs", ["lease_until"], "status = 'running'")
    op.create_index("runs_once", "runs", ["reaction", "event_id", "item_key", "replay"], unique=True)
    _index("runs_open", "runs", ["status", "id"], "status NOT IN ('succeeded','cancelled','skipped')")
    _index("runs_waiting_for", "runs", ["waits_for"], "waits_for IS NOT NULL")


def _lines() -> None:
    _index("runs_line", "runs", ["lock_key", "id"], "lock_key IS NOT NULL")
    _index("runs_locked", "runs", ["lock_key"], "locked", unique=True)


def _parking() -> None:
    _index("runs_parked", "runs", ["parked_for", "id"], "status = 'parked'")
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="closed", nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("pauses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("probe_at", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("held_for", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("trial", sa.Text(), nullable=True),
        sa.Column("tried", sa.Text(), nullable=True),
        sa.Column("worked_at", sa.BigInteger(), nullable=True),
        sa.Column("busy_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('closed','open','half_open')", name="accounts_state"),
        sa.CheckConstraint(
            "state = 'closed' OR (reason IS NOT NULL AND since IS NOT NULL)", name="accounts_down"
        ),
        sa.CheckConstraint("trial IS NULL OR state = 'half_open'", name="accounts_trial"),
        sa.PrimaryKeyConstraint("name"),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("fired_at", sa.BigInteger(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _state() -> None:
    op.create_table(
        "state",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("doubt", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("remote", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("history", sa.Text(), nullable=True),
        sa.Column("doubted_at", sa.BigInteger(), nullable=True),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending','running','waiting','succeeded','failed','in_doubt','skipped')",
            name="steps_status",
        ),
        sa.CheckConstraint(
            "doubted_at IS NULL OR status IN ('pending','running','failed','in_doubt')", name="steps_doubt"
        ),
        sa.CheckConstraint(
            "(sent_at IS NOT NULL AND doubted_at IS NOT NULL) OR status NOT IN ('running','in_doubt')",
            name="steps_intent",
        ),
        sa.PrimaryKeyConstraint("run_id", "position"),
    )


def _steps_indexes() -> None:
    _index("steps_waiting_for", "steps", ["remote"], "status = 'waiting'")


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=True),
        sa.Column("announce", sa.Boolean(), nullable=False),
        sa.Column("every", sa.BigInteger(), nullable=True),
        sa.Column("stalled_after", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failing_told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('watch','follow','hint')", name="watches_role"),
        sa.PrimaryKeyConstraint("name"),
    )
    _index("watches_due", "watches", ["due_at"], "due_at IS NOT NULL")


def upgrade() -> None:
    """Make every table of an empty journal."""
    _events()
    _cursors()
    _reactions()
    _runs()
    _runs_indexes()
    _lines()
    _parking()
    _steps()
    _steps_indexes()
    _remotes()
    _watches()
    _memories()
    _hints()
    _schedules()
    _state()
    _rejections()
