"""What goes into the journal as JSON comes out as it was, or is refused at the door."""

import asyncio
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.journal import events, state
from daemon.journal.database import Journal
from daemon.model import jsons
from daemon.model.jsons import UnfitJson
from tests.journal import making

INTEGERS = st.integers(-(2**63), 2**63 - 1)
LEAVES = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
UNFIT = [2**63, -(2**63) - 1, 2**64, 10**30, "\ud800", {"a": "\udfff"}, {1: 2}, {"a": object()}]


@given(VALUES)
def test_a_value_comes_back_from_its_text(value: Any) -> None:
    assert jsons.loads(jsons.dumps(value)) == value


@given(st.integers() | st.text(st.characters(categories=["Cs", "Ll"])) | st.floats())
def test_what_is_written_can_be_read(value: Any) -> None:
    try:
        text = jsons.dumps({"value": value})
    except UnfitJson:
        return
    found = jsons.loads(text)["value"]
    assert found == value or (isinstance(value, float) and not math.isfinite(value) and found is None)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        value = jsons.loads(raw)
    except UnfitJson:
        return
    assert jsons.loads(jsons.dumps(value)) == value


@pytest.mark.parametrize("value", UNFIT, ids=range(len(UNFIT)))
def test_what_could_not_be_read_again_is_not_written(value: Any) -> None:
    with pytest.raises(UnfitJson):
        jsons.dumps(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"9223372036854775808",
        b"\xff",
        b'"\\ud800"',
        "\ud800",
        b"",
        b"{'a': 1}",
    ],
)
def test_what_is_no_json_of_ours_is_refused(raw: bytes | str) -> None:
    with pytest.raises(UnfitJson):
        jsons.loads(raw)


@pytest.mark.parametrize("depth", [300, 2_000, 200_000])
def test_what_is_nested_too_deeply_is_refused_somewhere(depth: int) -> None:
    raw = b"[" * depth + b"1234567890123456789" + b"]" * depth
    with pytest.raises(UnfitJson):
        jsons.dumps(jsons.loads(raw))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.dictionaries(st.text(), VALUES, max_size=3), min_size=1, max_size=10))
async def test_payloads_survive_the_journal(journal: Journal, values: list[dict[str, Any]]) -> None:
    def put(connection: Any) -> list[str]:
        last = events.newest_seq(connection)
        facts = [making.fact(f"{last}-{n}", data=value) for n, value in enumerate(values)]
        state.put(connection, {"values": values}, making.NOW)
        return [one.id for one in events.emit(connection, facts, "shop", making.NOW)]

    ids = await journal.write(put)
    found = await asyncio.gather(*(making.event_with(journal, id) for id in ids))
    assert [event.data for event in found] == values
    assert await journal.read(lambda c: state.value(c, "values")) == values
