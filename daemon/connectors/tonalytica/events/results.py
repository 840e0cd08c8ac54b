"""What is remembered of a query's result, and what has changed in the next one, row by row. Pure.

The watch on queries calls it. Of each row two short digests are kept, of its key columns and of all of it, so a
result of 100,000 rows costs the same two megabytes however wide they are; the rows themselves are read again from
the service where they have to be shown. Digests stay packed and sorted in one piece (:class:`Entries`), and two
results are compared by walking along both: as Python objects they would be larger than most results.
"""

import base64
import bisect
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
LARGEST_ROWS = 8 * 1024 * 1024  # bytes of a result whose rows stand in its event


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
class Entries(Sequence[bytes]):
    """Entries in one piece."""

    packed: bytes = b""

    def __len__(self) -> int:
        return len(self.packed) // ENTRY

    def __getitem__(self, index: Any) -> Any:
        """The entry at *index*, which is a number from zero; what a sequence is sliced for is not needed."""
        return self.packed[index * ENTRY : (index + 1) * ENTRY]

    def __iter__(self) -> Iterator[bytes]:
        return (self.packed[start : start + ENTRY] for start in range(0, len(self.packed), ENTRY))


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
    *refused* is why it could not be read or compared the last time; an execution under way does not change that.
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
    heaps: list[bytearray] | None = [
        bytearray() for _ in range(256)
    ]  # by their first byte, to be sorted by heaps
    count = total = 0
    for row in found:
        entry = _entry(row, key)
        count += 1
        total = (total + int.from_bytes(_short(entry[HALF:] + b"whole"), "big")) % 2 ** (8 * HALF)
        if count > MOST_COMPARED:
            heaps = None
        if heaps is not None:
            heaps[entry[0]] += entry
    whole = f"{count}-{total:x}"
    return Digests(count, whole, None if heaps is None else b"".join(map(_sort, heaps)))


def _sort(heap: bytearray) -> bytes:
    return b"".join(sorted(_pack(heap)))


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
    """Which rows came, changed (as they were, as they are) and went: their entries, sorted, each as often as it did."""

    added: Entries
    were: Entries
    are: Entries
    removed: Entries

    @property
    def wants_the_former(self) -> bool:
        """Whether rows of the former result have to be shown."""
        return bool(self.were or self.removed)


def compare(before: Digests, after: Digests) -> Difference | None:
    """What has changed from *before* to *after*; None where there are too many rows to tell.

    Rows that share their key columns are taken as a heap: what is in both heaps has not changed, the rest is paired
    off in the order of the digests, and what is over came or went.
    """
    if before.entries is None or after.entries is None:
        return None
    gone, come, _, _ = _part(Entries(before.entries), Entries(after.entries), ENTRY)
    removed, added, were, are = _part(gone, come, HALF)
    return Difference(added, were, are, removed)


def _part(old: Entries, new: Entries, width: int) -> tuple[Entries, Entries, Entries, Entries]:
    """What stands in *old* alone, in *new* alone, and the pairs of what is alike in its first *width* bytes."""
    only_old, only_new, old_pairs, new_pairs = bytearray(), bytearray(), bytearray(), bytearray()
    left, right = iter(old), iter(new)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[:width] < other[:width]):
            only_old += one or b""
            one = next(left, None)
        elif one is None or other[:width] < one[:width]:
            only_new += other
            other = next(right, None)
        else:
            if width < ENTRY:
                old_pairs += one
                new_pairs += other
            one, other = next(left, None), next(right, None)
    return _pack(only_old), _pack(only_new), _pack(old_pairs), _pack(new_pairs)


def _pack(entries: bytearray) -> Entries:
    return Entries(bytes(entries))


def pick(found: Iterable[JsonObject], key: Sequence[str], wanted: Entries) -> list[tuple[bytes, JsonObject]]:
    """The rows *found* whose entries are *wanted* (sorted), each as often as it is wanted, in their order; bounded by
    :data:`MOST_LISTED` and :data:`LARGEST_LIST`."""
    taken: Counter[bytes] = Counter()
    size = 0
    picked: list[tuple[bytes, JsonObject]] = []
    for row in found if wanted else ():
        entry = _entry(row, key)
        place = bisect.bisect_left(wanted, entry) + taken[entry]
        if wanted[place] != entry:
            continue
        taken[entry] += 1
        size += len(jsons.canonical(row))
        if len(picked) == MOST_LISTED or size > LARGEST_LIST:
            break
        picked.append((entry, row))
    return picked


@dataclass(frozen=True, slots=True)
class Listed:
    """What a result itself gives to an event about it. *sources*: what the changed rows were before, in their order."""

    data: JsonObject
    sources: Sequence[bytes] = ()


def list_rows(difference: Difference | None, now: bytes, key: Sequence[str]) -> Listed:
    """The lists and counts of an event about *difference*; *now* is the result as the service gives it."""
    if difference is None:
        return Listed({"added": [], "changed": []})
    changed = pick(rows.each(now), key, difference.are)
    data = {
        "added": [row for _, row in pick(rows.each(now), key, difference.added)],
        "changed": [row for _, row in changed],
        "added_count": len(difference.added),
        "changed_count": len(difference.are),
        "removed_count": len(difference.removed),
    }
    return Listed(data, _sources(difference, [entry for entry, _ in changed]))


def list_former(
    difference: Difference | None, sources: Sequence[bytes], former: bytes, key: Sequence[str]
) -> JsonObject:
    """The lists that the *former* result gives; without it (empty), what went is only counted."""
    if difference is None:
        return {"previous": [], "removed": []}
    before: dict[bytes, list[JsonObject]] = {}
    for entry, row in _pick_former(former, key, Entries(b"".join(sorted(sources)))):
        before.setdefault(entry, []).append(row)
    return {
        "previous": [before[old].pop(0) if before.get(old) else None for old in sources],
        "removed": [row for _, row in _pick_former(former, key, difference.removed)],
    }


def _sources(difference: Difference, entries: Sequence[bytes]) -> list[bytes]:
    """What the rows with *entries* were before they changed."""
    met: Counter[bytes] = Counter()
    sources: list[bytes] = []
    for entry in entries:
        sources.append(difference.were[bisect.bisect_left(difference.are, entry) + met[entry]])
        met[entry] += 1
    return sources


def _pick_former(former: bytes, key: Sequence[str], wanted: Entries) -> list[tuple[bytes, JsonObject]]:
    """Rows of a result that may be gone by now, or not be what it was."""
    try:
        return pick(rows.each(former), key, wanted) if former else []
    except rows.BrokenResult:
        return []


def fact(id: str, data: JsonObject, memory: Memory) -> Fact:
    """The fact that the result of a query is now the one in *memory*. *id* is the watch's own name for the query."""
    result = memory.result_id if memory.result_id is not None else memory.retrieved_at
    return Fact(ResultChanged.type, str(data["query_id"]), f"result:{id}:{result}:{memory.whole}", data)
