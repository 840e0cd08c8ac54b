"""A folder of broken configs: each is told of at the right character, and of nothing else."""

import re
import tomllib
from pathlib import Path

import pytest

from daemon import config
from tests.config import surroundings

FOLDER = Path(__file__).parent / "broken"
EXPECTED = tomllib.loads((FOLDER / "expected.toml").read_text())
_LINE = re.compile(r"(?:(.+\.toml):)?(\d+):(\d+) (\w+): (.+)", re.DOTALL)


def test_every_broken_config_is_expected() -> None:
    there = {
        path.relative_to(FOLDER).as_posix()
        for path in [*FOLDER.glob("*.toml"), *FOLDER.glob("*/config.toml")]
    }
    assert there - {"expected.toml"} == set(EXPECTED)
    assert len(EXPECTED) >= 45


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_broken_config(name: str) -> None:
    path = FOLDER / name
    found = surroundings.problems(config.read(path, surroundings.catalog(), surroundings.ENVIRON))
    told = [
        (
            Path(one.place.file).relative_to(path.parent).as_posix(),
            one.place.line,
            one.place.column,
            one.severity,
        )
        for one in found
    ]
    expected = [_LINE.fullmatch(line) for line in EXPECTED[name]]
    assert told == [(m[1] or path.name, int(m[2]), int(m[3]), m[4]) for m in expected if m]
    for one, match in zip(found, expected, strict=True):
        assert match is not None
        assert one.text.startswith(match[5])


def test_a_problem_is_printed_as_one_line() -> None:
    path = FOLDER / "09-number-for-duration.toml"
    (line,) = map(str, config.read(path, surroundings.catalog(), {}).problems)
    assert line == f'{path}:2:17: a duration is expected, came 30 (a number). Write it as "30s".'


def test_the_line_pointed_at_holds_what_is_wrong() -> None:
    """Where the text quotes a word, that word stands in the line that is pointed at."""
    checked = 0
    for name in EXPECTED:
        path = FOLDER / name
        for one in surroundings.problems(config.read(path, surroundings.catalog(), surroundings.ENVIRON)):
            word = re.fullmatch(r"unknown key (\S+)", one.text)
            if word:
                line = Path(one.place.file).read_text().split("\n")[one.place.line - 1]
                assert line[one.place.column - 1 :].startswith(word[1])
                checked += 1
    assert checked >= 6
