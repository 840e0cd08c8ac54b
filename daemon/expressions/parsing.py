"""Text to syntax tree. Called by ``compiling`` to run it and by ``references`` to read it."""

from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser
from jinja2.visitor import NodeTransformer

from daemon.expressions import errors, fence

ENVIRONMENT = fence.Fence()
MARKS = [chr(code) for code in range(0xFDD0, 0xFDF0)]  # code points that Unicode keeps free for such use
FOREIGN = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_NAMED_BY_TEXT = {"map": "filter", "select": "test", "reject": "test"}


def is_template(text: str) -> bool:
    """Whether *text* holds anything for Jinja; all other text is itself."""
    return "{{" in text or "{%" in text or "{#" in text


def parse_text(text: str) -> nodes.Template:
    """The tree of a template; :class:`ExpressionError` says what is wrong and in which line."""
    # Jinja makes line feeds of carriage returns, so something else stands for them while it reads.
    mark = next((mark for mark in MARKS if mark not in text), "\r")
    try:
        tree = ENVIRONMENT.parse(text.replace("\r", mark))
    except TemplateSyntaxError as wrong:
        raise errors.ExpressionError(_told(wrong), wrong.lineno, text) from None
    except (RecursionError, ValueError):
        raise errors.ExpressionError("too deep or too large to read", 1, text) from None
    _restore_returns(tree, mark)
    _check(tree, text)
    return tree


def parse_condition(text: str) -> nodes.Expr:
    """The tree of a bare expression; :class:`ExpressionError` as :func:`parse_text`."""
    if not text.strip():
        raise errors.ExpressionError("an expression is empty", 1, text)
    if text.lstrip().startswith(("{{", "{%")):
        raise errors.ExpressionError("this is a bare expression: write it without braces", 1, text)
    try:
        parser = Parser(ENVIRONMENT, text, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail("there is more behind the expression's end", parser.stream.current.lineno)
    except TemplateSyntaxError as wrong:
        told = _told(wrong).replace("end of template", "end of expression")
        raise errors.ExpressionError(told, wrong.lineno, text) from None
    except (RecursionError, ValueError):
        raise errors.ExpressionError("too deep or too large to read", 1, text) from None
    _check(tree, text)
    return tree


def lone_expression(text: str, tree: nodes.Template) -> nodes.Expr | None:
    """The expression, if *text* is exactly one ``{{ … }}`` with no other character around it."""
    match tree.body:
        case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
            return expression if text.startswith("{{") and text.endswith("}}") else None
    return None


def fenced(tree: nodes.Node) -> nodes.Node:
    """*tree* with its loops counted and its ``~`` spelling values as text does. Changes *tree*."""
    changed = _Fencing().visit(tree)
    assert isinstance(changed, nodes.Node)  # noqa: S101 - the transformer gives a node for a node
    return changed.set_environment(ENVIRONMENT)


class _Fencing(NodeTransformer):
    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - named by Jinja's visitor
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), fence.CONCAT)

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - named by Jinja's visitor
        self.generic_visit(node)
        node.iter = _filter(node.iter, fence.WALK)
        return node


def _filter(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _told(wrong: TemplateSyntaxError) -> str:
    return " ".join((wrong.message or "this is no template").split())[: errors.SHOWN]


def _restore_returns(tree: nodes.Node, mark: str) -> None:
    for node in tree.find_all((nodes.TemplateData, nodes.Const)):
        for field in ("data", "value"):
            given: Any = getattr(node, field, None)
            if isinstance(given, str):
                setattr(node, field, given.replace(mark, "\r"))


def _check(tree: nodes.Node, text: str) -> None:
    """:class:`ExpressionError` for what a template may not do and for filters and tests that do not exist."""
    for node in _all(tree):
        if isinstance(node, FOREIGN):
            word = type(node).__name__.lower()
            raise errors.ExpressionError(
                f"{word} is out of reach: a template stands alone", node.lineno, text
            )
        if isinstance(node, nodes.Filter | nodes.Test):
            _check_name(type(node).__name__.lower(), node.name, node.lineno, text)
            _check_argument(node, text)


def _check_argument(node: nodes.Filter | nodes.Test, text: str) -> None:
    match node.args:
        case [nodes.Const(value=str(name)), *_] if node.name in _NAMED_BY_TEXT:
            _check_name(_NAMED_BY_TEXT[node.name], name, node.lineno, text)


def _check_name(what: str, name: str, line: int, text: str) -> None:
    known = ENVIRONMENT.filters if what == "filter" else ENVIRONMENT.tests
    if name not in known or name.startswith("."):
        hint = errors.did_you_mean(name, known)
        raise errors.ExpressionError(f"there is no {what} {name[: errors.SHOWN]!r}{hint}", line, text)


def _all(tree: nodes.Node) -> list[nodes.Node]:
    return [tree, *tree.find_all(nodes.Node)]
