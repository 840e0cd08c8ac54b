"""What is news of a job, for any row of readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.tonalytica import events
from daemon.connectors.tonalytica.actions import executions
from daemon.connectors.tonalytica.events import shown
from daemon.model import times
from daemon.model.events import Fact

STATUSES = some.sampled_from(
    [1, 2, 3, 4, 5, 6, 7, 99, "queued", "started", "finished", "failed", "odd", None]
)
JOBS = some.builds(
    lambda status, error, result: events.VendorJob(id="j", status=status, error=error, result_id=result),
    STATUSES,
    some.sampled_from(["", None, "boom", "Query cancelled by user."]),
    some.sampled_from([None, 7]),
)


def tell_all(jobs):
    memory = events.Memory(query_id=1)
    told: list[Fact] = []
    for job in jobs:
        seen = events.see(memory, events.read(job))
        told += seen.facts
        memory = events.recall(seen.memory, None, 0)
    return told, memory


@given(some.lists(JOBS, max_size=12))
def test_each_state_is_told_once_and_only_forwards(jobs):
    told, _ = tell_all(jobs)
    ranks = [events.RANKS[fact.type.removeprefix(shown.PREFIX)] for fact in told]
    assert ranks == sorted(set(ranks))
    assert len({fact.key for fact in told}) == len(told)


@given(some.lists(JOBS, max_size=6), JOBS)
def test_the_same_reading_again_tells_nothing(jobs, last):
    enough = [last] * (events.RECHECKS + 1)  # a bare failure is believed only then
    told, memory = tell_all([*jobs, *enough])
    again = events.see(memory, events.read(last))
    assert not again.facts
    assert events.recall(again.memory, None, 0) == memory
    assert tell_all([*jobs, *enough, last])[0] == told


@given(some.lists(JOBS, max_size=6))
def test_unannounced_readings_are_remembered_in_silence(jobs):
    memory = events.Memory()
    for job in jobs:
        seen = events.see(memory, events.read(job), announce=False)
        assert not seen.facts
        memory = events.recall(seen.memory, None, 0)
    assert events.recall(events.keep(memory), None, 0) == memory


@given(some.lists(JOBS, max_size=8))
def test_every_fact_fits_its_type(jobs):
    models = {event.type: event for event in shown.JOBS}
    told, _ = tell_all(jobs)
    for fact in told:
        assert models[fact.type].model_validate(fact.data).job.id == fact.subject


@pytest.mark.parametrize(
    "job, state",
    [
        ({"status": 2, "query_result_id": 5}, "started"),
        ({"status": 3, "query_result_id": 5}, "succeeded"),
        ({"status": "finished", "result_id": 5, "error": None}, "succeeded"),
        ({"status": 3, "result": {"error": "x"}}, "failed"),
        ({"status": 4, "error": "Query cancelled by user."}, "cancelled"),
        ({"status": 4, "error": "canceling statement due to statement timeout"}, "failed"),
        ({"status": 5}, "cancelled"),
        ({"status": 6}, "deferred"),
        ({"status": "7"}, "scheduled"),
        ({"status": 42}, "42"),
        ({"status": "frozen"}, "frozen"),
    ],
)
def test_statuses_mean(job, state):
    assert events.read(events.VendorJob.model_validate({"id": "j", **job})).state == state


def test_a_job_first_seen_finished_tells_only_that():
    told, _ = tell_all([events.VendorJob(id="j", status=3, query_result_id=1)])
    assert [fact.type for fact in told] == ["tonalytica.job.succeeded"]


def test_a_premature_failure_that_becomes_a_success_is_a_success():
    early = events.VendorJob(id="j", status=4, error="")
    told, _ = tell_all([early, early, events.VendorJob(id="j", status=3, query_result_id=1)])
    assert [fact.type for fact in told] == ["tonalytica.job.succeeded"]


@given(some.integers(-1, 10**6), some.integers(0, 10**15), some.integers(-(10**9), 10**12))
def test_a_repeat_never_asks_for_a_new_execution(wanted, first, since):
    asked = executions.choose_max_age(wanted, first + since, first)
    assert asked == -1 if wanted == -1 else asked >= max(1, wanted)
    assert asked == -1 or asked * times.SECOND >= since


def test_a_first_try_asks_as_it_was_told():
    assert executions.choose_max_age(0, 5, None) == 0
    assert executions.choose_max_age(0, 10_900_000, 0) == 11


@given(some.integers(0, 2**50), some.integers(0, 2**50), some.integers(0, 2**50))
def test_a_services_time_is_believed_between_asking_and_now(made, since, now):
    told = events.time_of(times.rfc3339(made), since, now)
    assert told == (made if since <= made <= now else None)
    assert events.time_of("yesterday", since, now) is None


@given(STATUSES, some.integers(0, 3 * events.LONGEST_QUEUE))
def test_only_a_job_that_waits_for_too_long_is_given_up(status, age):
    reading = events.read(events.VendorJob(id="j", status=status))
    judged = events.give_up_queue(events.Memory(started_at=5), reading, 5 + age)
    given_up = reading.state == events.PENDING and age > events.LONGEST_QUEUE
    assert (judged.state, judged.final) == (
        (events.FAILED, True) if given_up else (reading.state, reading.final)
    )
