"""The program itself: its options and its commands. Each command's file is imported when it is asked for.

A file holds either one command, a function of the command's name, or a group of them, a Typer named ``group``.
"""

import errno
import importlib
import importlib.metadata
import io
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from daemon.cli import loading, unbuilt

# In the order of `pointsman --help`: the command, and its file where that has another name.
COMMANDS = {
    name: name
    for name in (
        "run",
        "check",
        "demo",
        "sandbox",
        "services",
        "webhooks",
        "plan",
        "apply",
        "emit",
        "events",
        "runs",
        "watches",
        "rejections",
        "db",
        "reference",
        "schema",
    )
}
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Commands(MutableMapping[str, Any]):
    """The commands by name; reading one imports its file."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._found = dict(known)

    def __getitem__(self, name: str) -> Any:
        if name in self._found:
            return self._found[name]
        self._found[name] = load(name, COMMANDS[name])
        return self._found[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**COMMANDS, **self._found})

    def __len__(self) -> int:
        return len({**COMMANDS, **self._found})


def load(name: str, file: str) -> Any:
    """The command *name* out of its *file*."""
    with loading.uncollected():
        module = importlib.import_module(f"daemon.cli.{file}")
    group: typer.Typer | None = getattr(module, "group", None)
    if group is None:
        group = typer.Typer(add_completion=False, rich_markup_mode=None)
        group.command(name)(getattr(module, name))
    command = typer.main.get_command(group)
    command.name = name
    return command


class Program(typer.core.TyperGroup):
    """The root of the command line."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands(self.commands)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; one that is given ``--config`` behind its name is told where that belongs."""
        try:
            return super().invoke(ctx)
        except Exception as wrong:
            if getattr(wrong, "option_name", None) != "--config":
                raise
            text = f"it stands before the command, as in pointsman --config FILE {ctx.invoked_subcommand}"
            raise typer.BadParameter(text, ctx=getattr(wrong, "ctx", None), param_hint="--config") from None


app = typer.Typer(
    cls=Program,
    name="pointsman",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


for unbuilt_name in unbuilt.COMMANDS:
    unbuilt.add(app, unbuilt_name)


def tell_version(asked: bool) -> None:
    """Print the version and end, if that was *asked*."""
    if asked:
        print(f"pointsman {importlib.metadata.version('pointsman')}")
        raise typer.Exit


@app.callback()
def options(
    state: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The config file; else $POINTSMAN_CONFIG, ./config.toml, /etc/pointsman/config.toml.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=tell_version, help="Print the version and exit."),
    ] = False,
) -> None:
    """Set the points for events: listen, watch, remember, and fire reactions across services.

    Everything stands in one TOML file. Check it, run the daemon, and look at what happened:

    \b
      pointsman --config config.toml check
      pointsman --config config.toml run
      pointsman --config config.toml events --since 2h

    Listings take --json. Exit codes: 0 good, 1 the thing asked about is not good, 2 wrong usage or config.
    """
    from daemon.cli import context

    state.obj = context.Context(config)


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # where a terminal lacks a character
    try:
        try:
            app(prog_name="pointsman")
        finally:
            _flush()
    except OSError as broken:
        if broken.errno != errno.ENOSPC:
            raise
        _write_nowhere()
        print("cannot write: no space is left. Make room, or give the output another place.", file=sys.stderr)
        raise SystemExit(1) from None


def _flush() -> None:
    """Write out what is left; whoever read us may have gone, as in ``pointsman events | head``."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _write_nowhere()


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
