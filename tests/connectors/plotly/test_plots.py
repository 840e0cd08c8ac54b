"""What the actions on plots, pictures, people and boards leave at the simulated Plotly."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from daemon.connectors.plotly import client
from daemon.contract import errors
from daemon.model import times
from daemon.sandbox.server import Sandbox
from tests import clocks
from tests.connectors import stub
from tests.connectors.plotly.acting import ACTIONS, do, effects, kept

BARS = [{"type": "bar", "xsrc": "city", "ysrc": "n"}]


@pytest.fixture
async def plot(ada: client.PlotlyClient, grid: str) -> str:
    return str((await do(ada, "create_plot", filename="chart", grid=grid, data=BARS)).fid)


async def test_a_plot_is_read_with_its_figure_and_its_cells(
    ada: client.PlotlyClient, grid: str, plot: str
) -> None:
    read = await do(ada, "get_plot", fid=plot)
    assert (read.filename, read.filetype) == ("chart", "plot")
    assert read.figure["data"][0]["xsrc"].startswith(f"{grid}:")
    assert "x" not in read.figure["data"][0]
    inline = await do(ada, "get_plot", fid=plot, inline_data=True, map_data="unreadable")
    assert inline.figure["data"][0]["x"] == ["Bonn", "Ulm"]


async def test_a_plot_gets_another_figure_and_keeps_its_address(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, plot: str
) -> None:
    lines = [{"type": "scatter", "ysrc": "n"}]
    changed = await do(
        ada, "update_plot", fid=plot, grid=grid, data=lines, layout={"title": "T"}, filename="line"
    )
    assert (changed.fid, changed.filename) == (plot, "line")
    figure = kept(sandbox, plot)["figure"]
    assert (figure["data"][0]["type"], figure["layout"]) == ("scatter", {"title": "T"})
    await do(ada, "update_plot", fid=plot, world_readable=True)
    assert kept(sandbox, plot)["figure"] == figure
    assert effects(sandbox).count(("plot.updated", plot)) == 2


@pytest.mark.parametrize(
    "given,said",
    [
        ({"layout": {}}, "give figure"),
        ({"grid": "ada:0"}, "give figure"),
        ({"data": [{"x": [1]}]}, "x holds cells"),
        ({"figure": {"data": []}, "data": []}, "one of them"),
    ],
)
def test_a_new_figure_is_a_whole_one(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ACTIONS["update_plot"].parameters.model_validate({"fid": "ada:0", "filename": "a", **given})


async def test_public_plots_are_listed_by_cursor(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    for number in range(45):
        body = {"world_readable": number != 3}
        sandbox.plotly.keep("plot", f"p{number}", -1, body, figure={"data": [], "layout": {}})
    listed = await do(ada, "list_plots")
    assert (len(listed.files), listed.more) == (44, False)
    some = await do(ada, "list_plots", limit=30, order_by="-views", min_quality=1)
    assert (len(some.files), some.more) == (30, True)
    assert len((await do(ada, "list_feed", limit=40)).files) == 40


async def test_a_plot_is_drawn_with_its_cells(ada: client.PlotlyClient, sandbox: Sandbox, plot: str) -> None:
    drawn = await do(ada, "render_image", fid=plot, format="svg", width=300, height=200, scale=2)
    picture = base64.b64decode(drawn.image)
    assert (drawn.content_type, drawn.size) == ("image/svg+xml", len(picture))
    asked = sandbox.ledger.read("plotly")[-1].request
    assert asked["figure"]["data"][0]["x"] == ["Bonn", "Ulm"]
    assert {name: asked[name] for name in ("format", "width", "height", "scale", "encoded")} == {
        "format": "svg",
        "width": 300,
        "height": 200,
        "scale": 2,
        "encoded": True,
    }
    assert effects(sandbox)[-1][0] == "image.rendered"


async def test_bytes_are_a_picture_whatever_was_asked_for(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer(b"\xff\xd8\xff\x00", 200, "image/jpeg; q=1")
    drawn = await do(plotly, "render_image", data=[{"y": [1, 2]}])
    assert (drawn.content_type, drawn.size) == ("image/jpeg", 4)
    assert base64.b64decode(drawn.image) == b"\xff\xd8\xff\x00"
    assert vendor.asked[0].json["figure"] == {"data": [{"y": [1, 2]}], "layout": {}}


async def test_an_answer_without_a_picture_is_an_error(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer({"ok": True})
    with pytest.raises(errors.PermanentError, match="no picture"):
        await do(plotly, "render_image", figure={"data": []})


@pytest.mark.parametrize(
    "given", [{}, {"fid": "ada:0", "data": []}, {"figure": {}, "layout": {}}, {"fid": "ada:0", "width": 0}]
)
def test_a_picture_is_of_one_thing(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ACTIONS["render_image"].parameters.model_validate(given)


async def test_the_throttle_ends_in_seconds_and_the_quota_in_hours(
    ada: client.PlotlyClient, virtual_clock: clocks.VirtualClock
) -> None:
    await do(ada, "render_image", data=[])
    with pytest.raises(errors.TemporaryError, match="throttled") as soon:
        await do(ada, "render_image", data=[])
    assert soon.value.retry_after == times.SECOND
    for _ in range(99):
        await virtual_clock.advance(times.SECOND)
        await do(ada, "render_image", data=[])
    await virtual_clock.advance(times.SECOND)
    with pytest.raises(errors.TemporaryError, match="quota is used up") as spent:
        await do(ada, "render_image", data=[])
    assert spent.value.retry_after == client.QUOTA_PAUSE


async def test_the_schema_is_read_until_it_is_known(ada: client.PlotlyClient) -> None:
    first = await do(ada, "get_plot_schema")
    assert (first.modified, "traces" in first.schema_) == (True, True)
    again = await do(ada, "get_plot_schema", sha1=first.sha1)
    assert again.model_dump(by_alias=True) == {"sha1": first.sha1, "modified": False, "schema": None}


async def test_grids_are_found_by_their_metadata(ada: client.PlotlyClient, grid: str) -> None:
    await do(ada, "update_grid", fid=grid, metadata={"run": "pressure seven"})
    found = await do(ada, "search", q="pressure seven")
    assert ([file.fid for file in found.files], found.more) == ([grid], False)
    assert (await do(ada, "search", q="signups")).files == []


async def test_comments_are_made_and_deleted_once(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    said = await do(ada, "create_comment", fid=grid, comment="Why so few?", fields={"reply_to": None})
    assert sandbox.plotly.comments[said.id]["comment"] == "Why so few?"
    gone = await do(ada, "delete_comment", comment_id=said.id)
    assert (gone.comment_id, gone.existed, sandbox.plotly.comments) == (str(said.id), True, {})
    for again in (False, True):
        gone = await do(ada, "delete_comment", again=again, comment_id=said.id)
        assert (gone.deleted, gone.existed) == (True, False)
    assert [effect for effect, _ in effects(sandbox)][-2:] == ["comment.created", "comment.deleted"]


async def test_users_and_endpoints_are_told(ada: client.PlotlyClient) -> None:
    assert (await do(ada, "get_user")).email == "ada@example.com"
    assert (await do(ada, "get_user", username="ada")).username == "ada"
    with pytest.raises(errors.PermanentError) as missing:
        await do(ada, "get_user", username="bob")
    assert missing.value.missing
    listed = await do(ada, "list_users")
    assert ([user.username for user in listed.users], listed.more) == (["ada"], False)
    assert "grids" in (await do(ada, "list_endpoints")).endpoints


@pytest.mark.parametrize("noun", ["dashboard", "presentation"])
async def test_boards_are_made_listed_read_and_changed(
    ada: client.PlotlyClient, sandbox: Sandbox, noun: str
) -> None:
    made = await do(ada, f"create_{noun}", filename="boards/one", content={"version": 2})
    assert made.content == {"version": 2}
    assert kept(sandbox, made.fid)["world_readable"] is False
    changed = await do(ada, f"update_{noun}", fid=made.fid, content={"version": 3}, world_readable=True)
    assert (changed.content, changed.world_readable) == ({"version": 3}, True)
    assert (await do(ada, f"get_{noun}", fid=made.fid)).content == {"version": 3}
    assert [file.fid for file in (await do(ada, f"list_{noun}s")).files] == [made.fid]
    words = [effect.partition(".")[2] for effect, _ in effects(sandbox)]
    assert words == ["created", "created", "updated"]


async def test_a_dash_app_is_made_read_and_changed(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    made = await do(ada, "create_dash_app", filename="app", fields={"world_readable": False})
    assert kept(sandbox, made.fid)["world_readable"] is False
    changed = await do(ada, "update_dash_app", fid=made.fid, fields={"filename": "app two"})
    assert (changed.filename, (await do(ada, "get_dash_app", fid=made.fid)).filename) == (
        "app two",
        "app two",
    )
    assert "required" in (await do(ada, "get_dashboard_schema")).content


async def test_a_content_that_is_no_json_stays_a_text(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({"fid": "ada:3", "content": "{"})
    assert (await do(plotly, "get_dashboard", fid="ada:3")).content == "{"
