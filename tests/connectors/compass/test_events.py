"""What is news of a classifier, for any row of readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.compass import events
from daemon.connectors.compass.events import classifiers as looks
from daemon.model.events import Fact

URL = "http://compass/api/projects/p1/p/classifiers/7/"
READINGS = some.tuples(
    some.sampled_from(["in_training", "ready", "error", "odd", ""]),
    some.sampled_from(["active", "inactive", "odd"]),
)


def found(training_state, status, **more):
    raw = {"url": URL, "training_state": training_state, "status": status, **more}
    return looks.read("p1", looks.VendorClassifier.model_validate(raw))


def tell_all(readings, asked="", announce=True):
    memory: looks.Memory | None = None
    told: list[Fact] = []
    for reading in readings:
        seen = looks.compare(memory, found(*reading), asked=asked, announce=announce)
        told += seen.facts
        memory = looks.recall(seen.memory)
    return told, memory


def names(readings, **given):
    return [fact.type.rpartition(".")[2] for fact in tell_all(readings, **given)[0]]


TRAINS, LAGS, DONE, SWITCHED_OFF = (
    ("in_training", "inactive"),
    ("in_training", "active"),
    ("ready", "active"),
    ("ready", "inactive"),
)


@pytest.mark.parametrize(
    "readings, told",
    [
        ([TRAINS, TRAINS, DONE], ["added", "training", "ready"]),
        ([TRAINS, SWITCHED_OFF, DONE], ["added", "training", "status_changed", "ready"]),
        ([TRAINS, LAGS, DONE], ["added", "training", "status_changed", "ready"]),
        ([DONE, SWITCHED_OFF, DONE], ["added", "ready", "status_changed", "ready"]),
        ([TRAINS, ("error", "inactive")], ["added", "training", "failed"]),
        ([DONE, TRAINS, DONE], ["added", "ready", "training", "ready"]),
        ([("odd", "odd"), TRAINS], ["added", "training"]),
    ],
)
def test_changes_are_told_as(readings, told):
    assert names(readings) == told


def test_one_that_was_asked_to_be_inactive_is_ready_when_trained():
    assert names([TRAINS, SWITCHED_OFF, DONE], asked="inactive") == [
        "added",
        "training",
        "ready",
        "status_changed",
    ]


@given(some.lists(READINGS, max_size=10), READINGS)
def test_the_same_reading_twice_tells_nothing(readings, last):
    told, memory = tell_all([*readings, last])
    again, unchanged = tell_all([*readings, last, last])
    assert again == told
    assert unchanged == memory


@given(some.lists(READINGS, max_size=10))
def test_keys_are_unique_and_facts_fit_their_types(readings):
    models = {event.type: event for event in events.CLASSIFIERS}
    told, _ = tell_all(readings)
    assert len({fact.key for fact in told}) == len(told)
    for fact in told:
        assert models[fact.type].model_validate(fact.data).classifier.id == fact.subject == "7"


@given(some.lists(READINGS, min_size=1, max_size=6))
def test_silence_remembers_the_same(readings):
    told, memory = tell_all(readings, announce=False)
    assert told == []
    assert memory == tell_all(readings)[1]


@pytest.mark.parametrize(
    "info, words",
    [
        ({"error": "No labels."}, "No labels."),
        ({"dataset": "x"}, '{"dataset":"x"}'),
        ("plain", "plain"),
        (None, "the service gives no reason"),
    ],
)
def test_a_failure_is_explained_by_info(info, words):
    seen = looks.compare(None, found("error", "inactive", Info=info))
    assert seen.final
    assert seen.failure == f"the training failed: {words}"
    assert seen.facts[-1].data["error"] == words


def test_a_removed_one_is_told_as_last_seen():
    _, memory = tell_all([DONE])
    seen = looks.remove("p1/7", memory)
    [fact] = seen.facts
    assert seen.gone
    assert fact.type == "compass.classifier.removed"
    assert fact.data["classifier"]["url"] == URL
    assert not looks.remove("p1/7", None).facts
