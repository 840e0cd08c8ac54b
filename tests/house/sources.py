"""The project's own files, as the house's checks read them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("daemon", "migrations", "tests", "bench", "requirements")
BUILT = {".git", ".venv", "__pycache__", "build", "dist"}


@cache
def texts() -> dict[str, str]:
    """Every text file of the project, path to content: those git knows or would take, else all there are."""
    known = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
    )
    names = known.stdout.splitlines() if known.returncode == 0 else list(_all_names())
    found = {}
    for name in names:
        try:
            found[name] = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):  # an image; a file removed but not yet committed
            continue
    return found


def code(*folders: str) -> dict[str, str]:
    """The Python files below *folders* (all code by default), path to content."""
    wanted = tuple(f"{folder}/" for folder in folders or CODE)
    return {name: text for name, text in texts().items() if name.endswith(".py") and name.startswith(wanted)}


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method that *text* defines, nested ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines the body of *function* has, its docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def _all_names() -> Iterator[str]:
    for path in ROOT.rglob("*"):
        name = path.relative_to(ROOT)
        if path.is_file() and not BUILT.intersection(name.parts):
            yield name.as_posix()
