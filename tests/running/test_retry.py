"""When a failed call is tried again."""

from hypothesis import given
from hypothesis import strategies as some

from daemon.model import times
from daemon.model.reactions import Retry
from daemon.running import retry

LONGEST = 400 * times.DAY
durations = some.integers(0, LONGEST)
chances = some.floats(0, 1, exclude_max=True)


@some.composite
def retries(draw: some.DrawFn) -> Retry:
    first = draw(durations)
    return Retry(draw(some.integers(1, 1000)), first, draw(some.integers(first, LONGEST)))


@given(retries(), some.integers(1, 2000), some.none() | durations, chances)
def test_none_exactly_when_the_attempts_are_spent(
    given_retry: Retry, attempts: int, after: int | None, chance: float
) -> None:
    delay = retry.next_delay(given_retry, attempts, after, chance)
    assert (delay is None) == (attempts >= given_retry.attempts)


@given(retries(), some.integers(1, 2000), chances)
def test_never_longer_than_the_longest(given_retry: Retry, attempts: int, chance: float) -> None:
    delay = retry.next_delay(given_retry, attempts, None, chance)
    assert delay is None or 0 <= delay <= given_retry.max


@given(retries(), some.integers(1, 2000), durations, chances)
def test_never_sooner_than_the_service_asks(
    given_retry: Retry, attempts: int, after: int, chance: float
) -> None:
    delay = retry.next_delay(given_retry, attempts, after, chance)
    assert delay is None or after <= delay <= after + given_retry.first


@given(retries(), some.integers(1, 100), chances, chances)
def test_more_chance_is_never_less_delay(given_retry: Retry, attempts: int, one: float, two: float) -> None:
    low, high = (retry.next_delay(given_retry, attempts, None, chance) for chance in sorted((one, two)))
    assert (low is None and high is None) or (low is not None and high is not None and low <= high)


def test_full_jitter_begins_at_nothing_and_doubles_its_ceiling() -> None:
    plain = Retry(attempts=12, first=2 * times.SECOND, max=15 * times.MINUTE)
    ceilings = [retry.next_delay(plain, made, None, 1.0) for made in range(1, 12)]
    assert ceilings == [min(2**made, 900) * times.SECOND for made in range(1, 12)]
    assert {retry.next_delay(plain, made, None, 0.0) for made in range(1, 12)} == {0}
