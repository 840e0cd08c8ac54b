"""TONalytica, simulated in the ways of older and newer servers, as they were recorded."""

from typing import Any

from daemon.model import times
from tests import clocks
from tests.sandbox import calling

RUN = "/api/queries/17/results"


async def board(caller: calling.Caller, name: str = "Sales board") -> dict:
    answer = await caller.call("tonalytica", "POST", "/api/dashboards", json={"name": name})
    assert answer.status == 200
    return dict(answer.body)


async def status(caller: calling.Caller, method: str, path: str, **options: Any) -> int:
    return (await caller.call("tonalytica", method, path, **options)).status


async def test_the_session_tells_the_version_that_is_simulated(caller: calling.Caller) -> None:
    await caller.control("/control/tonalytica/version", version="26.08.0-dev")
    session = await caller.call("tonalytica", "GET", "/api/session")
    assert session.body["client_config"]["version"] == "26.08.0-dev"
    caller.sandbox.reset()
    assert caller.sandbox.tonalytica.version == "10.1.0"


async def test_version_9_finds_dashboards_by_slug(caller: calling.Caller) -> None:
    await caller.control("/control/tonalytica/version", version="9.0.0-beta")
    made, second = await board(caller), await board(caller)
    assert (made["slug"], second["slug"], made["widgets"]) == ("sales-board", "sales-board_1", None)
    for path in ("/api/dashboards/sales-board", "/api/dashboards/sales-board?legacy"):
        assert (await caller.call("tonalytica", "GET", path)).body["id"] == made["id"]
    assert await status(caller, "GET", f"/api/dashboards/{made['id']}") == 404
    path = f"/api/dashboards/{made['id']}"
    edited = await caller.call("tonalytica", "POST", path, json={"name": "Sales board 2"})
    assert (edited.status, edited.body["slug"]) == (200, "sales-board")
    assert await status(caller, "DELETE", path) == 500
    assert await status(caller, "DELETE", "/api/dashboards/sales-board") == 200


async def test_version_10_finds_dashboards_by_number(caller: calling.Caller) -> None:
    made, second = await board(caller), await board(caller, "東京 Übersicht")
    assert (made["slug"], second["slug"]) == ("sales-board", "-bersicht")
    assert (await board(caller))["slug"] == "sales-board"
    path = f"/api/dashboards/{made['id']}"
    assert await status(caller, "GET", path) == 200
    assert await status(caller, "GET", "/api/dashboards/sales-board") == 500
    assert await status(caller, "GET", "/api/dashboards/sales-board?legacy=true") == 200
    renamed = await caller.call("tonalytica", "POST", path, json={"name": "Sales board 2"})
    assert renamed.body["slug"] == "sales-board-2"
    assert await status(caller, "DELETE", "/api/dashboards/sales-board-2") == 500
    assert await status(caller, "DELETE", path) == 200


async def test_version_8_jobs_lack_the_second_name_of_their_result(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    await caller.control("/control/tonalytica/version", version="8.0.0")
    submitted = await caller.call("tonalytica", "POST", RUN, json={"max_age": 0})
    assert sorted(submitted.body["job"]) == ["error", "id", "query_result_id", "status", "updated_at"]


async def test_version_9_keeps_a_job_cancelled_in_the_queue_in_limbo(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    await caller.control("/control/tonalytica/version", version="9.0.0-beta")
    first = (await caller.call("tonalytica", "POST", RUN, json={"max_age": 0})).body["job"]
    assert await status(caller, "DELETE", f"/api/jobs/{first['id']}") == 200
    await virtual_clock.advance(times.HOUR)
    shown = (await caller.call("tonalytica", "GET", f"/api/jobs/{first['id']}")).body["job"]
    again = (await caller.call("tonalytica", "POST", RUN, json={"max_age": 0})).body["job"]
    assert (shown["status"], again["id"]) == (1, first["id"])
    await virtual_clock.advance(11 * times.HOUR)
    fresh = (await caller.call("tonalytica", "POST", RUN, json={"max_age": 0})).body["job"]
    assert fresh["id"] != first["id"]
