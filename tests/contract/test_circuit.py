"""An account's circuit: when it opens, who may call, when it is probed, and that nothing can go round it."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from daemon.contract import circuit, errors
from daemon.contract.circuit import Circuit, Failure, Reason, Shut, State
from daemon.model import times

NOW = 1_764_547_200 * times.SECOND
BUSY = Failure("503: busy", 503)
REFUSED = Failure("401: no", 401, unauthorized=True)

chances = st.floats(0, 1)


def fail(one: Circuit, failure: Failure = BUSY, now: int = NOW, chance: float = 1.0) -> Circuit:
    """The circuit after a call that began just now failed."""
    return circuit.after_failure(one, one.fence, failure, now, chance)


def opened(now: int = NOW) -> Circuit:
    """A circuit that has just opened."""
    one = Circuit()
    for _ in range(circuit.FAILURES):
        one = fail(one, now=now)
    return one


def test_five_failures_in_a_row_open_it() -> None:
    one = Circuit()
    for number in range(1, circuit.FAILURES):
        one = fail(one, now=NOW + number)
        assert (one.state, one.failures, one.since) == (State.CLOSED, number, NOW + 1)
        assert circuit.admits(one, NOW, "r")
    one = fail(one, now=NOW + 9)
    assert (one.state, one.reason, one.error, one.since) == (
        State.OPEN,
        Reason.UNAVAILABLE,
        "503: busy",
        NOW + 1,
    )
    assert one.probe_at == NOW + 9 + circuit.FIRST_PAUSE
    assert not circuit.admits(one, NOW + 9, "r")


def test_an_answer_between_failures_begins_the_row_anew() -> None:
    one = Circuit()
    for _ in range(3):
        for _ in range(circuit.FAILURES - 1):
            one = fail(one)
        one = circuit.after_answer(one, one.fence)
        assert (one.state, one.failures, one.since) == (State.CLOSED, 0, None)


def test_refused_credentials_open_it_at_once() -> None:
    one = fail(Circuit(), REFUSED)
    assert (one.state, one.reason, one.failures) == (State.OPEN, Reason.UNAUTHORIZED, 1)


def test_a_short_pause_holds_the_account_and_a_long_one_takes_it_down() -> None:
    short = fail(Circuit(), Failure("429", 429, retry_after=5 * times.SECOND))
    assert (short.state, circuit.is_held(short, NOW)) == (State.CLOSED, True)
    assert not circuit.admits(short, NOW + 5 * times.SECOND - 1, None)
    assert circuit.admits(short, NOW + 5 * times.SECOND, None)
    assert circuit.next_at(short, NOW) == NOW + 5 * times.SECOND
    long = fail(Circuit(), Failure("429: quota", 429, retry_after=3 * times.HOUR))
    assert long.state is State.OPEN
    assert not circuit.is_probe_due(long, NOW + 3 * times.HOUR - 1)
    assert circuit.is_probe_due(long, NOW + 3 * times.HOUR)
    assert circuit.next_at(long, NOW) == NOW + 3 * times.HOUR


def test_calls_that_were_under_way_add_no_failures_to_a_pause() -> None:
    asked = Failure("429", 429, retry_after=times.SECOND)
    one = Circuit()
    for chance in range(2 * circuit.FAILURES):
        one = circuit.after_failure(one, 0, asked, NOW + chance, 1.0)
    assert (one.state, one.failures) == (State.CLOSED, 1)
    assert one.held_until == NOW + 2 * circuit.FAILURES - 1 + times.SECOND


def test_old_news_do_not_move_it() -> None:
    one = opened()
    assert circuit.after_answer(one, 0) == one
    assert circuit.after_failure(one, 0, BUSY, NOW, 1.0) == one
    half = circuit.begin_probe(one, NOW + times.MINUTE)
    assert circuit.after_answer(half, one.fence) == half
    assert circuit.give_trial(half, one.fence, "r", NOW) == half
    assert circuit.after_nothing(half, one.fence, NOW) == half


def test_a_probe_asks_one_run_and_closes_it() -> None:
    one = opened()
    assert circuit.begin_probe(one, NOW) == one
    half = circuit.begin_probe(one, NOW + circuit.FIRST_PAUSE)
    assert half.state is State.HALF_OPEN
    assert not circuit.admits(half, NOW, "r1")
    assert not circuit.admits(half, NOW, None)
    trying = circuit.give_trial(half, half.fence, "r1", NOW)
    assert circuit.admits(trying, NOW, "r1")
    assert circuit.admits(trying, NOW, None)
    assert not circuit.admits(trying, NOW, "r2")
    closed = circuit.after_answer(trying, trying.fence)
    assert (closed.state, closed.failures, closed.error) == (State.CLOSED, 0, None)
    assert closed.fence > trying.fence


def test_a_failed_probe_waits_longer_and_keeps_the_beginning() -> None:
    one = opened()
    since, pauses = one.since, []
    for _ in range(12):
        assert one.probe_at is not None
        now = one.probe_at
        one = fail(circuit.begin_probe(one, now), now=now)
        assert (one.state, one.since) == (State.OPEN, since)
        pauses.append((one.probe_at or 0) - now)
    assert pauses[:3] == [2 * circuit.FIRST_PAUSE, 4 * circuit.FIRST_PAUSE, 8 * circuit.FIRST_PAUSE]
    assert pauses[-1] == circuit.LONGEST_PAUSE


def test_a_probe_that_nobody_ends_is_made_again() -> None:
    half = circuit.begin_probe(opened(), NOW + times.MINUTE)
    later = NOW + times.MINUTE + circuit.PROBE_LASTS
    assert circuit.begin_probe(half, later - 1) == half
    again = circuit.begin_probe(half, later)
    assert (again.state, again.fence) == (State.HALF_OPEN, half.fence + 1)
    nothing = circuit.after_nothing(again, again.fence, later)
    assert (nothing.state, circuit.is_probe_due(nothing, later)) == (State.OPEN, True)


def test_a_slow_trial_ends_its_own_outage_and_no_other() -> None:
    half = circuit.begin_probe(opened(), NOW + times.MINUTE)
    again = circuit.begin_probe(half, NOW + times.HOUR)
    assert circuit.after_answer(again, half.fence, half.since).state is State.CLOSED
    other = opened(NOW + times.DAY)
    assert circuit.after_answer(other, half.fence, half.since) == other


def test_a_clock_that_was_set_back_stalls_nothing() -> None:
    back = NOW - times.HOUR
    assert circuit.is_probe_due(opened(), back)
    held = fail(Circuit(), Failure("429", 429, retry_after=5 * times.SECOND))
    assert circuit.admits(held, back, None)


def test_other_credentials_are_tried_at_once() -> None:
    quota = fail(Circuit(), Failure("429: quota", 429, retry_after=3 * times.HOUR))
    again = circuit.look_anew(quota, NOW)
    assert (again.state, again.since) == (State.OPEN, quota.since)
    assert circuit.is_probe_due(again, NOW)
    assert circuit.after_failure(again, quota.fence, REFUSED, NOW, 1.0).reason is Reason.UNAVAILABLE
    held = fail(Circuit(), Failure("429", 429, retry_after=5 * times.SECOND))
    assert circuit.admits(circuit.look_anew(held, NOW), NOW, None)


def test_only_a_trial_that_breaks_by_itself_costs_an_attempt() -> None:
    assert circuit.is_excused(Failure("500", 500), trial=False)
    assert circuit.is_excused(REFUSED, trial=False)
    assert circuit.is_excused(Failure("cannot connect"), trial=True)
    assert circuit.is_excused(BUSY, trial=True)
    assert not circuit.is_excused(Failure("500", 500), trial=True)
    assert not circuit.is_excused(REFUSED, trial=True)


def test_what_is_shut_says_why_and_when_to_come_again() -> None:
    one = opened()
    shut = Shut("shop", one, NOW)
    assert shut.text == "the account shop is down (unavailable): 503: busy"
    assert (shut.retry_after, shut.in_doubt) == (circuit.FIRST_PAUSE, False)
    held = fail(Circuit(), Failure("429: slowly", 429, retry_after=5 * times.SECOND))
    assert "asked to be left alone until 2025-12-01T00:00:05Z: 429: slowly" in Shut("shop", held, NOW).text


def test_an_error_says_what_matters_of_it() -> None:
    failed = errors.TemporaryError("401: no", status=401, retry_after=3, unauthorized=True)
    assert circuit.failure_of(failed) == Failure("401: no", 401, True, 3)


@given(st.integers(0, 60), st.sampled_from(Reason), chances)
def test_pauses_stay_within_their_bounds(pauses: int, reason: Reason, chance: float) -> None:
    longest = circuit.LONGEST_REFUSED if reason is Reason.UNAUTHORIZED else circuit.LONGEST_PAUSE
    assert circuit.FIRST_PAUSE // 2 <= circuit.pause(pauses, reason, chance) <= longest


class CircuitMachine(RuleBasedStateMachine):
    """Calls of several nodes begin and end in any order, whatever the service does and the clock shows."""

    calls = Bundle("calls")

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.one = Circuit()
        self.told: list[bool] = []

    def move(self, after: Circuit) -> None:
        """Take *after*, telling when it goes down or comes up."""
        assert after.fence >= self.one.fence
        if after.is_down != self.one.is_down:
            self.told.append(after.is_down)
        self.one = after

    @rule(seconds=st.integers(-7200, 7200))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * times.SECOND

    @rule(target=calls, run=st.sampled_from([None, "r1", "r2"]))
    def call(self, run: str | None) -> tuple[int, int | None]:
        """A call's ticket; one that may not be made gets an older number."""
        if circuit.admits(self.one, self.now, run):
            assert not circuit.is_held(self.one, self.now)
            assert self.one.state is not State.OPEN
            return self.one.fence, self.one.since if self.one.is_down else None
        return -1, None

    @rule(ticket=calls)
    def answered(self, ticket: tuple[int, int | None]) -> None:
        before = self.one
        self.move(circuit.after_answer(self.one, *ticket))
        if ticket[0] == before.fence:
            assert (self.one.state, self.one.failures) == (State.CLOSED, 0)

    @rule(
        ticket=calls,
        unauthorized=st.booleans(),
        asked=st.sampled_from([None, times.SECOND, 10 * times.MINUTE]),
        chance=chances,
    )
    def failed(
        self, ticket: tuple[int, int | None], unauthorized: bool, asked: int | None, chance: float
    ) -> None:
        before = self.one
        failure = Failure("busy", 503, unauthorized, asked)
        self.move(circuit.after_failure(self.one, ticket[0], failure, self.now, chance))
        assert not (before.is_down and not self.one.is_down)
        if asked is not None:
            assert circuit.is_held(self.one, self.now)
            assert not circuit.admits(self.one, self.now, None)
        if ticket[0] == before.fence and (unauthorized or before.failures + 1 >= circuit.FAILURES):
            assert self.one.state is State.OPEN

    @rule(target=calls)
    def probe(self) -> tuple[int, int | None]:
        due = circuit.is_probe_due(self.one, self.now)
        before = self.one
        self.move(circuit.begin_probe(self.one, self.now))
        assert (self.one != before) == due
        assert not circuit.admits(self.one, self.now, "r1") or self.one.state is not State.OPEN
        return (self.one.fence, self.one.since) if due else (-1, None)

    @rule(ticket=calls, run=st.sampled_from(["r1", "r2"]))
    def prove(self, ticket: tuple[int, int | None], run: str) -> None:
        self.move(circuit.give_trial(self.one, ticket[0], run, self.now))

    @rule(ticket=calls)
    def nothing(self, ticket: tuple[int, int | None]) -> None:
        self.move(circuit.after_nothing(self.one, ticket[0], self.now))

    @rule()
    def reload(self) -> None:
        down = self.one.is_down
        self.move(circuit.look_anew(self.one, self.now))
        assert circuit.is_probe_due(self.one, self.now) == down

    @invariant()
    def hangs_together(self) -> None:
        one = self.one
        assert one.is_down == (one.reason is not None)
        assert not one.is_down or (one.since is not None and one.probe_at is not None and one.error)
        assert one.trial is None or one.state is State.HALF_OPEN
        assert self.told == [number % 2 == 0 for number in range(len(self.told))]

    @invariant()
    def is_never_stuck(self) -> None:
        """Whatever happened, there is a moment from which on it is called or probed."""
        later = self.now + 2 * times.DAY
        assert circuit.admits(self.one, later, None) or circuit.is_probe_due(self.one, later)


TestCircuitMachine = CircuitMachine.TestCase
