"""``pointsman services``: whether each account can be reached, lets us in, and is called by the daemon just now.

The first two are asked; the rest is what the journal says: it is left out where there is none.
"""

import asyncio
import time
from collections.abc import Mapping

import typer

from daemon.app import building
from daemon.cli import context, options, printing
from daemon.config import Config
from daemon.contract import circuit, errors, limits
from daemon.contract.catalog import Catalog
from daemon.contract.configured import Account
from daemon.contract.services import Services
from daemon.journal import accounts, calls
from daemon.journal.database import Connection
from daemon.model import times
from daemon.model.jsons import JsonObject
from daemon.web import shapes

PERIODS = {times.SECOND: "s", times.MINUTE: "m", times.HOUR: "h", times.DAY: "d"}
FROM_JOURNAL = ("rate_left", "circuit", "reason", "since", "held_until", "parked", "worked_at")
WELL = (None, circuit.State.CLOSED.value)
PATIENCE = 10.0  # seconds for one account's answer

COLUMNS = {
    "account": printing.key("name"),
    "kind": printing.key("kind"),
    "base url": printing.key("base_url"),
    "reachable": printing.key("reachable"),
    "authorized": printing.key("authorized"),
    "version": printing.key("version"),
    "ms": printing.key("latency_ms"),
    "circuit": printing.key("circuit"),
    "since": printing.moment("since"),
    "parked": printing.key("parked"),
    "rate left": printing.key("rate_left"),
    "callbacks": printing.key("callbacks"),
    "last callback": printing.moment("last_callback"),
    "error": printing.key("error"),
}


def services(state: typer.Context, json: options.AsJson = False) -> None:
    """Ask each account whether it is there and lets us in.

    A cheap question with its credentials: reachable, authorised (unknown where the service could not say), version,
    latency. From the journal: whether the daemon calls it (circuit `closed`), has stopped because it is down
    (`open`, since when) or tries it again (`half_open`), how many runs are parked for it, how many calls its rate
    allows at once, about how many objects it has called us, and when it last did. Exits 1 unless all can be
    reached, let us in, and are not down.

    \b
      pointsman services
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    settled = given.accounts(catalog)
    known, parked, heard = given.look(_known) or ({}, {}, None)
    now = context.now()
    found = [
        {
            **pinged,
            **_tell(settled.accounts[pinged["name"]], known.get(pinged["name"]), parked, now),
            **_tell_callbacks(pinged["name"], bool(catalog.connectors[pinged["kind"]].webhooks), heard),
        }
        for pinged in asyncio.run(_ping_all(settled, catalog))
    ]
    printing.listing("services", [_with_error(one) for one in found], json, COLUMNS)
    well = all(one["reachable"] and one["authorized"] and one["circuit"] in WELL for one in found)
    raise typer.Exit(context.GOOD if well else context.NOT_GOOD)


Known = tuple[dict[str, accounts.Account], dict[str, int], Mapping[str, calls.Heard] | None]


def _known(connection: Connection) -> Known:
    return accounts.listed(connection), accounts.counts_parked(connection), calls.heard(connection)


def _tell_callbacks(name: str, calls_us: bool, heard: Mapping[str, calls.Heard] | None) -> JsonObject:
    """About how many objects the account *name* called us, and when last: null where it never calls, and where there
    is no journal that says."""
    if heard is None or not calls_us:
        return {"callbacks": None, "last_callback": None}
    found = heard.get(name, calls.Heard(0, None))
    return {"callbacks": found.objects, "last_callback": shapes.text_of(found.last_at)}


def _tell(account: Account, row: accounts.Account | None, parked: dict[str, int], now: int) -> JsonObject:
    """What the journal says of *account* at *now*: null where it says nothing."""
    rate = account.rate
    told: JsonObject = {
        "rate": f"{rate.count}/{PERIODS.get(rate.period, times.format_duration(rate.period))}"
    }
    if row is None:
        return {**told, **dict.fromkeys((*FROM_JOURNAL, "down_error"))}
    found = row.circuit
    held = circuit.is_held(found, now)
    busy = max(0, (row.busy_until or 0) - now)
    return {
        **told,
        "rate_left": 0 if held or found.is_down else limits.left(rate.count, rate.period, busy),
        "circuit": found.state.value,
        "reason": found.reason.value if found.reason is not None else None,
        "since": shapes.text_of(found.since if found.is_down else None),
        "held_until": shapes.text_of(found.held_until if held else None),
        "parked": parked.get(account.name, 0),
        "worked_at": shapes.text_of(row.worked_at),
        "down_error": found.error if found.is_down or held else None,
    }


def _with_error(found: JsonObject) -> JsonObject:
    """*found* with one error: what the ping met, or else what the daemon did."""
    told = {name: value for name, value in found.items() if name not in ("error", "down_error")}
    return {**told, "error": found["error"] or found["down_error"]}


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
    reachable, authorized = False, None  # nobody knows until the service has said so
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
