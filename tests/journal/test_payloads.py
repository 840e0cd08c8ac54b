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


NAMES = st.sampled_from(["rows", "truncated", "size", "error"]) | st.text(max_size=3)
OBJECTS = st.dictionaries(NAMES, VALUES | st.lists(INTEGERS) | st.text(), max_size=8)
BYTES = st.integers(0, 300)


def size(value: Any) -> int:
    return len(jsons.dumps(value).encode())


@given(OBJECTS | VALUES, BYTES)
def test_what_is_bounded_fits_or_is_only_its_size(value: Any, most: int) -> None:
    found = jsons.bound(value, most)
    least = {"truncated": True, "size": size(value)}
    assert size(found) <= most or found == least
    assert jsons.is_cut(found) or found == value
    assert jsons.bound(found, max(most, size(least))) == found


@given(OBJECTS, BYTES)
def test_of_an_object_no_field_is_cut_that_fits(value: dict[str, Any], most: int) -> None:
    found = jsons.bound(value, most)
    if size(value) <= most:
        assert found == value
    elif found == {"truncated": True, "size": size(value)}:
        assert size({**dict.fromkeys(value), "truncated": True, "row_count": 99}) > most
    else:
        cut = {name for name in value if found[name] is None and value[name] is not None}
        count = {"row_count": len(value["rows"])} if "row_count" in found else {}
        assert found == {**value, **dict.fromkeys(cut), "truncated": True, **count}
        for name in cut:
            again = {**found, name: value[name]}
            if name == "rows":
                again.pop("row_count", None)
            assert size(again) > most


COUNTS = {"query_id": 7, "counts": {"added": 9}}
NINE, MANY = [5] * 9, [5] * 99


@pytest.mark.parametrize(
    "value, found",
    [
        (
            {"rows": MANY, "added": NINE, **COUNTS},
            {"rows": None, "added": NINE, **COUNTS, "truncated": True, "row_count": 99},
        ),
        ({"body": "x" * 99, "rows": NINE}, {"body": None, "rows": NINE, "truncated": True}),
        ({"rows": "x" * 120, "n": 1}, {"rows": None, "n": 1, "truncated": True}),
        (
            {"a": "x" * 50, "b": "x" * 90, "c": "x" * 85},
            {"a": "x" * 50, "b": None, "c": None, "truncated": True},
        ),
        ({f"field {n}": n for n in range(20)}, {"truncated": True, "size": 261}),
        ("x" * 120, {"truncated": True, "size": 122}),
    ],
)
def test_what_is_too_large_loses_its_largest_fields(value: Any, found: Any) -> None:
    assert jsons.bound(value, 110) == found


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
