"""The filters of templates: Jinja's, and ``slug isoformat duration csv sum_of pluck tojson``.

Jinja's are changed in three ways. ``attr`` is gone: attributes are out of reach. None gives the marked text
of HTML pages, which would escape whatever it is joined with later. What could make much out of little
(padding, repeating, joining) is bounded. ``fence`` puts them into its environment.
"""

import csv as csv_writer
import functools
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from jinja2 import filters as jinja
from jinja2 import pass_environment
from jinja2.environment import Environment
from jinja2.runtime import Undefined
from jinja2.utils import missing

from daemon.expressions import errors, formats, plain, work
from daemon.model import times

DIGITS = 30  # of rounding
SLUG_LENGTH = 80  # characters
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})

Filter = Callable[..., Any]


def tojson(value: Any, indent: int | None = None) -> str:
    """JSON text, compact, or two spaces a level with *indent*; nothing in it is escaped for HTML."""
    return plain.to_json(value, indented=bool(indent))


def slug(value: Any, length: int = SLUG_LENGTH) -> str:
    """Lower-case ASCII words joined by ``-``, at most *length* characters; "" if nothing is Latin."""
    folded = plain.to_text(value).casefold().translate(_LETTERS)
    ascii_only = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", ascii_only))[: max(0, length)].rstrip("-")


def isoformat(value: Any) -> str:
    """RFC 3339 text in UTC of a datetime, an instant in microseconds, or a text in that form already."""
    try:
        if isinstance(value, datetime):
            return times.rfc3339(times.from_datetime(value))
        if isinstance(value, str):
            return times.rfc3339(times.parse_rfc3339(value))
        if isinstance(value, int) and not isinstance(value, bool) and times.EARLIEST <= value <= times.LATEST:
            return times.rfc3339(value)
    except (ValueError, OverflowError):
        raise errors.ExpressionError("isoformat: this is not a time with a zone") from None
    raise errors.ExpressionError(f"isoformat takes a time, not {plain.kind(value)}")


def duration(value: Any) -> timedelta:
    """``"3d"`` as a timedelta, to compare and to add; a timedelta stays."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise errors.ExpressionError(f'duration takes text as in "30s", not {plain.kind(value)}')
    try:
        return timedelta(microseconds=times.parse_duration(value))
    except (ValueError, OverflowError):
        raise errors.ExpressionError(
            'a duration is a whole number and one of ms s m h d, as in "30s"'
        ) from None


def csv(rows: Any, columns: Any = None) -> str:
    """RFC 4180 text of a list of objects: a header of *columns* (or every key, as first met), then the rows.

    None and a key that a row lacks are empty; lists and objects stand as JSON. No rows, no columns: "".
    """
    records = [_record(row, "csv") for row in _items(rows, "csv")]
    header = (
        list(columns) if columns is not None else list(dict.fromkeys(key for row in records for key in row))
    )
    if not header:
        return ""
    written = io.StringIO()
    writer = csv_writer.writer(written)
    writer.writerow(header)
    for row in records:
        cells = (row.get(name) for name in header)
        writer.writerow(["" if cell is None else plain.to_text(cell) for cell in cells])
    return written.getvalue()


@pass_environment
def sum_of(environment: Environment, rows: Any, column: str) -> Any:
    """The sum of *column* over objects; nulls do not count (as in SQL), a missing key is an error."""
    total: Any = 0
    for cell in pluck(environment, rows, column):
        if isinstance(cell, bool) or not isinstance(cell, int | float | None):
            raise errors.ExpressionError(f"sum_of takes numbers, not {plain.kind(cell)}")
        total += cell or 0
    return total


@pass_environment
def pluck(environment: Environment, rows: Any, column: str, default: Any = missing) -> list[Any]:
    """The values of *column*, one for each object; one that lacks it gives *default* or an error."""
    found = []
    for row in _items(rows, "pluck"):
        record = _record(row, "pluck")
        if column not in record and default is missing:
            str(environment.undefined(obj=record, name=column))  # raises, naming it
        found.append(record.get(column, default))
    return found


def _items(rows: Any, name: str) -> Iterable[Any]:
    if isinstance(rows, Undefined):
        str(rows)  # raises, naming what is undefined
    if isinstance(rows, str | Mapping) or not isinstance(rows, Iterable):
        raise errors.ExpressionError(f"{name} takes a list of objects, not {plain.kind(rows)}")
    return plain.bounded(rows)


def _record(row: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise errors.ExpressionError(f"{name} takes a list of objects; one of them is {plain.kind(row)}")
    return row


@pass_environment
def _join(environment: Environment, value: Any, d: Any = "", attribute: Any = None) -> str:
    if attribute is not None:
        value = map(jinja.make_attrgetter(environment, attribute), value)
    parts, glue = [plain.to_text(item) for item in plain.bounded(value)], plain.to_text(d)
    work.sized(sum(map(len, parts)) + len(glue) * len(parts))
    return glue.join(parts)


def _pprint(value: Any) -> str:
    return plain.to_json(value, indented=True)


def _center(value: Any, width: int = 80) -> str:
    work.sized(width)
    return plain.to_text(value).center(width)


def _format(value: Any, *args: Any, **kwargs: Any) -> Any:
    if args and kwargs:
        raise errors.ExpressionError("format takes values in order or by name, not both")
    return formats.apply_format(plain.to_text(value), kwargs or args)


def _indent(s: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text = plain.to_text(s)
    work.sized(len(text) + (text.count("\n") + 2) * (len(width) if isinstance(width, str) else width))
    return jinja.do_indent(text, width, first, blank)


def _replace(s: Any, old: Any, new: Any, count: int = -1) -> str:
    text, found, put = plain.to_text(s), plain.to_text(old), plain.to_text(new)
    work.sized(len(text) + text.count(found) * len(put))
    return text.replace(found, put, count)


@pass_environment
def _wordwrap(
    environment: Environment,
    s: Any,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str = "\n",
    break_on_hyphens: bool = True,
) -> str:
    text = plain.to_text(s)
    work.sized(len(text) * len(wrapstring))
    return jinja.do_wordwrap(environment, text, width, break_long_words, wrapstring, break_on_hyphens)


def _batch(value: Any, linecount: int, fill_with: Any = None) -> Any:
    work.repeated(linecount)
    return jinja.do_batch(value, linecount, fill_with)


def _slice(value: Any, slices: int, fill_with: Any = None) -> Any:
    work.repeated(slices)
    return jinja.sync_do_slice(value, slices, fill_with)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    if abs(precision) > DIGITS:
        raise errors.ExpressionError(f"round takes at most {DIGITS} digits")
    return jinja.do_round(value, precision, method)


def _accounted(given: Filter) -> Filter:
    """*given*, with what it makes paid for, and as plain text where it is the marked text of HTML pages."""

    @functools.wraps(given)
    def accounted(*args: Any, **kwargs: Any) -> Any:
        answer = work.account(given(*args, **kwargs))
        return str(answer) if isinstance(answer, str) else answer

    return accounted


OURS: dict[str, Filter] = {
    "tojson": tojson,
    "slug": slug,
    "isoformat": isoformat,
    "duration": duration,
    "csv": csv,
    "sum_of": sum_of,
    "pluck": pluck,
}
_BOUNDED: dict[str, Filter] = {
    "join": _join,
    "center": _center,
    "format": _format,
    "indent": _indent,
    "replace": _replace,
    "wordwrap": _wordwrap,
    "batch": _batch,
    "slice": _slice,
    "round": _round,
    "string": plain.to_text,
    "pprint": _pprint,
}


def all_filters() -> dict[str, Filter]:
    """Every filter a template has, by name."""
    kept = {name: given for name, given in jinja.FILTERS.items() if name != "attr"}
    return {name: _accounted(given) for name, given in (kept | _BOUNDED | OURS).items()}
