"""Writing all queries to files (the client's ``export-queries``)."""

import asyncio
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, field_validator

from daemon.connectors.tonalytica import client as vendor
from daemon.contract import declare, errors, own_paths, writing
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

INDEX = "queries.json"
LONGEST_NAME = 80  # characters of a query's name in its file's name
LISTED = "id name description data_source_id tags options schedule is_archived is_draft created_at updated_at".split()
OURS = re.compile(r"query-([0-9]+)(?:-[a-z0-9-]+)?\.sql")


class ExportQueries(declare.Parameters):
    """Where to."""

    directory: str = Field(
        description="The directory, by its full path, such as `/var/lib/pointsman/queries`; it is made if need be.",
    )
    archived: bool = Field(False, description="Whether archived queries are written too.")

    @field_validator("directory")
    @classmethod
    def is_full_path(cls, path: str) -> str:
        """No part of the path leads back up: where files go is plain to see."""
        return writing.check_root(path)


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
    writes_to=("directory",),
    example={"directory": "/var/lib/pointsman/queries"},
)
async def export_queries(
    client: vendor.TonalyticaClient, parameters: ExportQueries, call: declare.Call
) -> declare.Done[Export]:
    """Write the text of every query to a file of its own in a directory, and a list of them to `queries.json`.

    The directory stands in the config, or begins there with a folder of which an expression names a part below.
    """
    own = own_paths.present()
    if parameters.directory not in own.whole:
        try:
            writing.find_place(parameters.directory, (), own)
        except ValueError:
            said = "its whole path came out of a template. Begin it with a folder in the config."
            raise errors.PermanentError(f"{parameters.directory} may not be written: {said}") from None
    found = await client.list_every_query(archived=parameters.archived)
    return declare.Done(await asyncio.to_thread(write_all, Path(parameters.directory), found))


def write_all(directory: Path, found: Sequence[JsonObject]) -> Export:
    """Write *found* to *directory*; every file is whole at any time. Blocks. A
    :class:`~daemon.contract.errors.ServiceError` where it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as broken:
        said = f"cannot make the directory {directory}: {broken.strerror}"
        if broken.errno in writing.PASSING:
            raise errors.TemporaryError(said) from None
        raise errors.PermanentError(said) from None
    files: list[str] = []
    listed: list[JsonObject] = []
    for query in sorted(found, key=lambda one: int(one["id"])):
        name = name_file(int(query["id"]), str(query.get("name") or ""))
        _write(directory, name, str(query.get("query") or ""))
        files.append(name)
        listed.append({**{field: query.get(field) for field in LISTED}, "file": name})
    _write(directory, INDEX, jsons.dumps({"queries": listed}) + "\n")
    removed = _remove_former(directory, set(files), {int(query["id"]) for query in found})
    return Export(directory=str(directory), count=len(files), files=files, index=INDEX, removed=removed)


def _remove_former(directory: Path, present: set[str], query_ids: set[int]) -> list[str]:
    """Remove the files that hold one of these queries under the name that it had before."""
    former = []
    for one in sorted(directory.iterdir()):
        named = OURS.fullmatch(one.name)
        if named and int(named[1]) in query_ids and one.name not in present:
            one.unlink(missing_ok=True)
            former.append(one.name)
    return former


def name_file(query_id: int, name: str) -> str:
    """The file of a query: its id, and what of its name is plain letters and figures. No name leads elsewhere."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-")
    return f"query-{query_id}-{slug}.sql" if slug else f"query-{query_id}.sql"


def _write(directory: Path, name: str, text: str) -> None:
    writing.write(writing.Place(str(directory), (name,)), text.encode())
