"""A made-up service for the engine's tests: one action of each doubt class, one that starts remote work.

What each call answers is scripted; what was asked for is kept. Nothing here touches a network.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from daemon.connectors import general
from daemon.contract import catalog, declare, errors, sending
from daemon.contract.secrets import SecretText
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

WHY = "the tests say so"


@dataclass(frozen=True, slots=True)
class Made:
    """One call that arrived at the shop."""

    action: str
    parameters: JsonObject
    call: declare.Call


@dataclass(frozen=True, slots=True)
class Applied:
    """In a script: the call takes effect, but *error* is all that its caller hears."""

    error: Exception


@dataclass
class Shop:
    """The shop and its script: what the next calls of an action answer, an exception among it is raised.

    A *gate* keeps calls that came in from being answered until it is opened. *made* are the marks of what was made,
    *rows* what was appended: the ledger. *looks* are the probes' looks, scripted as ``look``.
    """

    calls: list[Made] = field(default_factory=list)
    script: dict[str, list[Any]] = field(default_factory=dict)
    orders: dict[str, JsonObject] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    made: list[str] = field(default_factory=list)
    rows: dict[str, list[Any]] = field(default_factory=dict)
    looks: list[declare.Call] = field(default_factory=list)
    notes: int = 0

    def asked(self, action: str) -> list[JsonObject]:
        """The parameters of each call of *action*."""
        return [made.parameters for made in self.calls if made.action == action]


class Settings(declare.Settings):
    """The shop's address."""


class Ware(declare.Parameters):
    """What to do it with."""

    name: Any = Field(None, description="A name.")
    value: Any = Field(None, description="A value.")
    token: SecretText | None = Field(None, description="A secret.")


class Row(declare.Parameters):
    """What to append."""

    table: str = Field("t", description="Where to.")
    value: Any = Field(None, description="What.")


class Answer(declare.Result):
    """Whatever the script says."""


class Order(declare.Parameters):
    """Remote work."""

    order_id: str = Field("o1", description="Its id.")
    wait: bool = Field(False, description="Whether to wait for it.")
    wait_timeout: str = Field("24h", description="How long.")


class OrdersOptions(declare.Options):
    """Which orders."""

    ids: list[str] = Field(description="Their ids.")


async def play(shop: Shop, action: str, parameters: declare.Parameters, call: declare.Call) -> JsonObject:
    """Take the call, then answer as the script has it."""
    shop.calls.append(Made(action, parameters.model_dump(), call))
    if shop.gate is not None:
        await shop.gate.wait()
    await sending.check()  # as the HTTP client does, with the connection in hand
    planned = shop.script.get(action)
    answer: Any = planned.pop(0) if planned else {}
    if isinstance(answer, Exception):
        raise answer
    _take_effect(shop, action, parameters, call)
    if isinstance(answer, Applied):
        sending.note("POST")
        raise answer.error
    found: JsonObject = answer
    return found


def _take_effect(shop: Shop, action: str, parameters: declare.Parameters, call: declare.Call) -> None:
    if isinstance(parameters, Row):
        shop.rows.setdefault(parameters.table, []).append(parameters.value)
    elif action == "shop.make":
        shop.made.append(call.marker)


def _look_up(shop: Shop, call: declare.Call) -> None:
    """Take a look, and fail as the script has it."""
    shop.looks.append(call)
    planned = shop.script.get("look")
    answer = planned.pop(0) if planned else None
    if isinstance(answer, Exception):
        raise answer


async def look_for_made(
    client: Shop, parameters: Ware, call: declare.Call, before: JsonObject | None
) -> declare.Done[Answer] | None:
    """The thing with the call's mark."""
    _look_up(client, call)
    return declare.Done(Answer.model_validate({"found": call.marker})) if call.marker in client.made else None


async def count_rows(client: Shop, parameters: Row) -> JsonObject:
    """How many rows there are."""
    client.notes += 1
    planned = client.script.get("note")
    answer = planned.pop(0) if planned else None
    if isinstance(answer, Exception):
        raise answer
    return {"rows": len(client.rows.get(parameters.table, []))}


async def look_for_row(
    client: Shop, parameters: Row, call: declare.Call, before: JsonObject | None
) -> declare.Done[Answer] | None:
    """The row behind those that were there before."""
    _look_up(client, call)
    assert before is not None
    tail = client.rows.get(parameters.table, [])[before["rows"] :]
    if not tail:
        return None
    if tail != [parameters.value]:
        raise errors.Unclear(f"{len(tail)} rows were appended meanwhile, and they are not ours")
    return declare.Done(Answer.model_validate({"row": before["rows"]}))


@declare.action("shop.put", doubt=Doubt.REPEATABLE, why=WHY)
async def put(client: Shop, parameters: Ware, call: declare.Call) -> declare.Done[Answer]:
    """Twice is once."""
    return declare.Done(Answer(**await play(client, "shop.put", parameters, call)))


@declare.action(
    "shop.make",
    doubt=Doubt.PROBED,
    why=WHY,
    probe=declare.Probe(
        about="the thing with this mark",
        look=look_for_made,
        relies_on_marker=lambda _parameters: True,
    ),
)
async def make(client: Shop, parameters: Ware, call: declare.Call) -> declare.Done[Answer]:
    """What was made can be found again."""
    return declare.Done(Answer(**await play(client, "shop.make", parameters, call)))


@declare.action(
    "shop.append",
    doubt=Doubt.PROBED,
    why=WHY,
    probe=declare.Probe(
        about="the rows behind those that were there before",
        look=look_for_row,
        note=count_rows,
        lock=lambda parameters: f"table {parameters.table}" if parameters.table != "free" else "",
    ),
)
async def append(client: Shop, parameters: Row, call: declare.Call) -> declare.Done[Answer]:
    """One row more."""
    return declare.Done(Answer(**await play(client, "shop.append", parameters, call)))


@declare.action("shop.charge", doubt=Doubt.UNSAFE, why=WHY)
async def charge(client: Shop, parameters: Ware, call: declare.Call) -> declare.Done[Answer]:
    """Twice is twice."""
    return declare.Done(Answer(**await play(client, "shop.charge", parameters, call)))


DOOR = "https://ada:lovelace@door.example/orders"  # what the shop knows of an order, and nobody may keep


@declare.action("shop.order", doubt=Doubt.REPEATABLE, why=WHY, follows="orders")
async def order(client: Shop, parameters: Order, call: declare.Call) -> declare.Done[Answer]:
    """Start remote work."""
    answer = await play(client, "shop.order", parameters, call)
    number = parameters.order_id
    client.orders.setdefault(number, {"state": "open"})
    return declare.Done(
        Answer(**answer),
        facts=[Fact("shop.order.opened", number, f"order:{number}:open", {"id": number})],
        follow=declare.Follow("orders", number, {"state": "open", "at": DOOR}, {"ids": [number]}),
        made=[("order", number)],
    )


@declare.watch("orders", noun="order", events=("shop.order.closed",), wanted=lambda one: tuple(one.ids))
async def orders(client: Shop, options: OrdersOptions, cursor: declare.Cursor) -> Sequence[declare.Seen]:
    """Orders, from open to closed or failed."""
    return [_look(client.orders[number], number, cursor) for number in cursor.wanted or ()]


def _look(order: JsonObject, number: str, cursor: declare.Cursor) -> declare.Seen:
    state, failed = order["state"], order.get("failure")
    changed = cursor.memory.get(number, {}).get("state") != state
    fact = Fact(f"shop.order.{state}", number, f"order:{number}:{state}", {"id": number, **order})
    return declare.Seen(
        id=number,
        memory={"state": state},
        facts=[fact] if changed and cursor.announce else [],
        subject=number,
        state=state,
        final=state != "open",
        result={"id": number, **order} if state != "open" else None,
        failure=failed,
    )


connector = declare.Connector(
    kind="shop",
    about="A made-up service.",
    settings=Settings,
    client=lambda _settings, _http: Shop(),
    ping=None,
    actions=declare.listed(__name__, {}, put, make, append, charge, order),
    secret_names=frozenset({"token"}),
    watches=(orders,),
)


def stocked_catalog() -> catalog.Catalog:
    """The shop and the general actions."""
    return catalog.gather([connector, general.connector])
