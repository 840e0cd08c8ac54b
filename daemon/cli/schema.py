"""``pointsman schema``: the config file's JSON Schema."""

import typer

from daemon.cli import context, printing
from daemon.config import schema as config_schema


def schema(state: typer.Context) -> None:
    """Print the JSON Schema of the config file, for editors.

    \b
      pointsman schema > config.schema.json
    """
    given: context.Context = state.obj
    printing.document(config_schema.json_schema(given.catalog()))
