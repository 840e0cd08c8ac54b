"""What the actions on files and folders leave at the simulated Plotly."""

from typing import Any

import pytest
from pydantic import ValidationError

from daemon.connectors.plotly import client
from daemon.contract import errors
from daemon.sandbox import faults
from daemon.sandbox.server import Sandbox
from tests.connectors import stub
from tests.connectors.plotly.acting import do, effects, kept, make_grid


async def test_a_file_is_read_renamed_and_moved(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    folder = await do(ada, "create_folder", path="reports/2026")
    read = await do(ada, "get_file", fid=grid)
    assert (read.filename, read.filetype, read.deleted) == ("signups", "grid", False)
    moved = await do(ada, "update_file", fid=grid, filename="cities", parent_path="/reports/2026/")
    number = int(folder.fid.partition(":")[2])
    assert (moved.filename, moved.parent) == ("cities", number)
    assert kept(sandbox, grid)["parent"] == number
    themed = await do(ada, "update_file", fid=grid, is_theme=True, parent=-1, world_readable=True)
    assert (themed.parent, kept(sandbox, grid)["is_theme"]) == (-1, True)
    assert effects(sandbox).count(("file.updated", grid)) == 2


async def test_a_taken_name_is_no_new_name(ada: client.PlotlyClient, sandbox: Sandbox, grid: str) -> None:
    other = await make_grid(ada, "other")
    with pytest.raises(errors.PermanentError, match="already exists"):
        await do(ada, "update_file", fid=other, filename="signups")
    assert kept(sandbox, other)["filename"] == "other"


async def test_contents_are_read_whatever_the_type(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    read = await do(ada, "get_file_content", fid=grid)
    assert read.content["cols"]["city"]["data"] == ["Bonn", "Ulm"]
    board = await do(ada, "create_dashboard", filename="d", content={"version": 2})
    assert (await do(ada, "get_file_content", fid=board.fid)).content == '{"version":2}'


async def test_the_trash_can_be_used_twice_and_undone(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    for _ in range(2):
        assert (await do(ada, "trash_file", fid=grid)).deleted is True
    assert kept(sandbox, grid)["deleted"] is True
    for _ in range(2):
        assert (await do(ada, "restore_file", fid=grid)).deleted is False
    assert kept(sandbox, grid)["deleted"] is False


async def test_a_restored_file_whose_name_is_taken_stays_in_the_trash(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    await do(ada, "trash_file", fid=grid)
    await make_grid(ada)
    with pytest.raises(errors.PermanentError, match="already exists"):
        await do(ada, "restore_file", fid=grid)
    assert kept(sandbox, grid)["deleted"] is True


async def test_a_refusal_of_what_is_so_already_is_none(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer({"detail": "It is in the trash."}, 400).answer({"fid": "ada:0", "deleted": True})
    assert (await do(plotly, "trash_file", fid="ada:0")).deleted is True
    vendor.answers = []
    vendor.answer({"detail": "Not now."}, 400).answer({"fid": "ada:0", "deleted": True})
    with pytest.raises(errors.PermanentError, match="Not now"):
        await do(plotly, "restore_file", fid="ada:0")


async def test_an_answer_without_the_file_is_completed(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer(None, 200).answer({"fid": "ada:0", "deleted": True})
    assert (await do(plotly, "trash_file", fid="ada:0")).fid == "ada:0"
    assert [(one.method, one.path) for one in vendor.asked] == [
        ("POST", "/v2/files/ada:0/trash"),
        ("GET", "/v2/files/ada:0"),
    ]


async def test_deleting_goes_through_the_trash_and_is_final(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    assert (await do(ada, "delete_file", fid=grid)).existed is True
    assert sandbox.plotly.files == {}
    assert effects(sandbox)[-2:] == [("file.trashed", grid), ("file.deleted", grid)]
    for again in (False, True):
        gone = await do(ada, "delete_file", again=again, fid=grid)
        assert (gone.deleted, gone.existed) == (True, False)


@pytest.mark.parametrize(
    "name, given",
    [
        ("delete_file", {"fid": "ada:0"}),
        ("delete_grid", {"fid": "ada:0"}),
        ("delete_comment", {"comment_id": "1"}),
    ],
)
async def test_what_is_hidden_from_a_stranger_is_not_gone(
    vendor: stub.Stub, plotly: client.PlotlyClient, name: str, given: dict[str, Any]
) -> None:
    vendor.answer({"detail": "Not found."}, 404).answer({"detail": "Not logged in."}, 401)
    with pytest.raises(errors.TemporaryError) as refused:
        await do(plotly, name, **given)
    assert refused.value.unauthorized


async def test_a_file_that_stays_in_the_trash_is_not_gone(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer({"fid": "ada:0", "deleted": True}).answer({"detail": "Not found."}, 404)
    with pytest.raises(errors.PermanentError) as refused:
        await do(plotly, "delete_file", fid="ada:0")
    assert refused.value.missing


async def test_deleting_that_was_cut_in_the_middle_goes_on(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    for kind in ("drop_before", "drop_after"):
        sandbox.faults.add(faults.Fault("plotly", kind, method="DELETE", path="*/permanent_delete"))
        with pytest.raises(errors.TemporaryError):
            await do(ada, "delete_file", again=kind == "drop_after", fid=grid)
    await do(ada, "delete_file", again=True, fid=grid)
    assert sandbox.plotly.files == {}
    assert effects(sandbox).count(("file.deleted", grid)) == 1


async def test_folders_are_made_once_however_often_asked(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    first = await do(ada, "create_folder", path="/a/b/")
    again = await do(ada, "create_folder", path="a/b")
    assert (first.filetype, first.fid) == ("fold", again.fid)
    below = await do(ada, "create_folder", path="c", parent=int(first.fid.partition(":")[2]))
    assert kept(sandbox, below.fid)["parent"] == int(first.fid.partition(":")[2])
    assert [effect for effect, _ in effects(sandbox)] == ["folder.created", "folder.created"]


async def test_a_folder_cannot_take_the_place_of_a_file(ada: client.PlotlyClient, grid: str) -> None:
    with pytest.raises(errors.PermanentError, match="already exists"):
        await do(ada, "create_folder", path="signups")
    with pytest.raises(ValidationError, match="a file name is text"):
        await do(ada, "create_folder", path="a/../b")


async def test_listings_go_over_pages_and_leave_the_trash_out(
    ada: client.PlotlyClient, sandbox: Sandbox
) -> None:
    folder = await do(ada, "create_folder", path="many")
    number = int(folder.fid.partition(":")[2])
    for name in range(105):
        sandbox.plotly.keep("grid", f"grid {name:03}", number, {}, columns=[])
    thrown = await do(ada, "lookup_file", path="many/grid 000")
    await do(ada, "trash_file", fid=thrown.fid)
    inside = await do(ada, "get_folder", fid=folder.fid)
    assert (len(inside.files), inside.more) == (104, False)
    whole = await do(ada, "list_files", trashed=True)
    assert (len(whole.files), whole.more) == (106, False)
    home = await do(ada, "get_folder")
    assert [file.filename for file in home.files] == ["many"]
    some = await do(ada, "list_files", limit=101)
    assert (len(some.files), some.more) == (100, True)
    assert {entry.service for entry in sandbox.ledger.read()} == {"plotly"}
