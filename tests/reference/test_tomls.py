"""Steps as TOML: whatever a parameter holds is read back as it was."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model.jsons import JsonObject
from daemon.reference import tomls

VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.text(), st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_written_is_read_back(action: str, parameters: JsonObject) -> None:
    (step,) = tomllib.loads(tomls.step(action, parameters))["reaction"]["do"]
    assert step == {"action": action, **({"with": parameters} if parameters else {})}


def test_a_short_step_has_its_parameters_on_one_line() -> None:
    assert tomls.step("state.delete", {"key": "k"}).splitlines()[-1] == 'with = { key = "k" }'


def test_a_long_list_has_a_line_for_each_item() -> None:
    written = tomls.step("x.y", {"texts": ["a" * 60, "b" * 60]}).splitlines()
    assert written[2:] == ["", "[reaction.do.with]", "texts = [", f'  "{"a" * 60}",', f'  "{"b" * 60}",', "]"]


def test_a_null_is_refused() -> None:
    with pytest.raises(ValueError, match="no null"):
        tomls.step("x.y", {"a": [None]})
