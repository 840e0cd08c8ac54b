"""JSON as Pointsman keeps it: what may be stored, and how it is read and written.

Payloads are JSON text in both databases. Integers beyond 64 bits and non-finite numbers are refused
at the door, because neither every database nor every reader would give them back as they came.
"""

import hashlib
import json
from typing import Any, cast

import orjson

Json = Any
JsonObject = dict[str, Any]

LARGEST_INTEGER = 2**63 - 1
# What :func:`bound` adds to what it cuts, each with a value of its kind.
CUT_MARKS: JsonObject = {"truncated": True, "row_count": 0, "size": 0}
# Searching a flattened copy is ten times as fast as a pattern, on every payload there is.
_FLATTENED = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_MANY_DIGITS = b"0" * 19


class UnfitJson(ValueError):
    """The bytes are not JSON that can be kept. The message says why."""


def loads(raw: bytes | str) -> Json:
    """The value of *raw*; :class:`UnfitJson` for NaN, Infinity, numbers out of range, wrong encodings."""
    try:
        given = raw.encode() if isinstance(raw, str) else raw
        value = orjson.loads(given)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as wrong:
        raise UnfitJson(str(wrong)) from None
    _refuse_long_integers(given)
    return value


def kept(text: str) -> Json:
    """The value of *text*, which :func:`dumps` wrote: what it refuses need not be looked for again."""
    return orjson.loads(text)


def _refuse_long_integers(raw: bytes) -> None:
    if _MANY_DIGITS in raw.translate(_FLATTENED):
        # orjson reads a too long whole number as a float; only the slow parser shows its digits.
        try:
            json.loads(raw, parse_int=_fitting_integer)
        except RecursionError:
            raise UnfitJson("it is nested too deeply") from None


def _fitting_integer(digits: str) -> int:
    if len(digits) > 20 or not -LARGEST_INTEGER - 1 <= int(digits) <= LARGEST_INTEGER:
        raise UnfitJson("a whole number is beyond 64 bits")
    return int(digits)


def dumps(value: Json) -> str:
    """Compact JSON text of *value* (dicts with text keys, lists, text, numbers, booleans, null).

    :class:`UnfitJson` for what :func:`loads` would not give back: whole numbers beyond 64 bits, half a
    surrogate pair, over 250 levels, other types.
    """
    try:
        raw = orjson.dumps(value)
    except orjson.JSONEncodeError as wrong:
        raise UnfitJson(str(wrong)) from None
    _refuse_long_integers(raw)
    return raw.decode()


def canonical(value: Json) -> bytes:
    """JSON bytes with sorted keys: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(value: Json) -> str:
    """A 128-bit hexadecimal digest of the value itself, whatever the order of its keys."""
    return hashlib.blake2b(canonical(value), digest_size=16).hexdigest()


def as_object(value: Json) -> JsonObject:
    """*value* as an object; an empty one where it is something else."""
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def bound(value: Json, most: int) -> Json:
    """*value* within *most* bytes of JSON: of a larger object the largest fields are null, as few as can be, and
    ``truncated`` is true beside them; where ``rows`` was a list and is cut, ``row_count`` tells its length.

    What is too large even so, or no object, becomes ``{"truncated": true, "size": bytes}``.
    """
    size = _size(value)
    if size <= most:
        return value
    shorter = _shorten(value, most) if isinstance(value, dict) else None
    return shorter or {"truncated": True, "size": size}


def is_cut(value: Json) -> bool:
    """Whether *value* has lost something to :func:`bound`."""
    return isinstance(value, dict) and value.get("truncated") is True


def _shorten(value: JsonObject, most: int) -> JsonObject | None:
    """*value* without its largest fields; None where it does not fit without any of them."""
    shorter: JsonObject = {**value, "truncated": True}
    rows = value.get("rows")
    count = {"row_count": len(rows)} if isinstance(rows, list) else {}
    gains = {name: _size(one) - _size(None) for name, one in shorter.items()}
    if count and "row_count" not in value:
        gains["rows"] -= _size(count) - 1  # two braces less, one comma more
    over = _size(shorter) - most
    for name in sorted(gains, key=gains.__getitem__, reverse=True):
        if over <= 0 or gains[name] <= 0:
            break
        shorter |= {name: None, **(count if name == "rows" else {})}
        over -= gains[name]
    return shorter if _size(shorter) <= most else None


def _size(value: Json) -> int:
    """The bytes of *value* as JSON."""
    return len(orjson.dumps(value))
