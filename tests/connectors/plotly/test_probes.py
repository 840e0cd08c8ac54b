"""What each probe finds of a call whose answer was lost: its own effect, none, or somebody else's."""

from typing import Any

import pytest

from daemon.connectors.plotly import client, connector
from daemon.contract import errors
from daemon.model.runs import Doubt
from daemon.sandbox.server import Sandbox
from tests.connectors import stub, support
from tests.connectors.plotly import probing
from tests.connectors.plotly.acting import ACTIONS, SIGNUPS, do

PROBED = sorted(name for name, one in ACTIONS.items() if one.doubt is Doubt.PROBED)


def effects(sandbox: Sandbox) -> list[str]:
    return [effect for effect, _ in sandbox.ledger.effects("plotly")]


def cases(grid: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """By action: the path it posts to, the effect it has, its parameters."""
    trace = {"type": "bar", "xsrc": "city", "ysrc": "n"}
    columns = [{"name": "rank", "data": [2, 1]}, {"name": "note", "data": ["x", None]}]
    slides = {"filename": "slides", "content": {"slides": []}}
    return {
        "append_columns": ("*/col", "grid.columns_appended", {"fid": grid, "columns": columns}),
        "create_dashboard": (
            "*/dashboards",
            "dashboard.created",
            {"filename": "b/d", "content": {"version": 2}},
        ),
        "create_presentation": ("*/spectacle*", "spectacle_presentation.created", slides),
        "create_grid": ("*/grids", "grid.created", {"filename": "reports/two", "columns": {"a": [1, "x"]}}),
        "create_plot": ("*/plots", "plot.created", {"filename": "chart", "grid": grid, "data": [trace]}),
        "create_folder": ("*/folders", "folder.created", {"path": "reports/2026"}),
        "append_rows": ("*/row", "grid.rows_appended", {"fid": grid, "rows": [{"n": 5}, ["Jena", 7]]}),
    }


def test_every_probed_action_has_its_case() -> None:
    assert sorted(cases("ada:0")) == PROBED
    assert [name for name in PROBED if ACTIONS[name].probe is None] == []


@pytest.mark.parametrize("name", PROBED)
async def test_an_effect_whose_answer_was_lost_is_adopted(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, name: str
) -> None:
    path, effect, given = cases(grid)[name]
    lost = probing.probing(ada, ACTIONS[name], **given)
    await lost.lose(sandbox, "drop_after", path)
    adopted = await lost.look()
    assert adopted is not None
    assert effects(sandbox).count(effect) == 1 + (effect == "grid.created")
    sandbox.reset()
    await do(ada, "create_grid", filename="signups", rows=SIGNUPS)
    answered = await lost.call()
    shown = set(type(answered).model_fields)
    assert adopted.model_dump(include=shown) == answered.model_dump(include=shown)


@pytest.mark.parametrize("name", PROBED)
async def test_a_call_without_effect_is_made_again(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, name: str
) -> None:
    path, effect, given = cases(grid)[name]
    lost = probing.probing(ada, ACTIONS[name], **given)
    before = effects(sandbox).count(effect)
    await lost.lose(sandbox, "drop_before", path)
    assert await lost.look() is None
    await lost.call()
    assert effects(sandbox).count(effect) == before + 1
    assert await lost.look() is not None


@pytest.mark.parametrize("name", PROBED)
async def test_with_wrong_credentials_nothing_is_concluded(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, name: str
) -> None:
    path, _, given = cases(grid)[name]
    lost = probing.probing(ada, ACTIONS[name], **given)
    await lost.lose(sandbox, "drop_before", path)
    wrong = {"username": "ada", "api_key": "wrong-wrong"}
    async with support.client_of(connector, sandbox.urls["plotly"], wrong) as lost.client:
        with pytest.raises(errors.TemporaryError) as refused:
            await lost.look()
    assert refused.value.unauthorized


@pytest.mark.parametrize("name", ["create_grid", "create_plot", "create_dashboard", "create_presentation"])
async def test_a_file_that_was_there_before_is_nobodys_adoption(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, name: str
) -> None:
    path, _, given = cases(grid)[name]
    await do(ada, name, **given)
    second = probing.probing(ada, ACTIONS[name], **given)
    await second.lose(sandbox, "drop_before", path)
    assert await second.look() is None
    with pytest.raises(errors.PermanentError, match="already exists"):
        await second.call()


@pytest.mark.parametrize(
    "name,stranger",
    [
        ("create_grid", {"filename": "reports/two", "columns": {"a": [1, "y"]}}),
        ("create_plot", {"filename": "chart", "data": []}),
        ("create_dashboard", {"filename": "b/d", "content": {"version": 3}}),
        ("create_presentation", {"filename": "slides", "content": {}}),
    ],
)
async def test_a_strangers_file_at_the_path_is_unclear(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, name: str, stranger: dict[str, Any]
) -> None:
    path, _, given = cases(grid)[name]
    lost = probing.probing(ada, ACTIONS[name], **given)
    await lost.lose(sandbox, "drop_before", path)
    await do(ada, name, **stranger)
    with pytest.raises(errors.Unclear, match="other content"):
        await lost.look()


async def test_a_file_of_another_type_at_the_path_is_unclear(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    lost = probing.probing(ada, ACTIONS["create_grid"], filename="chart", columns={"a": []})
    await lost.lose(sandbox, "drop_before", "*/grids")
    await do(ada, "create_plot", filename="chart", data=[])
    with pytest.raises(errors.Unclear, match="a plot"):
        await lost.look()


async def test_a_new_file_in_the_trash_is_unclear(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    """A server whose lookup shows what lies in the trash."""
    vendor.answer({"fid": "ada:5", "filetype": "grid", "deleted": True})
    lost = probing.probing(plotly, ACTIONS["create_grid"], filename="two", columns={"a": []})
    lost.before = {"fid": None}
    with pytest.raises(errors.Unclear, match="ada:5 is there, which is in the trash"):
        await lost.look()


@pytest.mark.parametrize("stranger", [[["Kiel", 1]], [["Kiel", 1], ["Hof", 2]]])
async def test_a_strangers_rows_are_unclear(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, stranger: list[Any]
) -> None:
    lost = probing.probing(ada, ACTIONS["append_rows"], fid=grid, rows=[["Jena", 5], ["Gera", 6]])
    await lost.lose(sandbox, "drop_before", "*/row")
    await do(ada, "append_rows", fid=grid, rows=stranger)
    with pytest.raises(errors.Unclear, match="had 2 rows"):
        await lost.look()


async def test_a_strangers_rows_below_ours_are_unclear_and_not_doubled(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    lost = probing.probing(ada, ACTIONS["append_rows"], fid=grid, rows=[["Jena", 5]])
    await lost.lose(sandbox, "drop_after", "*/row")
    await do(ada, "append_rows", fid=grid, rows=[["Kiel", 1]])
    with pytest.raises(errors.Unclear, match="has 4 now"):
        await lost.look()


async def test_a_strangers_column_beside_ours_is_no_matter_and_one_of_our_name_is(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    given = cases(grid)["append_columns"][2]
    lost = probing.probing(ada, ACTIONS["append_columns"], **given)
    await lost.lose(sandbox, "drop_after", "*/col")
    await do(ada, "append_columns", fid=grid, columns={"other": [1]})
    assert [one.name for one in (await lost.look()).cols] == ["rank", "note"]
    again = probing.probing(ada, ACTIONS["append_columns"], fid=grid, columns={"third": [1], "fourth": [2]})
    await again.lose(sandbox, "drop_before", "*/col")
    await do(ada, "append_columns", fid=grid, columns={"third": [1]})
    with pytest.raises(errors.Unclear, match="'third'"):
        await again.look()


async def test_no_rows_are_done_without_a_question(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    nothing = probing.probing(ada, ACTIONS["append_rows"], fid=grid, rows=[])
    assert nothing.probe.lock is not None
    assert nothing.probe.lock(nothing.parameters) == ""
    asked = len(sandbox.ledger.read())
    await nothing.note()
    assert (await nothing.call()).appended == 0
    assert len(sandbox.ledger.read()) == asked
    assert (await nothing.look()).appended == 0


async def test_what_was_not_noted_is_not_guessed(ada: client.PlotlyClient, grid: str) -> None:
    lost = probing.probing(ada, ACTIONS["append_rows"], fid=grid, rows=[["Jena", 5]])
    with pytest.raises(errors.Unclear, match="not noted"):
        await lost.look()


async def test_columns_that_were_not_noted_are_not_guessed(ada: client.PlotlyClient, grid: str) -> None:
    lost = probing.probing(ada, ACTIONS["append_columns"], fid=grid, columns={"a": [1]})
    with pytest.raises(errors.Unclear, match="not noted"):
        await lost.look()


@pytest.mark.parametrize("name", PROBED)
def test_what_counts_is_done_one_at_a_time(name: str) -> None:
    probe = ACTIONS[name].probe
    given: Any = ACTIONS[name].parameters.model_validate(cases("ada:0")[name][2])
    assert probe is not None
    if name == "create_folder":
        assert probe.lock is None
    else:
        assert probe.lock is not None
        assert probe.lock(given) == f"grid {given.fid}" if "append" in name else f"file {given.filename}"
    assert not probe.relies_on_marker(given)
