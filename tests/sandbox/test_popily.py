"""Popily, simulated: tokens, slashes, pages, a source's way to finished or error, insights."""

import aiohttp
import orjson
import pytest

from daemon.model import times
from tests import clocks
from tests.sandbox import calling

COLUMNS = [
    {"column_header": "city", "data_type": "category"},
    {"column_header": "plan", "data_type": "category"},
    {"column_header": "signups", "data_type": "numeric"},
]
BODY = {"url": "https://example.com/sales.csv", "title": "Sales Data", "columns": COLUMNS}


async def test_only_the_word_token_and_a_good_token_are_taken(caller: calling.Caller) -> None:
    token = caller.sandbox.credentials["popily"]["token"]
    for sent in (token, f"Bearer {token}", "Token wrong", "Token ", ""):
        answer = await caller.call("popily", "GET", "/sources/", headers={"Authorization": sent})
        assert answer.status == 401
        assert isinstance(answer.body["detail"], str)


async def test_a_missing_slash_is_redirected_for_a_read_and_refused_for_a_write(
    caller: calling.Caller,
) -> None:
    read = await caller.call("popily", "GET", "/sources?page=1")
    assert (read.status, read.headers["Location"]) == (301, "/api/sources/?page=1")
    written = await caller.call("popily", "POST", "/sources", json=BODY)
    assert written.status == 404
    assert caller.sandbox.ledger.effects("popily") == []


async def test_a_source_is_inspected_calculated_and_finished(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    made = await caller.call("popily", "POST", "/sources/", json=BODY)
    assert (made.status, made.body["status"]) == (201, "inspecting")
    by_slug = f"/sources/{made.body['slug']}/"
    await virtual_clock.advance(5 * times.SECOND)
    assert (await caller.call("popily", "GET", by_slug)).body["status"] == "calculating"
    await virtual_clock.advance(25 * times.SECOND)
    finished = (await caller.call("popily", "GET", f"/sources/{made.body['id']}/")).body
    assert finished == {**made.body, "status": "finished"}


async def test_a_source_can_fail_or_stay_where_it_is_told(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    await caller.control("/control/popily/status", outcome="error", inspecting=1, calculating=1)
    made = (await caller.call("popily", "POST", "/sources/", json=BODY)).body
    await caller.control("/control/popily/status", source_id=made["id"], status="Adding")
    await virtual_clock.advance(2 * times.SECOND)
    path = f"/sources/{made['id']}/"
    assert (await caller.call("popily", "GET", path)).body["status"] == "Adding"
    await caller.control("/control/popily/status", source_id=made["id"], status=None)
    assert (await caller.call("popily", "GET", path)).body["status"] == "error"
    await caller.control("/control/popily/remove", source_id=made["id"])
    assert (await caller.call("popily", "GET", path)).status == 404


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "non_field_errors"),
        ({"url": "example.csv"}, "url"),
        ({"connection_string": "mysql://u:p@h/d"}, "query"),
        ({"query": "select 1"}, "connection_string"),
        ({"url": "https://example.com/a", "type": "csv"}, "type"),
        ({"url": "https://example.com/a", "columns": {"a": 1}}, "columns"),
        (
            {"url": "https://example.com/a", "columns": [{"column_header": "a", "data_type": "text"}]},
            "columns",
        ),
        ({"url": "https://example.com/a", "title": ["x"]}, "title"),
        ({"url": "https://example.com/a", "created_by": 99}, "created_by"),
    ],
)
async def test_a_source_that_is_wrong_is_refused_by_field(
    caller: calling.Caller, body: dict, field: str
) -> None:
    answer = await caller.call("popily", "POST", "/sources/", json=body)
    assert (answer.status, list(answer.body)) == (400, [field])
    assert (await caller.call("popily", "GET", "/sources/")).body["count"] == 0


async def test_a_file_brings_its_columns_as_one_json_part_each(caller: calling.Caller) -> None:
    def form(*columns: str) -> aiohttp.FormData:
        data = aiohttp.FormData()
        data.add_field("data", b"city,plan\n", filename="sales.csv", content_type="text/csv")
        for column in columns:
            data.add_field("columns", column)
        return data

    columns = [orjson.dumps(column).decode() for column in COLUMNS]
    made = await caller.call("popily", "POST", "/sources/", data=form(*columns))
    assert [column["column_header"] for column in made.body["columns"]] == ["city", "plan", "signups"]
    assert made.body["title"] == "sales.csv"
    refused = await caller.call("popily", "POST", "/sources/", data=form("{'column_header': 'city'}"))
    assert (refused.status, refused.body) == (400, {"columns": ["Value must be valid JSON."]})


async def test_other_content_types_and_methods_are_refused(caller: calling.Caller) -> None:
    urlencoded = await caller.call("popily", "POST", "/sources/", data={"url": "https://example.com/a"})
    assert urlencoded.status == 415
    unreadable = await caller.call(
        "popily", "POST", "/sources/", data=b"{", headers={"Content-Type": "application/json"}
    )
    assert unreadable.status == 400
    made = (await caller.call("popily", "POST", "/sources/", json=BODY)).body
    deleted = await caller.call("popily", "DELETE", f"/sources/{made['id']}/")
    assert (deleted.status, deleted.headers["Allow"]) == (405, "GET")


async def test_next_names_another_scheme_and_host(caller: calling.Caller) -> None:
    for number in range(21):
        await caller.call("popily", "POST", "/sources/", json={**BODY, "title": f"Source {number}"})
    first = (await caller.call("popily", "GET", "/sources/")).body
    assert set(first) == {"count", "next", "previous", "results"}
    assert first["next"] == "http://popily.com/api/sources/?page=2"
    assert (first["count"], len(first["results"]), first["previous"]) == (21, 20, None)
    second = (await caller.call("popily", "GET", "/sources/?page=2")).body
    assert (second["next"], len(second["results"])) == (None, 1)
    assert (await caller.call("popily", "GET", "/sources/?page=3")).status == 404


async def test_insights_come_with_a_finished_source_and_can_be_customised(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    source = (await caller.call("popily", "POST", "/sources/", json=BODY)).body
    single = f"/insights/?source={source['id']}&columns=city%2Cplan&single=true"
    early = await caller.call("popily", "GET", single)
    assert (early.status, early.body) == (200, {"insight": "not found", "source_status": "inspecting"})
    await virtual_clock.advance(times.MINUTE)
    found = (await caller.call("popily", "GET", single)).body
    assert found["insight_type"] == "count_by_category_by_category"
    assert "sig=" in found["embed_url"]
    path = f"/insights/{found['id']}/"
    changed = await caller.call("popily", "PUT", path, json={"title": "Mine", "category_order": "z-a"})
    assert changed.body["title"] == "Mine"
    assert (await caller.call("popily", "GET", path)).body["title"] == "Mine"
    filtered = await caller.call("popily", "GET", f"{path}?filters=city!eq!Oslo")
    assert filtered.body["title"] == found["title"]
    refused = await caller.call("popily", "PUT", path, json={"category_order": "sideways"})
    assert refused.status == 400
    assert (await caller.call("popily", "GET", "/insights/")).body == {"source": ["This field is required."]}


async def test_usernames_are_unique(caller: calling.Caller) -> None:
    made = await caller.call("popily", "POST", "/users/", json={"username": "grace"})
    assert (made.status, made.body["groups_member"]) == (201, ["default"])
    again = await caller.call("popily", "POST", "/users/", json={"username": "grace"})
    assert (again.status, list(again.body)) == (400, ["username"])
    assert (await caller.call("popily", "GET", f"/users/{made.body['id']}/")).body == made.body
