"""What the demo says before, after and around its story. ``command`` calls it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from daemon.cli.demo import telling, verdict
from daemon.cli.demo.stage import Stage
from daemon.model import jsons
from daemon.sandbox import story

LEGEND = (
    ("event", "an event in the journal"),
    ("effect", "an effect of ours at a service"),
    ("others", "what people and Populr do"),
)


def announce(built: Stage, console: Console) -> None:
    """What is about to be played, and what the marks mean."""
    say(
        console,
        Text(f"A night of Pointsman's, {built.speed:g} times as fast, against simulated services", "bold"),
    )
    say(console, Text(f"  The times are those of {built.zone}.", "dim"))
    for kind, words in LEGEND:
        mark, colour = telling.MARKS[kind]
        say(console, Text.assemble("  ", (mark, colour), (f" {words}", "dim")))
    say(console)


def conclude(rows: Sequence[verdict.Row], console: Console, built: Stage, *, kept: bool) -> None:
    """The table, the verdict in a sentence, and where the log is if it is *kept*."""
    say(console)
    console.print(verdict.draw(rows))
    say(console)
    wrong = [row for row in rows if row.wrong]
    if not wrong:
        say(
            console,
            Text(f"All {len(rows)} kinds of effects are there, exactly as often as expected.", "green"),
        )
    for row in wrong:
        counted = f"{row.expected} expected, {row.found} found"
        say(console, Text(f"{row.where} {row.what}: {counted} ({row.wrong})", "bold red"))
    if kept:
        _say_where(console, built)


def break_off(console: Console, built: Stage) -> None:
    """Said when somebody has stopped the demo."""
    say(console, "Stopped before the story had ended.")
    _say_where(console, built)


def _say_where(console: Console, built: Stage) -> None:
    say(console, Text(f"Journal, config and log ({built.log_file.name}) are in {built.folder}", "dim"))


def show_around(built: Stage, console: Console) -> None:
    """How to look at the daemon, which goes on."""
    listening = built.house.addresses()
    admin, public = listening["admin"][0], listening["public"][0]
    command = f"{program()} --config {built.config_file}"
    say(console)
    say(console, Text("The daemon and the services go on. In another terminal:", "bold"))
    for words in ("events", "runs", "watches", "webhooks"):
        say(console, f"  {command} {words}")
    say(console, f"  curl http://{admin}/readyz")
    say(console, f"  curl http://{admin}/metrics")
    say(console, f"Callbacks come to http://{public}/hooks/…; `webhooks` prints the URLs.")
    say(console, f"The services' ledger and faults: {built.sandbox.control_url}/ledger and /faults")
    another = story.another(built.sandbox)
    if another is not None:
        say(console, f"To be somebody who opens the page of {another.city}:")
        url = f"{built.sandbox.control_url}/control/populr/open"
        say(
            console,
            f"  curl {url} -d '{jsons.dumps({'pop_id': another.pop_id, 'tracer_id': another.tracer_id})}'",
        )
    say(console, Text("Ctrl-C ends it.", "bold"))
    say(console)


def program() -> str:
    """How this program was called, to be called again."""
    called = Path(sys.argv[0])
    return f"{sys.executable} -m daemon" if called.name == "__main__.py" else str(called)


def say(console: Console, text: Text | str = "") -> None:
    """One line, never broken in two."""
    console.print(text, soft_wrap=True, markup=False)
