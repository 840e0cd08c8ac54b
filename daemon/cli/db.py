"""``pointsman db``: the journal itself: made, brought up to date, asked for its schema."""

import asyncio

import typer

from daemon.cli import context, options, printing, unbuilt
from daemon.journal import database, migrate

# OSError: a folder that we may not look into.
BROKEN = (OSError, database.JournalMissing, database.JournalOutdated, database.JournalUnavailable)

group = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="""Make the journal, or bring it up to date.

    \b
      pointsman db upgrade
    """,
)


@group.callback()
def options_of_db() -> None:
    """Nothing of its own: what is printed stands with the group."""


@group.command("upgrade")
def upgrade(state: typer.Context) -> None:
    """Make the journal, or bring its schema up to date.

    May run as often as you like, and while a daemon runs.

    \b
      pointsman db upgrade
    """
    given: context.Context = state.obj
    try:
        before, after = asyncio.run(migrate.upgrade(given.journal_url()))
    except BROKEN as broken:
        context.fail(str(broken))
    if before == after:
        print(f"the journal is at {after} already")
    else:
        print(f"the journal is at {after} now" + (f", was at {before}" if before else ", newly made"))


@group.command("current")
def current(state: typer.Context, json: options.AsJson = False) -> None:
    """Print the journal's revision and the one needed.

    Exits 1 if they differ: then run `pointsman db upgrade`.

    \b
      pointsman db current
    """
    given: context.Context = state.obj
    try:
        revision = asyncio.run(migrate.current(given.journal_url()))
    except BROKEN as broken:
        context.fail(str(broken))
    is_current = revision == migrate.HEAD
    if json:
        printing.document({"revision": revision, "head": migrate.HEAD, "current": is_current})
    else:
        print(f"revision {revision or 'none'}, needed {migrate.HEAD}")
    raise typer.Exit(context.GOOD if is_current else context.NOT_GOOD)


for unbuilt_name in unbuilt.DB_COMMANDS:
    unbuilt.add(group, unbuilt_name, "db ")
