"""Plotly's dashboards, presentations and Dash apps, simulated; and who its users are."""

import orjson
import pytest

from tests.sandbox import calling

TYPES = {
    "dashboards": "dashboard",
    "spectacle-presentations": "spectacle_presentation",
    "dash-apps": "dash_app",
}


@pytest.mark.parametrize("resource", TYPES)
async def test_a_board_is_kept_found_changed_and_listed(caller: calling.Caller, resource: str) -> None:
    content = orjson.dumps({"version": 2}).decode()
    body = {"filename": "board", "content": content, "world_readable": False}
    made = await caller.call("plotly", "POST", f"/{resource}", json=body)
    file = made.body["file"]
    assert (made.status, file["filetype"], file["content"]) == (201, TYPES[resource], content)
    assert file["api_urls"][resource].endswith(f"/{resource}/{file['fid']}")
    found = await caller.call("plotly", "GET", "/files/lookup?path=board")
    assert (found.body["fid"], "content" in found.body) == (file["fid"], False)
    put = await caller.call("plotly", "PUT", f"/{resource}/{file['fid']}", json={"content": {"version": 3}})
    assert (put.status, put.body["content"]) == (200, {"version": 3})
    inside = await caller.call("plotly", "GET", f"/files/{file['fid']}/content")
    assert inside.body == {"version": 3}
    listed = await caller.call("plotly", "GET", f"/{resource}")
    assert [one["fid"] for one in listed.body["results"]] == [file["fid"]]
    assert caller.sandbox.ledger.effects("plotly") == [
        (f"{TYPES[resource]}.created", file["fid"]),
        (f"{TYPES[resource]}.updated", file["fid"]),
    ]


async def test_what_is_no_document_is_refused(caller: calling.Caller) -> None:
    for body in ({"filename": "a"}, {"filename": "a", "content": "{"}, {"filename": "a", "content": [1]}):
        refused = await caller.call("plotly", "POST", "/dashboards", json=body)
        assert refused.status == 400
    made = await caller.call("plotly", "POST", "/dashboards", json={"filename": "a", "content": {}})
    taken = await caller.call("plotly", "POST", "/dashboards", json={"filename": "a", "content": {}})
    assert (taken.status, "already exists" in taken.body["detail"]) == (409, True)
    wrong = await caller.call(
        "plotly", "PUT", f"/dashboards/{made.body['file']['fid']}", json={"content": "x"}
    )
    assert wrong.status == 400
    other = await caller.call("plotly", "GET", f"/spectacle-presentations/{made.body['file']['fid']}")
    assert other.status == 404


async def test_strangers_see_no_list_and_the_schema_is_there(caller: calling.Caller) -> None:
    url = f"{caller.sandbox.urls['plotly']}/dashboards"
    anonymous = await caller.send("GET", url, headers={"Plotly-Client-Platform": "tests"})
    assert anonymous.status == 401
    assert "required" in (await caller.call("plotly", "GET", "/dashboards/schema")).body


async def test_the_account_knows_itself_among_users(caller: calling.Caller) -> None:
    listed = (await caller.call("plotly", "GET", "/users")).body
    assert (listed["count"], listed["results"]) == (1, [{"username": "ada"}])


async def test_the_feed_goes_on_where_it_began(caller: calling.Caller) -> None:
    for number in range(25):
        caller.sandbox.plotly.keep("plot", f"p{number}", -1, {}, figure={"data": [], "layout": {}})
    for path in ("/plots", "/plots/feed"):
        first = (await caller.call("plotly", "GET", path)).body
        assert f"{path}?cursor=" in first["next"]
        last = (await caller.call("plotly", "GET", f"{path}?{first['next'].partition('?')[2]}")).body
        assert (len(first["results"]), len(last["results"]), last["next"]) == (20, 5, None)
