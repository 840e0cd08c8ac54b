"""Files that an action sends: how what ``given_files`` describes becomes the part of a form.

A file is on this machine, or given by its text, by an address, or by rows that become CSV. ``contract.http`` opens
the files of a call just before it, by :func:`opened`, and closes them after it; ``contract.reading`` decides which of
this machine's may be read. None is read into memory whole: one
on this machine is sent from the disk, one at an address is fetched to a temporary file first, so that a fetch that
breaks leaves nobody in doubt about the call.
"""

import asyncio
import contextlib
import csv
import io
import mimetypes
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from daemon.contract import errors, reading
from daemon.contract.given_files import File as File
from daemon.contract.given_files import GivenFile as GivenFile
from daemon.model import jsons
from daemon.model.jsons import JsonObject

ROWS_FILE = "rows.csv"  # how rows without a name are called
UNNAMED = "file"  # how a file is called whose address ends in no name
SPOOL_FOLDER = "/var/tmp"  # noqa: S108 - unlike /tmp a disk nearly everywhere; files in it have no name


Fetch = Callable[[str, BinaryIO], Awaitable[str]]
"""Fetches an address into a file and answers the content type that came with it, or ``""``."""


@dataclass(frozen=True, slots=True)
class Part:
    """An open file, at its beginning; *size* in bytes."""

    name: str
    body: BinaryIO
    content_type: str
    size: int


@contextlib.asynccontextmanager
async def opened(
    given: Mapping[str, str | GivenFile], fetch: Fetch | None, read_below: Sequence[str]
) -> AsyncIterator[dict[str, Part]]:
    """Open *given* files, by the names of their parts, until the block ends.

    :class:`PermanentError` where one cannot be had, :class:`TemporaryError` where another server has it and may give
    it later. Without *fetch* nothing can be fetched; a path is the operator's or leads below *read_below*.
    """
    with contextlib.ExitStack() as stack:
        yield {part: await _open(file, fetch, read_below, stack) for part, file in given.items()}


async def _open(
    file: str | GivenFile, fetch: Fetch | None, read_below: Sequence[str], stack: contextlib.ExitStack
) -> Part:
    if isinstance(file, str):
        body = stack.enter_context(await asyncio.to_thread(reading.open_path, file, read_below))
        return _part(Path(file).name, body)
    if file.url is not None:
        return await _fetched(file, file.url, fetch, stack)
    if file.rows is not None:
        return _part(file.name or ROWS_FILE, io.BytesIO(write_csv(file.rows)))
    return _part(file.name or UNNAMED, io.BytesIO((file.content or "").encode()))


async def _fetched(file: GivenFile, url: str, fetch: Fetch | None, stack: contextlib.ExitStack) -> Part:
    if fetch is None:
        raise errors.PermanentError("a file cannot be fetched from an address here")
    try:
        body = stack.enter_context(await asyncio.to_thread(_open_spool))
        content_type = await fetch(url, body)
        body.seek(0)
    except OSError as full:
        said = f"no room for the file that was to be fetched ({full.strerror})"
        raise errors.TemporaryError(said, elsewhere=True) from None
    return _part(file.name or name_of(url), body, content_type)


def _open_spool() -> BinaryIO:
    return tempfile.TemporaryFile(dir=spool_folder())


def spool_folder() -> str | None:
    """Where fetched files lie meanwhile: on a disk, if nobody said otherwise. None: wherever Python puts them."""
    if os.environ.get("TMPDIR") or not os.access(SPOOL_FOLDER, os.W_OK):
        return None
    return SPOOL_FOLDER


def name_of(url: str) -> str:
    """What a file at *url* is called: the last part of its path."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if name and name.isprintable() else UNNAMED


def _part(name: str, body: BinaryIO, content_type: str = "") -> Part:
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    name = "".join(letter if letter.isprintable() else "_" for letter in name)  # it stands in a header
    return Part(name, body, mimetypes.guess_type(name)[0] or content_type or "application/octet-stream", size)


def write_csv(rows: Sequence[JsonObject]) -> bytes:
    """*rows* as CSV in UTF-8: columns in the order they first come, nothing for what a row lacks or has
    null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else jsons.dumps(value)
