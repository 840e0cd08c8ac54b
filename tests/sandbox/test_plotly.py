"""Plotly, simulated: its header, names that are taken, rows and columns, references, trash, images."""

import orjson
import pytest

from daemon.model import times
from tests import clocks
from tests.sandbox import calling

DATA = {"cols": {"n": {"data": [1, 2], "order": 1}, "city": {"data": ["Oslo", "Lima"], "order": 0}}}


async def made_grid(caller: calling.Caller, **body: object) -> dict:
    answer = await caller.call("plotly", "POST", "/grids", json={"data": DATA, "filename": "cities", **body})
    assert answer.status == 201, answer
    return dict(answer.body["file"])


async def test_the_platform_header_and_good_credentials_are_needed(caller: calling.Caller) -> None:
    no_platform = await caller.call("plotly", "GET", "/users/current", headers={"Plotly-Client-Platform": ""})
    assert no_platform.status == 400
    wrong = {"Authorization": calling.basic("ada", "wrong")}
    refused = await caller.call("plotly", "GET", "/users/current", headers=wrong)
    assert (refused.status, refused.body["detail"]) == (401, refused.body["errors"][0]["message"])
    anonymous = {"Plotly-Client-Platform": "tests"}
    url = caller.sandbox.urls["plotly"]
    assert (await caller.send("GET", url + "/users/current", headers=anonymous)).status == 401
    assert (await caller.send("POST", url + "/grids", headers=anonymous, json={})).status == 401
    good = await caller.call("plotly", "GET", "/users/current")
    assert (good.status, good.body["username"]) == (200, "ada")


async def test_a_grid_is_made_in_the_order_of_its_columns(caller: calling.Caller) -> None:
    grid = await made_grid(caller)
    assert grid["fid"] == "ada:0"
    assert [column["name"] for column in grid["cols"]] == ["city", "n"]
    text = await caller.call("plotly", "POST", "/grids", json={"data": orjson.dumps(DATA).decode()})
    assert text.status == 201
    content = (await caller.call("plotly", "GET", "/grids/ada:0/content")).body
    assert {name: column["data"] for name, column in content["cols"].items()} == {
        "city": ["Oslo", "Lima"],
        "n": [1, 2],
    }


async def test_a_name_is_taken_once_in_a_folder(caller: calling.Caller) -> None:
    await made_grid(caller)
    again = await caller.call("plotly", "POST", "/grids", json={"data": DATA, "filename": "cities"})
    assert again.status == 409
    assert "already exists" in again.body["errors"][0]["message"]
    folder = await caller.call("plotly", "POST", "/folders", json={"path": "/jobs/2025"})
    assert folder.status == 201
    twice = await caller.call("plotly", "POST", "/folders", json={"path": "/jobs/2025"})
    assert (twice.status, "already exists" in twice.body["detail"]) == (400, True)
    below = await made_grid(caller, parent_path="jobs/2025")
    assert below["parent"] == int(folder.body["fid"].partition(":")[2])
    nowhere = await caller.call("plotly", "POST", "/grids", json={"data": DATA, "parent_path": "no/such"})
    assert nowhere.status == 400


async def test_lookup_finds_by_path_and_says_404_for_the_rest(caller: calling.Caller) -> None:
    await caller.call("plotly", "POST", "/folders", json={"path": "jobs"})
    grid = await made_grid(caller, parent_path="/jobs")
    for path in ("jobs/cities", "/jobs/cities"):
        found = await caller.call("plotly", "GET", f"/files/lookup?path={path}")
        assert (found.status, found.body["fid"], found.body["filetype"]) == (200, grid["fid"], "grid")
    assert (await caller.call("plotly", "GET", "/files/lookup?path=cities")).status == 404
    assert (await caller.call("plotly", "GET", "/plots/lookup?path=jobs/cities")).status == 404


async def test_rows_are_appended_each_time_and_must_fit(caller: calling.Caller) -> None:
    grid = await made_grid(caller)
    path = f"/grids/{grid['fid']}"
    for _ in range(2):
        assert (
            await caller.call("plotly", "POST", f"{path}/row", json={"rows": [["Rome", 3]]})
        ).status == 201
    content = (await caller.call("plotly", "GET", f"{path}/content")).body["cols"]
    assert content["city"]["data"] == ["Oslo", "Lima", "Rome", "Rome"]
    for rows in ([["Rome"]], [], ["Rome", 3], None, {"a": 1}):
        assert (await caller.call("plotly", "POST", f"{path}/row", json={"rows": rows})).status == 400
    assert [effect for effect, _ in caller.sandbox.ledger.effects("plotly")] == [
        "grid.created",
        "grid.rows_appended",
        "grid.rows_appended",
    ]


async def test_columns_are_added_replaced_and_removed_by_uid(caller: calling.Caller) -> None:
    grid = await made_grid(caller)
    path = f"/grids/{grid['fid']}/col"
    cols = orjson.dumps([{"name": "rank", "data": [9, 8]}]).decode()
    added = await caller.call("plotly", "POST", path, json={"cols": cols})
    uid = added.body["cols"][0]["uid"]
    assert added.status == 201
    assert (await caller.call("plotly", "POST", path, json={"cols": cols})).status == 400
    put = await caller.call("plotly", "PUT", f"{path}?uid={uid}", json={"cols": [{"data": [1]}]})
    assert put.body["cols"][0]["data"] == [1]
    assert (await caller.call("plotly", "DELETE", f"{path}?uid={uid}")).status == 204
    assert (await caller.call("plotly", "GET", f"{path}?uid={uid}")).status == 404


async def test_a_figure_refers_to_grids_and_holds_no_data(caller: calling.Caller) -> None:
    grid = await made_grid(caller)
    city, n = (f"{grid['fid']}:{column['uid']}" for column in grid["cols"])
    figure = {"data": [{"type": "bar", "xsrc": city, "ysrc": n}], "layout": {}}
    made = await caller.call("plotly", "POST", "/plots", json={"figure": figure, "filename": "chart"})
    assert (made.status, made.body["file"]["references"]) == (201, [grid["fid"]])
    raw = {"data": [{"type": "bar", "x": ["Oslo"], "y": [1]}]}
    stray = {"data": [{"xsrc": f"{grid['fid']}:nope"}]}
    refused: list[object] = [raw, stray, {"data": {}}, None, "{"]
    for wrong in refused:
        answer = await caller.call("plotly", "POST", "/plots", json={"figure": wrong, "filename": "other"})
        assert answer.status == 400
    path = f"/plots/{made.body['file']['fid']}/content"
    inline = await caller.call("plotly", "GET", f"{path}?inline_data=true")
    assert inline.body["data"][0]["x"] == ["Oslo", "Lima"]
    assert (await caller.call("plotly", "GET", path)).body == figure


async def test_trash_can_be_undone_and_frees_the_name(caller: calling.Caller) -> None:
    grid = await made_grid(caller)
    path = f"/files/{grid['fid']}"
    assert (await caller.call("plotly", "DELETE", f"{path}/permanent_delete")).status == 400
    assert (await caller.call("plotly", "POST", f"{path}/trash")).body["deleted"] is True
    assert (await caller.call("plotly", "GET", "/files/lookup?path=cities")).status == 404
    assert (await caller.call("plotly", "POST", f"{path}/restore")).body["deleted"] is False
    await caller.call("plotly", "POST", f"{path}/trash")
    await made_grid(caller)
    assert (await caller.call("plotly", "POST", f"{path}/restore")).status == 409
    assert (await caller.call("plotly", "DELETE", f"{path}/permanent_delete")).status == 204
    assert (await caller.call("plotly", "GET", path)).status == 404


async def test_hidden_files_are_missing_to_others(caller: calling.Caller) -> None:
    grid = await made_grid(caller, world_readable=False, share_key_enabled=True)
    url = f"{caller.sandbox.urls['plotly']}/grids/{grid['fid']}"
    anonymous = {"Plotly-Client-Platform": "tests"}
    assert (await caller.send("GET", url, headers=anonymous)).status == 404
    shared = await caller.send("GET", f"{url}?share_key={grid['share_key']}", headers=anonymous)
    assert (shared.status, "share_key" in shared.body) == (200, False)
    patched = await caller.call("plotly", "PATCH", f"/files/{grid['fid']}", json={"world_readable": True})
    assert patched.body["world_readable"] is True
    assert (await caller.send("GET", url, headers=anonymous)).status == 200


async def test_folders_list_pages_whose_next_names_another_host(caller: calling.Caller) -> None:
    for number in range(3):
        await made_grid(caller, filename=f"grid {number}")
    listed = (await caller.call("plotly", "GET", "/folders/home?user=ada&page_size=2")).body["children"]
    assert (listed["count"], [file["filename"] for file in listed["results"]]) == (3, ["grid 0", "grid 1"])
    assert listed["next"].startswith("https://api-local.")
    last = (await caller.call("plotly", "GET", "/folders/all?page_size=2&page=2")).body["children"]
    assert (last["next"], len(last["results"])) == (None, 1)


async def test_images_are_one_a_second_and_a_hundred_a_day(
    caller: calling.Caller, virtual_clock: clocks.VirtualClock
) -> None:
    body = {"figure": {"data": [], "layout": {}}, "format": "png"}
    first = await caller.call("plotly", "POST", "/images", json=body)
    assert (first.status, first.headers["Content-Type"]) == (200, "image/png")
    soon = await caller.call("plotly", "POST", "/images", json={**body, "encoded": True})
    assert soon.body["detail"] == "Request was throttled. Expected available in 1 second."
    for _ in range(99):
        await virtual_clock.advance(times.SECOND)
        answer = await caller.call("plotly", "POST", "/images", json={**body, "encoded": True})
        assert list(answer.body) == ["image"]
    await virtual_clock.advance(times.SECOND)
    spent = await caller.call("plotly", "POST", "/images", json=body)
    assert (spent.status, "24h" in spent.body["detail"]) == (429, True)
    no_layout = await caller.call("plotly", "POST", "/images", json={"figure": {"data": []}})
    assert no_layout.status == 400


@pytest.mark.parametrize(
    "options, status",
    [
        ({"data": {"filename": "x"}}, 415),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": [1]}, 400),
        ({"json": {}}, 400),
        ({"json": {"data": {"cols": {"a": [1]}}}}, 400),
        ({"json": {"data": DATA, "filename": "a/b"}}, 400),
        ({"json": {"data": DATA, "parent": 7}}, 400),
    ],
)
async def test_a_grid_that_is_wrong_is_refused(caller: calling.Caller, options: dict, status: int) -> None:
    assert (await caller.call("plotly", "POST", "/grids", **options)).status == status
    assert caller.sandbox.ledger.effects("plotly") == []


async def test_metadata_is_found_by_search_alone(caller: calling.Caller) -> None:
    grid = await made_grid(caller, metadata={"test": "pressure run"})
    found = (await caller.call("plotly", "GET", "/search?q=pressure+run")).body
    assert [file["fid"] for file in found["results"]] == [grid["fid"]]
    assert (await caller.call("plotly", "GET", "/search?q=cities")).body["count"] == 0
    assert "metadata" not in (await caller.call("plotly", "GET", f"/grids/{grid['fid']}")).body


async def test_unknown_and_inactive_paths(caller: calling.Caller) -> None:
    assert (await caller.call("plotly", "GET", "/nonesuch")).status == 404
    assert (await caller.call("plotly", "GET", "/organizations")).status == 405
    schema = (await caller.call("plotly", "GET", "/plot-schema?sha1=")).body
    assert schema["modified"] is True
    again = (await caller.call("plotly", "GET", f"/plot-schema?sha1={schema['sha1']}")).body
    assert again == {"sha1": schema["sha1"], "modified": False}
