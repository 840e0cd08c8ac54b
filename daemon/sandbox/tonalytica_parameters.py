"""Parameters of a query's text: ``{{ name }}`` found, checked against their definitions, filled in. Pure.

For ``tonalytica_jobs``. What is refused, and how, follows recorded answers of a real Redash 10.1.
"""

import re
from datetime import datetime
from typing import Any

from daemon.sandbox import exchange, tonalytica_instance

_NAME = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
_DATES = {
    "date": "%Y-%m-%d",
    "datetime-local": "%Y-%m-%d %H:%M",
    "datetime-with-seconds": "%Y-%m-%d %H:%M:%S",
}
_RANGES = {
    "date-range": "date",
    "datetime-range": "datetime-local",
    "datetime-range-with-seconds": "datetime-with-seconds",
}


def names(text: str) -> list[str]:
    """The parameters that *text* still waits for, in order, each once."""
    return list(dict.fromkeys(_NAME.findall(text)))


def apply(text: str, options: exchange.Record, given: exchange.Record) -> str:
    """*text* with the values of *given* in place; 400 for values that do not suit their definitions.
    What is missing stays, and is the caller's to refuse. Nothing is escaped, as on real servers."""
    definitions = {d["name"]: d for d in options.get("parameters") or [] if "name" in d}
    wrong = [
        name for name, value in given.items() if definitions and not _suits(definitions.get(name), value)
    ]
    if wrong:
        words = "The following parameter values are incompatible with their definitions: "
        raise tonalytica_instance.refuse(400, words + ", ".join(wrong))
    values = _flat(given)
    return _NAME.sub(lambda found: str(values.get(found[1], found[0])), text)


def unflat(given: dict[str, str]) -> exchange.Record:
    """``range.start`` and ``range.end`` of a URL as one value with two keys."""
    values: exchange.Record = {}
    for name, value in given.items():
        first, dot, last = name.partition(".")
        if dot:
            values.setdefault(first, {})[last] = value
        else:
            values[name] = value
    return values


def _flat(given: exchange.Record) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict):
            values |= {f"{name}.{key}": str(below) for key, below in value.items()}
        else:
            values[name] = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return values


def _suits(definition: exchange.Record | None, value: Any) -> bool:
    if definition is None:
        return False
    kind = definition.get("type", "text")
    if kind == "number":
        return _is_number(value)
    if kind == "enum":
        options = definition.get("enumOptions") or ""
        known = options.split("\n") if isinstance(options, str) else options
        return set(value if isinstance(value, list) else [value]) <= set(known)
    if kind in _RANGES:
        both = isinstance(value, dict) and {"start", "end"} <= set(value)
        return both and all(_is_date(value[key], _RANGES[kind]) for key in ("start", "end"))
    return _is_date(value, kind) if kind in _DATES else isinstance(value, str)


def _is_number(value: Any) -> bool:
    """Whatever ``float`` takes, booleans too; null and lists make the real server stumble."""
    try:
        float(value)
    except ValueError:
        return False
    except TypeError:
        raise tonalytica_instance.broken() from None
    return True


def _is_date(value: Any, kind: str) -> bool:
    try:
        datetime.strptime(value, _DATES[kind])  # noqa: DTZ007 - only whether it is one
    except (TypeError, ValueError):
        return False
    return True
