"""The JSON objects that other programs see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.journal.state import Rejection
from daemon.model import jsons, times
from daemon.model.events import Event
from daemon.web import shapes
from tests.journal import making

INSTANTS = some.integers(0, 4_000_000_000 * times.SECOND)
TEXTS = some.text(max_size=20)
EVENTS = some.builds(
    Event,
    seq=some.integers(1, 2**40),
    id=TEXTS,
    source=TEXTS,
    type=TEXTS,
    subject=TEXTS,
    time=INSTANTS,
    recorded_at=INSTANTS,
    key=TEXTS,
    trace=TEXTS,
    depth=some.integers(0, 16),
    cause=some.none() | TEXTS,
    origin=some.none() | TEXTS,
    data=some.dictionaries(TEXTS, TEXTS | some.integers(-(2**63), 2**63 - 1), max_size=3),
)


@given(EVENTS)
def test_an_event_can_be_read_back_from_its_shape(event: Event) -> None:
    read = jsons.loads(jsons.dumps(shapes.of_event(event)))
    instants = {name: times.parse_rfc3339(read[name]) for name in ("time", "recorded_at")}
    assert Event(**{**read, **instants}) == event


@pytest.mark.parametrize(
    "values, state",
    [
        ({"due_at": making.NOW}, "due"),
        ({"due_at": making.NOW + 1}, "ok"),
        ({"due_at": None}, "ok"),
        ({"failures": 2, "due_at": None}, "ok"),
        ({"failing_told": True}, "failing"),
        ({"failing_told": True, "paused": True}, "paused"),
    ],
)
def test_a_polled_row_has_one_state(values: dict[str, object], state: str) -> None:
    row = making.polled("pages", **values)
    assert shapes.state_of(row, making.NOW) == state
    assert shapes.of_polled(row, making.NOW)["state"] == state


def test_a_rejection_has_the_keys_that_are_promised() -> None:
    shape = shapes.of_rejection(Rejection("r", making.NOW, "/hooks/shop", 401, "wrong token", "{}"))
    assert list(shape) == ["id", "at", "path", "status", "error", "body"]
    assert shape["at"] == "2025-12-01T00:00:00Z"
