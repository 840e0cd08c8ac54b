"""Identifiers sort by the time they were made, those of one instant too."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.journal import runs
from daemon.model import ids

INSTANTS = st.integers(min_value=0, max_value=2**47 * 1_000)


@given(st.lists(INSTANTS, min_size=2, unique=True))
def test_ids_of_later_instants_are_larger(instants: list[int]) -> None:
    found = {ids.uuid7(instant): instant for instant in instants}
    milliseconds = [found[id] // 1_000 for id in sorted(found)]
    assert milliseconds == sorted(milliseconds)


@given(INSTANTS, st.integers(2, 200))
def test_ids_of_one_instant_keep_the_order_they_were_made_in(instant: int, number: int) -> None:
    made = [ids.uuid7(instant) for _ in range(number)]
    assert made == sorted(set(made))


@given(INSTANTS)
def test_no_id_of_an_instant_is_below_its_first(instant: int) -> None:
    assert runs.first_id(instant) <= ids.uuid7(instant)
    assert runs.first_id(instant + 1) > runs.first_id(instant)
