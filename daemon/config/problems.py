"""Problems with their places: how they are printed, and how they look as JSON.

``reading`` and ``load`` make them, ``cli`` prints them, one line each:
``FILE:LINE:COL: what is wrong. What to do.``
"""

from collections.abc import Iterable
from dataclasses import dataclass

from daemon.model.jsons import JsonObject
from daemon.model.problems import Problem, Severity


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A character of a file: *line* and *column* count from 1. *order* is the file's place in the reading."""

    order: int
    line: int
    column: int
    file: str


@dataclass(frozen=True, slots=True)
class Located:
    """One thing that is wrong, at its place in a file."""

    place: Place
    text: str
    help: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        warning = "warning: " if self.severity == "warning" else ""
        told = f"{self.place.file}:{self.place.line}:{self.place.column}: {warning}{_sentence(self.text)}"
        whole = f"{told} {_sentence(self.help)}" if self.help else told
        # A name of the config may hold anything; a problem is one line, and commands no terminal.
        return "".join(character if character.isprintable() else " " for character in whole)


def locate(problem: Problem, place: Place) -> Located:
    """*problem* at *place*."""
    return Located(place, problem.text, problem.help, problem.severity)


def to_json(located: Located) -> JsonObject:
    """The object that ``check --json`` lists."""
    return {
        "file": located.place.file,
        "line": located.place.line,
        "column": located.place.column,
        "severity": located.severity,
        "message": located.text,
        "help": located.help,
    }


def in_order(found: Iterable[Located]) -> tuple[Located, ...]:
    """*found* as the files are read, from top to bottom, each said once."""
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.place, one.severity, one.text)))


def refuses(found: Iterable[Located]) -> bool:
    """Whether any of *found* is an error, so that ``run`` does not start."""
    return any(one.severity == "error" for one in found)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
