"""The rows of a result, read one after the other out of its JSON. Pure.

A result of 100,000 rows, decoded whole, is many times its bytes; here one row at a time is decoded, and what is not
asked for is stepped over undecoded. ``results`` compares the rows; the watch on queries makes tables of small results.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from daemon.model import jsons
from daemon.model.jsons import JsonObject

_BLANKS = re.compile(rb"[ \t\r\n]*+")
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SIMPLE = re.compile(_STRING + rb'|[^][{}",: \t\r\n]++', re.DOTALL)
# All up to and with the next bracket that stands in no string. Nothing in it is ever tried twice: text that is no
# JSON costs one pass like any other.
_TO_BRACKET = re.compile(rb'[^][{}"]*+(?:' + _STRING + rb'[^][{}"]*+)*+([][{}])', re.DOTALL)


class BrokenResult(ValueError):
    """A result is not what the service gives. The message says what is wrong."""


def _refuse(constant: str) -> Any:
    raise BrokenResult(f"it holds {constant}")


def each(raw: bytes) -> Iterator[JsonObject]:
    """The rows of the result in *raw* (``{"query_result": {"data": {"rows": […]}}}``), in order.

    :class:`BrokenResult` where it ends early, has no rows, or holds what cannot be kept.
    """
    start = find(raw, "query_result", "data", "rows")
    if start is None or raw[start : start + 1] != b"[":
        raise BrokenResult("it has no rows")
    for row in _elements(raw, start):
        if not isinstance(row, dict):
            raise BrokenResult("a row is no object")
        yield row


def read(raw: bytes, *names: str) -> Any:
    """The value that stands under *names*, one in the other; None where there is none."""
    start = find(raw, *names)
    return None if start is None else _value(raw, start)[0]


def find(raw: bytes, *names: str) -> int | None:
    """Where in *raw* the value under *names*, one in the other, begins; None where there is none."""
    index = _skip_blanks(raw, 0)
    for name in names:
        if raw[index : index + 1] != b"{":
            return None
        found = _member(raw, index + 1, name)
        if found is None:
            return None
        index = found
    return index


def _member(raw: bytes, index: int, name: str) -> int | None:
    index = _skip_blanks(raw, index)
    while raw[index : index + 1] not in (b"}", b""):
        key, index = _value(raw, index)
        index = _expect(raw, index, b":")
        if key == name:
            return index
        index = _skip_blanks(raw, _skip(raw, index))
        if raw[index : index + 1] == b",":
            index = _skip_blanks(raw, index + 1)
    return None


def _skip(raw: bytes, index: int) -> int:
    """Behind the value at *index*, whatever stands inside."""
    if raw[index : index + 1] not in (b"{", b"["):
        return _behind(_SIMPLE, raw, index)
    depth = 0
    while True:
        index = _behind(_TO_BRACKET, raw, index)
        depth += 1 if raw[index - 1] in b"{[" else -1
        if depth == 0:
            return index


def _behind(pattern: re.Pattern[bytes], raw: bytes, index: int) -> int:
    found = pattern.match(raw, index)
    if found is None:
        raise BrokenResult(f"it is no JSON, or ends early (at {index})")
    return found.end()


def _elements(raw: bytes, index: int) -> Iterator[Any]:
    """The elements of the list at *index*."""
    index = _skip_blanks(raw, index + 1)
    while raw[index : index + 1] != b"]":
        value, index = _value(raw, index)
        yield value
        index = _skip_blanks(raw, index)
        if raw[index : index + 1] == b",":
            index = _skip_blanks(raw, index + 1)
        elif raw[index : index + 1] != b"]":
            raise BrokenResult("it is no JSON, or ends early")


def _value(raw: bytes, index: int) -> tuple[Any, int]:
    end = _skip(raw, index)
    try:
        return jsons.loads(raw[index:end]), end
    except jsons.UnfitJson as unfit:
        with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            # Python's own reader names the usual reason.
            json.loads(raw[index:end], parse_int=str, parse_constant=_refuse)
        raise BrokenResult(f"it is no JSON that can be kept ({unfit}; at {index})") from None


def _skip_blanks(raw: bytes, index: int) -> int:
    found = _BLANKS.match(raw, index)
    return found.end() if found else index


def _expect(raw: bytes, index: int, sign: bytes) -> int:
    index = _skip_blanks(raw, index)
    if raw[index : index + 1] != sign:
        raise BrokenResult("it is no JSON, or ends early")
    return _skip_blanks(raw, index + 1)
