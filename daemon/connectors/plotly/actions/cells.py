"""Grids as values: rows become columns and columns rows, file names become folders, names become references.

Pure. The grid and plot actions call it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from daemon.contract import errors
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

_REFERENCE = re.compile(r"[^:/\s]+:\d+:[\w,-]+")

_FID = r"^[^:/\s]+:\d+$"

Fid = Annotated[
    str,
    Field(
        pattern=_FID,
        description="The file's id: `username:number`. Numbers begin at 0.",
        examples=["ada:12"],
    ),
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a grid; *uid* is empty as long as Plotly has given none."""

    name: str
    data: tuple[Json, ...] = ()
    uid: str = ""


def is_fid(text: str) -> bool:
    """Whether *text* has the form of a file's id."""
    return re.match(_FID, text) is not None


def clean_path(path: str) -> str:
    """*path* without outer slashes; :class:`ValueError` where a part of it has no name."""
    parts = path.strip().strip("/").split("/")
    if any(not part.strip() or part in (".", "..") for part in parts):
        raise ValueError('a file name is text, its folders before it, as in "reports/2026/signups"')
    return "/".join(parts)


FileName = Annotated[
    str,
    AfterValidator(clean_path),
    Field(
        description="The file's name; with slashes, the folders it stands in, which are made where missing.",
        examples=["reports/signups"],
    ),
]


def split_path(path: str) -> tuple[str, str]:
    """``(folder, name)`` of a clean path; the folder is empty at home."""
    folder, _, name = path.rpartition("/")
    return folder, name


def from_rows(rows: Sequence[Mapping[str, Json]]) -> tuple[Column, ...]:
    """The columns of *rows*, in the order in which names first appear; what a row lacks is null."""
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(Column(name, tuple(row.get(name) for row in rows)) for name in names)


def to_rows(columns: Sequence[Column]) -> list[JsonObject]:
    """The rows of *columns* as objects; a shorter column is filled up with nulls."""
    count = max((len(column.data) for column in columns), default=0)
    return [
        {column.name: column.data[n] if n < len(column.data) else None for column in columns}
        for n in range(count)
    ]


def to_cols(columns: Iterable[Column]) -> JsonObject:
    """The ``cols`` object that ``POST /grids`` wants: by name, with data and order."""
    return {column.name: {"data": list(column.data), "order": order} for order, column in enumerate(columns)}


def read_cols(cols: Json) -> tuple[Column, ...]:
    """The columns of a grid's ``cols``, in order: an object by name (``/content``) or a list (elsewhere)."""
    if isinstance(cols, dict):
        given = [{"name": name, **jsons.as_object(column)} for name, column in cols.items()]
        given.sort(key=_order)
    else:
        given = [jsons.as_object(column) for column in cols] if isinstance(cols, list) else []
    return tuple(_read_column(column) for column in given if isinstance(column.get("name"), str))


def _order(column: JsonObject) -> float:
    order = column.get("order")
    return order if isinstance(order, int | float) else float("inf")


def _read_column(column: JsonObject) -> Column:
    data, uid = column.get("data"), column.get("uid")
    return Column(
        name=column["name"],
        data=tuple(data) if isinstance(data, list) else (),
        uid=uid if isinstance(uid, str) else "",
    )


def references(fid: str, columns: Iterable[Column]) -> dict[str, str]:
    """By column name the full reference ``username:number:uid`` that a figure's ``…src`` takes."""
    return {column.name: f"{fid}:{column.uid}" for column in columns if column.uid}


def choose(columns: Sequence[Column], names: Iterable[str]) -> list[Column]:
    """The *columns* that *names* name, in that order.

    :class:`~daemon.contract.errors.PermanentError` names what the grid does not have, or has without an id.
    """
    known = {column.name: column for column in columns if column.uid}
    wanted = list(names)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise errors.PermanentError(
            f"the grid has no column {_listed(unknown)}. It has {_listed(known) or 'none'}."
        )
    return [known[name] for name in wanted]


def order_rows(rows: Sequence[Json], columns: Sequence[Column]) -> list[list[Json]]:
    """*rows* as lists in the order of *columns*; lists stay as they are, what an object lacks is null.

    :class:`~daemon.contract.errors.PermanentError` names the columns that the grid does not have.
    """
    names = [column.name for column in columns]
    unknown = dict.fromkeys(
        name for row in rows if isinstance(row, dict) for name in row if name not in names
    )
    if unknown:
        raise errors.PermanentError(
            f"the grid has no column {_listed(unknown)}. It has {_listed(names) or 'none'}."
        )
    return [[row.get(name) for name in names] if isinstance(row, dict) else list(row) for row in rows]


def resolve(traces: Sequence[Json], found: Mapping[str, str]) -> list[Json]:
    """A copy of *traces* in which every ``…src`` that names a column holds its reference from *found*.

    :class:`~daemon.contract.errors.PermanentError` names a ``…src`` that is neither a column nor a reference.
    """
    return [_resolve(trace, found) for trace in traces]


def _resolve(value: Json, found: Mapping[str, str]) -> Json:
    if isinstance(value, list):
        return [_resolve(one, found) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _reference(key, one, found)
        if key.endswith("src") and isinstance(one, str)
        else _resolve(one, found)
        for key, one in value.items()
    }


def _reference(key: str, text: str, found: Mapping[str, str]) -> str:
    if text in found:
        return found[text]
    if _REFERENCE.fullmatch(text):
        return text
    raise errors.PermanentError(f"{key}: the grid has no column {text!r}. It has {_listed(found) or 'none'}.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
