"""What goes wrong on purpose: faults that wait for matching requests.

Added through ``control`` or by a test; ``site`` asks :meth:`Faults.take` once for every request and
acts out what it gets. Pure bookkeeping: nothing here sleeps or touches a socket.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

KINDS = ("status", "delay", "drop_before", "drop_after", "truncate", "replace", "hang")


@dataclass(slots=True)
class Fault:
    """One fault. ``times`` None is for ever; ``after`` skips that many matching requests first;
    ``seconds`` are real ones, whatever clock the sandbox has."""

    service: str
    kind: str
    method: str | None = None
    path: str = "*"
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    times: int | None = 1
    after: int = 0
    id: int = 0
    taken: int = 0

    def meets(self, service: str, method: str, path: str) -> bool:
        """Whether this fault is meant for such a request; ``path`` is matched as a glob."""
        return (
            self.service in (service, "*") and self.method in (None, method) and fnmatchcase(path, self.path)
        )


class Faults:
    """The faults waiting, oldest first. One request meets at most one fault."""

    def __init__(self) -> None:
        self._waiting: dict[int, Fault] = {}
        self._last = 0

    def add(self, fault: Fault) -> int:
        """Keep *fault* and give its id; :class:`ValueError` for a kind that does not exist."""
        if fault.kind not in KINDS:
            raise ValueError(f"kind is one of {' '.join(KINDS)} (came {fault.kind!r})")
        self._last += 1
        fault.id = self._last
        self._waiting[fault.id] = fault
        return fault.id

    def take(self, service: str, method: str, path: str) -> Fault | None:
        """The fault this request meets, counted; one that is used up is forgotten."""
        for fault in list(self._waiting.values()):
            if not fault.meets(service, method, path):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.taken += 1
            if fault.times is not None and fault.taken >= fault.times:
                del self._waiting[fault.id]
            return fault
        return None

    def remove(self, fault_id: int | None = None) -> int:
        """Forget one fault, or all of them; how many went."""
        if fault_id is None:
            count = len(self._waiting)
            self._waiting.clear()
            return count
        return 1 if self._waiting.pop(fault_id, None) else 0

    def read(self) -> list[dict[str, Any]]:
        """The faults that still wait, as JSON would have them."""
        return [asdict(fault) for fault in self._waiting.values()]
