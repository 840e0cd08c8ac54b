"""``pointsman services``: whether each account can be reached, and lets us in."""

import asyncio
import time

import typer

from daemon.app import building
from daemon.cli import context, options, printing
from daemon.config import Config
from daemon.contract import errors
from daemon.contract.catalog import Catalog
from daemon.contract.configured import Account
from daemon.contract.services import Services
from daemon.model.jsons import JsonObject

PATIENCE = 10.0  # seconds for one account's answer

COLUMNS = {
    "account": printing.key("name"),
    "kind": printing.key("kind"),
    "base url": printing.key("base_url"),
    "reachable": printing.key("reachable"),
    "authorized": printing.key("authorized"),
    "version": printing.key("version"),
    "ms": printing.key("latency_ms"),
    "error": printing.key("error"),
}


def services(state: typer.Context, json: options.AsJson = False) -> None:
    """Ask each account whether it is there and lets us in.

    A cheap question with its credentials: reachable, authorised, version, latency. Exits 1 unless all can
    be reached and let us in.

    \b
      pointsman services
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    found = asyncio.run(_ping_all(given.accounts(catalog), catalog))
    printing.listing("services", found, json, COLUMNS)
    well = all(one["reachable"] and one["authorized"] for one in found)
    raise typer.Exit(context.GOOD if well else context.NOT_GOOD)


async def _ping_all(settled: Config, catalog: Catalog) -> list[JsonObject]:
    opened, clients = building.build_services(settled, catalog)
    try:
        return await asyncio.gather(*(_ping(account, opened) for account in settled.accounts.values()))
    finally:
        for client in clients:
            await client.close()


async def _ping(account: Account, opened: Services) -> JsonObject:
    connector = opened.catalog.connectors[account.kind]
    assert connector.ping is not None  # noqa: S101 - every kind that has accounts can be asked
    reachable = authorized = False
    version = error = None
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await connector.ping(opened.client(account.name))
        reachable, authorized, version = True, answer.authorized, answer.version
        error = None if answer.authorized else answer.detail or "credentials refused"
    except TimeoutError:
        error = f"no answer within {PATIENCE:g} seconds"
    except errors.ServiceError as failed:
        # With a status something answered, though not as this service would.
        reachable, error = failed.status is not None, failed.text
    return {
        "name": account.name,
        "kind": account.kind,
        "base_url": account.settings.base_url,
        "reachable": reachable,
        "authorized": authorized,
        "version": version,
        "latency_ms": round((time.monotonic() - began) * 1_000, 1),
        "error": opened.blanker.text(error) if error is not None else None,
    }
