"""Recorded results, and how JSON is shown to people."""

import json

from hypothesis import given
from hypothesis import strategies as st

from daemon.model.jsons import Json
from daemon.reference import answers

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_is_shown_says_the_same(value: Json) -> None:
    assert json.loads(answers.shown(value)) == value


@given(st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=9))
def test_lines_of_small_things_stay_narrow(value: list[list[int]]) -> None:
    assert max(map(len, answers.shown(value).splitlines())) <= answers.WIDEST + 1


def test_what_is_long_has_a_line_for_each_member() -> None:
    shown = answers.shown({"a": "x" * 60, "b": [1, 2], "c": "y" * 60})
    assert shown.splitlines() == ["{", f'  "a": "{"x" * 60}",', '  "b": [1, 2],', f'  "c": "{"y" * 60}"', "}"]


def test_a_recorded_result_is_found_by_its_action() -> None:
    assert answers.recorded()["event.emit"]["type"] == "offer.made"
