"""``pointsman plan``: what registering the config's callbacks would change."""

import asyncio

import typer

from daemon.cli import context, options, printing, registered
from daemon.contract.services import Services
from daemon.model.jsons import JsonObject


def plan(state: typer.Context, json: options.AsJson = False) -> None:
    """Say what `apply` would change at the services.

    Compares each `[[callback]]` with what stands: `ok`, `adopt` (stands already), `create`, `drift` (another URL, or
    switched off), `missing` (there is no such pop); then each `orphan`: a hook that calls this daemon, though neither
    the config names it nor a run made it. Tokens are not shown. Exits 0 if nothing is to be changed, else 1.

    \b
      pointsman plan
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    settled = given.checked(catalog)
    known = registered.known(given, settled)

    async def look(desks: list[registered.Desk], opened: Services) -> list[JsonObject]:
        return [
            registered.shape(desk.account, registered.mask(change, opened))
            for desk in desks
            for change in await registered.look(desk, known[desk.account])
        ]

    try:
        found = asyncio.run(registered.with_desks(settled, catalog, look))
    except registered.Unreadable as unreadable:
        context.fail(str(unreadable))
    due = [one for one in found if one["state"] not in ("ok", "adopt")]
    by_hand = sum(one["by_hand"] for one in due)
    if json:
        printing.document({"callbacks": found, "changes": len(due) - by_hand, "by_hand": by_hand})
    else:
        _print(found, len(due) - by_hand, by_hand)
    raise typer.Exit(context.NOT_GOOD if due else context.GOOD)


def _print(found: list[JsonObject], changes: int, by_hand: int) -> None:
    for one in found:
        print(f"{str(one['state']).ljust(registered.WIDTH)}  {registered.describe(one)}")
    said = f"{changes} to change" if changes else "nothing to change"
    print(f"{said}, {by_hand} to be done by hand" if by_hand else said)
