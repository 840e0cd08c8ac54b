"""What has changed between two results, for any two; rows read out of their text."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.tonalytica.events import results, rows

ROWS = some.lists(
    some.fixed_dictionaries({"id": some.integers(0, 6), "v": some.sampled_from(["a", "b", None])}),
    max_size=12,
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**63 - 1) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def raw_of(found, indent=None, **more):
    data = {"columns": [{"name": "id"}], "rows": found}
    return json.dumps({"query_result": {"id": 3, "query": "…", "data": data, **more}}, indent=indent).encode()


def compared(before, after, key):
    old, new = results.digest(before, key), results.digest(after, key)
    difference = results.compare(old, new)
    assert difference is not None
    return old, new, listed(difference, raw_of(after), raw_of(before), key)


def listed(difference, now, former, key):
    """The lists as the watch puts them together."""
    present = results.list_rows(difference, now, key)
    return present.data | results.list_former(difference, present.sources, former, key)


def heap(found):
    return Counter(json.dumps(row, sort_keys=True) for row in found)


@given(ROWS, ROWS, some.sampled_from([(), ("id",), ("id", "v")]))
def test_the_lists_lead_from_one_result_to_the_next(before, after, key):
    old, new, told = compared(before, after, key)
    left = heap(before) - heap(told["removed"]) - heap(told["previous"])
    assert left + heap(told["added"]) + heap(told["changed"]) == heap(after)
    assert (old.whole == new.whole) == (heap(before) == heap(after))
    counts = [told[f"{word}_count"] for word in ("added", "changed", "removed")]
    assert counts == [len(told["added"]), len(told["changed"]), len(told["removed"])]


@given(ROWS, ROWS)
def test_what_changed_had_its_key_before(before, after):
    _, _, told = compared(before, after, ["id"])
    keys = [(new["id"], old["id"]) for new, old in zip(told["changed"], told["previous"], strict=True)]
    assert [pair for pair in keys if pair[0] != pair[1]] == []
    assert [
        row
        for row in told["changed"]
        if row in told["previous"] and before.count(row) == 1 == after.count(row)
    ] == []
    were, are = Counter(row["id"] for row in before), Counter(row["id"] for row in after)
    assert Counter(row["id"] for row in told["added"]) == are - were
    assert Counter(row["id"] for row in told["removed"]) == were - are


@given(ROWS, some.randoms())
def test_order_does_not_count(found, chance):
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert results.digest(shuffled, ["id"]) == results.digest(found, ["id"])


@given(ROWS)
def test_what_is_remembered_comes_back(found):
    digests = results.digest(found, ["id"])
    memory = results.Memory(taken=True, result_id=3, **results.store(digests))
    again = results.recall(json.loads(json.dumps(results.keep(memory))), silent=False)
    assert again == memory
    assert again.digests() == digests


@given(
    some.lists(some.dictionaries(some.text(max_size=4), VALUES, max_size=4), max_size=6),
    some.sampled_from([None, 2]),
)
def test_rows_are_read_one_by_one_as_json_reads_them(found, indent):
    raw = raw_of(found, indent)
    assert list(rows.each(raw)) == found
    assert rows.read(raw, "query_result", "id") == 3
    assert rows.read(raw, "query_result", "data", "columns") == [{"name": "id"}]
    assert rows.read(raw, "query_result", "none") is None


@given(some.text(alphabet='{}[]",:0naulrowsdtyqe_ \\', max_size=40), ROWS, some.integers(0, 200))
def test_other_texts_are_broken_and_nothing_worse(noise, found, cut):
    whole = raw_of(found)
    for raw in (noise.encode(), whole[:cut], whole[:cut] + noise.encode()):
        try:
            read = list(rows.each(raw))
        except rows.BrokenResult:
            continue
        assert all(isinstance(row, dict) for row in read)


def test_members_behind_the_rows_are_found_too():
    raw = raw_of([{"id": 1}], retrieved_at="2026-11-22T06:43:16Z")
    assert rows.read(raw, "query_result", "retrieved_at") == "2026-11-22T06:43:16Z"
    turned = b'{"query_result": {"data": {"rows": [{"a": 1}], "columns": []}}}'
    assert rows.read(turned, "query_result", "data", "columns") == []


@pytest.mark.parametrize("value", ["NaN", "-Infinity", str(2**63), "9" * 5000])
def test_what_cannot_be_kept_is_broken(value):
    with pytest.raises(rows.BrokenResult):
        list(rows.each(b'{"query_result": {"data": {"rows": [{"a": %s}]}}}' % value.encode()))


def test_a_key_that_the_rows_lack_is_named():
    with pytest.raises(rows.BrokenResult, match=r"no column 'town'.*it has id, v"):
        results.digest([{"id": 1, "v": "a"}], ["id", "town"])


def test_of_too_many_rows_only_that_they_changed_is_known(monkeypatch):
    monkeypatch.setattr(results, "MOST_COMPARED", 3)
    old, new = (results.digest([{"id": n + more} for n in range(4)], ["id"]) for more in (0, 1))
    assert (old.entries, old.count) == (None, 4)
    assert old.whole != new.whole
    assert results.compare(old, new) is None


def test_lists_are_bounded_by_number_and_by_size(monkeypatch):
    many = [{"id": n, "v": "x" * 90} for n in range(50)]
    monkeypatch.setattr(results, "MOST_LISTED", 20)
    _, _, told = compared([], many, ["id"])
    assert (len(told["added"]), told["added_count"]) == (20, 50)
    monkeypatch.setattr(results, "LARGEST_LIST", 1000)
    _, _, told = compared([], many, ["id"])
    assert (len(told["added"]), told["added_count"]) == (9, 50)


def test_without_the_former_result_what_went_is_counted():
    difference = results.compare(
        results.digest([{"id": 1}, {"id": 2, "v": 1}], ["id"]), results.digest([{"id": 2}], ["id"])
    )
    told = listed(difference, raw_of([{"id": 2}]), b"", ["id"])
    assert (told["changed"], told["previous"]) == ([{"id": 2}], [None])
    assert (told["removed"], told["removed_count"]) == ([], 1)


def test_watches_with_other_keys_or_values_remember_apart():
    scopes = [
        results.name_scope([], {}),
        results.name_scope(["id"], {}),
        results.name_scope([], {"id": 1}),
        results.name_scope(["id", "v"], {}),
    ]
    assert scopes[0] == ""
    assert len(set(scopes)) == 4
