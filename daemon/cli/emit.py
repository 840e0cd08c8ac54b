"""``pointsman emit``: an event of one's own, put into the journal."""

import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from daemon import config
from daemon.cli import context, options, printing
from daemon.contract import wording
from daemon.contract.catalog import Catalog
from daemon.journal import events as journal_events
from daemon.journal import tables
from daemon.model import events
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject

EMIT = "emit"
LONGEST_NAME = 500  # characters of a type or subject, as for other senders


def emit(
    state: typer.Context,
    type: Annotated[str, typer.Argument(help="The event's type, as orders.received.")],
    subject: Annotated[str, typer.Option(help="What it is about.")] = "",
    data: Annotated[
        str,
        typer.Option(metavar="JSON|@FILE|-", help="Its data: an object, a file of one, or standard input."),
    ] = "{}",
    source: Annotated[
        str, typer.Option(metavar="A", help="Who tells it: an account or a webhook of the config.")
    ] = EMIT,
    key: Annotated[
        str | None,
        typer.Option(metavar="K", help="The same key of one source is one event; else each is its own."),
    ] = None,
    json: options.AsJson = False,
) -> None:
    """Put an event in the journal and print its id. The daemon may run or not.

    A type of the services' or our own is checked against its schema (`pointsman reference events`); any other is
    yours, its data free. Secrets of the config are blanked in it.

    \b
      pointsman emit orders.received --subject 17 --data '{"id": 17, "total": 99.5}'
    """
    given: context.Context = state.obj
    value = options.parse_object(_text(data), "--data")
    catalog = given.catalog()
    settled = given.readable(catalog)
    _check_name(type, "TYPE")
    _check_name(subject, "--subject", may_be_empty=True)
    _check_type(catalog, type, value)
    _check_source(settled, catalog, source, type)
    fact = Fact(type, subject, key or str(uuid.uuid4()), given.blanker(settled, catalog).value(value))
    (admitted,) = given.write(
        lambda connection: journal_events.emit(connection, [fact], source, context.now())
    )
    if json:
        printing.document({"id": admitted.id, "duplicate": admitted.duplicate})
        return
    if admitted.duplicate:
        context.complain("this key was had already: no new event")
    print(admitted.id)


def _text(given: str) -> str:
    """The JSON text that ``--data`` means."""
    try:
        if given == "-":
            return sys.stdin.buffer.read().decode()
        return Path(given[1:]).read_bytes().decode() if given.startswith("@") else given
    except UnicodeDecodeError:
        raise typer.BadParameter("it is not UTF-8 text", param_hint="--data") from None
    except OSError as broken:
        raise typer.BadParameter(f"{given[1:]}: {broken.strerror}", param_hint="--data") from None


def _check_name(text: str, option: str, *, may_be_empty: bool = False) -> None:
    if not text and not may_be_empty:
        raise typer.BadParameter("it is empty", param_hint=option)
    if len(text) > LONGEST_NAME or not text.isprintable() or tables.storable(text) != text:
        wrong = f"at most {LONGEST_NAME} characters without control characters are expected"
        raise typer.BadParameter(wrong, param_hint=option)


def _check_type(catalog: Catalog, type: str, data: JsonObject) -> None:
    """End the command unless *type* is the operator's own, or *data* fits its schema."""
    if type.partition(".")[0] not in events.RESERVED_WORDS:
        return
    model = catalog.events.get(type)
    if model is None:
        help = wording.meant(type, catalog.events, otherwise="`pointsman reference events` lists them.")
        context.fail(f"there is no event type {type}. {help}")
    try:
        model.model_validate(data)
    except ValidationError as wrong:
        for problem in wording.problems(wrong, data, ("data",)):
            context.complain(f"{'.'.join(map(str, problem.path))}: {problem.text}. {problem.help}".rstrip())
        raise SystemExit(context.WRONG_USAGE) from None


def _check_source(settled: config.Config, catalog: Catalog, source: str, type: str) -> None:
    """End the command where *source* is an account whose kind does not tell *type*; wonder at an unknown one."""
    _check_name(source, "--source")
    known = [*settled.accounts, *(one.name for one in settled.webhooks), *events.RESERVED_SOURCES]
    if source not in known:
        help = wording.meant(source, known)
        context.complain(f"note: no account or webhook of the config is called {source}. {help}".rstrip())
    word, account = type.partition(".")[0], settled.accounts.get(source)
    if account is not None and word in catalog.connectors and word != account.kind:
        context.fail(f"{source} is a {account.kind} account and tells no {type}. Name one of kind {word}.")
