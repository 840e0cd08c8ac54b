"""What ``docs/guarantees.md`` says is proven by tests that exist."""

import re

from tests.house import sources

PAGE = sources.texts()["docs/guarantees.md"]
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
PROMISES = 12


def functions_of(name: str) -> set[str]:
    return {function.name for function in sources.functions(sources.code("tests").get(name, ""))}


def test_every_test_that_is_named_exists() -> None:
    lacking = [f"{file}::{test}" for file, test in NAMED if test not in (functions_of(file) or {""})]
    assert not lacking
    assert len(NAMED) > 20


def test_every_promise_has_its_proof() -> None:
    rows = re.findall(r"^\| (\d+)\. .*?\| (.*?) \|", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, PROMISES + 1))
    assert [number for number, proof in rows if "::test_" not in proof] == []


def test_every_file_of_crashes_is_named() -> None:
    files = {name for name in sources.code("tests") if name.startswith("tests/crashes/test_")}
    assert files <= {file for file, _ in NAMED}
