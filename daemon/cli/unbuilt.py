"""Commands that are promised and not built yet: each is refused by one line, never taken for a typing error."""

from collections.abc import Callable

import typer

COMMANDS = ("why", "why-not", "test", "backtest")
DB_COMMANDS = ("prune", "backup", "copy")

ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}


def add(group: typer.Typer, name: str, before: str = "") -> None:
    """Add the hidden command *name* to *group* (which is called by *before*)."""
    group.command(name, hidden=True, context_settings=ANYTHING)(refusal(f"{before}{name}"))


def refusal(name: str) -> Callable[[typer.Context], None]:
    """A command that takes anything and says that *name* is not there."""

    def refuse(_given: typer.Context) -> None:
        """Not built yet."""
        from daemon.cli import context

        context.fail(f"pointsman {name} is not built yet")

    return refuse
