"""What a person reads: columns, times, states."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.cli import options, printing
from daemon.model import times
from tests.journal import making


@given(some.text())
def test_nothing_that_steers_a_terminal_is_shown(text: str) -> None:
    shown = printing.cell(text)
    assert shown.isprintable()
    assert len(shown) <= printing.LONGEST_CELL
    assert shown


@given(some.lists(some.tuples(some.text(), some.integers(), some.booleans()), min_size=1))
def test_columns_hold_each_row_on_a_line(rows: list[tuple[str, int, bool]]) -> None:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda line: lines.append(line))
        printing.table(["one", "two", "three"], rows)
    assert len(lines) == len(rows) + 1
    assert all(line.isprintable() for line in lines)
    assert [line.endswith(("yes", "no")) for line in lines[1:]] == [True] * len(rows)


def test_a_time_of_today_is_shown_without_its_date() -> None:
    now = datetime.now().astimezone().replace(hour=12, microsecond=0)
    assert printing.short_time(now.isoformat()) == now.strftime("%H:%M:%S")
    before = now - timedelta(days=400)
    assert printing.short_time(before.isoformat()) == before.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert printing.short_time(None) == "-"


@pytest.mark.parametrize("value, shown", [(None, "-"), ("", "-"), (True, "yes"), ([1], "[1]"), (0, "0")])
def test_cells(value: object, shown: str) -> None:
    assert printing.cell(value) == shown


@given(some.integers(0, making.NOW))
def test_a_moment_is_read_back(instant: int) -> None:
    assert options.parse_moment(times.rfc3339(instant), making.NOW, "--since") == instant


@pytest.mark.parametrize("text, back", [("500ms", 500_000), ("2h", 2 * times.HOUR), ("7d", 7 * times.DAY)])
def test_a_duration_is_counted_back(text: str, back: int) -> None:
    assert options.parse_moment(text, making.NOW, "--since") == making.NOW - back
