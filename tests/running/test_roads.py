"""Which road a doubtful call takes, and which failures leave a doubt. Pure."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.contract import errors
from daemon.model import times
from daemon.model.runs import Doubt, Step, StepStatus
from daemon.running import doubt
from tests.journal import making

NOW = making.NOW
CALL = 30 * times.SECOND  # how long an answer is waited for


def sent(doubted_at: int | None) -> Step:
    """A step whose last request went out at *doubted_at*."""
    return Step(
        run_id="r",
        position=0,
        id="make",
        action="shop.make",
        account="shop",
        status=StepStatus.PENDING,
        attempts=1,
        doubt=Doubt.PROBED,
        request={},
        before=None,
        remote=None,
        response=None,
        error=None,
        sent_at=doubted_at,
        finished_at=None,
        doubted_at=doubted_at,
    )


@pytest.mark.parametrize(
    "kind, on_doubt, road",
    [
        (Doubt.REPEATABLE, "hold", doubt.Road.REPEAT),
        (Doubt.PROBED, "hold", doubt.Road.LOOK),
        (Doubt.UNSAFE, "hold", doubt.Road.HOLD),
        (Doubt.REPEATABLE, "redo", doubt.Road.REPEAT),
        (Doubt.PROBED, "redo", doubt.Road.LOOK),
        (Doubt.UNSAFE, "redo", doubt.Road.REPEAT),
    ],
)
def test_roads(kind: Doubt, on_doubt: str, road: doubt.Road) -> None:
    assert doubt.choose_road(kind, on_doubt) is road


@pytest.mark.parametrize(
    "failed, doubtful",
    [
        (errors.TemporaryError("lost", in_doubt=True), {*Doubt}),
        (errors.TemporaryError("busy", status=503), {Doubt.PROBED}),
        (errors.TemporaryError("too many", status=429), set()),
        (errors.TemporaryError("cannot connect"), set()),
        (errors.PermanentError("no", status=400), set()),
        (errors.StrangeAnswer("no JSON", status=200), set()),  # to a read
        (errors.PermanentError("cannot read the file"), set()),
    ],
    ids=lambda one: str(one) if isinstance(one, Exception) else "",  # a set has no order to be told in
)
def test_which_failures_leave_a_doubt(failed: errors.ServiceError, doubtful: set[Doubt]) -> None:
    assert {kind for kind in Doubt if doubt.leaves_doubt(kind, failed)} == doubtful


@pytest.mark.parametrize(
    "error", [errors.TemporaryError("429", status=429), errors.PermanentError("no", status=400)]
)
def test_what_is_probed_is_looked_for_once_anything_went_out(error: errors.ServiceError) -> None:
    assert not doubt.leaves_doubt(Doubt.PROBED, error)
    error.went_out = True
    assert {kind for kind in Doubt if doubt.leaves_doubt(kind, error)} == {Doubt.PROBED}


@given(st.integers(-times.DAY, times.DAY))
def test_a_request_settles_within_its_time_whatever_the_clock_does(passed: int) -> None:
    settles_at = doubt.settles_at(sent(NOW), NOW + passed, CALL)
    assert (settles_at is None) == (passed >= CALL)
    assert settles_at is None or NOW + passed < settles_at <= NOW + passed + CALL


@pytest.mark.parametrize(
    ("call", "settling"),
    [(0, doubt.SETTLES), (CALL, CALL), (times.HOUR, doubt.LONGEST_SETTLING)],
)
def test_a_request_that_nobody_saw_end_has_as_long_as_its_answer_would_have_had(
    call: int, settling: int
) -> None:
    looked = {"attempt": 1, "at": NOW + times.SECOND, "error": "the look failed", "status": 503}
    for one in (sent(NOW), replace(sent(NOW), history=(looked,))):
        assert doubt.settles_at(one, NOW + settling - 1, call) == NOW + settling
        assert doubt.settles_at(one, NOW + settling, call) is None


@pytest.mark.parametrize(
    ("took", "settling"),
    [
        (0, doubt.SETTLES),
        (2 * times.SECOND, 7 * times.SECOND),
        (30 * times.SECOND, times.MINUTE),  # it was at work for all that time, and may be for as long again
        (times.HOUR, doubt.LONGEST_SETTLING),
    ],
)
def test_a_request_that_was_given_up_late_settles_late(took: int, settling: int) -> None:
    earlier = {"attempt": 1, "at": NOW - times.MINUTE, "took": times.DAY, "error": "busy", "status": 503}
    given_up = {"attempt": 2, "at": NOW + took, "took": took, "error": "lost", "status": None}
    looked = {**given_up, "at": NOW + took + times.SECOND}
    del looked["took"]
    lost = replace(sent(NOW), attempts=2, history=(earlier, given_up, looked))
    parked = replace(lost, attempts=1)  # an outage costs no attempt
    for one in (lost, parked):
        assert doubt.settles_at(one, NOW + settling - 1, CALL) == NOW + settling
        assert doubt.settles_at(one, NOW + settling, CALL) is None


def test_a_request_from_before_a_clock_was_set_settles_as_one_that_nobody_saw_end() -> None:
    given_up = {"attempt": 1, "at": NOW - times.HOUR, "took": times.MINUTE, "error": "lost", "status": None}
    of_old = {"attempt": 1, "at": NOW - times.HOUR, "error": "lost", "status": None}
    lost = replace(sent(NOW), history=(of_old, given_up))
    assert doubt.settles_at(lost, NOW + CALL - 1, CALL) == NOW + CALL
    assert doubt.settles_at(lost, NOW + CALL, CALL) is None


def test_what_was_never_sent_needs_no_time_to_settle() -> None:
    assert doubt.settles_at(sent(None), NOW, CALL) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=400), lambda inner: st.lists(inner, max_size=30)
)


@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=40) | st.none())
def test_a_summary_is_short_and_storable(request: dict | None) -> None:
    shown = doubt.summarise(request)
    assert len(shown) <= doubt.MOST_VALUES
    for name, value in shown.items():
        assert value == (request or {})[name] or len(value) == doubt.LONGEST_VALUE + 1
