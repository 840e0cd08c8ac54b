"""What goes out for one step: whether anything did, and whether it still may.

A process can be stopped between a step's intent and the request itself, for longer than its lease; another node has
the step then. So with the connection in hand, in the last moment before the first byte, it is asked once more.
``running`` opens a :class:`Sending` around each question to a service, ``http`` asks it and tells it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

READS = frozenset({"GET", "HEAD"})


class TooLate(Exception):
    """Nothing was sent: this process does not hold the step any more."""


@dataclass(slots=True)
class Sending:
    """One question to a service. *holds* tells whether the step is this process's still; *went_out* that a request left
    which may have changed something.
    """

    holds: Callable[[], Awaitable[bool]]
    went_out: bool = False


_current: ContextVar[Sending | None] = ContextVar("sending", default=None)


@contextmanager
def opened(holds: Callable[[], Awaitable[bool]]) -> Iterator[Sending]:
    """What is sent inside belongs to one question."""
    sending = Sending(holds)
    token = _current.set(sending)
    try:
        yield sending
    finally:
        _current.reset(token)


async def check() -> None:
    """The last moment before a request; :class:`TooLate` where it must not go out any more."""
    sending = _current.get()
    if sending is not None and not await sending.holds():
        raise TooLate


def note(method: str) -> None:
    """A request of *method* has left."""
    sending = _current.get()
    if sending is not None and method not in READS:
        sending.went_out = True
