"""The sandbox that templates run in. Made once, by ``parsing``; ``compiling`` runs code in it.

Two walls. *Reach*: a dot or a subscript reads keys of objects, items of lists, characters of texts, and what
``loop`` offers; there are no attributes, so there are no methods, classes or globals to climb by. Only the
functions of the scope, macros and ``loop`` can be called. *Work*: what a rendering makes is
metered and bounded, see ``work``.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, NoReturn

from jinja2 import pass_context
from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.runtime import Context, LoopContext, Macro, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from daemon.expressions import errors, filters, formats, plain, work

WALK, CONCAT = ".walk", ".concat"  # filters that only ``parsing`` puts in
_LOOP = frozenset(
    "index index0 revindex revindex0 first last length depth depth0 previtem nextitem cycle changed".split()
)


class NameMissing(UndefinedError):
    """An undefined name was used. *name* is as written; *top* tells a name of the scope from a key."""

    def __init__(self, name: object, top: bool, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.top = top


class Missing(StrictUndefined):
    """An undefined name. It may be asked whether it is defined, given a default, and have its keys read
    (``event.data.job.id | default(0)`` where there is no ``job``); any other use raises :class:`NameMissing`.
    """

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: Any = None,
        exc: Callable[[str], TemplateRuntimeError] = UndefinedError,
    ) -> None:
        raising: Any = functools.partial(NameMissing, name, obj is missing)
        super().__init__(hint, obj, name, raising)

    @property
    def _undefined_message(self) -> str:
        name: Any = self._undefined_name
        owner = self._undefined_obj
        if self._undefined_hint or owner is missing:
            return self._undefined_hint or "is undefined"
        if isinstance(owner, Mapping):
            return f"is undefined{errors.did_you_mean(name, owner)}"
        if isinstance(name, int):
            return f"is undefined: {plain.kind(owner)} has no such item"
        out_of_reach = (
            "; methods are out of reach, filters do their work" if hasattr(type(owner), str(name)) else ""
        )
        return f"is undefined: what stands before it is {plain.kind(owner)} and has no keys{out_of_reach}"

    def fail(self) -> NoReturn:
        """Raise :class:`NameMissing`."""
        raise self._undefined_exception(self._undefined_message)


def read_key(owner: Any, name: str) -> Any:
    """What ``owner.name`` means: the key, what ``loop`` and a group offer, or a :class:`Missing`."""
    if isinstance(owner, Mapping):
        try:
            return owner[name]
        except KeyError:
            return Missing(obj=owner, name=name)
    if isinstance(owner, Missing):
        return owner
    offered = _LOOP if isinstance(owner, LoopContext) else getattr(type(owner), "_fields", ())
    if name in offered:
        return getattr(owner, name)
    return Missing(obj=owner, name=name)


def read_item(owner: Any, key: Any) -> Any:
    """What ``owner[key]`` means. A whole number finds the key of its digits too: JSON has no other keys."""
    if isinstance(key, Missing):
        key.fail()
    if isinstance(key, str):
        return read_key(owner, key)
    if isinstance(owner, Missing):
        return owner
    try:
        if isinstance(owner, Mapping):
            return owner[str(key) if isinstance(key, int) and key not in owner else key]
        if isinstance(owner, str | list | tuple) and isinstance(key, int):
            return owner[key]
    except (LookupError, TypeError):
        pass
    return Missing(obj=owner, name=key if isinstance(key, int) else plain.kind(key))


def _walk(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        work.spend(work.TURN)
        yield item


@pass_context
def _concat(context: Context, parts: list[Any]) -> str:
    return work.join_text(map(plain.to_text, parts))


class Fence(SandboxedEnvironment):
    """Jinja's sandbox with the two walls."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(work.join_text)

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            finalize=plain.to_text,
            keep_trailing_newline=True,
            autoescape=False,
            optimized=False,  # folding constants would join them by Python's spelling, not by ours
            cache_size=0,
        )
        self.filters = filters.all_filters() | {WALK: _walk, CONCAT: _concat}
        self.globals = {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """See :func:`read_key`."""
        return read_key(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """See :func:`read_item`."""
        return read_item(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operation, if it stays in bounds."""
        if operator == "%" and isinstance(left, str):
            return work.account(formats.apply_format(left, right))
        work.check_operation(operator, left, right)
        return work.account(self.binop_table[operator](left, right))

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The call, if *called* is a function of the scope, a macro, or the loop."""
        if isinstance(called, Missing):
            called.fail()
        if not _is_callable(context, called):
            raise errors.ExpressionError(f"{plain.kind(called)} cannot be called")
        work.spend(work.TURN)
        return context.call(called, *args, **kwargs)


def _is_callable(context: Context, called: Any) -> bool:
    if isinstance(called, Macro | LoopContext):
        return True
    if isinstance(called, MethodType) and isinstance(called.__self__, LoopContext):
        return True
    return callable(called) and any(called is known for known in context.parent.values())
