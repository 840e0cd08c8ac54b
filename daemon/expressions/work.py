"""How much one rendering may do. Everything that makes text, lists or turns of a loop spends here.

Each single text is bounded too, but a template could keep many of them: what is metered is the sum, so that a
few characters of template cannot fill the memory or hold the loop for long. ``compiling`` opens a meter for
each rendering; outside of one nothing is counted.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from daemon.expressions import errors

LONGEST_TEXT = 8 * 1024 * 1024  # characters of any one text
LONGEST_LIST = 100_000  # items that one repetition or padding may make
LARGEST_BITS = 8_192  # of an integer that * and ** may make
ROOM = 64 * 1024 * 1024  # characters of one rendering, everything it makes on the way included
ITEM = 16  # what a list's item costs, in characters
TURN = 256  # what a call or a loop's turn costs, in characters


class _Meter:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = ROOM


_meter: ContextVar[_Meter | None] = ContextVar("pointsman_expression_meter", default=None)


@contextmanager
def metered() -> Iterator[None]:
    """One rendering; within another one that one's meter goes on."""
    if _meter.get() is not None:
        yield
        return
    token = _meter.set(_Meter())
    try:
        yield
    finally:
        _meter.reset(token)


def spend(cost: int) -> None:
    """:class:`ExpressionError` when this rendering has used up its room."""
    meter = _meter.get()
    if meter is not None:
        meter.left -= cost
        if meter.left < 0:
            raise errors.ExpressionError(
                "too much work for one expression: it loops, repeats or joins too much"
            )


def account(made: Any) -> Any:
    """*made*, paid for if it is text, a list or a tuple."""
    if isinstance(made, str):
        spend(len(made))
    elif isinstance(made, list | tuple):
        spend(len(made) * ITEM)
    return made


def sized(length: int) -> None:
    """:class:`ExpressionError` for a text of *length* characters that is too long."""
    if length > LONGEST_TEXT:
        raise errors.ExpressionError(f"a text of more than {LONGEST_TEXT // 1024 // 1024} MiB")


def repeated(count: int) -> None:
    """:class:`ExpressionError` for *count* repetitions that are too many."""
    if count > LONGEST_LIST:
        raise errors.ExpressionError(f"more than {LONGEST_LIST} repetitions")


def join_text(parts: Iterable[str]) -> str:
    """The parts as one text. Jinja builds the bodies of macros and ``set`` blocks with it."""
    pieces = list(parts)
    sized(sum(map(len, pieces)))
    text: str = account("".join(pieces))
    return text


def check_operation(operator: str, left: Any, right: Any) -> None:
    """:class:`ExpressionError` for an operation that would make much out of little."""
    match operator, left, right:
        case "+", str(), str():
            sized(len(left) + len(right))
        case "*", str(), int():
            sized(len(left) * right)
        case "*", int(), str():
            sized(len(right) * left)
        case "*", list() | tuple(), int():
            repeated(len(left) * right)
        case "*", int(), list() | tuple():
            repeated(len(right) * left)
        case "*", int(), int():
            _check_bits(left.bit_length() + right.bit_length())
        case "**", int(), int():
            _check_bits(left.bit_length() * max(0, right))


def _check_bits(count: int) -> None:
    if count > LARGEST_BITS:
        raise errors.ExpressionError("a number too large to work with")
