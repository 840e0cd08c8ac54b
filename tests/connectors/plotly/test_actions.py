"""What each action asks of Plotly, and what it makes of the answer."""

import pytest
from pydantic import ValidationError

from daemon.connectors.plotly import client, connector
from daemon.connectors.plotly.actions import files, grids, growth, plots
from daemon.contract import errors, requests
from daemon.model.runs import Doubt
from tests.connectors import stub

REQUEST = connector.actions["plotly.request"]

CALL = stub.call_of()
MADE = {
    "file": {
        "fid": "ada:0",
        "filetype": "grid",
        "filename": "temps",
        "parent": -1,
        "web_url": "https://plots.example/~ada/0/",
        "cols": [{"name": "t", "uid": "1a2b3c"}, {"name": "n", "uid": "4d5e6f"}],
        "stars": 0,
    }
}
CONTENT = {
    "cols": {
        "n": {"data": [1, 2], "order": 1, "uid": "4d5e6f"},
        "t": {"data": ["a", "b"], "order": 0, "uid": "1a2b3c"},
    }
}
PLOT = {
    "file": {"fid": "ada:1", "filetype": "plot", "filename": "chart", "web_url": "https://plots.example/1"}
}


def test_their_doubts_are_declared() -> None:
    classes = {one.name: one.doubt for one in (grids.create_grid, growth.append_rows, plots.create_plot)}
    assert set(classes.values()) == {Doubt.PROBED}
    assert {grids.get_grid.doubt, files.lookup_file.doubt} == {Doubt.REPEATABLE}
    post = requests.Request(path="/comments", method="POST")
    assert REQUEST.doubt_for(post) is Doubt.UNSAFE
    assert REQUEST.doubt_for(requests.Request(path="/search")) is Doubt.REPEATABLE


async def test_rows_become_a_grid(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(MADE, 201)
    parameters = grids.CreateGrid(filename="temps", rows=[{"t": "a"}, {"t": "b", "n": 2}])
    done = await grids.create_grid.call(plotly, parameters, CALL)
    (asked,) = vendor.asked
    assert (asked.method, asked.path) == ("POST", "/v2/grids")
    assert asked.json == {
        "filename": "temps",
        "world_readable": False,
        "data": {"cols": {"t": {"data": ["a", "b"], "order": 0}, "n": {"data": [None, 2], "order": 1}}},
    }
    assert done.result.fid == "ada:0"
    assert done.result.columns == {"t": "ada:0:1a2b3c", "n": "ada:0:4d5e6f"}
    assert done.result.model_dump()["stars"] == 0
    assert done.made == [("file", "ada:0")]


@pytest.mark.parametrize("status", [200, 201, 400, 409])
async def test_folders_are_made_first(vendor: stub.Stub, plotly: client.PlotlyClient, status: int) -> None:
    body = {"detail": "A folder with this name already exists"} if status >= 400 else {}
    vendor.answer(body, status).answer(MADE, 201)
    parameters = grids.CreateGrid(filename="/jobs/2026/temps", columns={"t": [1]}, world_readable=True)
    await grids.create_grid.call(plotly, parameters, CALL)
    folder, grid = vendor.asked
    assert (folder.path, folder.json) == ("/v2/folders", {"path": "/jobs/2026"})
    assert grid.json["parent_path"] == "jobs/2026"
    assert grid.json["filename"] == "temps"
    assert grid.json["world_readable"] is True


async def test_a_taken_name_is_an_error_that_says_so(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({"errors": [{"message": "a file with that name already exists"}]}, 409)
    with pytest.raises(errors.PermanentError, match="already exists"):
        await grids.create_grid.call(plotly, grids.CreateGrid(filename="temps", columns={"t": []}), CALL)


async def test_another_answer_than_documented_is_an_error(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer({"ok": True})
    with pytest.raises(errors.PermanentError, match="fid"):
        await grids.create_grid.call(plotly, grids.CreateGrid(filename="temps", columns={"t": []}), CALL)


@pytest.mark.parametrize(
    "given,said",
    [
        ({"rows": []}, "at least one column"),
        ({"columns": {}}, "at least one column"),
        ({}, "one of them"),
        ({"columns": {"a": []}, "rows": [{"a": 1}]}, "one of them"),
        ({"columns": [{"name": "a", "data": []}, {"name": "a", "data": []}]}, "two columns"),
        ({"columns": {"a": []}, "filename": "x//y"}, "a file name"),
    ],
)
def test_a_grid_without_a_clear_table_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        grids.CreateGrid.model_validate({"filename": "temps", **given})


async def test_objects_are_appended_in_the_grids_order(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer(CONTENT).answer({}, 201)
    parameters = growth.AppendRows(fid="ada:0", rows=[{"n": 3, "t": "c"}, {"t": "d"}])
    done = await growth.append_rows.call(plotly, parameters, CALL)
    content, appended = vendor.asked
    assert content.path == "/v2/grids/ada:0/content"
    assert (appended.method, appended.path) == ("POST", "/v2/grids/ada:0/row")
    assert appended.json == {"rows": [["c", 3], ["d", None]]}
    assert done.result.appended == 2


async def test_lists_are_appended_as_they_are(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(None, 204)
    done = await growth.append_rows.call(plotly, growth.AppendRows(fid="ada:0", rows=[["c", 3]]), CALL)
    (asked,) = vendor.asked
    assert asked.json == {"rows": [["c", 3]]}
    assert done.result.appended == 1


async def test_an_unknown_column_appends_nothing(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(CONTENT)
    with pytest.raises(errors.PermanentError, match="no column 'm'"):
        await growth.append_rows.call(plotly, growth.AppendRows(fid="ada:0", rows=[{"m": 1}]), CALL)
    assert [asked.method for asked in vendor.asked] == ["GET"]


async def test_no_rows_are_no_call(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    done = await growth.append_rows.call(plotly, growth.AppendRows(fid="ada:0", rows=[]), CALL)
    assert (done.result.appended, vendor.asked) == (0, [])


@pytest.mark.parametrize("fid", ["ada", "ada:", "a/b:1", "ada:1:2", "ada:x", ""])
def test_a_fid_is_a_name_and_a_number(fid: str) -> None:
    with pytest.raises(ValidationError):
        grids.GetGrid(fid=fid)


async def test_a_grid_is_read_whole(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(CONTENT)
    done = await grids.get_grid.call(plotly, grids.GetGrid(fid="ada:0"), CALL)
    assert done.result.rows == [{"t": "a", "n": 1}, {"t": "b", "n": 2}]
    assert done.result.row_count == 2
    assert [column.name for column in done.result.cols] == ["t", "n"]
    assert done.result.columns["n"] == "ada:0:4d5e6f"


async def test_a_plot_names_columns_of_its_grid(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(CONTENT).answer(PLOT)
    parameters = plots.CreatePlot(
        filename="chart", grid="ada:0", data=[{"type": "bar", "xsrc": "t", "ysrc": "n"}]
    )
    done = await plots.create_plot.call(plotly, parameters, CALL)
    asked = vendor.asked[-1]
    assert (asked.method, asked.path) == ("POST", "/v2/plots")
    trace = {"type": "bar", "xsrc": "ada:0:1a2b3c", "ysrc": "ada:0:4d5e6f"}
    assert asked.json["figure"] == {"data": [trace], "layout": {}}
    assert done.result.web_url == "https://plots.example/1"
    assert done.made == [("file", "ada:1")]


async def test_a_figure_goes_as_it_is(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({}, 201).answer(PLOT, 201)
    figure = {"data": [{"xsrc": "ada:0:1a2b3c"}], "layout": {"title": "T"}, "frames": []}
    await plots.create_plot.call(plotly, plots.CreatePlot(filename="c/chart", figure=figure), CALL)
    assert vendor.asked[-1].json["figure"] == figure
    assert vendor.asked[-1].json["parent_path"] == "c"


@pytest.mark.parametrize(
    "given,said",
    [
        ({}, "one of them"),
        ({"figure": {"data": []}, "data": []}, "one of them"),
        ({"figure": {"data": []}, "layout": {}}, "holds its own"),
        ({"figure": {"layout": {}}}, "list of traces"),
        ({"figure": {"data": [1]}}, "list of traces"),
        ({"data": [{"y": [1, 2]}]}, "trace 0: y holds cells.*as ysrc"),
    ],
)
def test_a_plot_without_a_clear_figure_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        plots.CreatePlot.model_validate({"filename": "chart", **given})


async def test_a_file_is_found_by_its_path(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(PLOT["file"]).answer({"detail": "Not found."}, 404)
    done = await files.lookup_file.call(plotly, files.LookupFile(path="/a b/chart"), CALL)
    assert vendor.asked[0].path == "/v2/files/lookup?path=a%20b%2Fchart"
    assert (done.result.fid, done.result.filetype) == ("ada:1", "plot")
    with pytest.raises(errors.PermanentError) as caught:
        await files.lookup_file.call(plotly, files.LookupFile(path="chart", user="bob", parent=-1), CALL)
    assert caught.value.missing
    assert vendor.asked[1].path == "/v2/files/lookup?path=chart&user=bob&parent=-1"


async def test_any_path_can_be_called(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer(b"\x89PNG", 200, "image/png").answer({"id": 1}, 201)
    image = await REQUEST.call(plotly, requests.Request(path="/images", method="POST"), CALL)
    assert image.result.status == 200
    asked = requests.Request.model_validate({"path": "/comments", "method": "POST", "json": {"text": "hm"}})
    comment = await REQUEST.call(plotly, asked, CALL)
    assert comment.result.body == {"id": 1}
    assert vendor.asked[1].json == {"text": "hm"}
    assert vendor.asked[0].headers["content-type"] == "application/json"


async def test_a_form_brings_its_own_type(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({}, 201)
    upload = requests.Request.model_validate(
        {"path": "/grids/upload", "method": "POST", "files": {"f": {"name": "a.csv", "content": "a\n1\n"}}}
    )
    await REQUEST.call(plotly, upload, CALL)
    assert vendor.asked[0].headers["content-type"].startswith("multipart/form-data")
    assert b"a\n1\n" in vendor.asked[0].body
