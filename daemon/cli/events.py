"""``pointsman events``: what happened. Listing, one with its runs, following, and running again."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli import context, options, printing
from daemon.journal import events as journal_events
from daemon.journal import hints, runs, steps
from daemon.journal.database import Connection, Journal
from daemon.journal.events import Filters
from daemon.model.events import Event
from daemon.model.jsons import JsonObject
from daemon.model.runs import Run
from daemon.web import shapes

if TYPE_CHECKING:
    from daemon.routing.matching import Rules

LOOK_AGAIN = 0.5  # seconds between two looks of `events tail`
AT_ONCE = 500  # events that one look of `events tail` shows

group = typer.Typer(add_completion=False, rich_markup_mode=None)

Type = Annotated[str | None, typer.Option(metavar="GLOB", help="Only of this type.")]
Subject = Annotated[str | None, typer.Option(metavar="GLOB", help="Only about this.")]
Source = Annotated[
    str | None, typer.Option(help="Only told by this: an account, a webhook, schedule, emit, pointsman.")
]

COLUMNS = {
    "id": printing.key("id"),
    "recorded": printing.moment("recorded_at"),
    "source": printing.key("source"),
    "type": printing.key("type"),
    "subject": printing.key("subject"),
}


@group.callback(invoke_without_command=True)
def listed(
    state: typer.Context,
    type: Type = None,
    subject: Subject = None,
    source: Source = None,
    since: options.Since = None,
    until: options.Until = None,
    trace: Annotated[str | None, typer.Option(help="Only what this one outside event caused.")] = None,
    limit: options.Limit = options.MOST,
    json: options.AsJson = False,
) -> None:
    """List events; show one, follow them, run some again.

    The newest first. --type and --subject take globs: `*` is any text, `?` one character.

    \b
      pointsman events --type 'populr.*' --since 2h
    """
    if state.invoked_subcommand is not None:
        return
    given: context.Context = state.obj
    now = context.now()
    filters = Filters(
        type=type,
        subject=subject,
        source=source,
        since=options.parse_moment(since, now, "--since"),
        until=options.parse_moment(until, now, "--until"),
        trace=trace,
        limit=limit,
    )
    found = given.read(lambda connection: journal_events.listed(connection, filters))
    printing.listing("events", [shapes.of_event(event) for event in found], json, COLUMNS)


@group.command("show")
def show(
    state: typer.Context,
    id: Annotated[str, typer.Argument(help="The event's id.")],
    json: options.AsJson = False,
) -> None:
    """Show one event with its data and its runs.

    Of a callback that was read back, the verdict too: confirmed, superseded, refuted or waiting.

    \b
      pointsman events show 019ab000-0000-7000-8000-000000000000
    """
    given: context.Context = state.obj
    found = given.read(lambda connection: _whole(connection, id))
    if found is None:
        context.fail(f"there is no event {id}. `pointsman events` lists them.", context.NOT_GOOD)
    if json:
        printing.document(found)
        return
    apart = ("data", "runs", "found")
    printing.fields({name: value for name, value in found.items() if name not in apart})
    printing.block("data", found["data"])
    if found.get("found") is not None:
        printing.block("found by reading back", found["found"])
    print()
    printing.listing("runs", found["runs"], False, RUN_COLUMNS)


RUN_COLUMNS = {name: printing.key(name) for name in ("id", "reaction", "status", "error")}


def _whole(connection: Connection, id: str) -> JsonObject | None:
    event = journal_events.get(connection, id)
    if event is None:
        return None
    made = runs.of_event(connection, id)
    begun = steps.of_runs(connection, [run.id for run in made])
    return shapes.of_event_whole(event, hints.get(connection, id), made, begun)


@group.command("tail")
def tail(
    state: typer.Context,
    type: Type = None,
    subject: Subject = None,
    source: Source = None,
    since: options.Since = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
) -> None:
    """Follow the events as they are recorded, until Ctrl-C.

    With --since also those that were recorded from then on.

    \b
      pointsman events tail --type 'tonalytica.job.*'
    """
    given: context.Context = state.obj
    start = options.parse_moment(since, context.now(), "--since")
    filters = Filters(type=type, subject=subject, source=source, since=start, limit=AT_ONCE)
    try:
        given.with_journal(lambda journal: _follow(journal, filters, json))
    except KeyboardInterrupt:
        raise SystemExit(context.GOOD) from None


async def _follow(journal: Journal, filters: Filters, as_json: bool) -> None:
    seq = 0
    if filters.since is None:
        seq = await journal.read(journal_events.newest_seq)
    while True:
        newest, found = await journal.read(partial(_behind, filters=filters, seq=seq))
        for event in found:
            _tell(event, as_json)
        seq = found[-1].seq if len(found) == AT_ONCE else newest
        if len(found) < AT_ONCE:
            await asyncio.sleep(LOOK_AGAIN)


def _behind(connection: Connection, filters: Filters, seq: int) -> tuple[int, list[Event]]:
    """The newest number, and the events behind *seq* that pass *filters*, the oldest first."""
    newest = journal_events.newest_seq(connection)
    narrowed = Filters(
        type=filters.type,
        subject=filters.subject,
        source=filters.source,
        since=filters.since,
        after_seq=seq,
        limit=filters.limit,
    )
    return newest, journal_events.listed(connection, narrowed)


def _tell(event: Event, as_json: bool) -> None:
    shape = shapes.of_event(event)
    if as_json:
        printing.line(shape)
        return
    words = (shape["id"], printing.short_time(shape["recorded_at"]), event.source, event.type, event.subject)
    print(printing.GAP.join(printing.cell(word) for word in words), flush=True)


@group.command("replay")
def replay(
    state: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The events' ids.")],
    reaction: Annotated[str | None, typer.Option(metavar="NAME", help="Only this reaction.")] = None,
    json: options.AsJson = False,
) -> None:
    """Run events again, by the config's present reactions.

    Makes new runs beside those there were, and prints their ids. Exits 1 where an event is not there, or
    no reaction wants it.

    \b
      pointsman events replay 019ab000-0000-7000-8000-000000000000 --reaction chart
    """
    from daemon.routing.matching import Rules  # the templates' engine: a listing needs none

    given: context.Context = state.obj
    reactions = given.checked(given.catalog()).reactions
    names = [one.name for one in reactions]
    options.parse_word(reaction, names, "--reaction")
    rules = Rules([one for one in reactions if reaction in (None, one.name)])
    made: list[Run] = []

    def decide(id: str) -> None:
        made.extend(given.write(lambda connection: _replay(connection, rules, id)))

    went_well = context.decide_each(ids, decide)
    if json:
        printing.document({"runs": shapes.of_runs(made, {})})
    else:
        for run in made:
            print(run.id)
    raise typer.Exit(context.GOOD if went_well else context.NOT_GOOD)


def _replay(connection: Connection, rules: "Rules", id: str) -> list[Run]:
    from daemon.routing import replaying

    event = journal_events.get(connection, id)
    if event is None:
        raise context.Refused(f"there is no event {id}. `pointsman events` lists them.")
    made = replaying.replay(connection, rules, event, context.now())
    if not made:
        raise context.Refused(f"event {id} ({event.type}): no reaction wants it")
    return made
