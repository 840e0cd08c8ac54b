"""What is remembered of a query's result, and what has changed in the next one, row by row. Pure.

The watch on queries calls it. Of each row two short digests are kept, of its key columns and of all of it, so a
result of 100,000 rows costs the same two megabytes however wide they are; the rows themselves are read again from
the service where they have to be shown.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from pydantic import Field

from daemon.connectors.tonalytica.events import rows
from daemon.contract import declare
from daemon.model import ids, jsons
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

HALF = 8  # bytes of a digest: two rows of a million share one once in forty million results
ENTRY = 2 * HALF  # a row's key columns, then all of it
MOST_COMPARED = 200_000  # rows of a result; of a larger one only whether it changed is known
MOST_LISTED = 10_000  # rows in one list of an event, as many as `for_each` makes runs
LARGEST_LIST = 1024 * 1024  # bytes of JSON in one list of an event
NO_ROWS = "0-0"  # what a result without rows comes to
LARGEST_ROWS = 8 * 1024 * 1024  # characters of a result whose rows stand in its event


class ResultChanged(declare.EventData):
    """A query's result is another one than before: rows have come, changed or gone. Told once for each result."""

    type: ClassVar[str] = "tonalytica.result.changed"
    subject: ClassVar[str] = "query id"
    query_id: int = Field(description="The query.")
    query_result_id: int | None = Field(
        None, description="The result's id; null where the key is a query's own and the result has none."
    )
    previous_result_id: int | None = Field(
        None, description="The id of the result before; null: there was none."
    )
    retrieved_at: str | None = Field(None, description="When the result was made, ISO 8601.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="The values that the query was executed with."
    )
    rows: list[dict[str, Any]] | None = Field(
        None, description="All its rows; null with `truncated` and `row_count` where they are too large."
    )
    columns: list[dict[str, Any]] | None = Field(
        None, description="Its columns (`name`, `type`, `friendly_name`)."
    )
    added: list[dict[str, Any]] = Field(description="The rows whose key columns were not there before.")
    changed: list[dict[str, Any]] = Field(
        description="The rows whose key columns were there before with other values, as they are now; without `key` "
        "there are none: a changed row is one removed and one added."
    )
    previous: list[dict[str, Any] | None] = Field(
        description="The same rows as `changed`, in that order, as they were before; null where that is not known."
    )
    removed: list[dict[str, Any]] = Field(
        description="The rows, as they were, whose key columns are not there any more."
    )
    added_count: int | None = Field(None, description="How many rows were added; null: too many to compare.")
    changed_count: int | None = Field(None, description="How many rows changed; null: too many to compare.")
    removed_count: int | None = Field(
        None, description="How many rows were removed; null: too many to compare."
    )
    example: ClassVar[JsonObject] = {
        "query_id": 17,
        "query_result_id": 3,
        "previous_result_id": 2,
        "retrieved_at": "2026-11-22T06:43:16.873Z",
        "parameters": {},
        "rows": [{"city": "Lima", "n": 2}, {"city": "Oslo", "n": 1}],
        "columns": [{"name": "city", "type": None}, {"name": "n", "type": "integer"}],
        "added": [{"city": "Oslo", "n": 1}],
        "changed": [{"city": "Lima", "n": 2}],
        "previous": [{"city": "Lima", "n": 1}],
        "removed": [{"city": "Bergen", "n": 7}],
        "added_count": 1,
        "changed_count": 1,
        "removed_count": 1,
    }


@dataclass(frozen=True, slots=True)
class Digests:
    """A result in short. *entries* are its rows' digests, sorted and in one piece; None for too many rows.

    *whole* is the same for the same rows in any order.
    """

    count: int = 0
    whole: str = NO_ROWS
    entries: bytes | None = b""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a watched query.

    *taken*: a result, or that there is none, has been taken in as what later ones are compared with. Until then
    *silent* says that the first one is not told. *job* is the execution under way, as it is remembered itself.
    *refused* is why it could not be read the last time.
    """

    taken: bool = False
    silent: bool = True
    result_id: int | None = None
    retrieved_at: str = ""
    count: int = 0
    whole: str = NO_ROWS
    entries: str | None = ""
    job_id: str | None = None
    job: JsonObject = field(default_factory=dict)
    refused: str = ""

    def digests(self) -> Digests:
        """The result in short."""
        return Digests(
            self.count, self.whole, None if self.entries is None else base64.b64decode(self.entries)
        )

    def is_of(self, result_id: int | None, retrieved_at: str) -> bool:
        """Whether that result is the one remembered. A query's key is told no ids (observed): then by time."""
        if not self.taken:
            return False
        if result_id is not None and self.result_id is not None:
            return result_id == self.result_id
        return bool(retrieved_at) and retrieved_at == self.retrieved_at


def recall(kept: JsonObject | None, *, silent: bool) -> Memory:
    """The :class:`Memory` in *kept*; else a fresh one, *silent* about the first result."""
    if not kept:
        return Memory(silent=silent)
    return Memory(**{name: kept[name] for name in Memory.__dataclass_fields__ if name in kept})


def keep(memory: Memory) -> JsonObject:
    """*memory* as JSON."""
    return asdict(memory)


def store(digests: Digests) -> JsonObject:
    """*digests* as fields of a :class:`Memory`."""
    entries = None if digests.entries is None else base64.b64encode(digests.entries).decode()
    return {"count": digests.count, "whole": digests.whole, "entries": entries}


def name_scope(key: Sequence[str], parameters: JsonObject) -> str:
    """Apart from which other watches of the same query this one remembers: "" with neither key nor parameters."""
    return ids.digest(jsons.canonical([list(key), parameters]))[:12] if key or parameters else ""


def digest(found: Iterable[JsonObject], key: Sequence[str]) -> Digests:
    """The rows *found* in short, one held at a time. :class:`BrokenResult` where one lacks a column of *key*."""
    entries: list[bytes] | None = []
    count = total = 0
    for row in found:
        entry = _entry(row, key)
        count += 1
        total = (total + int.from_bytes(_short(entry[HALF:] + b"whole"), "big")) % 2 ** (8 * HALF)
        if entries is not None:
            entries.append(entry)
        if count > MOST_COMPARED:
            entries = None
    whole = f"{count}-{total:x}"
    return Digests(count, whole, None if entries is None else b"".join(sorted(entries)))


def _entry(row: JsonObject, key: Sequence[str]) -> bytes:
    whole = _short(jsons.canonical(row))
    if not key:
        return whole + whole
    lacking = [name for name in key if name not in row]
    if lacking:
        raise rows.BrokenResult(
            f"a row has no column {lacking[0]!r}, which `key` names (it has {', '.join(row)})"
        )
    return _short(jsons.canonical([row[name] for name in key])) + whole


def _short(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=HALF).digest()


@dataclass(frozen=True, slots=True)
class Difference:
    """Which rows came, changed (before, after) and went, by their entries; how often each."""

    added: Counter[bytes]
    changed: Sequence[tuple[bytes, bytes]]
    removed: Counter[bytes]

    @property
    def wants_the_former(self) -> bool:
        """Whether rows of the former result have to be shown."""
        return bool(self.changed or self.removed)


def compare(before: Digests, after: Digests) -> Difference | None:
    """What has changed from *before* to *after*; None where there are too many rows to tell.

    Rows that share their key columns are taken as a heap: what is in both heaps has not changed, the rest is paired
    off in the order of the digests, and what is over came or went.
    """
    if before.entries is None or after.entries is None:
        return None
    old, new = Counter(_split(before.entries)), Counter(_split(after.entries))
    gone, come = old - new, new - old
    waiting: dict[bytes, list[bytes]] = {}
    for entry in sorted(gone.elements()):
        waiting.setdefault(entry[:HALF], []).append(entry)
    added: Counter[bytes] = Counter()
    changed: list[tuple[bytes, bytes]] = []
    for entry in sorted(come.elements()):
        pairs = waiting.get(entry[:HALF])
        if pairs:
            changed.append((pairs.pop(0), entry))
        else:
            added[entry] += 1
    return Difference(added, changed, Counter(entry for left in waiting.values() for entry in left))


def _split(entries: bytes) -> Iterator[bytes]:
    return (entries[start : start + ENTRY] for start in range(0, len(entries), ENTRY))


def pick(
    found: Iterable[JsonObject], key: Sequence[str], wanted: Iterable[bytes]
) -> list[tuple[bytes, JsonObject]]:
    """The rows *found* whose entries are *wanted*, each as often as it is wanted, in their order; bounded by
    :data:`MOST_LISTED` and :data:`LARGEST_LIST`."""
    left, size = Counter(wanted), 0
    picked: list[tuple[bytes, JsonObject]] = []
    for row in found if left else ():
        entry = _entry(row, key)
        if left[entry] <= 0:
            continue
        left[entry] -= 1
        size += len(jsons.canonical(row))
        if len(picked) == MOST_LISTED or size > LARGEST_LIST:
            break
        picked.append((entry, row))
    return picked


def list_rows(difference: Difference | None, now: str, former: str | None, key: Sequence[str]) -> JsonObject:
    """The lists and counts of an event about *difference*. *now* and *former* are the results' texts; without the
    former one, what went is only counted."""
    if difference is None:
        return {"added": [], "changed": [], "previous": [], "removed": []}
    after = pick(rows.each(now), key, [new for _, new in difference.changed])
    fitting: dict[bytes, list[bytes]] = {}
    for old, new in difference.changed:
        fitting.setdefault(new, []).append(old)
    sources = [fitting[new].pop(0) for new, _ in after]
    before: dict[bytes, list[JsonObject]] = {}
    for entry, row in _pick_former(former, key, sources):
        before.setdefault(entry, []).append(row)
    removed = _pick_former(former, key, difference.removed.elements())
    return {
        "added": [row for _, row in pick(rows.each(now), key, difference.added.elements())],
        "changed": [row for _, row in after],
        "previous": [before[old].pop(0) if before.get(old) else None for old in sources],
        "removed": [row for _, row in removed],
        "added_count": difference.added.total(),
        "changed_count": len(difference.changed),
        "removed_count": difference.removed.total(),
    }


def _pick_former(
    former: str | None, key: Sequence[str], wanted: Iterable[bytes]
) -> list[tuple[bytes, JsonObject]]:
    """Rows of a result that may be gone by now, or not be what it was."""
    try:
        return pick(rows.each(former), key, wanted) if former is not None else []
    except rows.BrokenResult:
        return []


def fact(id: str, data: JsonObject, memory: Memory) -> Fact:
    """The fact that the result of a query is now the one in *memory*. *id* is the watch's own name for the query."""
    result = memory.result_id if memory.result_id is not None else memory.retrieved_at
    return Fact(ResultChanged.type, str(data["query_id"]), f"result:{id}:{result}:{memory.whole}", data)
