"""The one error of this room. It names names, never values: values may be somebody's data.

Raised by every module here; the config's check turns it into a problem at a place, the steps into a dead run.
"""

import difflib
from collections.abc import Iterable

SHOWN = 120  # characters of an expression in a message

Path = tuple[str | int, ...]


class ExpressionError(Exception):
    """*text* says what is wrong, in one line, without values.

    *line* counts from 1 inside *expression*, the template's or condition's source; *path* leads to it through
    a tree of parameters. Where the place is not known yet *expression* is empty.
    """

    def __init__(self, text: str, line: int = 1, expression: str = "", path: Path = ()) -> None:
        super().__init__(text, line, expression, path)
        self.text = text
        self.line = line
        self.expression = expression
        self.path = path

    def __str__(self) -> str:
        place = ".".join(str(part) for part in self.path)
        source = excerpt(self.expression, self.line)
        return f"{place + ': ' if place else ''}{self.text}{' in ' + source if source else ''}"

    def placed(self, expression: str, line: int) -> "ExpressionError":
        """The same error, with its place if it had none."""
        return self if self.expression else ExpressionError(self.text, line, expression, self.path)

    def under(self, key: str | int) -> "ExpressionError":
        """The same error, one step further up its tree of parameters."""
        return ExpressionError(self.text, self.line, self.expression, (key, *self.path))


def excerpt(expression: str, line: int) -> str:
    """The line meant, in one piece and not too long."""
    lines = expression.splitlines()
    shown = " ".join((lines[line - 1] if 0 < line <= len(lines) else expression).split())
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """``; did you mean 'x'?`` for the nearest of *known*, or nothing."""
    near = difflib.get_close_matches(
        str(word)[:SHOWN], [name for name in known if isinstance(name, str)], n=1
    )
    return f"; did you mean {near[0][:SHOWN]!r}?" if near else ""
