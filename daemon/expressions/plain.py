"""What a template gave, as plain JSON data and as text. Called by the compiled templates, filters and steps.

In text, what is not text stands as its JSON: ``true``, ``null``, ``[1,2]``; times as RFC 3339, durations as a
config writes them. So a missing value that happens to be null is seen as ``null`` and does not vanish.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
from jinja2.runtime import LoopContext, Undefined

from daemon.expressions import errors, work
from daemon.model import times

DEEPEST = 100  # nested lists and objects
SMALLEST, LARGEST = -(2**63), 2**64 - 1  # integers that JSON keeps here


def to_plain(value: Any) -> Any:
    """*value* as JSON data: dict with text keys, list, str, int, float, bool, None.

    An aware datetime becomes RFC 3339 text in UTC, a naive one (TOML's local time) its ISO text, a timedelta
    duration text, tuples and iterators lists. :class:`ExpressionError` for anything else: an undefined
    name, infinity, an integer beyond 64 bits, bytes, an object, or more than a rendering may make.
    """
    with work.metered():
        return _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    if value is None or value is True or value is False:
        return value
    match value:
        case str():
            return str(work.account(value))
        case float():
            return _finite(value)
        case int():
            return _within_64_bits(value)
        case Undefined():
            return str(value)  # raises, naming what is undefined
        case datetime() | date() | time() | timedelta():
            return _moment(value)
    if depth >= DEEPEST:
        raise errors.ExpressionError(f"lists and objects are nested deeper than {DEEPEST}")
    match value:
        case Mapping():
            return {_key(key): _plain(item, depth + 1) for key, item in _pairs(value)}
        case list() | tuple() | Iterator() if not isinstance(value, LoopContext):
            return [_plain(item, depth + 1) for item in bounded(value)]
    raise errors.ExpressionError(f"{kind(value)} is not plain data")


def to_text(value: Any) -> str:
    """*value* as it stands in text; :class:`ExpressionError` as :func:`to_plain`."""
    if isinstance(value, str | Undefined):
        return str(work.account(value))
    with work.metered():
        plain = _plain(value, 0)
    return plain if isinstance(plain, str) else _dump(plain, None)


def to_json(value: Any, *, indented: bool = False) -> str:
    """Compact JSON text of any value :func:`to_plain` takes; two spaces a level if *indented*."""
    return _dump(to_plain(value), orjson.OPT_INDENT_2 if indented else None)


def _dump(plain: Any, option: int | None) -> str:
    try:
        return orjson.dumps(plain, option=option).decode()
    except orjson.JSONEncodeError as wrong:
        raise errors.ExpressionError(f"this cannot be JSON: {wrong}") from None


def settle(value: Any, depth: int = 0) -> Any:
    """What an expression gave, iterators read into lists; an undefined name in it, or an object, is an error.

    Unlike :func:`to_plain` it keeps datetimes and timedeltas, for conditions and further templates.
    """
    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is undefined
    if depth >= DEEPEST:
        raise errors.ExpressionError(f"lists and objects are nested deeper than {DEEPEST}")
    match value:
        case str():
            return str(work.account(value))
        case None | int() | float() | date() | time() | timedelta():
            return value
        case Mapping():
            return {key: settle(item, depth + 1) for key, item in _pairs(value)}
        case list() | tuple() | Iterator() if not isinstance(value, LoopContext):
            return [settle(item, depth + 1) for item in bounded(value)]
    raise errors.ExpressionError(f"{kind(value)} is not plain data")


def bounded(items: Any) -> Iterator[Any]:
    """*items*, each paid for as it comes."""
    for item in items:
        work.spend(work.ITEM)
        yield item


def _pairs(value: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    work.spend(work.ITEM * len(value))
    return iter(value.items())


def kind(value: Any) -> str:
    """What *value* is, in JSON's words; its type's name for what JSON has not."""
    match value:
        case None:
            return "none"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case datetime() | date():
            return "a time"
        case timedelta():
            return "a duration"
    return f"something of type {type(value).__name__}"


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise errors.ExpressionError("a number that is infinite or none at all")
    return float(value)


def _within_64_bits(value: int) -> int:
    if not SMALLEST <= value <= LARGEST:
        raise errors.ExpressionError("an integer beyond 64 bits")
    return int(value)


def _moment(value: date | time | timedelta) -> str:
    if isinstance(value, timedelta):
        return times.format_duration(value // timedelta(microseconds=1))
    if isinstance(value, datetime) and value.tzinfo is not None:
        return times.rfc3339(times.from_datetime(value))
    return value.isoformat()


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise errors.ExpressionError(f"an object's key is text, not {kind(key)}")
    return str(key)
