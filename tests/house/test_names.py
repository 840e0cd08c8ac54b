"""Names say what a thing is, and calls across rooms name the room."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.house import sources

EMPTY = re.compile(r"(Manager|Handler|Helper|Processor|Impl|Util|Utils|Common|Misc)$|^Base[A-Z]")
EMPTY_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}


def test_no_class_has_an_empty_name() -> None:
    found = [
        f"{name}:{node.lineno}: {node.name}"
        for name, text in sources.code().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and EMPTY.search(node.name)
    ]
    assert not found, "\n".join(found)


def test_no_module_has_an_empty_name() -> None:
    found = [name for name in sources.code() if EMPTY_MODULES.intersection(PurePosixPath(name[:-3]).parts)]
    assert not found, "\n".join(found)


def test_functions_are_called_across_rooms_by_their_module() -> None:
    found = [
        f"{name}:{line}: {imported}"
        for name, text in sources.code("daemon").items()
        for line, imported in functions_across_rooms(name, text)
    ]
    assert not found, "\n".join(found)


def functions_across_rooms(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Each ``from daemon.ROOM… import function`` in *text* where ROOM is not its own.

    Types may come by name; a function may not, so that every call names its room.
    """
    room = name.split("/")[1].removesuffix(".py")
    for node in ast.walk(ast.parse(text)):
        if (
            not isinstance(node, ast.ImportFrom)
            or node.module is None
            or not node.module.startswith("daemon")
        ):
            continue
        parts = node.module.split(".")
        if len(parts) > 1 and parts[1] == room:
            continue
        for alias in node.names:
            if alias.name.islower() and not is_module([*parts, alias.name]):
                yield node.lineno, f"from {node.module} import {alias.name}"


def is_module(parts: list[str]) -> bool:
    """Whether the dotted name *parts* is a module or package of the project."""
    path = sources.ROOT.joinpath(*parts)
    return path.with_suffix(".py").is_file() or path.is_dir()


def test_the_check_tells_functions_from_modules_and_types() -> None:
    imports = [
        "daemon.model import times",
        "daemon.model.times import Clock",
        "daemon.model.times import rfc3339",
    ]
    text = "\n".join(f"from {each}" for each in imports)
    assert list(functions_across_rooms("daemon/app.py", text)) == [
        (3, "from daemon.model.times import rfc3339")
    ]
    assert not list(functions_across_rooms("daemon/model/runs.py", text))
