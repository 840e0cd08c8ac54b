"""An account that is down is asked again and again whether it is back, and by one call at a time."""

import asyncio
from dataclasses import replace

import pytest

from daemon.contract import circuit, declare, errors
from daemon.contract.limits import Limits
from daemon.model import times
from daemon.model.reactions import Retry
from daemon.model.runs import RunStatus
from daemon.running import circuits, deciding
from tests.running.outages import (
    DOWN,
    QUICK,
    UP,
    busy,
    longest_pauses,
    recover,
    refused,
    statuses,
    take_down,
)
from tests.running.world import World, reaction, step

__all__ = ["longest_pauses"]  # the fixture is for every test here


async def test_one_call_asks_and_then_all_go_on_in_their_order(world: World) -> None:
    await take_down(world)
    for n in range(1, 60):
        await world.tell({"n": n})
    await world.settle()
    assert await statuses(world) == [RunStatus.PARKED] * 60
    before = len(world.shop.calls)
    await world.later(circuit.FIRST_PAUSE)
    assert len(world.shop.calls) == before + 1
    assert await statuses(world) == [RunStatus.PARKED] * 60
    recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    assert await statuses(world) == [RunStatus.SUCCEEDED] * 60
    asked = [one["value"] for one in world.shop.asked("shop.put")][before + 1 :]
    assert asked[0] == 1  # the run that was tried before does not stand in the others' way
    assert sorted(asked) == list(range(60))
    assert asked[1:] == [0, *range(2, 60)]
    (up,) = await world.events(UP)
    assert up.data["parked"] == 60  # with the one that asked


async def test_pauses_between_probes_grow(world: World) -> None:
    await take_down(world)
    for pause in (1, 2, 4, 8, 16, 32):
        before = len(world.shop.calls)
        await world.later(pause * circuit.FIRST_PAUSE - 1)
        assert len(world.shop.calls) == before
        await world.later(1)
        assert len(world.shop.calls) == before + 1


async def test_a_request_that_breaks_the_service_does_not_keep_it_down(world: World) -> None:
    """Nothing but a 500 for the same request, again and again: its run dies of it in the end, the others do not."""
    world.shop.script["shop.charge"] = [busy(500) for _ in range(50)]
    world.react(reaction("poison", step("charge"), retry=QUICK, on_doubt="redo"))
    poison = await world.react_to()
    for _ in range(circuit.FAILURES):
        await world.later(times.SECOND)
    assert (await world.run(poison.id)).status is RunStatus.PARKED
    world.react(reaction("stock", step("put")))
    stock = await world.react_to()
    assert stock.status is RunStatus.PARKED
    for _ in range(20):
        await world.later(circuit.LONGEST_PAUSE)
    assert (await world.run(stock.id)).status is RunStatus.SUCCEEDED
    assert (await world.run(poison.id)).status is RunStatus.DEAD
    assert not world.circuits.known("shop").is_down


async def test_a_final_refusal_is_an_answer(world: World) -> None:
    await take_down(world)
    world.shop.script["shop.put"] = [errors.PermanentError("422: no", status=422)]
    await world.later(circuit.LONGEST_PAUSE)
    assert await statuses(world) == [RunStatus.DEAD]
    assert not world.circuits.known("shop").is_down


async def test_refused_credentials_park_at_once_until_others_are_given(world: World) -> None:
    world.shop.script["shop.put"] = [refused() for _ in range(50)]
    world.react(reaction("stock", step("put"), retry=Retry(attempts=1)))
    run = await world.react_to()
    assert (run.status, run.attempts, run.error) == (RunStatus.PARKED, 0, "401: who are you")
    (down,) = await world.events(DOWN)
    assert down.data["reason"] == "unauthorized"
    recover(world)
    await world.circuits.configure(["shop"])
    await world.settle()
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(await world.events(UP)) == 1


async def test_a_restart_asks_at_once_where_credentials_were_refused(world: World) -> None:
    world.shop.script["shop.put"] = [refused()]
    world.react(reaction("stock", step("put")))
    run = await world.react_to()
    await world.crash()
    await world.circuits.configure()
    await world.settle()
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED


async def test_only_what_has_other_credentials_has_changed(world: World) -> None:
    before = dict(world.services.accounts)
    shop = before["shop"]
    assert circuits.changed(before, before) == []
    slower = {"shop": replace(shop, concurrency=1)}
    assert circuits.changed(before, slower) == []
    moved = {"shop": replace(shop, settings=type(shop.settings)(base_url="http://other.invalid"))}
    assert circuits.changed(before, {**moved, "new": shop}) == ["shop"]


async def test_a_crash_in_the_middle_of_a_probe_makes_another(world: World) -> None:
    await take_down(world)
    world.shop.gate = asyncio.Event()
    calls = len(world.shop.calls)
    await world.clock.advance(circuit.FIRST_PAUSE)
    await world.begin()
    await world.calls(calls + 1)
    await world.crash()
    world.shop.gate = None
    recover(world)
    await world.circuits.configure()
    await world.later(circuit.PROBE_LASTS)
    assert await statuses(world) == [RunStatus.SUCCEEDED]
    assert len(await world.events(UP)) == 1


async def test_another_node_knows_of_the_outage(world: World) -> None:
    await take_down(world)
    known, parking = world.circuits, world.parking
    world.build("there")
    assert world.circuits.known("shop") == circuit.Circuit()
    with pytest.raises(circuit.Shut):
        await (await refreshed(world)).enter("shop", "r")
    await world.clock.advance(circuit.FIRST_PAUSE)
    tickets = [await one.begin_probe("shop") for one in (known, world.circuits)]
    assert [ticket is not None for ticket in tickets] == [True, False]
    await parking.drain()


async def refreshed(world: World) -> circuits.Circuits:
    await world.circuits.refresh()
    return world.circuits


def answer_pings(world: World, said: list[Exception | declare.Ping]) -> list[object]:
    """Let the shop answer pings with what is *said*, then well; whoever pinged is noted."""
    pinged: list[object] = []

    async def ping(client: object) -> declare.Ping:
        pinged.append(client)
        answer = said.pop(0) if said else declare.Ping(authorized=True)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shop = replace(world.services.catalog.connectors["shop"], ping=ping)
    catalog = replace(world.services.catalog, connectors={**world.services.catalog.connectors, "shop": shop})
    world.services = replace(world.services, catalog=catalog)
    return pinged


async def test_a_ping_goes_before_the_first_run(world: World) -> None:
    said: list[Exception | declare.Ping] = [
        errors.TemporaryError("cannot connect"),
        errors.PermanentError("a web page", status=404),
        ValueError("a bug"),
        declare.Ping(authorized=False, detail="401: no"),
    ]
    pinged = answer_pings(world, said)
    await take_down(world)
    before = recover(world)
    for text in ("cannot connect", "a web page", "a bug in Pointsman", "401: no"):
        await world.later(circuit.LONGEST_PAUSE)
        assert text in (world.circuits.known("shop").error or "")
        assert len(world.shop.calls) == before
    await world.later(circuit.LONGEST_PAUSE)
    assert (len(pinged), len(world.shop.calls)) == (5, before + 1)
    assert await statuses(world) == [RunStatus.SUCCEEDED]


async def test_a_ping_that_the_service_itself_refuses_is_an_answer(world: World) -> None:
    pinged = answer_pings(world, [errors.PermanentError("403: not for you", status=403)])
    await take_down(world)
    before = recover(world)
    await world.later(circuit.LONGEST_PAUSE)
    assert (len(pinged), len(world.shop.calls)) == (1, before + 1)
    assert await statuses(world) == [RunStatus.SUCCEEDED]


async def test_an_account_comes_back_that_nobody_waits_for(world: World) -> None:
    await take_down(world)
    (run,) = await world.runs()
    await world.journal.write(lambda connection: deciding.cancel(connection, run.id, world.clock.now()))
    before = len(world.shop.calls)
    await world.later(circuit.FIRST_PAUSE)
    assert len(await world.events(UP)) == 1
    assert len(world.shop.calls) == before


async def test_a_call_that_asks_nothing_says_nothing(world: World) -> None:
    lane = Limits(1_000, times.SECOND, 2)
    world.services = replace(world.services, lanes={"shop": lane})

    async def ask(*, sends: bool) -> None:
        async with world.circuits.call("shop"):
            if sends:
                async with lane.call():
                    return

    for _ in range(circuit.FAILURES - 1):
        with pytest.raises(errors.TemporaryError):
            async with world.circuits.call("shop"):
                raise busy()
        await ask(sends=False)
    assert world.circuits.known("shop").failures == circuit.FAILURES - 1
    await ask(sends=True)
    assert world.circuits.known("shop").failures == 0


async def test_runs_in_line_for_one_object_all_come_to_their_turn(world: World) -> None:
    world.shop.script["shop.append"] = [busy() for _ in range(1_000)]
    append = step("append", table="t", value="{{ event.data.n }}")
    world.react(reaction("rows", append, retry=QUICK))
    await world.react_to({"n": 0})
    for n in range(1, 4):  # they stand in line for the first one's table
        await world.tell({"n": n})
    for _ in range(circuit.FAILURES):  # its looks are answered, its calls are not
        await world.later(circuit.LONGEST_PAUSE)
    assert world.circuits.known("shop").is_down
    for n in range(4, 12):
        await world.tell({"n": n})
    await world.later(3 * circuit.LONGEST_PAUSE)
    assert set(await statuses(world)) == {RunStatus.PARKED, RunStatus.PENDING}
    assert world.shop.rows == {}
    recover(world)
    for _ in range(3):
        await world.later(circuit.LONGEST_PAUSE)
    assert await statuses(world) == [RunStatus.SUCCEEDED] * 12
    assert world.shop.rows["t"] == list(range(12))


async def test_a_run_that_does_not_come_to_its_call_leaves_the_probe_to_another(world: World) -> None:
    await take_down(world)
    world.react(reaction("fussy", step("put", condition="not state('enough')", value="no"), retry=QUICK))
    await world.react_to()
    world.react(reaction("other", step("state.set", key="enough", value="yes")))
    await world.react_to()
    before = recover(world)
    stock, fussy, _ = await world.runs()
    await world.journal.write(lambda connection: deciding.cancel(connection, stock.id, world.clock.now()))
    await world.later(circuit.LONGEST_PAUSE)
    assert (await world.run(fussy.id)).status is RunStatus.SUCCEEDED
    assert len(world.shop.calls) == before
    assert not world.circuits.known("shop").is_down
