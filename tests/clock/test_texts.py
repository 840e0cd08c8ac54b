"""Instants as texts, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model import times

FIRST, LAST = times.EARLIEST, times.LATEST


@given(st.integers(FIRST, LAST))
def test_an_instant_comes_back_from_its_text(instant: int) -> None:
    text = times.rfc3339(instant)
    assert times.parse_rfc3339(text) == instant
    assert text[4:5] == "-"
    assert text.endswith("Z")


@given(st.integers(-(2**63), FIRST) | st.integers(LAST, 2**63 - 1))
def test_what_no_year_holds_is_shown_as_the_nearest(instant: int) -> None:
    assert times.rfc3339(instant) == times.rfc3339(FIRST if instant <= FIRST else LAST)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "yesterday", ""])
def test_what_is_no_instant_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"year|isoformat"):
        times.parse_rfc3339(text)
