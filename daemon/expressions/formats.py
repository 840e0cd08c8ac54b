"""Python's ``%`` formats, looked through before they are applied, by the filter ``format`` and by ``%``."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from daemon.expressions import errors, work

WIDEST = 999  # characters that a format may pad one value to
_REST = re.compile(
    r"[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?[hlL]?(.?)", re.DOTALL
)  # behind the percent sign and the key


def apply_format(text: str, values: Any) -> Any:
    """``text % values``; :class:`ExpressionError` for what would make much out of little."""
    given, length = _in_order(values), len(text)
    for key, width, precision, conversion in _specs(text):
        if not (_is_small(width) and _is_small(precision)):
            raise errors.ExpressionError(f"a format pads to at most {WIDEST} characters, told in figures")
        if conversion != "%":
            value = values.get(key) if key is not None and isinstance(values, Mapping) else next(given, None)
            length += WIDEST + len(value if isinstance(value, str) else repr(value))
            work.sized(length)
    return text % values


def _in_order(values: Any) -> Iterator[Any]:
    return iter(values if isinstance(values, tuple) else (values,))


def _specs(text: str) -> Iterator[tuple[str | None, str, str, str]]:
    """Key, width, precision and conversion of every format in *text*."""
    start = text.find("%")
    while start >= 0:
        key, start = _key(text, start + 1)
        rest = _REST.match(text, start)
        if rest is None:
            return
        yield key, rest[1], rest[2] or "", rest[3]
        start = text.find("%", rest.end())


def _key(text: str, start: int) -> tuple[str | None, int]:
    """The key in brackets at *start*, if there is one, and where it ends; brackets inside it are counted."""
    if not text.startswith("(", start):
        return None, start
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return text[start + 1 : place], place + 1
    return None, len(text)


def _is_small(figures: str) -> bool:
    return figures != "*" and len(figures.lstrip("0")) <= len(str(WIDEST))
