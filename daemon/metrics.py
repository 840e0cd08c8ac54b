"""What is counted, for Prometheus. One registry of our own, so that nothing of the process leaks in twice.

Every room counts here; ``web`` serves it at ``/metrics``. Gauges that the journal knows are set just before
that.
"""

import collections
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library does not type it; that series is of no use
registry = CollectorRegistry()

callbacks = Counter(
    "pointsman_callbacks", "Callbacks by what became of them.", ["hook", "outcome"], registry=registry
)
events = Counter("pointsman_events", "Events that the journal took, by type.", ["type"], registry=registry)
runs = Counter(
    "pointsman_runs",
    "Runs that came to rest, by reaction and status.",
    ["reaction", "status"],
    registry=registry,
)
open_runs = Gauge(
    "pointsman_open_runs",
    "Runs that are not finished, by reaction and status.",
    ["reaction", "status"],
    registry=registry,
)
calls = Counter(
    "pointsman_calls", "Calls of services, by account and outcome.", ["account", "outcome"], registry=registry
)
call_seconds = Histogram("pointsman_call_seconds", "How long calls took.", ["account"], registry=registry)
polls = Counter(
    "pointsman_polls",
    "Polls, by account, resource and outcome.",
    ["account", "resource", "outcome"],
    registry=registry,
)
poll_lag = Gauge("pointsman_poll_lag_seconds", "How late the last poll began.", registry=registry)
commit_batch = Histogram(
    "pointsman_commit_batch_size",
    "Functions that one commit carried.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=registry,
)
admission_batch = Histogram(
    "pointsman_admission_batch_size",
    "Callbacks that one commit acknowledged.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=registry,
)
account_up = Gauge(
    "pointsman_account_up",
    "Whether an account is up (1), or down: it keeps failing or refuses us (0).",
    ["account"],
    registry=registry,
)
account_held = Gauge(
    "pointsman_account_held_seconds",
    "How long an account still wants to be left alone.",
    ["account"],
    registry=registry,
)
parked_runs = Gauge(
    "pointsman_parked_runs", "Runs that wait for their account to come back.", ["account"], registry=registry
)
oldest_unrouted = Gauge(
    "pointsman_oldest_unrouted_seconds", "Age of the oldest event that is not routed.", registry=registry
)
oldest_due = Gauge(
    "pointsman_oldest_due_run_seconds", "How long the oldest due run has waited.", registry=registry
)
reloads = Counter("pointsman_reloads", "Reloads of the config, by outcome.", ["outcome"], registry=registry)

MOST_TYPES = 500  # that are counted apart: senders of CloudEvents choose their own
OTHER_TYPES = "other"
_types: set[str] = set()


def count_events(types: Iterable[str]) -> None:
    """Count events by their *types*; those beyond the first :data:`MOST_TYPES` types together."""
    for type, number in collections.Counter(types).items():
        if len(_types) < MOST_TYPES:
            _types.add(type)
        events.labels(type if type in _types else OTHER_TYPES).inc(number)
