"""``pointsman reference``: what can be told, done, configured and commanded, out of the code's own schemas."""

from typing import Annotated

import typer
import typer.main

from daemon import reference as pages
from daemon.cli import context, options, printing, program
from daemon.config import schema


def reference(
    state: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(pages.KINDS)}.")],
    json: options.AsJson = False,
) -> None:
    """Print the reference, made from the code's own schemas.

    Of events, actions, config or commands, or which endpoint is reached how (coverage): as Markdown, or as JSON with
    the schemas.

    \b
      pointsman reference actions
      pointsman reference events --json
    """
    options.parse_word(kind, pages.KINDS, "KIND")
    given: context.Context = state.obj
    catalog = given.catalog()
    root = typer.main.get_command(program.app)
    document = pages.document(kind, catalog, schema.json_schema(catalog), root)
    if json:
        printing.document(document)
    else:
        print(pages.markdown(kind, document), end="")
