"""What the actions on grids leave at the simulated Plotly."""

from typing import Any

import pytest
from pydantic import ValidationError

from daemon.connectors.plotly import client
from daemon.contract import errors
from daemon.sandbox.server import Sandbox
from tests.connectors import stub
from tests.connectors.plotly.acting import ACTIONS, data_of, do, effects, kept, make_grid


async def test_columns_are_added_beside_those_that_are_there(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    added = await do(ada, "append_columns", fid=grid, columns=[{"name": "rank", "data": [2, 1]}])
    assert data_of(sandbox, grid) == {"city": ["Bonn", "Ulm"], "n": [3, None], "rank": [2, 1]}
    uid = kept(sandbox, grid)["columns"][2]["uid"]
    assert added.columns == {"rank": f"{grid}:{uid}"}
    assert effects(sandbox)[-1] == ("grid.columns_appended", grid)


async def test_a_name_that_the_grid_has_is_no_new_column(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    with pytest.raises(errors.PermanentError, match="a column 'n' already"):
        await do(ada, "append_columns", fid=grid, columns={"x": [1], "n": [1]})
    assert list(data_of(sandbox, grid)) == ["city", "n"]
    with pytest.raises(ValidationError, match="two columns"):
        await do(
            ada, "append_columns", fid=grid, columns=[{"name": "x", "data": []}, {"name": "x", "data": []}]
        )


async def test_some_columns_are_read_and_taken_out(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    uids = {column["name"]: column["uid"] for column in kept(sandbox, grid)["columns"]}
    read = await do(ada, "get_columns", fid=grid, uids=[uids["n"]])
    assert [(one.name, one.uid, one.data) for one in read.cols] == [("n", uids["n"], [3, None])]
    gone = await do(ada, "delete_columns", fid=grid, columns=["n"])
    assert (gone.deleted, gone.existed, list(data_of(sandbox, grid))) == (["n"], True, ["city"])
    for again in (False, True):
        gone = await do(ada, "delete_columns", again=again, fid=grid, columns=["n"])
        assert (gone.deleted, gone.existed) == (["n"], False)
    assert [effect for effect, _ in effects(sandbox)].count("grid.columns_deleted") == 1


async def test_a_grid_is_changed_in_its_cells_and_in_its_own_fields(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    given: dict[str, Any] = {
        "columns": {"n": [4, 5]},
        "metadata": {"run": 7},
        "filename": "cities",
        "world_readable": True,
    }
    for _ in range(2):  # twice is as good as once
        changed = await do(ada, "update_grid", fid=grid, **given)
    assert (changed.fid, changed.filename, changed.world_readable) == (grid, "cities", True)
    assert data_of(sandbox, grid) == {"city": ["Bonn", "Ulm"], "n": [4, 5]}
    assert kept(sandbox, grid)["metadata"] == {"run": 7}
    assert kept(sandbox, grid)["parent"] == -1


async def test_new_cells_alone_leave_everything_else(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    changed = await do(ada, "update_grid", fid=grid, columns={"n": [4, 5]})
    assert (changed.fid, changed.filename) == (grid, "signups")
    assert "file.updated" not in dict(effects(sandbox))
    with pytest.raises(errors.PermanentError, match="no column 'm'"):
        await do(ada, "update_grid", fid=grid, columns={"m": [1]})


async def test_a_server_that_knows_no_patch_is_asked_by_put(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer({"detail": "no"}, 405).answer({"fid": "ada:0", "filename": "b"})
    changed = await do(plotly, "update_grid", fid="ada:0", filename="b")
    assert changed.filename == "b"
    assert [(asked.method, asked.path, asked.json) for asked in vendor.asked] == [
        ("PATCH", "/v2/grids/ada:0", {"filename": "b"}),
        ("PUT", "/v2/grids/ada:0", {"filename": "b"}),
    ]


async def test_another_refusal_is_not_asked_again(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({"detail": "no"}, 400)
    with pytest.raises(errors.PermanentError):
        await do(plotly, "update_grid", fid="ada:0", filename="b")
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("columns", [{}, [], [{"name": "", "data": []}]])
def test_no_columns_are_no_addition(columns: object) -> None:
    with pytest.raises(ValidationError):
        ACTIONS["append_columns"].parameters.model_validate({"fid": "ada:0", "columns": columns})


@pytest.mark.parametrize("name", ["update_grid", "update_file", "update_plot", "update_dashboard"])
@pytest.mark.parametrize(
    "given,said",
    [
        ({}, "nothing is to be changed"),
        ({"filename": "a/b"}, "no slash"),
        ({"parent": -1, "parent_path": "a"}, "one of them"),
    ],
)
def test_a_change_says_what_and_one_place(name: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ACTIONS[name].parameters.model_validate({"fid": "ada:0", **given})


async def test_a_grid_is_deleted_at_once_and_only_once(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    gone = await do(ada, "delete_grid", fid=grid)
    assert (gone.existed, sandbox.plotly.files) == (True, {})
    for again in (False, True):
        gone = await do(ada, "delete_grid", again=again, fid=grid)
        assert (gone.fid, gone.deleted, gone.existed) == (grid, True, False)
    assert effects(sandbox).count(("grid.deleted", grid)) == 1


async def test_a_private_grid_is_read_with_its_share_key(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    fid = await make_grid(ada)
    await do(ada, "update_file", fid=fid, share_key_enabled=True)
    key = kept(sandbox, fid)["share_key"]
    read = await do(ada, "get_grid", fid=fid, share_key=key)
    assert read.row_count == 2
    assert list(sandbox.ledger.read("plotly")[-1].query) == ["share_key"]
