"""``pointsman watches``: what is polled, how that goes, and polling now, pausing, going on."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from daemon.cli import context, options, printing
from daemon.contract import wording
from daemon.journal import calls
from daemon.journal import watches as journal_watches
from daemon.journal.database import Connection
from daemon.journal.watches import Memory, Polled
from daemon.model.jsons import JsonObject
from daemon.web import shapes

EVERY_NAME = 10_000  # rows that a did-you-mean looks at

group = typer.Typer(add_completion=False, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="The watch's name.")]

COLUMNS = {
    "name": printing.key("name"),
    "account": printing.key("account"),
    "resource": printing.key("resource"),
    "every": printing.key("every"),
    "state": printing.key("state"),
    "next poll": printing.moment("next_poll"),
    "last success": printing.moment("last_success"),
    "failures": printing.key("failures"),
    "in charge": printing.key("in_charge"),
    "firings": lambda one: _firings(one),
    "error": lambda one: one["error"] or one["warning"],
}


@group.callback(invoke_without_command=True)
def listed(state: typer.Context, limit: options.Limit = options.MOST, json: options.AsJson = False) -> None:
    """List what is polled, and how that goes.

    The config's watches first, then work that is followed and objects that were called back about. Of a tracer with a
    hook is told who is in charge of it, `callback` or `poll`, and how many of its firings are used: Populr calls a
    dozen times. From three quarters of them on, or where callbacks go quiet or are switched off, polling carries on.

    \b
      pointsman watches
    """
    if state.invoked_subcommand is not None:
        return
    given: context.Context = state.obj
    now = context.now()
    found, called = given.read(lambda connection: _found(connection, limit))
    told = [shapes.of_polled(row, now, called.get(row.name)) for row in found]
    printing.listing("watches", told, json, COLUMNS)


def _found(connection: Connection, limit: int) -> tuple[list[Polled], dict[str, Memory]]:
    rows = journal_watches.listed(connection, limit)
    return rows, calls.of_rows(connection, rows)


def _firings(one: JsonObject) -> str | None:
    return f"{one['firings']} of {one['budget']}" if one["budget"] is not None else None


@group.command("poll")
def poll(state: typer.Context, name: Name) -> None:
    """Poll a watch now.

    A running daemon does it within a second.

    \b
      pointsman watches poll sources
    """
    _change(state.obj, name, "is polled next", _due_now)


def _due_now(row: Polled) -> dict[str, Any]:
    if row.paused:
        raise context.Refused(f"{row.name} is paused. Run `pointsman watches resume {row.name}`.")
    return {"due_at": context.now()}


@group.command("pause")
def pause(state: typer.Context, name: Name) -> None:
    """Poll a watch no more until it is resumed.

    What it remembers is kept.

    \b
      pointsman watches pause sources
    """
    _change(state.obj, name, "is paused", lambda _row: {"paused": True})


@group.command("resume")
def resume(state: typer.Context, name: Name) -> None:
    """Poll a paused watch again, as often as the config says.

    \b
      pointsman watches resume sources
    """
    _change(state.obj, name, "is polled again", lambda _row: {"paused": False})


def _change(given: context.Context, name: str, done: str, values: Callable[[Polled], dict[str, Any]]) -> None:
    def write(connection: Connection) -> None:
        row = journal_watches.get(connection, name)
        if row is None:
            known = [one.name for one in journal_watches.listed(connection, EVERY_NAME)]
            help = wording.meant(name, known, otherwise="`pointsman watches` lists them.")
            raise context.Refused(f"there is no watch {name} in the journal. {help}")
        journal_watches.change(connection, name, **values(row))

    went_well = context.decide_each([name], lambda _name: given.write(write))
    if went_well:
        print(f"{name} {done}")
    raise typer.Exit(context.GOOD if went_well else context.NOT_GOOD)
