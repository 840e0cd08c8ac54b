"""Secret parameters: references in the journal, the secret itself only at the call."""

import pytest

from daemon.contract import errors
from daemon.journal import watches
from daemon.model import times
from daemon.model.runs import RunStatus
from tests.running.world import KNOWN_SECRET, World, reaction, step

TOKEN = "a-token-of-the-test"
PRIVATE = "postgres://ada:lovelace@db/shop"


async def kept(world: World) -> str:
    """Everything the journal tells of runs, steps and events."""
    found = await world.runs()
    return repr((found, [await world.steps(run) for run in found], await world.events()))


async def test_a_secret_is_stored_as_the_reference_it_was_given_as(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    world.react(reaction("stock", step("put", name="{{ now() }}", token={"env": "SHOP_TOKEN"})))
    run = await world.react_to()
    assert [one["token"] for one in world.shop.asked("shop.put")] == [TOKEN]
    (put,) = await world.steps(run)
    assert put.request is not None
    assert put.request["token"] == {"env": "SHOP_TOKEN"}
    assert TOKEN not in await kept(world)


async def test_a_secret_is_resolved_at_each_call_and_the_rest_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    world.shop.script["shop.put"] = [errors.TemporaryError("busy"), {}]
    world.react(reaction("stock", step("put", name="{{ now() }}", token={"env": "SHOP_TOKEN"})))
    await world.react_to()
    monkeypatch.setenv("SHOP_TOKEN", "rotated")
    await world.later(2 * times.SECOND)
    first, second = world.shop.asked("shop.put")
    assert (first["token"], second["token"]) == (TOKEN, "rotated")
    assert first["name"] == second["name"]


async def test_a_secret_of_the_config_itself_may_be_a_template(world: World) -> None:
    world.inline["stock/put/token"] = "for {{ event.data.who }}: " + TOKEN
    world.react(reaction("stock", step("put", token={"inline": "stock/put/token"})))
    run = await world.react_to({"who": "ada"})
    assert [one["token"] for one in world.shop.asked("shop.put")] == [f"for ada: {TOKEN}"]
    (put,) = await world.steps(run)
    assert put.request == {"token": {"inline": "stock/put/token"}}
    assert TOKEN not in await kept(world)


async def test_a_secret_that_is_gone_ends_the_run_and_says_which(world: World) -> None:
    world.react(reaction("stock", step("put", token={"env": "SHOP_TOKEN_THAT_IS_NOT_SET"})))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    assert "SHOP_TOKEN_THAT_IS_NOT_SET" in (run.error or "")
    assert world.shop.calls == []


async def test_what_was_blanked_is_rendered_anew_and_only_that(world: World) -> None:
    world.shop.script["shop.put"] = [errors.TemporaryError("busy"), {}]
    world.react(
        reaction("stock", step("put", name="{{ now() }}", value="{{ event.data.from }} at {{ now() }}"))
    )
    run = await world.react_to({"from": PRIVATE})
    (put,) = await world.steps(run)
    assert put.request is not None
    assert "lovelace" not in repr(put)
    await world.later(2 * times.SECOND)
    first, second = world.shop.asked("shop.put")
    assert first["value"].startswith(PRIVATE)
    assert second["value"].startswith(PRIVATE)
    assert first["name"] == second["name"] == put.request["name"]


async def test_a_response_is_blanked_before_it_is_kept(world: World) -> None:
    world.shop.script["shop.put"] = [
        {"token": "fresh", "link": f"https://x/?share_key={TOKEN}", "n": KNOWN_SECRET}
    ]
    world.react(reaction("stock", step("put")))
    (put,) = await world.steps(await world.react_to())
    assert put.response == {
        "token": "[blanked]",
        "link": "https://x/?share_key=[blanked]",
        "n": "[blanked]",
    }


async def test_what_is_known_of_followed_work_is_remembered_blanked(world: World) -> None:
    world.react(reaction("buy", step("order", order_id="o1")))
    await world.react_to()
    known = await world.journal.read(lambda connection: watches.recall(connection, "shop", "orders", ["o1"]))
    assert known["o1"].memory == {"state": "open", "at": "https://[blanked]@door.example/orders"}
