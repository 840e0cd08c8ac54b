"""A dashboard copied whole, and once, wherever the copying is cut short."""

from collections import Counter

import pytest

from daemon.connectors.tonalytica.actions import cloning, dashboards
from daemon.contract import errors
from daemon.model.runs import Doubt
from daemon.sandbox import faults
from tests.connectors import stub
from tests.connectors.tonalytica import probing, replay

POSTS = 11  # of one whole copy: dashboard, 2 queries, 2 visualizations, 5 widgets, its tags


@pytest.fixture
async def source(sandbox, tonalytica):
    """A dashboard of two queries, with a text that stands on it twice."""

    async def make(path, **body):
        return await tonalytica.call("POST", path, json=body)

    board = await make("/dashboards", name="Sales board")
    chart = await make("/visualizations", name="Chart", type="CHART", query_id=17, options={"x": 1})
    pivot = await make("/visualizations", name="Pivot", type="PIVOT", query_id=18, options={})
    (table,) = [one for one in sandbox.tonalytica.queries[17]["visualizations"] if one["type"] == "TABLE"]
    for number, visualization in enumerate((chart, table, pivot)):
        place = {"position": {"col": number, "row": 0, "sizeX": 3, "sizeY": 8}}
        await make("/widgets", dashboard_id=board["id"], visualization_id=visualization["id"], options=place)
    for _ in range(2):
        await make("/widgets", dashboard_id=board["id"], visualization_id=None, text="# hello", options={})
    await make(f"/dashboards/{board['id']}", tags=["demo"])
    sandbox.ledger.clear()
    return board["id"]


def step_of(source, tonalytica, **given):
    return probing.step(cloning.clone_dashboard, tonalytica, dashboard_id=str(source), name="Copy", **given)


def shape(sandbox, number):
    """A dashboard without its numbers: what stands where, over which text and visualization."""
    board = sandbox.tonalytica.dashboards[number]
    stands = []
    for one in board["widgets"]:
        shown = one.get("visualization") or {}
        query = shown.get("query", {})
        text = (query.get("query"), query.get("data_source_id"), shown.get("type"), shown.get("options"))
        stands.append((one["text"], one["options"], *text))
    return stands, board["tags"]


def assert_whole(sandbox, source, made):
    assert shape(sandbox, made) == shape(sandbox, source)
    counted = Counter(effect for effect, _ in sandbox.ledger.effects("tonalytica"))
    assert counted == {
        "dashboard.created": 1,
        "query.created": 2,
        "visualization.created": 2,
        "widget.created": 5,
        "dashboard.updated": 1,
    }


@pytest.mark.parametrize("version", ["8.0.0", *replay.VERSIONS])
async def test_a_copy_has_queries_visualizations_and_widgets_of_its_own(sandbox, tonalytica, source, version):
    sandbox.tonalytica.version = version
    done = await step_of(source, tonalytica).send()
    assert_whole(sandbox, source, done.result.dashboard_id)
    assert [(one.query_id, one.name) for one in done.result.queries] == [
        (17, "Copy of (#17) signups by city"),
        (18, "Copy of (#18) orders by day"),
    ]
    copies = [one.copy_id for one in done.result.queries]
    assert done.made == [("dashboard", str(done.result.dashboard_id)), *[("query", str(id)) for id in copies]]
    board = sandbox.tonalytica.dashboards[done.result.dashboard_id]
    shown = [one["visualization"]["query"]["id"] for one in board["widgets"] if "visualization" in one]
    assert set(shown) == set(copies)
    assert (done.result.widgets, done.result.skipped) == (5, [])


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("cut", range(POSTS))
async def test_a_copy_cut_short_is_made_whole(sandbox, tonalytica, source, kind, cut):
    step = step_of(source, tonalytica)
    await step.lose(sandbox, kind, after=cut)
    found = await step.look()
    if found is None:
        assert (kind, cut) == ("drop_before", 0)
        found = await step.send()
    assert_whole(sandbox, source, found.result.dashboard_id)
    again = await step.look()
    assert again.result == found.result
    assert_whole(sandbox, source, found.result.dashboard_id)


@pytest.mark.parametrize("cut", range(1, POSTS))
async def test_a_refusal_in_the_middle_is_looked_at_and_not_begun_again(sandbox, tonalytica, source, cut):
    step = step_of(source, tonalytica)
    await step.note()
    sandbox.faults.add(faults.Fault("tonalytica", "status", method="POST", status=503, after=cut))
    with pytest.raises(errors.TemporaryError) as failed:
        await step.send()
    assert failed.value.in_doubt
    sandbox.faults.add(faults.Fault("tonalytica", "drop_after", method="POST"))
    with pytest.raises(errors.TemporaryError):
        await step.look()
    found = await step.look()
    assert_whole(sandbox, source, found.result.dashboard_id)


async def test_a_copy_without_a_name_is_named_after_its_original(sandbox, tonalytica, source):
    step = probing.step(cloning.clone_dashboard, tonalytica, dashboard_id="sales-board")
    await step.lose(sandbox, "drop_after")
    found = await step.look()
    assert found.result.name == "Copy of Sales board"
    assert_whole(sandbox, source, found.result.dashboard_id)
    assert step.probe.lock is not None
    assert step.probe.lock(step.parameters) == "dashboard:copy of sales-board"


async def test_nothing_made_is_no_doubt(sandbox, tonalytica, source):
    step = step_of(source, tonalytica)
    await step.note()
    sandbox.faults.add(faults.Fault("tonalytica", "status", method="POST", status=503))
    with pytest.raises(errors.TemporaryError) as failed:
        await step.send()
    assert not failed.value.in_doubt
    assert await step.look() is None


async def test_a_strangers_dashboard_and_queries_are_not_taken(sandbox, tonalytica, source):
    step = step_of(source, tonalytica)
    other = step_of(source, tonalytica, marker="0123456789ab")
    await step.note()
    done = await other.send()
    await step.send()
    with pytest.raises(errors.Unclear, match="several dashboards"):
        await step.look()
    sandbox.tonalytica.dashboards[done.result.dashboard_id]["user_id"] = 2
    found = await step.look()
    assert found.result.dashboard_id != done.result.dashboard_id
    assert shape(sandbox, found.result.dashboard_id) == shape(sandbox, source)


async def test_queries_without_their_dashboard_are_for_a_person(sandbox, tonalytica, source):
    step = step_of(source, tonalytica)
    await step.note()
    done = await step.send()
    sandbox.tonalytica.dashboards[done.result.dashboard_id]["name"] = "renamed"
    with pytest.raises(errors.Unclear, match="no new dashboard 'Copy'"):
        await step.look()


async def test_without_a_mark_none_is_written(sandbox, tonalytica, source):
    step = step_of(source, tonalytica, marker="")
    done = await step.send()
    copies = [sandbox.tonalytica.queries[one.copy_id] for one in done.result.queries]
    assert [one["description"] for one in copies] == [None, None]
    assert cloning.clone_dashboard.doubt_for(step.parameters, marked=False) is Doubt.UNSAFE


async def test_a_query_without_its_source_is_refused_before_anything_is_made(sandbox, tonalytica, source):
    sandbox.tonalytica.queries[18]["data_source_id"] = None
    with pytest.raises(errors.PermanentError, match="query 18 has no data source"):
        await step_of(source, tonalytica).send()
    assert sandbox.ledger.effects("tonalytica") == []


async def test_what_our_user_may_not_see_is_skipped_and_told():
    widgets = [
        {"id": 1, "restricted": True, "options": {}},
        {"id": 2, "text": "hi", "options": {}, "width": 1},
    ]
    async with stub.serving() as server, replay.speaking(server.url) as account:
        server.answer({"id": 7, "name": "Sales", "widgets": widgets, "tags": []})
        server.answer({"id": 8, "name": "Copy", "slug": "copy", "widgets": None, "tags": []})
        server.answer({"id": 9})
        given = cloning.CloneDashboard(dashboard_id="7", name="Copy")
        done = await cloning.clone_dashboard.call(account, given, stub.call_of())
    assert (done.result.skipped, done.result.widgets, done.result.queries) == ([1], 1, [])
    assert [one.method for one in server.asked] == ["GET", "POST", "POST"]


def test_copies_of_one_name_are_made_one_at_a_time_with_dashboards_of_that_name():
    probe, twin = cloning.clone_dashboard.probe, dashboards.create_dashboard.probe
    assert probe is not None
    assert probe.lock is not None
    assert twin is not None
    assert twin.lock is not None
    copy = cloning.CloneDashboard(dashboard_id="7", name="Copy")
    assert probe.lock(copy) == twin.lock(dashboards.CreateDashboard(name="Copy"))
