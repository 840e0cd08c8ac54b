"""What can be told, done, configured and commanded: the reference, out of the code's own schemas.

``documents`` gathers the JSON that ``pointsman reference KIND --json`` prints, ``shapes`` reads JSON Schemas,
``pages`` turns a document into Markdown. This room stands beside ``config`` and below ``cli``: both are handed
in as plain JSON. Called by ``cli`` and, for the pages under ``docs/reference``, by the house's own tests.
"""

from daemon.contract.catalog import Catalog
from daemon.model.jsons import JsonObject
from daemon.reference import documents, pages

KINDS = ("events", "actions", "config", "commands")


def document(
    kind: str, catalog: Catalog, schema: JsonObject | None = None, program: JsonObject | None = None
) -> JsonObject:
    """The reference of *kind* (one of :data:`KINDS`) as one JSON document.

    *schema* is the config file's JSON Schema, *program* the command line as Click's ``to_info_dict`` tells it;
    each is needed for its own kind only. :class:`ValueError` for another kind.
    """
    if kind == "events":
        return documents.events(catalog)
    if kind == "actions":
        return documents.actions(catalog)
    if kind == "config":
        return documents.config(schema or {})
    if kind == "commands":
        return documents.commands(program or {})
    raise ValueError(f"there is no reference of {kind}; there is one of {', '.join(KINDS)}")


def markdown(kind: str, given: JsonObject) -> str:
    """A *document* of that *kind* as a Markdown page, ending with a newline."""
    return pages.PAGES[kind](given)


def render(
    kind: str, catalog: Catalog, schema: JsonObject | None = None, program: JsonObject | None = None
) -> str:
    """The Markdown page of *kind*; the arguments are those of :func:`document`."""
    return markdown(kind, document(kind, catalog, schema, program))
