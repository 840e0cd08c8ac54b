"""Compiled templates and conditions. The rest of the daemon meets this room here.

Compiling is dear and rendering cheap, so what was compiled is kept by its text; a reload compiles only what
is new. Rendering takes a *scope*: the names a template may use (``event item steps run state now``).
Functions in it can be called, everything else in it is data.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.exceptions import FilterArgumentError, TemplateSyntaxError, UndefinedError

from daemon.expressions import errors, fence, parsing, plain, references, work
from daemon.model.scope import StateNeeded

KEPT = 4096  # compiled texts
_ANSWER = "pointsman_answer"  # the name under which a lone expression leaves its value
_CODE = "<template>"  # the file name that Jinja gives its generated code
# What these say names types, not values; what others say (a text that is no number) may not.
_TELLING = (TypeError, ZeroDivisionError, OverflowError, FilterArgumentError, UndefinedError)

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Code:
    """One compiled text. Without *template* it is itself; *native* keeps the value's own type.

    *path* is there for what is only names and dots: that is read without Jinja, in a microsecond or two.
    *bare* tells a condition's expression from a template.
    """

    source: str
    template: Template | None
    native: bool
    bare: bool = False
    path: tuple[str, ...] = ()

    def run(self, scope: Scope) -> Any:
        """The value or text; :class:`ExpressionError` says what failed, in which line."""
        if self.template is None:
            return self.source
        if self.path:
            value = functools.reduce(fence.read_key, self.path, scope)
            if not isinstance(value, fence.Missing):
                return value
        try:
            with work.metered():
                return self._run(self.template, scope)
        except StateNeeded:
            raise  # whoever evaluates reads the key and comes again
        except Exception as wrong:
            raise _explain(wrong, self, scope) from None

    def _run(self, template: Template, scope: Scope) -> Any:
        context = template.new_context(dict(scope))
        chunks = template.root_render_func(context)
        if not self.native:
            return _gather(chunks)
        for _ in chunks:
            pass
        return plain.settle(context.vars[_ANSWER])


@dataclass(frozen=True, slots=True)
class Compiled:
    """A parameter tree, or one text, ready to be rendered. Its leaves are :class:`Code` or plain values."""

    tree: Any

    def render(self, scope: Scope) -> Any:
        """The tree with every template rendered; :class:`ExpressionError` with the path to what failed.

        Texts that are one lone ``{{ … }}`` give the value itself, so datetimes and timedeltas may stand in
        what is returned: :func:`to_plain` makes JSON data of it.
        """
        return _render(self.tree, scope)

    def codes(self) -> Iterator[tuple[errors.Path, Code]]:
        """Every template in the tree, with the path to it."""
        return _codes(self.tree, ())


@dataclass(frozen=True, slots=True)
class Condition:
    """A bare expression: ``when``, ``if``, ``for_each``, ``match``."""

    code: Code

    def value(self, scope: Scope) -> Any:
        """What the expression gives; :class:`ExpressionError` if it cannot be evaluated."""
        return self.code.run(scope)

    def holds(self, scope: Scope) -> bool:
        """Whether that is true, or as good as true: not empty, not zero, not none."""
        return bool(self.code.run(scope))

    def codes(self) -> Iterator[tuple[errors.Path, Code]]:
        """The expression alone, at no path."""
        yield (), self.code


def compile_value(value: Any) -> Compiled:
    """A tree of dicts, lists and scalars whose strings are templates; keys and other scalars stay.

    :class:`ExpressionError` for the first string that is no template, with its path; :func:`find_errors`
    tells all.
    """
    return Compiled(_compile(value))


def compile_text(text: str) -> Compiled:
    """One template that always gives text, a lone ``{{ … }}`` too: keys, groups, subjects."""
    return Compiled(_text_code(text))


@functools.lru_cache(maxsize=KEPT)
def compile_condition(text: str) -> Condition:
    """A bare expression; :class:`ExpressionError` if it is none."""
    return Condition(_expression_code(text, parsing.parse_condition(text), bare=True))


def find_errors(value: Any) -> list[errors.ExpressionError]:
    """What :func:`compile_value` would refuse in the tree, all of it, each with its path."""
    match value:
        case str():
            try:
                _value_code(value)
            except errors.ExpressionError as wrong:
                return [wrong]
            return []
        case Mapping() | list():
            return [wrong.under(key) for key, item in _items(value) for wrong in find_errors(item)]
    return []


@functools.lru_cache(maxsize=KEPT)
def _value_code(text: str) -> Code:
    if not parsing.is_template(text):
        return Code(text, None, native=True)
    tree = parsing.parse_text(text)
    lone = parsing.lone_expression(text, tree)
    return _text_code(text) if lone is None else _expression_code(text, lone, bare=False)


@functools.lru_cache(maxsize=KEPT)
def _text_code(text: str) -> Code:
    if not parsing.is_template(text):
        return Code(text, None, native=False)
    return Code(text, _build(parsing.parse_text(text), text), native=False)


def _expression_code(text: str, expression: nodes.Expr, *, bare: bool) -> Code:
    path = references.whole_path(expression)
    kept = nodes.Assign(nodes.Name(_ANSWER, "store"), expression, lineno=expression.lineno)
    template = _build(nodes.Template([kept], lineno=1), text)
    return Code(text, template, native=True, bare=bare, path=path if len(path) > 1 else ())


def _build(tree: nodes.Template, text: str) -> Template:
    fenced = parsing.fenced(tree)
    assert isinstance(fenced, nodes.Template)  # noqa: S101 - fencing keeps the kind of node
    try:
        return parsing.ENVIRONMENT.from_string(fenced)
    except TemplateSyntaxError as wrong:
        raise errors.ExpressionError(wrong.message or "this is no template", wrong.lineno, text) from None
    except (RecursionError, SyntaxError, MemoryError, ValueError, OverflowError):
        raise errors.ExpressionError("too deep or too large to compile", 1, text) from None


def _compile(value: Any) -> Any:
    match value:
        case str():
            return _value_code(value)
        case Mapping() | list():
            made = {key: _at(key, _compile, item) for key, item in _items(value)}
            return made if isinstance(value, Mapping) else list(made.values())
    return value


def _render(node: Any, scope: Scope) -> Any:
    match node:
        case Code():
            return node.run(scope)
        case Mapping() | list():
            made = {key: _at(key, _render, item, scope) for key, item in _items(node)}
            return made if isinstance(node, Mapping) else list(made.values())
    return node


def _at(key: str | int, work: Any, *given: Any) -> Any:
    try:
        return work(*given)
    except errors.ExpressionError as wrong:
        raise wrong.under(key) from None


def _items(tree: Any) -> Iterator[tuple[Any, Any]]:
    return iter(tree.items()) if isinstance(tree, Mapping) else enumerate(tree)


def _codes(node: Any, path: errors.Path) -> Iterator[tuple[errors.Path, Code]]:
    match node:
        case Code():
            if node.template is not None:
                yield path, node
        case Mapping() | list():
            for key, item in _items(node):
                yield from _codes(item, (*path, key))


def _gather(chunks: Iterator[str]) -> str:
    gathered, length = [], 0
    for chunk in chunks:
        length += len(chunk)
        work.sized(length)
        gathered.append(chunk)
    return "".join(gathered)


def _explain(wrong: Exception, code: Code, scope: Scope) -> errors.ExpressionError:
    """*wrong* as one readable line without values, at its line of the source."""
    line = _line_of(wrong.__traceback__, code)
    match wrong:
        case errors.ExpressionError():
            return wrong.placed(code.source, line)
        case fence.NameMissing() if wrong.name is not None and str(wrong).startswith("is undefined"):
            hint = errors.did_you_mean(wrong.name, scope) if wrong.top else ""
            text = f"{_dotted(str(wrong.name), code, scope)} {wrong}{hint}"
        case RecursionError():
            text = "nested too deeply, or calling itself without end"
        case _ if isinstance(wrong, _TELLING):
            text = " ".join(str(wrong).split())
        case _:
            text = f"this cannot be evaluated ({type(wrong).__name__})"
    return errors.ExpressionError(text, line, code.source)


def _dotted(name: str, code: Code, scope: Scope) -> str:
    """The undefined *name* with what stands before it, if a path of the source breaks off there.

    A name that the source does not hold was computed, so it is a value and not told.
    """
    for reference in references.read_names(code.source, bare=code.bare):
        owner: Any = scope
        for place, part in enumerate(reference.path):
            if not isinstance(owner, Mapping) or part not in owner:
                if part == name:
                    return repr(".".join(reference.path[: place + 1]))
                break
            owner = owner[part]
    return repr(name) if name in code.source else "the key computed here"


def _line_of(trace: TracebackType | None, code: Code) -> int:
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _CODE and code.template is not None:
            line = code.template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
