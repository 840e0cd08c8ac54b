"""What ``plan`` and ``apply`` share: how the config's callbacks stand at their services, and how that is printed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from daemon.app import building
from daemon.cli import context, printing
from daemon.config import Config
from daemon.contract import errors, secrets
from daemon.contract.catalog import Catalog
from daemon.contract.registering import GOOD, Change, Known, Registering, State, Url, Wish
from daemon.contract.services import Services
from daemon.journal import calls
from daemon.model.jsons import JsonObject

T = TypeVar("T")

MASKED = "***"  # in the place of a token
COLLABORATION = "collaboration"


class Unreadable(Exception):
    """An account could not be asked. The text says which, and why."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One account that callbacks are registered at."""

    account: str
    client: object
    registering: Registering
    url: Url
    wishes: tuple[Wish, ...]


def known(given: context.Context, settled: Config) -> dict[str, Known]:
    """What the journal knows of each account; nothing where there is no journal."""
    found = given.look(
        lambda connection: {name: calls.known_of(connection, name) for name in settled.accounts}
    )
    return found or dict.fromkeys(settled.accounts, Known())


async def with_desks(
    settled: Config, catalog: Catalog, use: Callable[[list[Desk], Services], Awaitable[T]]
) -> T:
    """*use* of all accounts that callbacks can be registered at."""
    opened, clients = building.build_services(settled, catalog)
    try:
        return await use(list(_desks(settled, catalog, opened)), opened)
    finally:
        for client in clients:
            await client.close()


def _desks(settled: Config, catalog: Catalog, opened: Services) -> list[Desk]:
    if settled.http.public_url is None or settled.http.webhook_secret is None:
        return []  # no callback reaches us, and none is configured: the checks say so otherwise
    found = []
    for name, account in settled.accounts.items():
        way = catalog.connectors[account.kind].registering
        if way is None:
            continue
        wishes = tuple(Wish(one.pop_id, one.tracer) for one in settled.callbacks if one.account == name)
        found.append(
            Desk(name, opened.client(name), way, partial(_url, opened, catalog, name, account.kind), wishes)
        )
    return found


def _url(opened: Services, catalog: Catalog, account: str, kind: str, hook: str) -> str:
    return opened.callback_url(account, hook) + catalog.webhooks[kind, hook].query


async def look(desk: Desk, known: Known) -> list[Change]:
    """How everything of one account stands. :class:`Unreadable`."""
    try:
        return await desk.registering.look(desk.client, desk.wishes, desk.url, known)
    except errors.ServiceError as failed:
        raise Unreadable(f"{desk.account} cannot be asked: {failed.text}") from None


def mask(change: Change, opened: Services) -> Change:
    """*change* as it may be shown: a callback's URL is printed by ``webhooks``, here its token is not."""
    blanked = opened.blanker.text(change.text)
    return replace(change, text=blanked.replace(secrets.BLANK, MASKED), help=opened.blanker.text(change.help))


def is_due(change: Change) -> bool:
    """Whether something is not as it should be."""
    return change.state not in GOOD


def shape(account: str, change: Change) -> JsonObject:
    """One callback as ``--json`` shows it."""
    return {
        "account": account,
        "pop_id": change.pop_id,
        "kind": change.hook,
        "name": change.name,
        "id": change.object_id,
        "state": change.state.value,
        "text": change.text,
        "help": change.help or None,
        "needs_replace": change.replaces,
        "by_hand": change.by_hand,
    }


def describe(told: Mapping[str, object]) -> str:
    """One callback in a line."""
    what = f'tracer "{told["name"]}"' if told["kind"] != COLLABORATION else COLLABORATION
    help = f". {told['help']}" if told["help"] else ""
    line = f"{told['account']}  pop {told['pop_id']}  {what}: {told['text']}{help}"
    return printing.clean(line)


STATES = tuple(state.value for state in State)
WIDTH = max(map(len, STATES))
