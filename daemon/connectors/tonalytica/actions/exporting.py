"""Writing all queries to files (the client's ``export-queries``)."""

import asyncio
import errno
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, field_validator

from daemon.connectors.tonalytica import client as vendor
from daemon.contract import declare, errors
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

INDEX = "queries.json"
PERMISSIONS = 0o640  # of the files: queries may hold names that are nobody else's business
LONGEST_NAME = 80  # characters of a query's name in its file's name
LISTED = (
    "id",
    "name",
    "description",
    "data_source_id",
    "tags",
    "options",
    "schedule",
    "is_archived",
    "is_draft",
)
STAMPS = ("created_at", "updated_at")
PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})


class ExportQueries(declare.Parameters):
    """Where to."""

    directory: str = Field(
        description="The directory, by its full path, such as `/var/lib/pointsman/queries`; it is made if need be.",
        pattern="^/",
    )
    archived: bool = Field(False, description="Whether archived queries are written too.")

    @field_validator("directory")
    @classmethod
    def stays_there(cls, path: str) -> str:
        """No part of the path leads back up: where files go is plain to see."""
        if ".." in Path(path).parts or "\0" in path:
            raise ValueError("directory is a full path without `..`")
        return path


class Export(declare.Result):
    """What was written."""

    directory: str = Field(description="The directory.")
    count: int = Field(description="How many queries were written.")
    files: list[str] = Field(description="The queries' files: `query-ID-NAME.sql`, each the query's text.")
    index: str = Field(description="The file that lists them with names, sources, tags and options.")
    removed: list[str] = Field(description="Files of queries that have another name now, which were removed.")


@declare.action(
    "tonalytica.export_queries",
    doubt=Doubt.REPEATABLE,
    why="the same files are written again, each at one go",
)
async def export_queries(
    client: vendor.TonalyticaClient, parameters: ExportQueries, call: declare.Call
) -> declare.Done[Export]:
    """Write the text of every query to a file of its own in a directory, and a list of them to `queries.json`."""
    found = await client.list_every_query(archived=parameters.archived)
    try:
        return declare.Done(await asyncio.to_thread(write_all, Path(parameters.directory), found))
    except OSError as broken:
        said = f"cannot write to {parameters.directory}: {broken.strerror or broken}"
        if broken.errno in PASSING:
            raise errors.TemporaryError(said) from None
        raise errors.PermanentError(said) from None


def write_all(directory: Path, found: Sequence[JsonObject]) -> Export:
    """Write *found* to *directory*; every file is whole at any time. :class:`OSError` where it cannot."""
    directory.mkdir(parents=True, exist_ok=True)
    files, removed = [], []
    for query in sorted(found, key=lambda one: int(one["id"])):
        name = name_file(int(query["id"]), str(query.get("name") or ""))
        _write(directory, name, str(query.get("query") or ""))
        files.append(name)
        for other in sorted(directory.glob(f"query-{int(query['id'])}*.sql")):
            if other.name != name and re.fullmatch(
                rf"query-{int(query['id'])}(-[a-z0-9-]*)?\.sql", other.name
            ):
                other.unlink(missing_ok=True)
                removed.append(other.name)
    listed = [
        {**{field: query.get(field) for field in (*LISTED, *STAMPS)}, "file": name}
        for query, name in zip(sorted(found, key=lambda one: int(one["id"])), files, strict=True)
    ]
    _write(directory, INDEX, jsons.dumps({"queries": listed}) + "\n")
    return Export(directory=str(directory), count=len(files), files=files, index=INDEX, removed=removed)


def name_file(query_id: int, name: str) -> str:
    """The file of a query: its id, and what of its name is plain letters and figures. No name leads elsewhere."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-")
    return f"query-{query_id}-{slug}.sql" if slug else f"query-{query_id}.sql"


def _write(directory: Path, name: str, text: str) -> None:
    """Put a whole file in the place of *name*: a link that stands there is replaced, not followed."""
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(handle, PERMISSIONS)
            file.write(text)
        Path(temporary).replace(directory / name)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
