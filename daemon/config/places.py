"""Where each key and value of one TOML file stands: a concrete syntax tree, joined to the values by path.

``load`` asks for an :class:`Outline` only when something is wrong, because a good config needs no places.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daemon.model.problems import Path, Spot

if TYPE_CHECKING:
    from tree_sitter import Node

KEYS = ("bare_key", "quoted_key")
NOT_VALUES = ("comment", "ERROR")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A line and a column of a file, both from 1, in characters."""

    line: int
    column: int


START = Point(1, 1)


@dataclass(slots=True)
class _Standing:
    """Where one path stands: its key, its value, the header (or opening brace) of its table."""

    key: Point
    value: Point
    table: Point
    explicit: bool = False
    text: str | None = None


@dataclass(slots=True)
class Outline:
    """The places of one file, by path, and the keys that are set a second time."""

    standings: dict[Path, _Standing] = field(default_factory=dict)
    twice: list[tuple[Path, Point]] = field(default_factory=list)
    includes: str = ""  # the source text of a top-level `include = …`, for a file that is not TOML

    def point(self, path: Path, spot: Spot = "value", line: int = 0) -> Point:
        """Where *path* stands, or the nearest thing around it. *line* counts lines of a text value from 0."""
        if not path:
            return START
        found = self.standings.get(path)
        if found is None:
            return self.point(path[:-1], "table")
        if spot == "text" and found.text is not None:
            return _inside(found.text, found.value, line)
        return {"key": found.key, "table": found.table}.get(spot, found.value)


def outline(text: str) -> Outline:
    """The :class:`Outline` of a file's *text*, as far as it is TOML."""
    walk = _Walk(text)
    walk.document()
    return walk.found


class _Walk:
    """One walk over the syntax tree; arrays of tables are counted on the way, as TOML resolves them."""

    def __init__(self, text: str) -> None:
        # Only a config with problems needs them, so a good one starts without.
        import tree_sitter
        import tree_sitter_toml

        raw = text.encode()
        language = tree_sitter.Language(tree_sitter_toml.language())
        self._root = tree_sitter.Parser(language).parse(raw).root_node
        self._lines = raw.split(b"\n")
        self._counts: dict[Path, int] = {}
        self.found = Outline()

    def document(self) -> None:
        for child in self._root.children:
            if child.type == "pair":
                self._pair(child, ())
                self._note_include(child)
            elif child.type in ("table", "table_array_element"):
                path = self._header(child)
                for pair in child.children:
                    if pair.type == "pair":
                        self._pair(pair, path)

    def _note_include(self, pair: "Node") -> None:
        text = _source(pair)
        if text.replace('"', "").replace("'", "").startswith("include"):
            self.found.includes = text

    def _header(self, node: "Node") -> Path:
        opening = self._point(node)
        keys = list(_keys(node.children[1]))
        path: Path = ()
        for number, key in enumerate(keys):
            last = number == len(keys) - 1
            path = (*path, _name(key))
            if last and node.type == "table":
                self._declare(path, key, opening)
            self._note(path, _Standing(self._point(key), opening, opening))
            if last and node.type == "table_array_element":
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self._note(path, _Standing(opening, opening, opening))
        return path

    def _declare(self, path: Path, key: "Node", opening: Point) -> None:
        before = self.found.standings.get(path)
        if before is not None and (before.explicit or path in self._counts):
            self.found.twice.append((path, self._point(key)))
        elif before is not None:
            before.table = before.value = opening
            before.explicit = True
        else:
            self._note(path, _Standing(self._point(key), opening, opening, explicit=True))

    def _pair(self, node: "Node", base: Path) -> None:
        # A comment behind the value belongs to the pair too.
        keys, values = list(_keys(node.children[0])), _values(node)[1:]
        if not keys or not values:
            return
        start = self._point(keys[0])
        for key in keys[:-1]:
            base = (*base, _name(key))
            self._note(base, _Standing(self._point(key), self._point(key), start))
        path = (*base, _name(keys[-1]))
        if path in self.found.standings:
            self.found.twice.append((path, self._point(keys[-1])))
            return
        self._value(path, values[0], self._point(keys[-1]))

    def _value(self, path: Path, node: "Node", key: Point) -> None:
        here = self._point(node)
        text = _source(node) if node.type == "string" else None
        self._note(path, _Standing(key, here, here, explicit=True, text=text))
        if node.type == "inline_table":
            for pair in node.children:
                if pair.type == "pair":
                    self._pair(pair, path)
        elif node.type == "array":
            for number, item in enumerate(_values(node)):
                self._value((*path, number), item, self._point(item))

    def _note(self, path: Path, standing: _Standing) -> None:
        self.found.standings.setdefault(path, standing)

    def _point(self, node: "Node") -> Point:
        row, column = node.start_point
        before = self._lines[row][:column].decode("utf-8", "replace")
        return Point(row + 1, len(before) + 1)


def _values(node: "Node") -> list["Node"]:
    return [child for child in node.children if child.is_named and child.type not in NOT_VALUES]


def _keys(node: "Node") -> Iterator["Node"]:
    if node.type in KEYS:
        yield node
    elif node.type == "dotted_key":
        for child in node.children:
            yield from _keys(child)


def _name(node: "Node") -> str:
    text = _source(node)
    if node.type == "bare_key":
        return text
    try:
        return next(iter(tomllib.loads(f"{text} = 0")))
    except tomllib.TOMLDecodeError:
        return text.strip("\"'")


def _source(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _inside(source: str, start: Point, line: int) -> Point:
    """The first visible character of the *line*-th line of the text value written as *source*."""
    offsets = line_starts(source)
    offset = offsets[min(line, len(offsets) - 1)]
    if line == 0 and "\n" not in source[:offset]:
        return start
    before = source[:offset]
    row = before.count("\n")
    indent = len(source[offset:]) - len(source[offset:].lstrip(" \t")) if row else 0
    column = start.column + offset if row == 0 else offset - before.rfind("\n") + indent
    return Point(start.line + row, column)


def line_starts(source: str) -> list[int]:
    """The offsets in *source*, a TOML string as written, at which the lines of its value begin."""
    quote = source[:3] if source[:3] in ('"""', "'''") else source[:1]
    at = len(quote)
    if len(quote) == 3:
        # TOML trims a newline that comes right after the opening quotes.
        at += 2 if source[at : at + 2] == "\r\n" else source[at : at + 1] == "\n"
    starts, end = [at], len(source) - len(quote)
    while at < end:
        if source[at] != "\\" or quote[0] == "'":
            at += 1
            if source[at - 1] == "\n":
                starts.append(at)
        elif source[at + 1] in " \t\r\n":
            folded = _after_fold(source, at + 1)
            starts[-1] = folded if starts[-1] == at else starts[-1]
            at = folded
        else:
            at += 2
            if source[at - 1] == "n":
                starts.append(at)
    return starts


def _after_fold(source: str, at: int) -> int:
    """Past a backslash at a line's end, which swallows all white space up to the next character."""
    return at + len(source[at:]) - len(source[at:].lstrip(" \t\r\n"))
