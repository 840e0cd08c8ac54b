"""The control API itself: ledger, state, clock, reset, ports; and what the ledger never shows."""

import asyncio
import re

import pytest

from daemon.model import times
from daemon.sandbox import server
from tests import clocks, ports
from tests.sandbox import calling


async def test_the_ledger_is_read_by_service_and_from_a_number_on(caller: calling.Caller) -> None:
    await caller.call("populr", "GET", "/templates?count=1")
    await caller.call("plotly", "GET", "/users/current")
    await caller.call("populr", "POST", "/domains", json={"domain": "a.example.com"})
    url = caller.sandbox.control_url + "/ledger"
    everything = (await caller.send("GET", url)).body
    assert [entry["n"] for entry in everything] == [1, 2, 3]
    assert everything[0] == {
        "n": 1,
        "at": clocks.START,
        "service": "populr",
        "by": "client",
        "method": "GET",
        "path": "/v0/templates",
        "query": {"count": "1"},
        "request": None,
        "status": 200,
        "effect": None,
        "object_id": None,
        "fault": None,
    }
    later = (await caller.send("GET", f"{url}?service=populr&since=1")).body
    assert [(entry["n"], entry["effect"]) for entry in later] == [(3, "domain.added")]


async def test_keys_are_not_in_the_ledger(caller: calling.Caller) -> None:
    key = caller.sandbox.credentials["tonalytica"]["api_key"]
    await caller.send("GET", f"{caller.sandbox.urls['tonalytica']}/api/session?api_key={key}")
    for kind in ("populr", "popily", "tonalytica", "plotly"):
        await caller.call(kind, "GET", "/")
    text = str((await caller.send("GET", caller.sandbox.control_url + "/ledger")).body)
    assert "/api/session" in text
    for known in caller.sandbox.credentials.values():
        for name in ("api_key", "token"):
            assert known.get(name, key) not in text


async def test_every_service_tells_its_state(caller: calling.Caller) -> None:
    pop = await caller.published_pop()
    state = (await caller.send("GET", caller.sandbox.control_url + "/state/populr")).body
    assert [kept["_id"] for kept in state["pops"]] == [pop["_id"]]
    for kind in server.KINDS:
        assert (await caller.send("GET", f"{caller.sandbox.control_url}/state/{kind}")).status == 200
    assert (await caller.send("GET", caller.sandbox.control_url + "/state/nonesuch")).status == 404


async def test_a_reset_begins_again_everywhere(caller: calling.Caller) -> None:
    await caller.published_pop()
    await caller.control("/faults", service="*", kind="hang")
    await caller.control("/control/reset")
    assert (await caller.call("populr", "GET", "/pops")).body == []
    assert [entry.n for entry in caller.sandbox.ledger.read()] == [3]


async def test_the_clock_is_moved_where_it_can_be(caller: calling.Caller) -> None:
    body = await caller.control("/control/clock/advance", seconds=1.5)
    assert body == {"now": clocks.START + 1_500_000}
    caller.sandbox.clock = Wall()
    answer = await caller.send("POST", caller.sandbox.control_url + "/control/clock/advance", json={})
    assert (answer.status, "clock" in answer.body["error"]) == (400, True)


@pytest.mark.parametrize(
    "path, body, status",
    [
        ("/control/nonesuch/act", {}, 404),
        ("/control/populr/open", {"pop_id": "0"}, 404),
        ("/control/populr/settings", {"nonesuch": True}, 404),
        ("/control/popily/status", {"source_id": 1}, 404),
        ("/control/compass/training", {"classifier_id": 1}, 404),
        ("/control/tonalytica/query", {"query_id": 1}, 404),
        ("/control/tonalytica/query", {"query_id": 17, "rows": [1]}, 400),
        ("/control/tonalytica/query", [], 400),
        ("/control/compass/training", {"seconds": "soon"}, 400),
    ],
)
async def test_an_act_that_cannot_be_done_says_why(
    caller: calling.Caller, path: str, body: object, status: int
) -> None:
    answer = await caller.send("POST", caller.sandbox.control_url + path, json=body)
    assert answer.status == status
    assert answer.body["error"] if path != "/control/popily/status" else answer.body["detail"]


async def test_a_given_port_is_the_first_of_six(virtual_clock: clocks.VirtualClock) -> None:
    base = await six_free_ports()
    sandbox = server.Sandbox(virtual_clock, base)
    await sandbox.start()
    try:
        assert sandbox.urls == {
            "populr": f"http://127.0.0.1:{base}/v0",
            "popily": f"http://127.0.0.1:{base + 1}/api",
            "compass": f"http://127.0.0.1:{base + 2}/api",
            "tonalytica": f"http://127.0.0.1:{base + 3}",
            "plotly": f"http://127.0.0.1:{base + 4}/v2",
        }
        assert sandbox.control_url == f"http://127.0.0.1:{base + 5}"
    finally:
        await sandbox.stop()
        await sandbox.stop()


async def six_free_ports() -> int:
    """The first of six ports in a row that nobody listens on."""
    for _ in range(50):
        base = ports.free_port()
        try:
            for number in range(6):
                listening = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", base + number)
                listening.close()
                await listening.wait_closed()
        except OSError:
            continue
        return base
    raise AssertionError("no six free ports in a row")


class Wall:
    """A clock that nobody can move."""

    def now(self) -> int:
        return times.SECOND

    async def sleep(self, duration: int) -> None:
        await asyncio.sleep(duration / times.SECOND)


async def test_the_control_api_tells_what_can_be_asked(caller: calling.Caller) -> None:
    url = caller.sandbox.control_url
    told = (await caller.send("GET", f"{url}/")).body
    assert told["services"] == list(server.KINDS)
    assert "drop_after" in told["paths"]["POST /faults"]
    assert "`pop_id`" in told["acts"]["POST /control/populr/open"]
    assert all(about and "``" not in about for about in (*told["paths"].values(), *told["acts"].values()))
    for line in (*told["paths"], *told["acts"]):
        method, path = line.split(" ")
        answer = await caller.send(method, url + re.sub(r"\{\w+\}", "populr", path))
        assert answer.body != "404: Not Found", line
