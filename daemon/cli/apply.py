"""``pointsman apply``: registers the config's callbacks.

Everything is looked at before anything is made, and once more where an answer was lost: whoever was killed half-way
and begins again ends where an undisturbed one does.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from daemon.cli import context, options, printing, registered
from daemon.cli.registered import Desk
from daemon.contract import errors
from daemon.contract.registering import Change, State, Wish
from daemon.contract.services import Services
from daemon.journal import calls
from daemon.journal.database import Connection
from daemon.journal.watches import Polled
from daemon.model.jsons import JsonObject

DONE, REFUSED, FAILED, SAME = "done", "refused", "failed", "same"

Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Make a new tracer, with a new public link, where one that stands cannot be changed.",
    ),
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. *object_id* is what calls us now."""

    word: str
    text: str
    object_id: str | None = None


def apply(state: typer.Context, replace: Replace = False, json: options.AsJson = False) -> None:
    """Register the config's callbacks at the services.

    It does what `plan` shows. What stands already is adopted, so applying twice changes nothing. A tracer can neither
    be edited nor deleted by Populr's API: where one is to call another address, only a new one can be made, with a new
    public link, and that is refused without `--replace`. Exits 0 if all stands as the config says.

    \b
      pointsman apply
      pointsman apply --replace
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    settled = given.checked(catalog)
    known = registered.known(given, settled)
    rows: list[tuple[Polled, int]] = []

    async def change(desks: list[Desk], opened: Services) -> list[JsonObject]:
        told: list[JsonObject] = []
        for desk in desks:
            for found in await registered.look(desk, known[desk.account]):
                outcome = await _apply(desk, found, replace)
                rows.extend(_row_for(desk, found, outcome, opened))
                told.append(_tell(desk, found, outcome, opened, json))
        return told

    try:
        told = asyncio.run(registered.with_desks(settled, catalog, change))
    except registered.Unreadable as unreadable:
        context.fail(str(unreadable))
    if rows:
        _follow(given, rows)
    changed = sum(one["outcome"] == DONE for one in told)
    if json:
        printing.document({"callbacks": told, "changed": changed})
    else:
        print(f"{changed} changed" if changed else "nothing changed")
    well = all(one["outcome"] in (DONE, SAME) for one in told)
    raise typer.Exit(context.GOOD if well else context.NOT_GOOD)


async def _apply(desk: Desk, change: Change, replace: bool) -> Outcome:
    if not registered.is_due(change):
        return Outcome(SAME, change.text, change.object_id)
    if change.by_hand or (change.replaces and not replace):
        return Outcome(REFUSED, change.text)
    try:
        made = await desk.registering.make(desk.client, change, desk.url)
    except errors.ServiceError as failed:
        lost = isinstance(failed, errors.TemporaryError) and failed.in_doubt
        return await _look_again(desk, change, failed) if lost else Outcome(FAILED, failed.text)
    return Outcome(DONE, change.text, made)


async def _look_again(desk: Desk, change: Change, lost: errors.ServiceError) -> Outcome:
    """The answer was lost: whether it was done all the same."""
    try:
        now = await desk.registering.look_again(desk.client, Wish(change.pop_id, change.name), desk.url)
    except errors.ServiceError:
        return Outcome(FAILED, f"{lost.text}. Run apply again: it looks before it makes anything.")
    stands = not registered.is_due(now)
    if stands is not (change.state is State.ORPHAN):
        return Outcome(DONE, change.text, now.object_id)
    return Outcome(FAILED, f"{lost.text}. Run apply again: it looks before it makes anything.")


def _tell(desk: Desk, change: Change, outcome: Outcome, opened: Services, as_json: bool) -> JsonObject:
    """One callback and what became of it, printed at once: whoever is interrupted knows how far it went."""
    shown = registered.shape(desk.account, registered.mask(change, opened))
    told = {
        **shown,
        "id": outcome.object_id or shown["id"],
        "outcome": outcome.word,
        "error": opened.blanker.text(outcome.text) if outcome.word == FAILED else None,
    }
    if not as_json:
        line = registered.describe(told) + (f" ({told['error']})" if told["error"] else "")
        print(f"{outcome.word.ljust(7)}  {str(change.state).ljust(registered.WIDTH)}  {line}", flush=True)
    return told


def _row_for(desk: Desk, change: Change, outcome: Outcome, opened: Services) -> list[tuple[Polled, int]]:
    """The row that looks at what calls us now, so that it is not missed where no callback comes, and the budget."""
    kind = opened.accounts[desk.account].kind
    budget = opened.catalog.webhooks[kind, change.hook].budget
    if change.state is State.OK or outcome.object_id is None or budget is None:
        return []
    one, now = calls.Called(desk.account, budget.resource, outcome.object_id), context.now()
    new = outcome.word == DONE  # whatever has risen of a new one is news
    row = calls.standing_row(one, budget.options(one.remote_id), now, now, announce=new)
    return [(row, budget.firings)]


def _follow(given: context.Context, rows: Sequence[tuple[Polled, int]]) -> None:
    """Write *rows*, where there is a journal: without one the first callback brings them."""

    def write(connection: Connection) -> None:
        for row, budget in rows:
            calls.stand_by(connection, row, budget)

    if given.look(lambda _connection: True):
        given.write(write)
