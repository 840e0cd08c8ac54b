"""What really happened at the simulated services: every request, and every callback they sent.

Written by ``site`` and ``populr_calls``; read through ``control`` and by tests. Refused requests are
here too, with no effect; headers never are, because they carry the credentials.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEPT = 200_000
"""Entries kept; the oldest go first, so that a sandbox left running does not grow for ever."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange. ``at`` is the instant of the answer, or of the sending for callbacks; ``effect`` a
    ``noun.verb`` or None, ``object_id`` what it happened to, ``fault`` the id of the fault that met it; ``by`` is
    ``client`` or, for callbacks, ``service``."""

    n: int
    at: int
    service: str
    by: str
    method: str
    path: str
    query: Mapping[str, str]
    request: Any
    status: int | None
    effect: str | None
    object_id: str | None
    fault: int | None


class Ledger:
    """The entries in order; ``n`` counts from 1 and never starts again, not even after a reset."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._count = 0

    def write(
        self,
        *,
        at: int,
        service: str,
        method: str,
        path: str,
        by: str = "client",
        query: Mapping[str, str] | None = None,
        request: Any = None,
        status: int | None = None,
        effect: str | None = None,
        object_id: str | None = None,
        fault: int | None = None,
    ) -> Entry:
        """Add one entry; *at* is an instant, *status* None where no answer was given."""
        self._count += 1
        entry = Entry(
            n=self._count,
            at=at,
            service=service,
            by=by,
            method=method,
            path=path,
            query=query or {},
            request=request,
            status=status,
            effect=effect,
            object_id=object_id,
            fault=fault,
        )
        self._entries.append(entry)
        if len(self._entries) > KEPT:
            del self._entries[: KEPT // 10]
        return entry

    def read(self, service: str | None = None, since: int = 0) -> list[Entry]:
        """Entries numbered above *since*, of one *service* or of all, oldest first."""
        return [e for e in self._entries if e.n > since and service in (None, e.service)]

    def effects(self, service: str | None = None) -> list[tuple[str, str | None]]:
        """Only what changed something: ``(effect, object_id)`` pairs, oldest first."""
        return [(e.effect, e.object_id) for e in self.read(service) if e.effect is not None]

    def clear(self) -> None:
        """Forget the entries, not the count."""
        self._entries.clear()
