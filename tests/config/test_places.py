import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config import places
from daemon.config.places import Point

KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True) | st.sampled_from(
    ['"a b"', "'x.y'", '"ключ"', '"🚂"', '"tab\\t"']
)
SCALARS = st.sampled_from(
    [
        "1",
        "-2.5",
        "true",
        "2026-12-01T09:00:00Z",
        "10:00:00",
        '"äöü 🚂"',
        "'literal'",
        '"""one\ntwo"""',
        "'''\na\n'''",
        "[]",
    ]
)


def arrays(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=3)


def inline_tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(KEYS, values, min_size=1, max_size=3)


VALUES = st.recursive(SCALARS, lambda values: arrays(values) | inline_tables(values), max_leaves=5)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)
FILES = st.lists(st.tuples(st.sampled_from(["table", "array", "below"]), TABLES), max_size=5)


def key_of(written: str) -> str:
    return next(iter(tomllib.loads(f"{written} = 0")))


class Writer:
    """Writes a random file and remembers what stands at which path."""

    def __init__(self, indent: str) -> None:
        self.text = ""
        self.indent = indent
        self.written: dict[tuple[Any, ...], str] = {}
        self.offsets: dict[tuple[Any, ...], int] = {}

    def add(self, path: tuple[Any, ...], written: str) -> None:
        self.written[path], self.offsets[path] = written, len(self.text)
        self.text += written

    def table(self, path: tuple[Any, ...], header: str, pairs: dict[str, Any]) -> None:
        self.text += f"# à commenter\n{self.indent}{header}\n"
        seen = set()
        for key, value in pairs.items():
            if key_of(key) in seen:
                continue
            seen.add(key_of(key))
            self.text += f"{self.indent}{key}\t= "
            self.value((*path, key_of(key)), value)
            self.text += "  # 🚂\n"

    def value(self, path: tuple[Any, ...], value: Any) -> None:
        if isinstance(value, str):
            self.add(path, value)
        elif isinstance(value, list):
            self.add(path, "[")
            for number, item in enumerate(value):
                self.value((*path, number), item)
                self.text += ", "
            self.text += "]"
        else:
            self.add(path, "{ ")
            self.pairs(path, value)
            self.text += " }"

    def pairs(self, path: tuple[Any, ...], value: dict[str, Any]) -> None:
        once = {key_of(key): (key, item) for key, item in value.items()}
        for number, (name, (key, item)) in enumerate(once.items()):
            self.text += f"{', ' if number else ''}{key} = "
            self.value((*path, name), item)


def write(parts: list[tuple[str, dict[str, Any]]], indent: str) -> Writer:
    writer = Writer(indent)
    items = 0
    for number, (kind, pairs) in enumerate(parts):
        if kind == "table":
            writer.table((f"table{number}", "é"), f'[table{number}."é"]', pairs)
        elif kind == "array":
            writer.table(("items", items), "[[items]]", pairs)
            items += 1
        elif items:
            writer.table(("items", items - 1, f"below{number}"), f"[items . below{number}]", pairs)
    return writer


@given(FILES, st.sampled_from(["", "  ", "\t"]), st.booleans())
def test_every_value_is_found_where_it_was_written(parts: Any, indent: str, windows: bool) -> None:
    writer = write(parts, indent)
    text = writer.text.replace("\n", "\r\n") if windows else writer.text
    tomllib.loads(text)
    outline = places.outline(text)
    assert outline.twice == []
    for path, offset in writer.offsets.items():
        before = writer.text[:offset]
        expected = Point(before.count("\n") + 1, offset - before.rfind("\n"))
        assert outline.point(path) == expected, path
        line = text.split("\n")[expected.line - 1]
        assert line[expected.column - 1 :].startswith(writer.written[path].split("\n")[0])


FILE = """\
a.b.c = 1
[x.y]
  k = { p = 1, q = { r = [1, { z = 2 }] } }
[[list]]
n = 1
[[list]]
[list.deep]
m = 2
[x]
late = true
"""


@pytest.mark.parametrize(
    "path, spot, line, column",
    [
        ((), "value", 1, 1),
        (("a",), "key", 1, 1),
        (("a", "b"), "key", 1, 3),
        (("a", "b", "c"), "value", 1, 9),
        (("a", "b"), "table", 1, 1),
        (("x",), "table", 9, 1),
        (("x", "y"), "key", 2, 4),
        (("x", "y"), "table", 2, 1),
        (("x", "y", "k"), "table", 3, 7),
        (("x", "y", "k", "q", "r", 1, "z"), "value", 3, 36),
        (("x", "y", "k", "nowhere"), "value", 3, 7),
        (("list",), "table", 4, 1),
        (("list", 1), "table", 6, 1),
        (("list", 1, "deep"), "table", 7, 1),
        (("list", 1, "deep", "m"), "key", 8, 1),
        (("list", 1, "deep", "missing", "far"), "key", 7, 1),
        (("list", 0, "missing"), "value", 4, 1),
    ],
)
def test_spots(path: Any, spot: Any, line: int, column: int) -> None:
    assert places.outline(FILE).point(path, spot) == Point(line, column)


TEXTS = '''\
one = "a\\nb"
two = """
first
  second \\
     folded
third"""
three = \'\'\'zero
  one\'\'\'
'''


@pytest.mark.parametrize(
    "key, number, line, column",
    [
        ("one", 0, 1, 7),
        ("one", 1, 1, 11),
        ("two", 0, 3, 1),
        ("two", 1, 4, 3),
        ("two", 2, 6, 1),
        ("two", 9, 6, 1),
        ("three", 0, 7, 9),
        ("three", 1, 8, 3),
    ],
)
def test_lines_inside_texts(key: str, number: int, line: int, column: int) -> None:
    assert places.outline(TEXTS).point((key,), "text", number) == Point(line, column)


@given(st.text(alphabet='xy \n\\"n\u00e9', max_size=30), st.sampled_from(['"""', "'''"]))
def test_lines_are_those_of_the_value(body: str, quotes: str) -> None:
    source = f"{quotes}{body}{quotes}"
    try:
        value = tomllib.loads(f"x = {source}")["x"]
    except tomllib.TOMLDecodeError:
        return
    starts = places.line_starts(source)
    assert len(starts) == value.count("\n") + 1
    for start, line in zip(starts, value.split("\n"), strict=True):
        plain = line.split("\t")[0].split('"')[0].split("\\")[0]
        assert source[start:].startswith(plain[:1])


@pytest.mark.parametrize(
    "text, path, point",
    [
        ("a = 1\na = 2\n", ("a",), Point(2, 1)),
        ("[t]\n[t]\n", ("t",), Point(2, 2)),
        ("[t]\nx = 1\n[o]\n[t.x]\n", ("t", "x"), Point(4, 4)),
        ("t = { x = 1, y = 2, x = 3 }\n", ("t", "x"), Point(1, 21)),
        ("[[t]]\n[t]\n", ("t",), Point(2, 2)),
    ],
)
def test_keys_set_twice_are_noted(text: str, path: Any, point: Point) -> None:
    assert (path, point) in places.outline(text).twice


def test_what_is_not_toml_still_has_places() -> None:
    outline = places.outline('include = ["a.toml"]\n[ok]\nx = 1\n[broken]\ny = \n')
    assert outline.includes == 'include = ["a.toml"]'
    assert outline.point(("ok", "x")) == Point(3, 5)
