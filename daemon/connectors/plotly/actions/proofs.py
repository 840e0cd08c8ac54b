"""What a look at a grid or a figure proves of an earlier call. Pure; the probes of the actions ask it.

Plotly takes no key by which a call could be recognised, and marks nothing as ours. So what was there is noted
before a call, and what is there after it is compared with that and with what was sent.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from daemon.connectors.plotly.actions import cells
from daemon.contract import errors
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject


def alike(ours: Json, theirs: Json) -> bool:
    """Whether a cell holds what was sent.

    Plotly fills short columns with empty texts (vendor's Python client), and a cell is a text to it as much as a
    number: null and "" are the same here, and so are 3, 3.0 and "3".
    """
    if _is_blank(ours) or _is_blank(theirs):
        return _is_blank(ours) and _is_blank(theirs)
    if _text(ours) == _text(theirs):
        return True
    mine, other = _number(ours), _number(theirs)
    return mine is not None and other is not None and math.isclose(mine, other, rel_tol=1e-12)


def _is_blank(cell: Json) -> bool:
    return cell is None or cell == ""


def _number(cell: Json) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def _text(cell: Json) -> str:
    return cell if isinstance(cell, str) else jsons.canonical(cell).decode()


def all_alike(ours: Sequence[Json], theirs: Sequence[Json]) -> bool:
    """Whether two runs of cells are alike; a shorter one is filled up with blanks."""
    return all(alike(one, other) for one, other in zip_longest(ours, theirs))


def same_table(ours: Sequence[cells.Column], theirs: Sequence[cells.Column]) -> bool:
    """Whether a grid has just our columns, by name, with our cells."""
    found = {column.name: column.data for column in theirs}
    return len(found) == len(ours) and all(
        column.name in found and all_alike(column.data, found[column.name]) for column in ours
    )


def holds(ours: Json, theirs: Json) -> bool:
    """Whether *theirs* has everything that *ours* says: more keys of an object are no difference."""
    if isinstance(ours, Mapping):
        known = theirs if isinstance(theirs, Mapping) else {}
        return isinstance(theirs, Mapping) and all(holds(one, known.get(key)) for key, one in ours.items())
    if isinstance(ours, list):
        return (
            isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(holds(one, other) for one, other in zip(ours, theirs, strict=True))
        )
    return alike(ours, theirs)


def count_rows(columns: Sequence[cells.Column]) -> int:
    """How many rows a grid has: its longest column's."""
    return max((len(column.data) for column in columns), default=0)


def note_table(columns: Sequence[cells.Column]) -> JsonObject:
    """What is kept of a grid before something is added to it: its size, its columns, a digest of its cells."""
    return {
        "rows": count_rows(columns),
        "columns": [[column.name, column.uid] for column in columns],
        "digest": jsons.fingerprint([[column.name, list(column.data)] for column in columns]),
    }


def noted_columns(before: JsonObject) -> tuple[cells.Column, ...]:
    """The columns that :func:`note_table` noted, without their cells."""
    return tuple(cells.Column(name, uid=uid) for name, uid in before["columns"])


def has_rows(before: JsonObject, ours: Sequence[Sequence[Json]], now: Sequence[cells.Column]) -> bool:
    """Whether *ours* were added to the grid that *before* noted: True for just that, False for nothing at all.

    :class:`~daemon.contract.errors.Unclear` for any third case. Rows are in the order of the noted columns.
    """
    if note_table(now)["digest"] == before["digest"]:
        return False
    count, noted = count_rows(now), before["rows"]
    found = [_same_column(column, now) for column in noted_columns(before)]
    if None not in found and count == noted + len(ours):
        tails = [list(column.data[noted:]) for column in found if column is not None]
        if all(all_alike(_nth(ours, n), tail) for n, tail in enumerate(tails)):
            return True
    raise errors.Unclear(
        f"the grid had {noted} rows and has {count} now; {len(ours)} were to be added, and what was added or changed "
        "is not just those. Compare its last rows with the request."
    )


def _same_column(noted: cells.Column, now: Sequence[cells.Column]) -> cells.Column | None:
    for column in now:
        if (noted.uid and column.uid == noted.uid) or (not noted.uid and column.name == noted.name):
            return column
    return None


def _nth(rows: Sequence[Sequence[Json]], n: int) -> list[Json]:
    return [row[n] if n < len(row) else None for row in rows]


def has_columns(before: JsonObject, ours: Sequence[cells.Column], now: Sequence[cells.Column]) -> bool:
    """Whether *ours* were added to the grid that *before* noted: True for all of them, False for none.

    :class:`~daemon.contract.errors.Unclear` where some are there, or one with other cells than ours. A column
    that was there before is not ours.
    """
    known = {name for name, _ in before["columns"]}
    new = {column.name: column for column in now if column.name not in known}
    found = [new[column.name] for column in ours if column.name in new]
    if not found:
        return False
    if len(found) == len(ours) and same_table(ours, found):
        return True
    names = ", ".join(repr(column.name) for column in found)
    raise errors.Unclear(
        f"the grid has a new column {names} that does not hold just what was sent. Compare it with the request."
    )
