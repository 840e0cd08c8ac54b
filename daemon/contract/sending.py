"""What goes out for one step: whether anything did, and whether it still may.

A process can be stopped between a step's intent and the request itself, for longer than its lease; another node has
the step then. So with the connection in hand, in the last moment before the first byte, it is asked once more.
``running`` opens a :class:`Sending` around each question to a service, ``http`` asks it and tells it.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar

READS = frozenset({"GET", "HEAD"})
TURNED_AWAY = frozenset(
    {401, 403, 404, 429}
)  # before anything is done; 400 and 409 may speak of what is there


class TooLate(Exception):
    """Nothing was sent: this process does not hold the step any more."""


class Sending:
    """One question to a service: what is sent inside ``with`` belongs to it. *holds* tells whether the step is this
    process's still; *went_out* that a request left which may have changed something.
    """

    __slots__ = ("_token", "holds", "went_out")

    def __init__(self, holds: Callable[[], Awaitable[bool]]) -> None:
        self.holds = holds
        self.went_out = False

    def __enter__(self) -> "Sending":
        self._token = _current.set(self)
        return self

    def __exit__(self, *_how: object) -> None:
        _current.reset(self._token)


_current: ContextVar[Sending | None] = ContextVar("sending", default=None)


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """What is sent inside ``with`` is no part of the question: a login changes nothing of what is asked for."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


async def check() -> None:
    """The last moment before a request; :class:`TooLate` where it must not go out any more."""
    sending = _current.get()
    if sending is not None and not await sending.holds():
        raise TooLate


def note(method: str, status: int | None = None) -> None:
    """A request of *method* has left, and was answered with *status* (None: nobody knows)."""
    sending = _current.get()
    if sending is not None and method not in READS and status not in TURNED_AWAY:
        sending.went_out = True
