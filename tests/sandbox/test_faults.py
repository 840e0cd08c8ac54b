"""Each kind of fault as a client sees it, and what the ledger and the state say afterwards."""

import asyncio

import aiohttp
import pytest

from daemon.sandbox import faults
from tests.sandbox import calling

BODY = {"data": {"cols": {"a": {"data": [1], "order": 0}}}, "filename": "grid"}


async def create(caller: calling.Caller) -> calling.Answer:
    return await caller.call("plotly", "POST", "/grids", json=BODY)


async def is_there(caller: calling.Caller) -> bool:
    return (await caller.call("plotly", "GET", "/files/lookup?path=grid")).status == 200


async def add(caller: calling.Caller, **fault: object) -> int:
    body = {"service": "plotly", "method": "POST", "path": "/v2/grids*", **fault}
    answer = await caller.send("POST", caller.sandbox.control_url + "/faults", json=body)
    assert answer.status == 200, answer
    return int(answer.body["id"])


async def test_a_status_is_answered_in_the_vendors_words_without_effect(caller: calling.Caller) -> None:
    fault = await add(caller, kind="status", status=429)
    answer = await create(caller)
    assert (answer.status, answer.body["detail"]) == (
        429,
        "Request was throttled. Expected available in 5 seconds.",
    )
    entry = caller.sandbox.ledger.read("plotly")[-1]
    assert (entry.fault, entry.status, entry.effect) == (fault, 429, None)
    assert not await is_there(caller)
    assert (await create(caller)).status == 201


async def test_a_status_can_have_its_own_body_and_headers(caller: calling.Caller) -> None:
    await add(caller, kind="status", status=503, body="<h1>down</h1>", headers={"Retry-After": "7"})
    answer = await create(caller)
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (503, "<h1>down</h1>", "7")
    await add(caller, kind="status", status=200, body={"error": "no", "error_type": "x"})
    assert (await create(caller)).body == {"error": "no", "error_type": "x"}


@pytest.mark.parametrize("kind, happened", [("drop_before", False), ("drop_after", True)])
async def test_a_dropped_connection_has_its_effect_or_not(
    caller: calling.Caller, kind: str, happened: bool
) -> None:
    fault = await add(caller, kind=kind)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await create(caller)
    entry = next(entry for entry in caller.sandbox.ledger.read("plotly") if entry.fault == fault)
    assert entry.status is None
    assert entry.effect == ("grid.created" if happened else None)
    assert await is_there(caller) is happened


async def test_a_replaced_answer_hides_what_was_done(caller: calling.Caller) -> None:
    fault = await add(caller, kind="replace", status=200, body="<html>hello</html>")
    answer = await create(caller)
    assert (answer.status, answer.body) == (200, "<html>hello</html>")
    entry = next(entry for entry in caller.sandbox.ledger.read("plotly") if entry.fault == fault)
    assert (entry.status, entry.effect) == (200, "grid.created")
    assert await is_there(caller)


async def test_a_truncated_body_ends_before_its_length(caller: calling.Caller) -> None:
    await add(caller, kind="truncate")
    with pytest.raises(aiohttp.ClientPayloadError):
        await create(caller)
    assert await is_there(caller)


async def test_a_delay_is_real_and_then_all_is_well(caller: calling.Caller) -> None:
    await add(caller, kind="delay", seconds=0.05)
    began = asyncio.get_running_loop().time()
    answer = await create(caller)
    assert asyncio.get_running_loop().time() - began >= 0.05
    assert answer.status == 201


async def test_a_request_hangs_until_the_sandbox_stops(caller: calling.Caller) -> None:
    await add(caller, kind="hang")
    hanging = asyncio.create_task(create(caller))
    done, _ = await asyncio.wait({hanging}, timeout=0.05)
    assert not done
    await caller.sandbox.stop()
    with pytest.raises(aiohttp.ClientError):
        await hanging


async def test_times_and_after_count_the_requests_that_match(caller: calling.Caller) -> None:
    await add(caller, kind="status", status=500, after=1, times=2)
    statuses = [(await create(caller)).status for _ in range(5)]
    assert statuses == [201, 500, 500, 409, 409]
    other = await caller.call("plotly", "GET", "/users/current")
    assert other.status == 200


async def test_a_fault_for_ever_ends_when_it_is_removed(caller: calling.Caller) -> None:
    fault = await add(caller, kind="status", status=502, times=None)
    assert [(await create(caller)).status for _ in range(3)] == [502, 502, 502]
    url = caller.sandbox.control_url + "/faults"
    assert [waiting["id"] for waiting in (await caller.send("GET", url)).body] == [fault]
    assert (await caller.send("DELETE", f"{url}/{fault}")).body == {"removed": 1}
    assert (await caller.send("DELETE", f"{url}/{fault}")).status == 404
    assert (await create(caller)).status == 201


@pytest.mark.parametrize(
    "body, status",
    [
        ({}, 400),
        ({"service": "plotly"}, 400),
        ({"service": "plotly", "kind": "explode"}, 400),
        ({"service": "plotly", "kind": "status", "chance": 0.5}, 400),
        ({"service": "nonesuch", "kind": "status"}, 404),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    caller: calling.Caller, body: dict, status: int
) -> None:
    answer = await caller.send("POST", caller.sandbox.control_url + "/faults", json=body)
    assert answer.status == status
    assert answer.body["error"]
    assert caller.sandbox.faults.read() == []


def test_one_request_meets_one_fault_and_the_oldest_first() -> None:
    waiting = faults.Faults()
    first = waiting.add(faults.Fault("populr", "status"))
    second = waiting.add(faults.Fault("*", "delay"))
    met = [waiting.take("populr", "GET", "/v0/pops") for _ in range(3)]
    assert [fault.id if fault else None for fault in met] == [first, second, None]
