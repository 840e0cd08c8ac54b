"""Words that do not belong in the project, and exceptions that are explained.

The words are put together from halves, so that this file does not hold them.
"""

import re

import pytest

from tests.house import sources

PROMISES = "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"])
HOSTS = "|".join(
    re.escape(first + last)
    for first, last in [
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("npmjs", ".org"),
        ("npmjs", ".com"),
        ("crates", ".io"),
        ("docker", ".io"),
        ("ghcr", ".io"),
        ("quay", ".io"),
        ("ana", "conda.org"),
        ("jsdel", "ivr.net"),
        ("unp", "kg.com"),
    ]
)
PLACES = "|".join(
    [r"(?<![\w.])/wo" + r"rk/", r"\.\./sha" + "red", "DEVEL" + "OPERS", r"\.py" + "env", "/opt/py" + "pi"]
)
NOQA = re.compile(r"#\s*(?:no" + r"qa|ruff: no" + r"qa|type:\s*ig" + r"nore)\b(.*)$", re.MULTILINE)
EXPLAINED = re.compile(r"(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[\w\-, ]+\])\s*(?:#|-|–|—|;)?\s*\S+ \S+")


@pytest.mark.parametrize(
    "kind, pattern", [("a promise not kept", PROMISES), ("a registry host", HOSTS), ("a place", PLACES)]
)
def test_words_that_do_not_belong_here(kind: str, pattern: str) -> None:
    unwanted = re.compile(rf"\b(?:{pattern})\b" if kind == "a promise not kept" else pattern)
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {kind}: {match.group()}"
        for name, text in sources.texts().items()
        for match in unwanted.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_every_silenced_check_says_why() -> None:
    bare = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group().strip()}"
        for name, text in sources.code().items()
        for match in NOQA.finditer(text)
        if not EXPLAINED.match(match[1])
    ]
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize(
    "comment, explained",
    [
        (": S311", False),
        ("", False),
        (": S311 - jitter needs no secrecy", True),
        ("[arg-type]", False),
        ("[arg-type]  # the stub is wrong about None", True),
        (": S311, S608 jitter, and a constant", True),
    ],
)
def test_what_counts_as_an_explanation(comment: str, explained: bool) -> None:
    assert bool(EXPLAINED.match(comment)) is explained
