"""Rows to columns and back, file names, references."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.plotly.actions import cells
from daemon.contract import errors

VALUES = st.none() | st.integers() | st.text(max_size=5)
ROWS = st.lists(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=5), max_size=8)
GRID = (cells.Column("city", ("Bonn", "Ulm"), "u1"), cells.Column("n", (3,), "u2"))


def test_columns_stand_in_order_of_first_appearance() -> None:
    found = cells.from_rows([{"b": 1}, {"a": 2, "b": 3}, {}])
    assert found == (cells.Column("b", (1, 3, None)), cells.Column("a", (None, 2, None)))


@given(ROWS)
def test_rows_come_back_with_nulls_for_what_they_lacked(rows: list[dict[str, object]]) -> None:
    columns = cells.from_rows(rows)
    names = [column.name for column in columns]
    filled = [{name: row.get(name) for name in names} for row in rows]
    assert cells.to_rows(columns) == (filled if names else [])


@given(ROWS)
def test_what_is_sent_is_what_is_read(rows: list[dict[str, object]]) -> None:
    columns = cells.from_rows(rows)
    sent = cells.to_cols(columns)
    assert cells.read_cols(dict(reversed(sent.items()))) == columns


def test_cols_are_read_as_a_list_and_as_an_object() -> None:
    listed = cells.read_cols([{"name": "t", "uid": "1a2b3c"}, {"uid": "nameless"}, 7])
    assert listed == (cells.Column("t", (), "1a2b3c"),)
    named = {"b": {"data": [2], "order": 1, "uid": "y"}, "a": {"data": [1], "order": 0, "uid": "x"}, "c": {}}
    assert [column.name for column in cells.read_cols(named)] == ["a", "b", "c"]
    assert cells.read_cols(None) == ()


def test_a_shorter_column_is_filled_up() -> None:
    assert cells.to_rows(GRID) == [{"city": "Bonn", "n": 3}, {"city": "Ulm", "n": None}]


def test_objects_are_ordered_by_the_grid_and_lists_stay() -> None:
    rows = [{"n": 1, "city": "Köln"}, {"city": "Aachen"}, ["Trier", 9]]
    assert cells.order_rows(rows, GRID) == [["Köln", 1], ["Aachen", None], ["Trier", 9]]


def test_unknown_columns_are_named() -> None:
    with pytest.raises(errors.PermanentError, match="no column 'town', 'm'"):
        cells.order_rows([{"town": 1}, {"m": 2, "city": 3}], GRID)


@pytest.mark.parametrize("path,clean", [("a", "a"), ("/a/b/", "a/b"), (" x/y z ", "x/y z"), ("ä/0", "ä/0")])
def test_paths_are_cleaned(path: str, clean: str) -> None:
    assert cells.clean_path(path) == clean
    assert "/".join(part for part in cells.split_path(clean) if part) == clean


@pytest.mark.parametrize("path", ["", "/", "a//b", "a/ /b", "../a", "a/."])
def test_paths_without_a_name_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="a file name"):
        cells.clean_path(path)


def test_sources_become_references_however_deep() -> None:
    found = cells.references("ada:0", GRID)
    traces = [
        {"type": "bar", "xsrc": "city", "ysrc": "bob:3:zz9", "name": "city", "marker": {"colorsrc": "n"}}
    ]
    (resolved,) = cells.resolve(traces, found)
    assert resolved["xsrc"] == "ada:0:u1"
    assert resolved["ysrc"] == "bob:3:zz9"
    assert resolved["marker"] == {"colorsrc": "ada:0:u2"}
    assert resolved["name"] == "city"
    assert traces[0]["xsrc"] == "city"


def test_a_source_that_is_no_column_is_named() -> None:
    with pytest.raises(errors.PermanentError, match="ysrc: the grid has no column 'm'"):
        cells.resolve([{"ysrc": "m"}], cells.references("ada:0", GRID))
