"""Where the daemon can die: every await of the rooms an event passes, every commit, every answer that is told.

Read from the source, so that a new one is a station unasked. The daemon itself knows nothing of them: they are compiled
in by :func:`compile_in`, in a process that a test started for it (``nursery``). At a station the process writes down
that it was there and, where it is armed for it, is gone as if by the kernel.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
ROOMS = (
    "daemon/intake/*.py",
    "daemon/routing/*.py",
    "daemon/running/*.py",
    "daemon/contract/connections.py",
    "daemon/contract/http.py",
    "daemon/journal/sqlite.py",
)
TOLD = {
    "one.told",
    "self._crew.take",
    "self.take",
    "self._hand_over",
    "sending.note",
}  # plain calls that tell of it
SPOKEN = ("BEGIN IMMEDIATE", "COMMIT")
AROUND, PASSING = "__around_station__", "__at_station__"


@dataclass
class Armed:
    """What this process does at stations: die at the *visit*-th coming to *station*, note others in *visited*."""

    station: str = ""
    visit: int = 1
    visited: str = ""
    seen: set[str] = field(default_factory=set)

    def come_to(self, name: str) -> None:
        """The process stands at the station *name*."""
        if self.visited and name not in self.seen:
            self.seen.add(name)
            with open(self.visited, "a", encoding="utf-8") as book:
                book.write(f"{name}\n")
        if name == self.station:
            self.visit -= 1
            if self.visit == 0:
                os.kill(os.getpid(), signal.SIGKILL)


armed = Armed()


async def around(name: str, awaited: Any) -> Any:
    """An await with a station on either side."""
    armed.come_to(f"{name} before")
    result = await awaited
    armed.come_to(f"{name} after")
    return result


def passing(name: str, call: Callable[[], Any]) -> Any:
    """A plain call with a station on either side."""
    armed.come_to(f"{name} before")
    result = call()
    armed.come_to(f"{name} after")
    return result


class Marking(ast.NodeTransformer):
    """Puts stations into one module's tree; *names* are theirs, in the order of the source."""

    def __init__(self, module: str) -> None:
        self.names: list[str] = []
        self._where = [module.removeprefix("daemon.")]
        self._counted: dict[str, int] = {}

    def _enter(self, node: Any) -> Any:
        self._where.append(node.name)
        self.generic_visit(node)
        self._where.pop()
        return node

    visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _enter  # noqa: N815 - ast's own names

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return ast.Await(_call(AROUND, self._name(_called(node.value)), node.value))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        name = self._name(_called(node.items[0].context_expr))
        nothing = ast.Lambda(_nobody(), ast.Constant(None))
        node.body.insert(0, ast.Expr(_call(PASSING, name, nothing)))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        spoken = _spoken(node)
        if not spoken and ast.unparse(node.func) not in TOLD:
            return node
        return _call(PASSING, self._name(spoken or _called(node)), ast.Lambda(_nobody(), node))

    def _name(self, called: str) -> str:
        """``running.calling.Caller._send: self._scribe.commit``, with a number from the second one on."""
        name = f"{'.'.join(self._where)}: {called}"
        self._counted[name] = count = self._counted.get(name, 0) + 1
        name += f" {count}" if count > 1 else ""
        self.names.append(name)
        return name


def _called(node: ast.expr) -> str:
    """What *node* calls or waits for, in a few words."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).rpartition(").")[2]


def _nobody() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def _call(function: str, name: str, given: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), [ast.Constant(name), given], [])


def _spoken(node: ast.Call) -> str:
    """BEGIN or COMMIT where *node* says that to the database."""
    first = node.args[0] if node.args else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return ""
    return first.value if first.value in SPOKEN else ""


def mark(text: str, module: str) -> tuple[ast.Module, Sequence[str]]:
    """The tree of *text* with stations in it, and their names."""
    marking = Marking(module)
    tree: ast.Module = marking.visit(ast.parse(text))
    return ast.fix_missing_locations(tree), marking.names


def modules() -> Iterator[tuple[str, Path]]:
    """The modules that have stations: name and file."""
    for pattern in ROOMS:
        for path in sorted(ROOT.glob(pattern)):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def all_stations() -> list[str]:
    """Every station there is: each place once, with neither side."""
    return [name for module, path in modules() for name in mark(path.read_text(), module)[1]]


class MarkingLoader(importlib.machinery.SourceFileLoader):
    """Loads a module with its stations; never from or into a cache."""

    def get_code(self, fullname: str) -> CodeType:
        tree, _ = mark(Path(self.path).read_text(), fullname)
        return compile(tree, self.path, "exec")

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, AROUND, around)
        setattr(module, PASSING, passing)
        super().exec_module(module)


class MarkingFinder(importlib.abc.MetaPathFinder):
    """Finds the modules that have stations."""

    def __init__(self) -> None:
        self._paths = dict(modules())

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        found = self._paths.get(name)
        if found is None:
            return None
        folder = [str(found.parent)] if found.name == "__init__.py" else None
        loader = MarkingLoader(name, str(found))
        return importlib.util.spec_from_file_location(
            name, found, loader=loader, submodule_search_locations=folder
        )


def compile_in() -> None:
    """From now on this process imports the daemon with its stations."""
    assert not any(name in sys.modules for name, _ in modules()), "the daemon was imported before"
    sys.meta_path.insert(0, MarkingFinder())
