from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from daemon.contract import wording
from daemon.model.problems import Problem

HIDDEN = "hunter2"


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    content: str


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = "x"
    number: int = Field(1, ge=1)
    sort: Literal["a", "b"] = "a"
    file: str | File | None = None
    files: list[File] = []
    key: SecretStr | None = None
    word: str = Field("x", min_length=1)
    few: list[str] = Field(["x"], min_length=1)
    many: dict[str, int] = Field({}, min_length=2)


def told(given: Any, **more: Any) -> list[Problem]:
    with pytest.raises(ValidationError) as caught:
        Thing.model_validate(given)
    return wording.problems(caught.value, given, ("at",), lambda _path: list(Thing.model_fields), **more)


@pytest.mark.parametrize(
    "given, path, text",
    [
        ({"name": 3}, ("at", "name"), "text is expected, came 3 (a number)"),
        ({"number": "three"}, ("at", "number"), 'a whole number is expected, came "three" (text)'),
        ({"number": 1.5}, ("at", "number"), "a whole number is expected, came 1.5 (a number)"),
        ({"number": {}}, ("at", "number"), "a whole number is expected, came a table"),
        (
            {"number": 0},
            ("at", "number"),
            "a number greater than or equal to 1 is expected, came 0 (a number)",
        ),
        ({"sort": "c"}, ("at", "sort"), 'one of a, b is expected, came "c" (text)'),
        ({"files": True}, ("at", "files"), "a list is expected, came true (true or false)"),
        ({"files": [{"name": "x"}]}, ("at", "files", 0), "content is missing"),
        ({"file": {"name": "x"}}, ("at", "file"), "content is missing"),
        (
            {"file": {"name": "x", "content": 1}},
            ("at", "file", "content"),
            "text is expected, came 1 (a number)",
        ),
        ({"file": 1}, ("at", "file"), "text or a table is expected, came 1 (a number)"),
        ([], ("at",), "a table is expected, came a list"),
        ({"word": ""}, ("at", "word"), "text that is not empty is expected, came an empty one"),
        ({"few": []}, ("at", "few"), "a list that is not empty is expected, came an empty one"),
        ({"many": {"a": 1}}, ("at", "many"), "a table of at least 2 items is expected, came a table"),
    ],
)
def test_wording(given: Any, path: Any, text: str) -> None:
    (problem,) = told(given)
    assert (problem.path, problem.text) == (path, text)


def test_an_unknown_key_points_at_itself_and_is_guessed() -> None:
    (problem,) = told({"nmae": "x"})
    assert (problem.path, problem.spot, problem.help) == (("at", "nmae"), "key", "Did you mean name?")


def test_a_missing_key_points_at_its_table() -> None:
    (problem,) = told({"files": [{"content": "x"}]})
    assert (problem.path, problem.spot) == (("at", "files", 0), "table")


def test_hidden_values_are_not_shown() -> None:
    (problem,) = told({"key": [HIDDEN]}, hidden=["key"])
    assert HIDDEN not in f"{problem.text} {problem.help}"


def test_what_cannot_be_told_yet_is_left_out() -> None:
    found = told({"name": 1, "number": "x"}, judged=lambda place, kind: place != ("name",))
    assert [problem.path for problem in found] == [("at", "number")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Thing.model_fields, "x"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*Thing.model_fields, "content", "x"]), JSON))
def test_every_problem_is_somewhere_in_what_came(given: dict[str, Any]) -> None:
    found: list[Problem] = []
    try:
        Thing.model_validate(given)
    except ValidationError as wrong:
        found = wording.problems(wrong, given, ())
    for problem in found:
        here: Any = given
        for step in problem.path:
            here = here[step]
        assert "\n" not in problem.text
