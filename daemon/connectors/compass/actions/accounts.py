"""Compass's own accounts: who is billed, and owns projects. Only a site admin makes them."""

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes
from daemon.contract import declare, errors, requests
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class AccountName(declare.Parameters):
    """A new account."""

    name: str = Field(description="Its name; several may have the same.", min_length=1)


class AccountId(declare.Parameters):
    """Which account."""

    account_id: str = Field(description="The account's id.", min_length=1)


class UpdateAccount(AccountId, AccountName):
    """Which account, and its name."""


class Account(declare.Result):
    """An account of Compass."""

    id: str = Field(description="Its id.")
    url: str | None = Field(None, description="Its address.")
    name: str | None = Field(None, description="Its name.")


class Accounts(declare.Result):
    """Accounts of Compass."""

    count: int = Field(description="How many there are.")
    accounts: list[Account] = Field(description="The accounts.")


@declare.action("compass.list_accounts", doubt=Doubt.REPEATABLE, why="it only reads", example={"limit": 50})
async def list_accounts(
    client: vendor.CompassClient, parameters: shapes.Limited, call: declare.Call
) -> declare.Done[Accounts]:
    """List the accounts that the user has a permission on; a site admin sees all."""
    found = await client.list_some(vendor.path("accounts"), limit=parameters.limit)
    accounts = [shapes.named(one) for one in found.objects]
    return declare.Done(requests.parse("Compass", Accounts, {"count": found.count, "accounts": accounts}))


async def note_namesakes(client: vendor.CompassClient, parameters: AccountName) -> JsonObject:
    """The ids of accounts that have the name already: ``{"ids": ["ab12cd34"]}``."""
    return {"ids": [one.id for one in await _namesakes(client, parameters)]}


async def look_for_account(
    client: vendor.CompassClient, parameters: AccountName, call: declare.Call, before: JsonObject | None
) -> declare.Done[Account] | None:
    """Adopt the one account of that name that was not there *before*: an account has nothing but its name."""
    known = shapes.noted(before)["ids"]
    later = [one for one in await _namesakes(client, parameters) if one.id not in known]
    if len(later) > 1:
        raise errors.Unclear(f"{len(later)} accounts of that name came since: {_ids(later)}")
    return _made(later[0]) if later else None


@declare.action(
    "compass.create_account",
    doubt=Doubt.PROBED,
    why="names may repeat; the one account of that name that was not there before is ours",
    probe=declare.Probe(
        about="whether there is an account of that name that was not there before",
        look=look_for_account,
        note=note_namesakes,
        lock=lambda parameters: f"accounts/{parameters.name}",
    ),
    example={"name": "Support"},
)
async def create_account(
    client: vendor.CompassClient, parameters: AccountName, call: declare.Call
) -> declare.Done[Account]:
    """Make an account. The user must be a site admin."""
    return _made(_read(await client.write("POST", vendor.path("accounts"), {"name": parameters.name})))


@declare.action(
    "compass.get_account", doubt=Doubt.REPEATABLE, why="it only reads", example={"account_id": "6ab3311b"}
)
async def get_account(
    client: vendor.CompassClient, parameters: AccountId, call: declare.Call
) -> declare.Done[Account]:
    """Read one account."""
    return declare.Done(_read(await client.read(_path(parameters))))


@declare.action(
    "compass.update_account",
    doubt=Doubt.REPEATABLE,
    why="it sets a whole value",
    example={"account_id": "6ab3311b", "name": "Support and sales"},
)
async def update_account(
    client: vendor.CompassClient, parameters: UpdateAccount, call: declare.Call
) -> declare.Done[Account]:
    """Change an account's name."""
    return _made(_read(await client.write("PUT", _path(parameters), {"name": parameters.name})))


@declare.action(
    "compass.delete_account",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"account_id": "515f906d"},
)
async def delete_account(
    client: vendor.CompassClient, parameters: AccountId, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete an account. One that is not there is no error."""
    return await shapes.delete(client, _path(parameters), call)


async def _namesakes(client: vendor.CompassClient, parameters: AccountName) -> list[Account]:
    listed = await client.list_all(vendor.path("accounts"))
    return [_read(one) for one in listed if one.get("name") == parameters.name]


def _ids(accounts: list[Account]) -> str:
    return ", ".join(one.id for one in accounts)


def _made(account: Account) -> declare.Done[Account]:
    return declare.Done(account, made=[("account", account.id)])


def _read(given: JsonObject) -> Account:
    return requests.parse("Compass", Account, shapes.named(given))


def _path(parameters: AccountId) -> str:
    return vendor.path("accounts", parameters.account_id)
