"""The rows of a result, read one after the other out of its JSON text. Pure.

A result of 100,000 rows, decoded whole, is ten times its text; here one row at a time is decoded. ``results``
compares them; the watch on queries makes tables of small results.
"""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

from daemon.model import jsons
from daemon.model.jsons import JsonObject

_BLANKS = re.compile(r"[ \t\r\n]*")


class BrokenResult(ValueError):
    """A result's text is not what the service gives. The message says what is wrong."""


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else jsons.LARGEST_INTEGER + 1
    if not -jsons.LARGEST_INTEGER - 1 <= number <= jsons.LARGEST_INTEGER:
        raise BrokenResult("a whole number is beyond 64 bits")
    return number


def _refuse(constant: str) -> Any:
    raise BrokenResult(f"it holds {constant}")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_constant=_refuse)


def each(text: str) -> Iterator[JsonObject]:
    """The rows of the result in *text* (``{"query_result": {"data": {"rows": […]}}}``), in order.

    :class:`BrokenResult` where the text ends early, has no rows, or holds what cannot be kept.
    """
    start = find(text, "query_result", "data", "rows")
    if start is None or text[start : start + 1] != "[":
        raise BrokenResult("it has no rows")
    for row in _elements(text, start):
        if not isinstance(row, dict):
            raise BrokenResult("a row is no object")
        yield row


def read(text: str, *names: str) -> Any:
    """The value that stands under *names*, one in the other; None where there is none."""
    start = find(text, *names)
    return None if start is None else _value(text, start)[0]


def find(text: str, *names: str) -> int | None:
    """Where in *text* the value under *names*, one in the other, begins; None where there is none."""
    index = _skip_blanks(text, 0)
    for name in names:
        if text[index : index + 1] != "{":
            return None
        found = _member(text, index + 1, name)
        if found is None:
            return None
        index = found
    return index


def _member(text: str, index: int, name: str) -> int | None:
    index = _skip_blanks(text, index)
    while text[index : index + 1] not in ("}", ""):
        key, index = _value(text, index)
        index = _expect(text, index, ":")
        if key == name:
            return index
        index = _skip_blanks(text, _skip(text, index))
        if text[index : index + 1] == ",":
            index = _skip_blanks(text, index + 1)
    return None


def _skip(text: str, index: int) -> int:
    """Behind the value at *index*; of a list no more than one element is held."""
    if text[index : index + 1] != "[":
        return _value(text, index)[1]
    elements = _elements(text, index)
    while True:
        try:
            next(elements)
        except StopIteration as ended:
            return int(ended.value)


def _elements(text: str, index: int) -> Generator[Any, None, int]:
    """The elements of the list at *index*; the generator's value is where the list ends."""
    index = _skip_blanks(text, index + 1)
    while text[index : index + 1] != "]":
        value, index = _value(text, index)
        yield value
        index = _skip_blanks(text, index)
        if text[index : index + 1] == ",":
            index = _skip_blanks(text, index + 1)
        elif text[index : index + 1] != "]":
            raise BrokenResult("its text ends early")
    return index + 1


def _value(text: str, index: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, index)
    except (json.JSONDecodeError, RecursionError, StopIteration) as broken:
        raise BrokenResult(f"its text is no JSON ({type(broken).__name__} at {index})") from None


def _skip_blanks(text: str, index: int) -> int:
    found = _BLANKS.match(text, index)
    return found.end() if found else index


def _expect(text: str, index: int, sign: str) -> int:
    index = _skip_blanks(text, index)
    if text[index : index + 1] != sign:
        raise BrokenResult("its text ends early")
    return _skip_blanks(text, index + 1)
