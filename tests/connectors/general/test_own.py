"""Events, state and log lines of an operator's own."""

import pytest
import structlog
from pydantic import ValidationError

from daemon.connectors.general import client
from daemon.connectors.general.actions import own
from daemon.contract import http
from daemon.model import events
from daemon.model.runs import Doubt
from tests.connectors import stub

CALL = stub.call_of()
CLIENT = client.make_client(None, http.Http(""))


async def test_an_event_is_returned_as_a_fact() -> None:
    parameters = own.EmitEvent(type="orders.packed", subject="o1", data={"n": 1}, key="o1-packed")
    done = await own.emit.call(CLIENT, parameters, CALL)
    assert list(done.facts) == [events.Fact("orders.packed", "o1", "o1-packed", {"n": 1})]
    assert done.result.key == "o1-packed"


async def test_without_a_key_a_step_emits_one_event_of_its_own() -> None:
    parameters = own.EmitEvent(type="orders.packed")
    keys = []
    for marker in ("m1", "m1", "m2"):
        done = await own.emit.call(CLIENT, parameters, stub.call_of(marker=marker))
        keys.append(done.facts[0].key)
    assert keys == ["m1", "m1", "m2"]
    unmarked = [
        (await own.emit.call(CLIENT, parameters, stub.call_of(step, marker=""))).result.key
        for step in ("one", "one", "two")
    ]
    assert unmarked == ["run/one", "run/one", "run/two"]


@pytest.mark.parametrize("type", [f"{word}.thing.done" for word in events.RESERVED_WORDS])
def test_reserved_types_are_refused(type: str) -> None:
    with pytest.raises(ValidationError, match="told by Pointsman alone"):
        own.EmitEvent(type=type)


@pytest.mark.parametrize(
    "given",
    [
        {"type": ""},
        {"type": "orders.*"},
        {"type": "orders packed"},
        {"type": "x" * 300},
        {"type": "a", "subject": "line\nbreak"},
        {"type": "a", "key": ""},
        {"type": "a", "data": [1]},
    ],
)
def test_crooked_events_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        own.EmitEvent.model_validate(given)


def test_a_type_may_resemble_a_reserved_word() -> None:
    assert own.EmitEvent(type="schedules.made").type == "schedules.made"


async def test_state_is_returned_to_be_written() -> None:
    kept = await own.set_state.call(CLIENT, own.SetState(key="last", value={"id": 7}), CALL)
    assert (kept.state, kept.result.value) == ({"last": {"id": 7}}, {"id": 7})
    gone = await own.delete_state.call(CLIENT, own.DeleteState(key="last"), CALL)
    assert (gone.state, gone.result.value) == ({"last": None}, None)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
async def test_a_line_is_logged_with_its_run(level: str) -> None:
    with structlog.testing.capture_logs() as lines:
        parameters = own.WriteLog.model_validate(
            {"message": "packed", "level": level, "fields": {"event": "mine", "order": 7}}
        )
        await own.write_log.call(CLIENT, parameters, CALL)
    (line,) = lines
    assert line == {
        "event": "message.written",
        "log_level": level,
        "message": "packed",
        "fields": {"event": "mine", "order": 7},
        "run_id": "run",
        "step_id": "step",
    }


def test_all_are_repeatable() -> None:
    actions = (own.emit, own.set_state, own.delete_state, own.write_log)
    assert {one.doubt for one in actions} == {Doubt.REPEATABLE}
