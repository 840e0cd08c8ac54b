"""Reads the config file and what it includes into one tree that remembers where each part came from.

``reading`` calls :func:`load`; the problems of every later check are placed by :meth:`Source.place`. Values
come from ``tomllib``, places from ``places``. Tables of several files merge, arrays append, a key set twice
is an error.
"""

import glob
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from daemon.config import places
from daemon.config.places import Outline, Point
from daemon.config.problems import Located, Place
from daemon.model.jsons import JsonObject
from daemon.model.problems import Path, Spot

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
LARGEST_FILE = 16 * 1024 * 1024  # bytes
DEEPEST = 64  # tables and arrays inside one another


@dataclass(slots=True)
class SourceFile:
    """One file: its *name* as shown, its text, its values (empty where it is not TOML)."""

    name: str
    order: int
    text: str = ""
    tree: JsonObject = field(default_factory=dict)
    _outline: Outline | None = None

    def outline(self) -> Outline:
        """The places of this file, found when first asked for."""
        if self._outline is None:
            self._outline = places.outline(self.text)
        return self._outline

    def at(self, point: Point) -> Place:
        """*point* of this file."""
        return Place(self.order, point.line, point.column, self.name)


@dataclass(frozen=True, slots=True)
class Owner:
    """The file that a part of the merged tree stands in, and its path there."""

    file: SourceFile
    path: Path


@dataclass(slots=True)
class Source:
    """The merged *tree* of all *files*. *whole* is false where a file could not be read as TOML."""

    files: list[SourceFile] = field(default_factory=list)
    tree: JsonObject = field(default_factory=dict)
    problems: list[Located] = field(default_factory=list)
    owners: dict[Path, Owner] = field(default_factory=dict)
    whole: bool = True

    @property
    def folder(self) -> FilePath:
        """The main file's folder, which relative paths are relative to."""
        return FilePath(self.files[0].name).parent

    def place(self, path: Path, spot: Spot = "value", line: int = 0) -> Place:
        """Where *path* of the merged tree stands in its file; the nearest table around it where it is not."""
        owner = self.owners.get(path)
        if owner is None:
            return self.place(path[:-1], "table") if path else self.files[0].at(places.START)
        return owner.file.at(owner.file.outline().point(owner.path, spot, line))

    def file_of(self, path: Path) -> SourceFile:
        """The file that *path* stands in."""
        owner = self.owners.get(path)
        return owner.file if owner is not None else self.files[0]


def load(path: FilePath) -> Source:
    """Read *path* and its includes. Never raises: what cannot be read is among the problems."""
    source = Source()
    main = _read(source, str(path))
    _merge(source, source.tree, main.tree, (), Owner(main, ()))
    for name in _included(source, main):
        file = _read(source, name)
        if "include" in file.tree:
            text = "include stands in the main file alone"
            source.problems.append(
                Located(file.at(file.outline().point(("include",), "key")), text, "Remove it.")
            )
            del file.tree["include"]
        _merge(source, source.tree, file.tree, (), Owner(file, ()))
    return source


def _read(source: Source, name: str) -> SourceFile:
    file = SourceFile(name, len(source.files))
    source.files.append(file)
    try:
        file.text = _text(FilePath(name))
        tree = tomllib.loads(file.text)
        if _is_too_deep(tree):
            raise _Unreadable(f"has more than {DEEPEST} tables and lists inside one another")
        file.tree = tree
    except (tomllib.TOMLDecodeError, _Unreadable, ValueError, RecursionError) as wrong:
        source.whole = False
        source.problems.append(_not_toml(file, wrong))
    return file


def _is_too_deep(tree: JsonObject) -> bool:
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [one for items in inner for one in items if isinstance(one, dict | list)]
    return bool(level)


class _Unreadable(Exception):
    """The file has no text. *point* is where it ends to be one; *help* says what to do."""

    def __init__(self, text: str, point: Point = places.START, help: str = "") -> None:
        super().__init__(text)
        self.point = point
        self.help = help


def _text(path: FilePath) -> str:
    try:
        raw = path.read_bytes()
    except OSError as broken:
        help = "Name another: pointsman --config FILE." if isinstance(broken, FileNotFoundError) else ""
        raise _Unreadable(f"cannot be read ({broken.strerror})", help=help) from None
    if len(raw) > LARGEST_FILE:
        raise _Unreadable(f"is larger than {LARGEST_FILE} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as wrong:
        good = raw[: wrong.start].decode()
        point = Point(good.count("\n") + 1, len(good) - good.rfind("\n"))
        raise _Unreadable("is not UTF-8 text", point) from None


def _not_toml(file: SourceFile, wrong: Exception) -> Located:
    if isinstance(wrong, _Unreadable):
        return Located(file.at(wrong.point), f"the file {wrong}", wrong.help)
    if not isinstance(wrong, tomllib.TOMLDecodeError):
        return Located(file.at(places.START), "not TOML: something is nested too deep or too long")
    point = _point_of(file, str(wrong))
    what = _AT.sub("", str(wrong))
    for path, twice in file.outline().twice:
        # tomllib points behind the second setting; what is meant is its key.
        if twice.line <= point.line and what.startswith(("Cannot", "Duplicate")):
            return Located(file.at(twice), f"{path[-1]} is set twice", "Keep one of the two.")
    return Located(file.at(point), f"not TOML: {what[:1].lower()}{what[1:]}", "Correct the syntax here.")


def _point_of(file: SourceFile, message: str) -> Point:
    found = _AT.search(message)
    if found is not None and found[1]:
        return Point(int(found[1]), int(found[2]))
    lines = file.text.rstrip("\n").split("\n")
    return Point(len(lines), len(lines[-1]) + 1)


def _included(source: Source, main: SourceFile) -> list[str]:
    """The names of the included files, in the order of the globs, each file once."""
    patterns = main.tree.get("include", [])
    if not source.whole and not patterns:
        patterns = _rescued(main)
    names: dict[str, None] = {}
    for number, pattern in enumerate(patterns if isinstance(patterns, list) else []):
        if not isinstance(pattern, str):
            continue
        found = sorted(glob.glob(pattern, root_dir=source.folder, recursive=True))
        if not found and not glob.has_magic(pattern):
            place = source.place(("include", number))
            source.problems.append(
                Located(place, f"there is no file {pattern} to include", "Correct the path.")
            )
        names.update(dict.fromkeys(str(source.folder / name) for name in found))
    names.pop(main.name, None)
    return list(names)


def _rescued(main: SourceFile) -> list[Any]:
    """The include list of a file that is not TOML elsewhere."""
    try:
        found = tomllib.loads(main.outline().includes).get("include", [])
    except tomllib.TOMLDecodeError:
        return []
    return found if isinstance(found, list) else []


def _merge(source: Source, into: JsonObject, new: JsonObject, path: Path, owner: Owner) -> None:
    for key, value in new.items():
        here, there = (*path, key), Owner(owner.file, (*owner.path, key))
        known = into.get(key)
        if key not in into:
            into[key] = _own(source, value, here, there)
        elif isinstance(known, dict) and isinstance(value, dict):
            _merge(source, known, value, here, there)
        elif isinstance(known, list) and isinstance(value, list):
            for number, item in enumerate(value):
                at = Owner(owner.file, (*there.path, number))
                known.append(_own(source, item, (*here, len(known)), at))
        else:
            first = source.place(here, "key")
            place = there.file.at(there.file.outline().point(there.path, "key"))
            text = f"{key} is set twice, first in {first.file}:{first.line}"
            source.problems.append(Located(place, text, "Keep one of the two."))


def _own(source: Source, value: Any, path: Path, owner: Owner) -> Any:
    """A copy of *value* whose every part is noted as *owner*'s."""
    source.owners[path] = owner
    match value:
        case dict():
            return {
                key: _own(source, item, (*path, key), Owner(owner.file, (*owner.path, key)))
                for key, item in value.items()
            }
        case list():
            return [
                _own(source, item, (*path, number), Owner(owner.file, (*owner.path, number)))
                for number, item in enumerate(value)
            ]
        case _:
            return value
