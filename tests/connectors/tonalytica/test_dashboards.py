"""Dashboards by number and by slug, on servers of every generation."""

import pytest

from daemon.connectors.tonalytica import connector
from daemon.connectors.tonalytica.actions import dashboards
from daemon.contract import errors
from daemon.sandbox import faults
from tests.connectors import stub
from tests.connectors.tonalytica import probing, replay

CALL = stub.call_of()


@pytest.fixture(params=["8.0.0", *replay.VERSIONS])
def server(request, sandbox):
    sandbox.tonalytica.version = request.param
    return sandbox


async def act(action, client, **given):
    return (await action.call(client, action.parameters.model_validate(given), CALL)).result


async def test_a_dashboard_is_made_read_edited_and_archived(server, tonalytica):
    made = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    other = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    for name in (made.id, str(made.id), made.slug):
        read = await act(dashboards.get_dashboard, tonalytica, dashboard_id=name)
        assert (read.name, read.widgets) == ("Sales board", [])
    assert (await act(dashboards.get_dashboard, tonalytica, dashboard_id=other.id)).id == other.id
    edited = await act(
        dashboards.update_dashboard, tonalytica, dashboard_id=made.id, tags=["demo"], version=made.version
    )
    assert (edited.tags, edited.version) == (["demo"], made.version + 1)
    listed = await act(dashboards.list_dashboards, tonalytica, q="board")
    assert [one.id for one in listed.results] == [other.id, made.id]
    await act(dashboards.archive_dashboard, tonalytica, dashboard_id=made.id)
    assert server.tonalytica.dashboards[made.id]["is_archived"] is True
    assert [one.id for one in (await act(dashboards.list_dashboards, tonalytica)).results] == [other.id]


@pytest.mark.parametrize("by", ["id", "slug"])
async def test_archiving_twice_is_archiving_once(server, tonalytica, by):
    made = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    for _ in range(2):
        archived = await act(dashboards.archive_dashboard, tonalytica, dashboard_id=str(getattr(made, by)))
        assert (archived.id, archived.is_archived) == (made.id, True)


@pytest.mark.parametrize("name", ["no-such-board", "999999"])
@pytest.mark.parametrize("action", ["get_dashboard", "update_dashboard", "archive_dashboard"])
async def test_a_dashboard_that_is_not_there_is_missing(server, tonalytica, action, name):
    with pytest.raises(errors.PermanentError) as refused:
        await act(getattr(dashboards, action), tonalytica, dashboard_id=name)
    assert refused.value.missing
    assert server.ledger.effects("tonalytica") == []


async def test_an_edit_by_slug_goes_to_the_number(server, tonalytica):
    made = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    await act(dashboards.update_dashboard, tonalytica, dashboard_id=made.slug, name="Sales", is_draft=False)
    kept = server.tonalytica.dashboards[made.id]
    assert (kept["name"], kept["is_draft"]) == ("Sales", False)


async def test_a_slug_that_looks_like_another_ones_number_does_not_mislead(sandbox, tonalytica):
    sandbox.tonalytica.version = "9.0.0-beta"
    first = await act(dashboards.create_dashboard, tonalytica, name="first")
    second = await act(dashboards.create_dashboard, tonalytica, name=str(first.id))
    assert second.slug == str(first.id)
    assert (await act(dashboards.get_dashboard, tonalytica, dashboard_id=first.id)).name == "first"


@pytest.mark.parametrize("name", ["../queries", "a/b", "a b", "", "."])
def test_what_is_neither_number_nor_slug_is_refused(name):
    with pytest.raises(ValueError, match="dashboard_id"):
        dashboards.GetDashboard.model_validate({"dashboard_id": name})


@pytest.mark.parametrize(
    "version, case, name",
    [
        ("9.0.0-beta", "dashboards/get-by-slug-legacy-true", "sales-board"),
        ("10.1.0", "dashboards/get-by-slug-legacy-true", "sales-board"),
        ("26.08.0-dev", "dashboards/get-by-slug-legacy-true", "sales-board"),
        ("10.1.0", "dashboards/get-by-id", "1"),
        ("26.08.0-dev", "dashboards/get-by-id", "1"),
    ],
)
async def test_real_servers_give_a_dashboard(version, case, name):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay(case)
        found = await act(dashboards.get_dashboard, account, dashboard_id=name)
    assert (found.id, found.name) == (1, "Sales board")


async def test_a_real_server_of_version_9_gives_a_dashboard_by_number():
    async with replay.replaying("9.0.0-beta") as server, replay.speaking(server.base_url) as account:
        server.lay("dashboards/get-by-id", "dashboards/list-search", "dashboards/get-by-slug")
        found = await act(dashboards.get_dashboard, account, dashboard_id="1")
    assert (found.id, found.slug) == (1, "sales-board")


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_real_servers_refuse_a_stale_version(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("version/dashboard-edit-repeated-old-version")
        with pytest.raises(errors.PermanentError) as refused:
            await act(
                dashboards.update_dashboard,
                account,
                dashboard_id=7,
                name="Versioned board b",
                version=1,
            )
    assert refused.value.status == 409


async def test_a_dashboard_whose_answer_was_lost_is_adopted(server, tonalytica):
    await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    step = probing.step(dashboards.create_dashboard, tonalytica, name="Sales board")
    await step.lose(server, "drop_after")
    found = await step.look()
    assert found.made == [("dashboard", "2")]
    assert found.result.id == 2
    assert probing.count(server, "dashboard.created") == 2


async def test_a_dashboard_that_was_never_made_is_made(server, tonalytica):
    await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    step = probing.step(dashboards.create_dashboard, tonalytica, name="Sales board")
    await step.lose(server, "drop_before")
    sandbox_board(server, "Sales board II", user_id=1)
    sandbox_board(server, "Sales board", user_id=2)
    assert await step.look() is None
    await step.send()
    assert probing.count(server, "dashboard.created") == 2


async def test_several_new_dashboards_of_the_name_are_for_a_person(sandbox, tonalytica):
    step = probing.step(dashboards.create_dashboard, tonalytica, name="a\\b 100%")
    await step.lose(sandbox, "drop_after")
    sandbox_board(sandbox, "a\\b 100%", user_id=1)
    with pytest.raises(errors.Unclear, match="several dashboards"):
        await step.look()


def sandbox_board(sandbox, name, user_id):
    """Somebody else's dashboard."""
    number = sandbox.tonalytica.next("dashboard")
    kept = {
        "id": number,
        "slug": f"board-{number}",
        "name": name,
        "user_id": user_id,
        "version": 1,
        "keys": [],
    }
    sandbox.tonalytica.dashboards[number] = {**kept, "is_archived": False, "widgets": []}


def test_dashboards_of_one_name_are_made_one_at_a_time():
    probe = dashboards.create_dashboard.probe
    assert probe is not None
    assert probe.lock is not None
    first, second, third = [probe.lock(dashboards.CreateDashboard(name=name)) for name in ("a", "b", "a")]
    assert first == third != second


async def test_an_edit_whose_answer_was_lost_is_not_made_again(server, tonalytica):
    made = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    step = probing.step(
        dashboards.update_dashboard, tonalytica, dashboard_id=made.id, tags=["a"], version=made.version
    )
    await step.lose(server, "drop_after")
    found = await step.look()
    assert (found.result.tags, found.result.version) == (["a"], made.version + 1)
    assert probing.count(server, "dashboard.updated") == 1


async def test_an_edit_that_was_not_made_is_made_unless_somebody_edited_meanwhile(sandbox, tonalytica):
    made = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    step = probing.step(
        dashboards.update_dashboard, tonalytica, dashboard_id=made.id, tags=["a"], version=made.version
    )
    await step.lose(sandbox, "drop_before")
    assert await step.look() is None
    await act(dashboards.update_dashboard, tonalytica, dashboard_id=made.id, name="theirs")
    with pytest.raises(errors.Unclear, match="version 2 now, not 1"):
        await step.look()


async def test_a_server_that_stumbles_over_an_edit_is_not_a_missing_dashboard(sandbox, tonalytica):
    made = await act(dashboards.create_dashboard, tonalytica, name="Sales board")
    sandbox.faults.add(faults.Fault("tonalytica", "status", method="POST", status=500))
    with pytest.raises(errors.TemporaryError):
        await act(dashboards.update_dashboard, tonalytica, dashboard_id=made.id, name="x")


def test_a_shared_link_and_its_key_are_secret():
    assert {"api_key", "public_url"} <= connector.secret_names
