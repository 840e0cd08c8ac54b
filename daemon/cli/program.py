"""The program itself: its options and its commands. Each command's file is imported when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli import check, context, run

app = typer.Typer(
    name="pointsman",
    help="Sets the points for events: listens, watches, remembers, and fires reactions across services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("run")(run.run)
app.command("check")(check.check)


@app.callback()
def options(
    state: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The config file; else $POINTSMAN_CONFIG, ./config.toml, /etc/pointsman/config.toml."
        ),
    ] = None,
) -> None:
    """Set the points for events: listen, watch, remember, and fire reactions across services."""
    state.obj = context.Context(config)


def main() -> None:
    """Run the command line."""
    app()
