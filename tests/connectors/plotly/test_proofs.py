"""What proves that an addition was ours, over tables of all sorts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.plotly.actions import proofs
from daemon.connectors.plotly.actions.cells import Column
from daemon.contract import errors

CELLS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab1 ", max_size=3)
ROWS = st.lists(st.tuples(CELLS, CELLS).map(list), max_size=4)


def table(rows: list[list[Any]]) -> list[Column]:
    return [Column(name, tuple(row[n] for row in rows), uid=f"u{n}") for n, name in enumerate("ab")]


def filled(cell: Any) -> Any:
    """A cell as a server may give it back."""
    return "" if cell is None else str(cell) if type(cell) is int else cell


@given(ROWS, ROWS.filter(bool))
def test_rows_that_were_added_are_found_and_rows_that_were_not_are_not(
    had: list[list[Any]], ours: list[list[Any]]
) -> None:
    before = proofs.note_table(table(had))
    assert not proofs.has_rows(before, ours, table(had))
    assert proofs.has_rows(before, ours, table([*had, *ours]))
    given_back = [[filled(cell) for cell in row] for row in ours]
    assert proofs.has_rows(before, ours, table([*had, *given_back]))


@given(ROWS, ROWS.filter(bool), ROWS.filter(bool))
def test_more_rows_than_ours_are_never_taken_for_ours(
    had: list[list[Any]], ours: list[list[Any]], others: list[list[Any]]
) -> None:
    before = proofs.note_table(table(had))
    for now in ([*had, *ours, *others], [*had, *others, *ours]):
        with pytest.raises(errors.Unclear):
            proofs.has_rows(before, ours, table(now))


@given(ROWS.filter(bool), ROWS.filter(bool))
def test_a_changed_cell_is_no_sign_that_nothing_happened(had: list[list[Any]], ours: list[list[Any]]) -> None:
    before = proofs.note_table(table(had))
    changed = [["changed", *had[0][1:]], *had[1:]]
    with pytest.raises(errors.Unclear):
        proofs.has_rows(before, ours, table(changed))
    assert proofs.has_rows(before, ours, table([*changed, *ours]))


def test_a_column_that_is_gone_or_renamed_is_judged_by_its_uid() -> None:
    before = proofs.note_table(table([[1, 2]]))
    renamed = [Column("z", (1, 3), uid="u0"), Column("b", (2, 4), uid="u1")]
    assert proofs.has_rows(before, [[3, 4]], renamed)
    with pytest.raises(errors.Unclear):
        proofs.has_rows(before, [[3, 4]], renamed[1:])
    assert proofs.noted_columns(before) == (Column("a", uid="u0"), Column("b", uid="u1"))


def test_a_short_column_is_filled_up_before_rows_are_added() -> None:
    ragged = [Column("a", (1, 2)), Column("b", (1,))]
    grown = [Column("a", (1, 2, 3)), Column("b", (1, "", 3))]
    assert proofs.has_rows(proofs.note_table(ragged), [[3, 3]], grown)


@pytest.mark.parametrize(
    "ours,theirs,same",
    [
        (None, "", True),
        (3, "3", True),
        (3, 3.0, True),
        (0.1 + 0.2, 0.3, True),
        (True, 1, False),
        ("nan", "nan", True),
        ("a", "b", False),
        (0, None, False),
        ({"a": 1}, {"a": 1}, True),
        ([1], [2], False),
    ],
)
def test_cells_are_compared_as_plotly_keeps_them(ours: Any, theirs: Any, same: bool) -> None:
    assert proofs.alike(ours, theirs) is same
    assert proofs.alike(theirs, ours) is same


COLUMNS = [Column("n", (1, 2)), Column("m", (3, None))]


@pytest.mark.parametrize(
    "now,found",
    [
        ([Column("a", (1,))], False),
        ([Column("a", (9,)), Column("stranger", (1,))], False),
        ([Column("a", (1,)), *COLUMNS], True),
        ([Column("a", (1,)), COLUMNS[1], COLUMNS[0], Column("other", ())], True),
        ([Column("a", (1,)), COLUMNS[0]], None),
        ([Column("a", (1,)), COLUMNS[0], Column("m", (4,))], None),
    ],
)
def test_new_columns_are_found_by_name_and_cells(now: list[Column], found: bool | None) -> None:
    before = proofs.note_table([Column("a", (1,))])
    if found is None:
        with pytest.raises(errors.Unclear, match="'n'"):
            proofs.has_columns(before, COLUMNS, now)
    else:
        assert proofs.has_columns(before, COLUMNS, now) is found


def test_a_column_that_was_there_before_is_not_ours() -> None:
    before = proofs.note_table(COLUMNS)
    assert not proofs.has_columns(before, COLUMNS, COLUMNS)


def test_a_figure_holds_what_was_sent_and_may_hold_more() -> None:
    ours = [{"type": "bar", "xsrc": "ada:0:1", "marker": {"size": 3}}]
    assert proofs.holds(ours, [{**ours[0], "uid": "f00", "marker": {"size": 3.0, "line": {}}}])
    assert not proofs.holds(ours, [{**ours[0], "marker": {"size": 4}}])
    assert not proofs.holds(ours, [])
    assert not proofs.holds(ours, None)
