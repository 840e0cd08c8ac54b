"""``pointsman reference``: what can be told, done, configured and commanded, out of the code's own schemas."""

from typing import Annotated

import typer
import typer.main

from daemon import reference as pages
from daemon.cli import context, options, printing, program
from daemon.config import schema
from daemon.contract import wording
from daemon.model import reactions
from daemon.model.jsons import JsonObject

NAMED = {"actions": "name", "events": "type"}  # what can be named alone, and by which field


def reference(
    state: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(pages.KINDS)}.")],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One action or event; * is any text.")
    ] = None,
    json: options.AsJson = False,
) -> None:
    """Print the reference, made from the code's own schemas.

    Of events, actions, config or commands, or which endpoint is reached how (coverage): as Markdown, or as JSON with
    the schemas.

    \b
      pointsman reference actions populr.create_pop
      pointsman reference events 'compass.*'
      pointsman reference actions --json
    """
    options.parse_word(kind, pages.KINDS, "KIND")
    given: context.Context = state.obj
    catalog = given.catalog()
    root = typer.main.get_command(program.app)
    document = pages.document(kind, catalog, schema.json_schema(catalog), root)
    if name is not None:
        document = _narrowed(document, kind, name)
    if json:
        printing.document(document)
    else:
        print(pages.markdown(kind, document), end="")


def _narrowed(document: JsonObject, kind: str, name: str) -> JsonObject:
    """*document* with the actions or events that *name*, a glob, fits; the end of the program where there is none."""
    if kind not in NAMED:
        raise typer.BadParameter(f"only {' and '.join(NAMED)} can be named one by one", param_hint="NAME")
    field = NAMED[kind]
    kept = [one for one in document[kind] if reactions.matches_glob(name, one[field])]
    if not kept:
        hint = wording.meant(
            name, [one[field] for one in document[kind]], otherwise=f"`reference {kind}` lists all."
        )
        raise typer.BadParameter(f"there is no {kind[:-1]} {name}. {hint}", param_hint="NAME")
    return {**document, kind: kept}
