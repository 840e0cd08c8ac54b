"""When a row is polled next. Pure: the time and the chance are passed in, instants and durations are
microseconds.
"""

from daemon.journal.watches import Polled
from daemon.model.times import MINUTE, SECOND

JITTER = 0.1  # of an interval, so that rows do not march in step
FOLLOW_SOONEST = 1 * SECOND
FOLLOW_LATEST = 2 * MINUTE
FIRST_BACKOFF = 5 * SECOND
LONGEST_BACKOFF = 5 * MINUTE  # or the row's own interval, where that is longer
_DOUBLINGS = 20

FAILURES_TOLD = 3  # in a row, or so many intervals without success


def after_success(row: Polled, now: int, chance: float) -> int | None:
    """The next poll of a watch or of followed work; None for a row that is polled only on request."""
    if row.role == "hint":
        return None
    if row.every is not None:
        return now + row.every - int(row.every * JITTER * (0.5 - chance))
    # Followed work is looked at often while it is young: a tenth of its age later.
    age = now - row.created_at
    return now + min(FOLLOW_LATEST, max(FOLLOW_SOONEST, age // 10))


def after_failure(row: Polled, failures: int, now: int, chance: float, retry_after: int | None) -> int:
    """The next try after *failures* in a row: exponential with jitter, what the service asked for at
    least.
    """
    longest = max(LONGEST_BACKOFF, row.every or 0)
    backoff = min(longest, FIRST_BACKOFF << min(failures - 1, _DOUBLINGS))
    delay = int(backoff * (0.5 + chance / 2))
    return now + max(delay, retry_after or 0)


def is_failing(row: Polled, failures: int, now: int) -> bool:
    """Whether a row that just failed is to be told of: three failures, or three intervals without success."""
    if failures >= FAILURES_TOLD:
        return True
    since = row.polled_at if row.polled_at is not None else row.created_at
    return row.every is not None and now - since >= FAILURES_TOLD * row.every
