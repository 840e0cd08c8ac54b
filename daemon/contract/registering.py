"""Registering callbacks at a service: what should stand there, what does, and what would have to change.

A connector that can do it has a :class:`Registering`; ``cli`` (``plan`` and ``apply``) compares and changes with it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How one callback stands: ``ok`` and ``adopt`` are as they should be, the others are not."""

    OK = "ok"
    ADOPT = "adopt"
    CREATE = "create"
    DRIFT = "drift"
    ORPHAN = "orphan"
    MISSING = "missing"


GOOD = (State.OK, State.ADOPT)


@dataclass(frozen=True, slots=True)
class Wish:
    """One ``[[callback]]``: the *tracer* of that name calls us, or (None) the pop's collaborators do."""

    pop_id: str
    tracer: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of an account: *made* are the objects that runs made or changed, as ``(noun, id)``;
    *followed* are the ids that a row looks at because of callbacks. Not *readable*: there was no journal to ask."""

    made: frozenset[tuple[str, str]] = frozenset()
    followed: frozenset[str] = frozenset()
    readable: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """How one callback stands, and what is to be done about it.

    *hook* is the hook's name, *name* the tracer's, *object_id* the id that our own watch knows the object by (None:
    there is none yet). *text* says what is found, *help* what to do. *replaces*: the service cannot change what
    stands, only something new can be made beside it, which is refused unless it is asked for. *by_hand*: the service
    can do nothing about it at all.
    """

    pop_id: str
    hook: str
    state: State
    text: str
    name: str | None = None
    object_id: str | None = None
    help: str = ""
    replaces: bool = False
    by_hand: bool = False


Url = Callable[[str], str]
"""This daemon's own callback URL for a hook, with all that it ends in when it is registered."""


@dataclass(frozen=True, slots=True)
class Registering:
    """What a connector can do for ``[[callback]]``.

    ``look(client, wishes, url, known)`` says how each wish stands, and then what calls us that nobody wishes.
    ``look_again(client, wish, url)`` asks for one wish alone. ``make(client, change, url)`` does what a *change* says
    and gives the object's id; :class:`~daemon.contract.errors.ServiceError` where that fails.
    """

    look: Callable[[Any, Sequence[Wish], Url, Known], Awaitable[list[Change]]]
    look_again: Callable[[Any, Wish, Url], Awaitable[Change]]
    make: Callable[[Any, Change, Url], Awaitable[str | None]]
