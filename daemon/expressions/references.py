"""Which names an expression reads. The config's check holds them against the schemas of events and actions.

Only what can be followed is told: names of the scope and the keys behind their dots. A subscript ends a path,
``["x"]`` too, which is how a config reaches a vendor's undocumented fields; names that the template makes
itself (loops, ``set``, macros) are left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from jinja2 import nodes

from daemon.expressions import errors, parsing

Dotted = tuple[str, ...]
_DEFAULTS = frozenset({"default", "d"})


@dataclass(frozen=True, slots=True)
class Reference:
    """One reading of ``a.b.c``: *line* is in its text, *at* the text's path in the tree of parameters.

    *guarded*: the expression copes without it, by ``default``, ``is defined`` or a test before it. *kind*
    ``call`` is a call of a function of the scope.
    """

    path: Dotted
    line: int
    guarded: bool
    kind: Literal["read", "call"]
    at: errors.Path = ()


class Source(Protocol):
    """A compiled text: its source, and whether that is a bare expression."""

    @property
    def source(self) -> str:
        """As the config has it."""
        ...

    @property
    def bare(self) -> bool:
        """Whether it is a condition's."""
        ...


class Readable(Protocol):
    """A :class:`Compiled` or a :class:`Condition`."""

    def codes(self) -> Iterator[tuple[errors.Path, "Source"]]:
        """Each text, with the path to it."""
        ...


def names(compiled: Readable) -> list[Reference]:
    """Every dotted path that *compiled* reads from its scope, in reading order, each time it is read."""
    return [
        Reference(found.path, found.line, found.guarded, found.kind, at)
        for at, code in compiled.codes()
        for found in read_names(code.source, bare=code.bare)
    ]


@lru_cache(maxsize=1024)
def read_names(source: str, *, bare: bool) -> tuple[Reference, ...]:
    """The same for one text, an expression without braces if *bare*."""
    tree = parsing.parse_condition(source) if bare else parsing.parse_text(source)
    return tuple(_Reader(tree).read(tree, frozenset()))


def whole_path(node: nodes.Expr) -> Dotted:
    """The path that *node* is, if it is nothing but names and dots."""
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Getattr():
            before = whole_path(node.node)
            return (*before, node.attr) if before else ()
    return ()


class _Reader:
    """Walks a tree with what is known to be defined at each place."""

    def __init__(self, tree: nodes.Node) -> None:
        self._own = _names_made(tree)
        self._ways: dict[type[nodes.Node], Callable[..., Iterator[Reference]]] = {
            nodes.Name: self._path,
            nodes.Getattr: self._path,
            nodes.Getitem: self._path,
            nodes.Call: self._call,
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.And: self._and,
            nodes.Or: self._or,
            nodes.CondExpr: self._choice,
            nodes.If: self._branches,
        }

    def read(self, node: nodes.Node, known: frozenset[Dotted], asked: bool = False) -> Iterator[Reference]:
        """The references below *node*; *asked* when it stands right before ``default`` or ``is defined``."""
        way = self._ways.get(type(node))
        if way is not None:
            yield from way(node, known, asked)
        else:
            for child in node.iter_child_nodes():
                yield from self.read(child, known)

    def _path(self, node: nodes.Expr, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        path, inner = _dotted(node)
        if path and path[0] not in self._own:
            yield Reference(path, node.lineno, asked or _is_known(path, known), "read")
        for child in inner:
            yield from self.read(child, known, asked and not path)

    def _call(self, node: nodes.Call, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        path, _ = _dotted(node.node)
        if path and path[0] not in self._own:
            yield Reference(path, node.lineno, asked or _is_known(path, known), "call")
        children = list(node.iter_child_nodes())
        for child in children[1:] if path else children:
            yield from self.read(child, known)

    def _filter(self, node: nodes.Filter, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        if node.node is not None:
            yield from self.read(node.node, known, node.name in _DEFAULTS)
        yield from self._arguments(node, known)

    def _test(self, node: nodes.Test, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        yield from self.read(node.node, known, node.name in ("defined", "undefined"))
        yield from self._arguments(node, known)

    def _arguments(self, node: nodes.Filter | nodes.Test, known: frozenset[Dotted]) -> Iterator[Reference]:
        for child in node.iter_child_nodes(exclude=("node",)):
            yield from self.read(child, known)

    def _and(self, node: nodes.And, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        yield from self.read(node.left, known)
        yield from self.read(node.right, known | _defined_if(node.left, True))

    def _or(self, node: nodes.Or, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        yield from self.read(node.left, known)
        yield from self.read(node.right, known | _defined_if(node.left, False))

    def _choice(self, node: nodes.CondExpr, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        yield from self.read(node.test, known)
        yield from self.read(node.expr1, known | _defined_if(node.test, True))
        if node.expr2 is not None:
            yield from self.read(node.expr2, known | _defined_if(node.test, False))

    def _branches(self, node: nodes.If, known: frozenset[Dotted], asked: bool) -> Iterator[Reference]:
        for branch in (node, *node.elif_):
            yield from self.read(branch.test, known)
            for child in branch.body:
                yield from self.read(child, known | _defined_if(branch.test, True))
            known |= _defined_if(branch.test, False)
        for child in node.else_:
            yield from self.read(child, known)


def _dotted(node: nodes.Node) -> tuple[Dotted, list[nodes.Node]]:
    """The path of a chain of dots, and the parts to be read on their own (subscripts, calls)."""
    match node:
        case nodes.Name():
            return (node.name,), []
        case nodes.Getattr():
            path, inner = _dotted(node.node)
            return ((*path, node.attr) if path and not inner else path), inner
        case nodes.Getitem():
            path, inner = _dotted(node.node)
            return path, [*inner, node.arg]
    return (), [node]


def _defined_if(test: nodes.Node, holds: bool) -> frozenset[Dotted]:
    """The paths that are certainly defined if *test* came out as *holds*."""
    match test:
        case nodes.Test(name="defined" | "undefined"):
            path, _ = _dotted(test.node)
            return frozenset({path}) if path and holds == (test.name == "defined") else frozenset()
        case nodes.Not():
            return _defined_if(test.node, not holds)
        case nodes.And() if holds:
            return _defined_if(test.left, True) | _defined_if(test.right, True)
        case nodes.Or() if not holds:
            return _defined_if(test.left, False) | _defined_if(test.right, False)
    return frozenset()


def _is_known(path: Dotted, known: frozenset[Dotted]) -> bool:
    return any(path[: len(other)] == other or other[: len(path)] == path for other in known)


def _names_made(tree: nodes.Node) -> frozenset[str]:
    """Names that the template itself makes; they are not the scope's, wherever they stand."""
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    own |= {node.name for node in tree.find_all(nodes.Macro)}
    if next(tree.find_all(nodes.For), None) is not None:
        own.add("loop")
    if next(tree.find_all((nodes.Macro, nodes.CallBlock)), None) is not None:
        own |= {"caller", "varargs", "kwargs"}
    return frozenset(own)
