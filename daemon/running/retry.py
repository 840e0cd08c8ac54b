"""Whether and when a failed call is tried again. Pure: randomness and time are passed in."""

from daemon.model import times
from daemon.model.reactions import Retry

SOONEST_ASIDE, LATEST_ASIDE = 1 * times.SECOND, 15 * times.SECOND
_DOUBLINGS = 30  # beyond, any first delay has long met its maximum


def next_delay(retry: Retry, attempts: int, retry_after: int | None, chance: float) -> int | None:
    """Microseconds until the next attempt after *attempts* made, None when they are spent.

    Exponential backoff with full jitter: *chance* (0 to 1) of ``first * 2^(attempts - 1)``, at most
    ``max``. What the service asked for (*retry_after*) is always obeyed; the jitter comes on top.
    """
    return None if attempts >= retry.attempts else pause(retry, attempts, retry_after, chance)


def pause(retry: Retry, attempts: int, retry_after: int | None, chance: float) -> int:
    """Microseconds of backoff after *attempts* made, however many there may be (see :func:`next_delay`)."""
    ceiling = min(retry.max, retry.first << min(max(attempts, 1) - 1, _DOUBLINGS))
    jitter = int(ceiling * chance)
    return jitter if retry_after is None else retry_after + min(jitter, retry.first)


def step_aside(age: int, chance: float) -> int:
    """Microseconds until a run of *age* looks again for a place at its account: the longer the queue has been, the
    later, so that many waiting runs cost little.
    """
    ceiling = min(LATEST_ASIDE, max(SOONEST_ASIDE, age // 4))
    return int(ceiling * (0.5 + chance / 2))
