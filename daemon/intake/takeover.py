"""Who is in charge of an object that its service calls us about: the callbacks, or polling. Pure.

A service that stops calling after a dozen times must not go unheard: what was called about is looked at now and then,
and polled once the calls near their end, go quiet while something rises, or are switched off. Whoever looks tells the
same facts with the same keys. ``findings`` and ``arrivals`` ask; ``reading_back`` takes the next look from here.
"""

from collections.abc import Sequence

from daemon.contract.declare import Budget
from daemon.model import calling, records
from daemon.model.calling import Calling
from daemon.model.times import DAY, HOUR, MINUTE

SLACK = 5 * MINUTE  # that a call may be late
GUARD_EACH = 2  # of the service's own intervals: how often is looked while callbacks are in charge
LONGEST_GUARD = 1 * DAY
SOONEST_POLL = 15 * MINUTE
LONGEST_POLL = 6 * HOUR
FADING = 4  # a look comes after this part of the time for which nothing has risen
JITTER = 0.1
CALLS_APART = (
    2  # a call without news counts when this part of the service's interval has passed since the last
)


@records.record
class Heard:
    """What one look (or one trusted callback) says of the callbacks: *used* of them in all, whether one *called* and
    whether something *rose*; *hook* is whether the service says that it is on, None where it does not say."""

    used: int
    called: bool
    rose: bool
    hook: bool | None = None


@records.record
class Warned:
    """An object whose callbacks have reached a share of their budget."""

    account: str
    object: str
    percent: int
    used: int
    budget: int


def decide(known: Calling | None, budget: Budget, heard: Heard, now: int) -> Calling:
    """Who is in charge from *now* on."""
    old = known or Calling(budget.firings, now)
    unheard = None if heard.called else old.unheard_since
    if heard.rose and not heard.called and unheard is None:
        unheard = now
    hook = old.hook if heard.hook is None else heard.hook
    because = _why_polled(budget, heard, hook, unheard, now)
    return Calling(
        budget=budget.firings,
        since=old.since,
        in_charge=calling.CALLBACK if because is None else calling.POLL,
        because=because,
        rose_at=now if heard.rose else old.rose_at,
        unheard_since=unheard,
        hook=hook,
    )


def _why_polled(budget: Budget, heard: Heard, hook: bool | None, unheard: int | None, now: int) -> str | None:
    if heard.used * 100 >= calling.TAKEN_OVER_AT * budget.firings:
        return calling.BUDGET
    if hook is False:
        return calling.OFF
    return calling.QUIET if unheard is not None and now - unheard >= patience(budget) else None


def patience(budget: Budget) -> int:
    """How long after a rise its callback may come."""
    return budget.first + budget.every + SLACK


def next_look(known: Calling, budget: Budget, called_at: int | None, now: int, chance: float) -> int:
    """When the object is looked at next, by itself. What has not risen for long is looked at less and less."""
    if known.in_charge == calling.CALLBACK and known.unheard_since is not None:
        return max(known.unheard_since + patience(budget), now + SLACK)
    age = now - max(at for at in (known.since, known.rose_at, called_at) if at is not None)
    if known.in_charge == calling.POLL:
        pause = min(LONGEST_POLL, max(SOONEST_POLL, age // FADING))
    else:
        pause = min(LONGEST_GUARD, max(GUARD_EACH * budget.every, age // FADING))
    return now + pause - int(pause * JITTER * (0.5 - chance))


def counts(budget: Budget, called_at: int | None, now: int) -> bool:
    """Whether a callback without news, of which a poll was faster, is one more call of the service's: it comes a part
    of an interval after the last that counted. Otherwise it is the same call once more, or invented, whatever it says:
    the service does not call so often."""
    return called_at is None or now - called_at >= budget.every // CALLS_APART


def warnings(account: str, object: str, before: int, after: int, budget: int) -> Sequence[Warned]:
    """What is to be said, once each, when the callbacks about *object* went from *before* to *after*."""
    return [
        Warned(account, object, percent, after, budget) for percent in calling.crossed(before, after, budget)
    ]
