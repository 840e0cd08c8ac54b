"""``pointsman rejections``: callbacks that were refused."""

import typer

from daemon.cli import context, options, printing
from daemon.journal import state as journal_state
from daemon.web import shapes

COLUMNS = {
    "id": printing.key("id"),
    "at": printing.moment("at"),
    "status": printing.key("status"),
    "path": printing.key("path"),
    "error": printing.key("error"),
    "body": printing.key("body"),
}


def rejections(
    state: typer.Context, limit: options.Limit = options.MOST, json: options.AsJson = False
) -> None:
    """List refused callbacks, with the reasons.

    The newest first, each with the beginning of its body, secrets blanked.

    \b
      pointsman rejections --limit 5
    """
    given: context.Context = state.obj
    found = given.read(lambda connection: journal_state.rejected(connection, limit))
    printing.listing("rejections", [shapes.of_rejection(one) for one in found], json, COLUMNS)
