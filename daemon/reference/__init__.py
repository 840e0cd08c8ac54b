"""What can be told, done, configured and commanded: the reference, out of the code's own schemas.

``documents`` and ``programs`` gather the JSON that ``pointsman reference KIND --json`` prints, ``shapes``
reads JSON Schemas, ``coverage`` sets the services' documented ``endpoints`` beside the catalog, ``pages`` turns a
document into Markdown. This room stands beside ``config`` and below ``cli``: what it needs of both is handed in.
Called by ``cli``, and for the pages under ``docs/reference`` by the house's tests.
"""

from daemon.contract.catalog import Catalog
from daemon.model.jsons import JsonObject
from daemon.reference import coverage, documents, pages, programs

KINDS = ("events", "actions", "config", "commands", "coverage")


def document(
    kind: str, catalog: Catalog, schema: JsonObject | None = None, program: programs.Command | None = None
) -> JsonObject:
    """The reference of *kind* (one of :data:`KINDS`) as one JSON document.

    *schema* is the config file's JSON Schema, *program* the root of the command line (a Typer or Click
    command); each is needed for its own kind only. :class:`ValueError` for another kind.
    """
    if kind == "events":
        return documents.events(catalog)
    if kind == "actions":
        return documents.actions(catalog)
    if kind == "coverage":
        return coverage.document(catalog)
    if kind == "config":
        return documents.config(schema or {})
    if kind == "commands" and program is not None:
        return programs.commands(program)
    raise ValueError(f"there is no reference of {kind}; there is one of {', '.join(KINDS)}")


def markdown(kind: str, given: JsonObject) -> str:
    """A *document* of that *kind* as a Markdown page, ending with a newline."""
    return pages.PAGES[kind](given)


def render(
    kind: str, catalog: Catalog, schema: JsonObject | None = None, program: programs.Command | None = None
) -> str:
    """The Markdown page of *kind*; the arguments are those of :func:`document`."""
    return markdown(kind, document(kind, catalog, schema, program))
