"""TONalytica, simulated: recorded answers of a real server, a job's life, the cache and the lock."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model import times
from daemon.sandbox import tonalytica_instance
from tests import clocks
from tests.sandbox import calling

OBSERVED = orjson.loads((Path(__file__).parent / "observed_redash.json").read_bytes())
"""Exchanges with a real Redash 10.1, trimmed: keys and ids are replaced by words in braces."""
PARAMETERISED = {
    "name": "Parameterised",
    "data_source_id": 1,
    "query": (
        "SELECT id FROM sales WHERE amount > {{ number_param }} AND city <> '{{ text_param }}' AND day >= "
        "'{{ date_param }}' AND day BETWEEN '{{ date_range_param.start }}' AND '{{ date_range_param.end }}'"
    ),
    "options": {
        "parameters": [
            {"name": "number_param", "type": "number"},
            {"name": "text_param", "type": "text"},
            {"name": "date_param", "type": "date"},
            {"name": "date_range_param", "type": "date-range"},
        ]
    },
}
VALUES = {
    "number_param": 1,
    "text_param": "Lima",
    "date_param": "2020-01-01",
    "date_range_param": {"start": "2020-01-01", "end": "2020-12-31"},
}
RUN = "/api/queries/17/results"


async def run(caller: calling.Caller, path: str = RUN, **body: Any) -> Any:
    answer = await caller.call("tonalytica", "POST", path, json=body)
    assert answer.status == 200, answer
    return answer.body


async def job(caller: calling.Caller, job_id: str) -> Any:
    return (await caller.call("tonalytica", "GET", f"/api/jobs/{job_id}")).body["job"]


@pytest.mark.parametrize("case", OBSERVED, ids=lambda case: case["name"])
async def test_the_answer_is_the_recorded_one(caller: calling.Caller, case: dict) -> None:
    made = await caller.call("tonalytica", "POST", "/api/queries", json=PARAMETERISED)
    known = caller.sandbox.credentials["tonalytica"]
    words = {"user_key": known["api_key"], "query_key": known["query_key_17"], "query": 17, "other": 18}
    words["parameterised"] = made.body["id"]
    sent: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}
    if case["authorization"]:
        sent["headers"]["Authorization"] = case["authorization"].format(**words)
    if case["body"] is not None:
        text = case["body"] if isinstance(case["body"], str) else orjson.dumps(case["body"]).decode()
        sent["data"] = text.encode()
    url = caller.sandbox.urls["tonalytica"] + case["path"].format(**words)
    answer = await caller.send(case["method"], url, **sent)
    assert answer.status == case["status"]
    if case["answer"] == "<html>":
        assert answer.headers["Content-Type"].startswith("text/html")
    elif isinstance(answer.body, dict) and "id" in answer.body.get("job", {}):
        assert {**answer.body["job"], "id": "{job}"} == case["answer"]["job"]
    else:
        assert answer.body == case["answer"]


async def test_a_job_is_pending_started_and_successful(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    submitted = (await run(caller, max_age=0))["job"]
    assert (submitted["status"], submitted["updated_at"], submitted["query_result_id"]) == (1, 0, None)
    await virtual_clock.advance(times.SECOND)
    started = await job(caller, submitted["id"])
    assert (started["status"], started["updated_at"]) == (2, "2025-12-01T00:00:00.500")
    await virtual_clock.advance(3 * times.SECOND)
    ended = await job(caller, submitted["id"])
    assert (ended["status"], ended["error"], ended["result"]) == (3, "", ended["query_result_id"])
    result = await caller.call("tonalytica", "GET", f"/api/query_results/{ended['query_result_id']}")
    data = result.body["query_result"]["data"]
    assert data["rows"] == tonalytica_instance.CITIES
    assert [(column["name"], column["type"]) for column in data["columns"]] == [
        ("city", "string"),
        ("signups", "integer"),
        ("share", "float"),
    ]
    assert result.body["query_result"]["retrieved_at"] == "2025-12-01T00:00:03.500Z"
    query = (await caller.call("tonalytica", "GET", "/api/queries/17")).body
    assert query["latest_query_data_id"] == ended["query_result_id"]


async def test_the_cache_is_asked_by_age_and_belongs_to_the_text(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    await run(caller, max_age=0)
    await virtual_clock.advance(times.MINUTE)
    for body in ({}, {"max_age": None}, {"max_age": -1}, {"max_age": 60}, {"max_age": "60"}):
        assert "query_result" in await run(caller, **body)
    unreadable = await caller.call("tonalytica", "POST", RUN, data=b'{"max_age": 0')
    assert "query_result" in unreadable.body
    text = tonalytica_instance.QUERIES[0][2].upper().replace(" ", "\n") + " /* again */"
    adhoc = await run(caller, "/api/query_results", query=text, data_source_id=1, max_age=-1)
    assert adhoc["query_result"]["data"]["rows"] == tonalytica_instance.CITIES
    assert "job" in await run(caller, max_age=30)


async def test_a_running_text_is_joined_and_not_run_twice(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    first = (await run(caller, max_age=0))["job"]
    await virtual_clock.advance(times.SECOND)
    joined = (await run(caller, max_age=0))["job"]
    assert (joined["id"], joined["status"]) == (first["id"], 2)
    other = (await run(caller, "/api/queries/18/results", max_age=0))["job"]
    assert other["id"] != first["id"]
    await virtual_clock.advance(3 * times.SECOND)
    assert (await run(caller, max_age=0))["job"]["id"] != first["id"]
    effects = caller.sandbox.ledger.effects("tonalytica")
    assert [effect for effect, _ in effects] == ["job.submitted"] * 3


async def test_a_run_can_fail_with_a_text_or_with_none(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    for text in ('relation "signups" does not exist', ""):
        await caller.control("/control/tonalytica/query", query_id=17, error=text, seconds=10)
        submitted = (await run(caller, max_age=0))["job"]
        await virtual_clock.advance(10 * times.SECOND)
        assert (await job(caller, submitted["id"]))["status"] == 2
        await virtual_clock.advance(times.SECOND)
        failed = await job(caller, submitted["id"])
        assert (failed["status"], failed["error"], failed["query_result_id"]) == (4, text, None)
    assert (await caller.call("tonalytica", "GET", RUN)).status == 404


async def test_a_cancelled_job_is_a_failure_that_says_so(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    submitted = (await run(caller, max_age=0))["job"]
    cancelled = await caller.call("tonalytica", "DELETE", f"/api/jobs/{submitted['id']}")
    assert (cancelled.status, cancelled.body) == (200, None)
    await virtual_clock.advance(times.MINUTE)
    ended = await job(caller, submitted["id"])
    assert (ended["status"], ended["error"]) == (4, "Query cancelled by user.")
    assert (await run(caller, max_age=0))["job"]["id"] != submitted["id"]


async def test_a_job_is_forgotten_after_twelve_hours(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    submitted = (await run(caller, max_age=0))["job"]
    await virtual_clock.advance(12 * times.HOUR)
    assert (await job(caller, submitted["id"]))["status"] == 3
    await virtual_clock.advance(times.MINUTE)
    gone = await caller.call("tonalytica", "GET", f"/api/jobs/{submitted['id']}")
    assert (gone.status, gone.body) == (500, {"message": "Internal Server Error"})


async def test_a_querys_key_runs_its_query_and_reads_it(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    key = {"Authorization": f"Key {caller.sandbox.credentials['tonalytica']['query_key_17']}"}
    submitted = await caller.call("tonalytica", "POST", RUN, json={"max_age": 0}, headers=key)
    job_id = submitted.body["job"]["id"]
    await virtual_clock.advance(times.MINUTE)
    hidden = await caller.call("tonalytica", "GET", f"/api/jobs/{job_id}", headers=key)
    assert hidden.status == 404
    shown = await caller.call("tonalytica", "GET", f"/api/queries/17/jobs/{job_id}", headers=key)
    assert shown.body["job"]["status"] == 3
    result = f"/api/queries/17/results/{shown.body['job']['result']}.json"
    assert (await caller.call("tonalytica", "GET", result, headers=key)).status == 200
    cached = await caller.call("tonalytica", "POST", RUN, json={}, headers=key)
    assert set(cached.body["query_result"]) == {"data", "retrieved_at"}


async def test_results_come_as_csv_too(caller: calling.Caller, virtual_clock: clocks.VirtualClock) -> None:
    rows = [{"a": 'x "y"', "b": None}, {"a": "ü", "b": 1.5}]
    await caller.control("/control/tonalytica/query", query_id=17, rows=rows)
    await run(caller, max_age=0)
    await virtual_clock.advance(times.MINUTE)
    answer = await caller.call("tonalytica", "GET", f"{RUN}.csv")
    assert answer.body == 'a,b\r\n"x ""y""",\r\nü,1.5\r\n'


async def test_parameters_change_the_text_and_so_the_result(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    number = (await caller.call("tonalytica", "POST", "/api/queries", json=PARAMETERISED)).body["id"]
    path = f"/api/queries/{number}/results"
    await run(caller, path, parameters=VALUES, max_age=0)
    await virtual_clock.advance(times.MINUTE)
    cached = await run(caller, path, parameters=VALUES)
    assert "amount > 1 AND city <> 'Lima'" in cached["query_result"]["query"]
    assert "job" in await run(caller, path, parameters={**VALUES, "number_param": 2})
    assert (await caller.call("tonalytica", "GET", path)).status == 404


async def test_a_paused_source_refuses_in_the_shape_of_a_job(caller: calling.Caller) -> None:
    await caller.control("/control/tonalytica/data_source", data_source_id=1, paused=True, reason="moving")
    answer = await caller.call("tonalytica", "POST", RUN, json={})
    error = "warehouse is paused (moving). Please try later."
    assert (answer.status, answer.body) == (400, {"job": {"status": 4, "error": error}})


async def test_a_rotated_key_ends_the_old_one(caller: calling.Caller) -> None:
    old = caller.sandbox.credentials["tonalytica"]["api_key"]
    new = (await caller.control("/control/tonalytica/rotate_key"))["api_key"]
    assert caller.sandbox.credentials["tonalytica"]["api_key"] == new != old
    url = caller.sandbox.urls["tonalytica"] + "//api/session"
    assert (await caller.send("GET", url, headers={"Authorization": f"Key {old}"})).status == 404
    assert (await caller.send("GET", url, headers={"Authorization": f"Key {new}"})).status == 200


async def test_queries_are_made_found_archived_and_still_run(caller: calling.Caller) -> None:
    body = {"name": "daily marker-7", "query": "select 1", "data_source_id": 1, "description": "made"}
    made = (await caller.call("tonalytica", "POST", "/api/queries", json=body)).body
    assert (made["id"], made["is_draft"], made["latest_query_data_id"]) == (20, True, None)
    found = (await caller.call("tonalytica", "GET", "/api/queries?q=marker-7")).body
    assert [query["id"] for query in found["results"]] == [20]
    newest = (await caller.call("tonalytica", "GET", "/api/queries?page_size=2&order=-created_at")).body
    assert ([query["id"] for query in newest["results"]], newest["count"]) == ([20, 19], 4)
    gone = await caller.call("tonalytica", "DELETE", "/api/queries/20")
    assert (gone.status, gone.body) == (200, None)
    assert (await caller.call("tonalytica", "GET", "/api/queries")).body["count"] == 3
    assert "job" in await run(caller, "/api/queries/20/results", max_age=0)


async def test_a_fork_has_the_visualizations_and_the_result_of_its_query(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    chart = {"name": "Chart", "type": "CHART", "query_id": 17, "options": {"x": 1}}
    await caller.call("tonalytica", "POST", "/api/visualizations", json=chart)
    await run(caller, max_age=0)
    await virtual_clock.advance(times.MINUTE)
    fork = (await caller.call("tonalytica", "POST", "/api/queries/17/fork")).body
    assert (fork["name"], fork["is_draft"]) == ("Copy of (#17) signups by city", True)
    assert [(one["type"], one["options"]) for one in fork["visualizations"]] == [
        ("TABLE", {}),
        ("CHART", {"x": 1}),
    ]
    kept = caller.sandbox.tonalytica.queries[17]
    assert fork["latest_query_data_id"] == kept["latest_query_data_id"] == 1
    assert not {one["id"] for one in fork["visualizations"]} & {one["id"] for one in kept["visualizations"]}


async def test_a_sources_tables_are_told(caller: calling.Caller) -> None:
    answer = await caller.call("tonalytica", "GET", "/api/data_sources/1/schema")
    assert [table["name"] for table in answer.body["schema"]] == ["drafts", "orders", "signups"]
    assert (await caller.call("tonalytica", "GET", "/api/data_sources/9/schema")).status == 404


async def test_dashboards_count_their_versions(caller: calling.Caller) -> None:
    made = (await caller.call("tonalytica", "POST", "/api/dashboards", json={"name": "Board"})).body
    path = f"/api/dashboards/{made['id']}"
    first = await caller.call("tonalytica", "POST", path, json={"tags": ["a"], "version": 1})
    assert (first.status, first.body["version"]) == (200, 2)
    assert (await caller.call("tonalytica", "POST", path, json={"version": 1})).status == 409
    widget = {"dashboard_id": made["id"], "visualization_id": 1, "text": "", "width": 1, "options": {}}
    assert (await caller.call("tonalytica", "POST", "/api/widgets", json=widget)).status == 200
    by_slug = (await caller.call("tonalytica", "GET", "/api/dashboards/board?legacy")).body
    assert by_slug["widgets"][0]["visualization"]["query"]["id"] == 17
    assert (await caller.call("tonalytica", "DELETE", path)).body["is_archived"] is True


@given(st.text(alphabet="select from ab1\n\t", min_size=1), st.text(alphabet=" \n\t", min_size=0))
def test_white_space_case_and_comments_do_not_count(text: str, space: str) -> None:
    same = f"{space}{text.upper()}/* a\ncomment */{space}"
    assert tonalytica_instance.query_hash(same) == tonalytica_instance.query_hash(text)
    assert tonalytica_instance.query_hash(text + "x") != tonalytica_instance.query_hash(text)
