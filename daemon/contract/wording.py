"""What pydantic found wrong, in the house's words: what is expected, what came, what to do.

Used wherever outside data meets a model: the config's tables, accounts' settings, watches' options, actions'
parameters, emitted events. A value is shown only where it cannot be a secret.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from daemon.model.problems import Path, Problem

LONGEST_SHOWN = 40  # characters of a foreign value
HOUSE = "house"

EXPECTED = {
    "string_type": "text is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected",
    "float_parsing": "a number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "set_type": "a list is expected",
    "dict_type": "a table is expected",
    "model_type": "a table is expected",
    "model_attributes_type": "a table is expected",
}


def expected(text: str, help: str = "") -> PydanticCustomError:
    """An error for a validator of our own models to raise; *text* and *help* are shown as they are."""
    return PydanticCustomError(HOUSE, "{text}", {"text": text, "help": help})


def describe(value: object) -> str:
    """*value* as a person would name it: ``30 (a number)``, ``"abc" (text)``, ``a table``."""
    match value:
        case bool():
            return f"{str(value).lower()} (true or false)"
        case int() | float():
            return f"{str(value)[:LONGEST_SHOWN]} (a number)"
        case str():
            return f'"{shorten(value)}" (text)'
        case datetime() | date() | time():
            return f"{value.isoformat()} (a date or time)"
        case Mapping():
            return "a table"
        case Sequence():
            return "a list"
        case _:
            return "nothing"


def shorten(text: str) -> str:
    """The beginning of *text*, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else line[: LONGEST_SHOWN - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of *known* that *word* was most likely meant to be."""
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def meant(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """``Did you mean X?``, or *otherwise* where nothing is near."""
    found = nearest(word, known)
    return f"Did you mean {found}?" if found else otherwise


def problems(
    wrong: ValidationError,
    given: object,
    path: Path,
    known: Callable[[Path], Iterable[str]] = lambda _path: (),
    hidden: Iterable[str] = (),
    judged: Callable[[Path, str], bool] = lambda _path, _kind: True,
) -> list[Problem]:
    """*wrong* as problems below *path*; *given* is what was validated.

    *known* gives the keys that a table may have, by its path below *path*, for the did-you-mean. The values
    of the top-level fields in *hidden* are never shown. *judged* says, by path and pydantic's kind of error,
    what is left out because it cannot be told yet.
    """
    secret = frozenset(hidden)
    unions: dict[Path, list[tuple[Path, ErrorDetails]]] = {}
    found: list[Problem] = []
    for error in wrong.errors(include_url=False, include_context=True):
        place, union = _walk(error, given)
        if not judged(place, error["type"]):
            continue
        if union is not None:
            unions.setdefault(union, []).append((place, error))
        else:
            found.append(_problem(error, path, place, known, secret))
    found.extend(_one_of(place, errors, path, known, secret) for place, errors in unions.items())
    return found


def _walk(error: ErrorDetails, given: object) -> tuple[Path, Path | None]:
    """Where *error* is in *given*, and the path where it entered one form of a union, if it did.

    Pydantic puts the name of a union's member among the keys: it is what *given* does not have.
    """
    place: Path = ()
    union: Path | None = None
    here = given
    last = len(error["loc"]) - 1
    for number, step in enumerate(error["loc"]):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, Sequence) and not isinstance(here, str) and _has(here, step):
            here = here[int(step)]
        elif number != last or error["type"] != "missing":
            union = place if union is None else union
            continue
        place = (*place, step)
    return place, union


def _has(items: Sequence[Any], step: int | str) -> bool:
    return isinstance(step, int) and step < len(items)


def _problem(
    error: ErrorDetails,
    path: Path,
    place: Path,
    known: Callable[[Path], Iterable[str]],
    secret: frozenset[str],
) -> Problem:
    kind, last = error["type"], place[-1] if place else ""
    if kind == "missing":
        return Problem((*path, *place[:-1]), f"{last} is missing", f"Add {last}.", spot="table")
    if kind == "extra_forbidden":
        keys = list(known(place[:-1]))
        help = meant(str(last), keys, otherwise=f"Known here: {', '.join(keys)}." if keys else "Remove it.")
        return Problem((*path, *place), f"unknown key {last}", help, spot="key")
    shown = "a value" if place and str(place[0]) in secret else describe(error["input"])
    text, help = _wording(error, shown)
    return Problem((*path, *place), text, help)


def _wording(error: ErrorDetails, shown: str) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind == HOUSE:
        return context["text"], context["help"]
    if kind in ("literal_error", "enum"):
        return f"one of {_choices(context['expected'])} is expected, came {shown}", ""
    if kind in ("value_error", "assertion_error"):
        return error["msg"].partition(", ")[2], ""
    if kind == "string_pattern_mismatch":
        return f"text that matches {context['pattern']} is expected, came {shown}", ""
    if kind in EXPECTED:
        return f"{EXPECTED[kind]}, came {shown}", ""
    if kind in ("too_short", "string_too_short"):
        return _too_short(context["min_length"], context.get("field_type"), shown)
    if kind.startswith(("greater", "less")):
        return f"{error['msg'].replace('Input should be', 'a number').lower()} is expected, came {shown}", ""
    message = error["msg"].replace("Input should be", "it should be").replace("Input should", "it should")
    return f"{message[:1].lower()}{message[1:]}, came {shown}", ""


def _too_short(least: int, sort: str | None, shown: str) -> tuple[str, str]:
    """What *sort* of value, pydantic's word for it, holds fewer than *least*; None is text."""
    what = {None: "text", "Dictionary": "a table"}.get(sort, "a list")
    if least == 1:
        return f"{what} that is not empty is expected, came an empty one", "Fill it in."
    parts = "characters" if sort is None else "items"
    return f"{what} of at least {least} {parts} is expected, came {shown}", ""


def _choices(expected: str) -> str:
    return expected.replace("'", "").replace(" or ", ", ")


def _one_of(
    place: Path,
    errors: list[tuple[Path, ErrorDetails]],
    path: Path,
    known: Callable[[Path], Iterable[str]],
    secret: frozenset[str],
) -> Problem:
    """One problem for a value that fits no form of a union: the form it came nearest to, else all of them."""
    deeper = [(inner, error) for inner, error in errors if len(inner) > len(place)]
    if deeper:
        return _problem(deeper[0][1], path, deeper[0][0], known, secret)
    shown = "a value" if place and str(place[0]) in secret else describe(errors[0][1]["input"])
    forms = dict.fromkeys(_wording(error, shown)[0].partition(" is expected")[0] for _, error in errors)
    return Problem((*path, *place), f"{' or '.join(forms)} is expected, came {shown}")
