"""The whole connector against the simulated Plotly."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from daemon.connectors import plotly
from daemon.connectors.plotly import client, connector
from daemon.connectors.plotly.actions import files, grids, growth, plots
from daemon.contract import errors, http, requests
from daemon.sandbox.server import Sandbox
from tests import clocks
from tests.connectors import stub

REQUEST = connector.actions["plotly.request"]

CALL = stub.call_of()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    served = Sandbox(clocks.VirtualClock())
    await served.start()
    yield served
    await served.stop()


@pytest.fixture
async def ada(sandbox: Sandbox) -> AsyncIterator[client.PlotlyClient]:
    settings = client.Settings.model_validate(
        {"base_url": sandbox.urls["plotly"], **sandbox.credentials["plotly"]}
    )
    way = http.Http(settings.base_url)
    yield plotly.connector.client(settings, way)
    await way.close()


async def make_grid(ada: client.PlotlyClient, filename: str = "jobs/2026/signups") -> str:
    rows: list[dict[str, Any]] = [{"city": "Bonn", "n": 3}, {"city": "Ulm"}]
    done = await grids.create_grid.call(ada, grids.CreateGrid(filename=filename, rows=rows), CALL)
    return str(done.result.fid)


async def test_a_grid_grows_and_is_plotted(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    fid = await make_grid(ada)
    await growth.append_rows.call(ada, growth.AppendRows(fid=fid, rows=[{"n": 5, "city": "Jena"}]), CALL)
    read = await grids.get_grid.call(ada, grids.GetGrid(fid=fid), CALL)
    assert read.result.rows == [
        {"city": "Bonn", "n": 3},
        {"city": "Ulm", "n": None},
        {"city": "Jena", "n": 5},
    ]
    trace = {"type": "bar", "xsrc": "city", "ysrc": "n"}
    chart = plots.CreatePlot(filename="jobs/2026/chart", grid=fid, data=[trace])
    made = await plots.create_plot.call(ada, chart, CALL)
    kept = sandbox.plotly.files[made.result.fid]
    assert kept["references"] == [fid]
    assert kept["world_readable"] is False
    found = await files.lookup_file.call(ada, files.LookupFile(path="jobs/2026/chart"), CALL)
    assert (found.result.fid, found.result.filetype) == (made.result.fid, "plot")


async def test_a_second_file_of_that_name_is_refused(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    await make_grid(ada)
    with pytest.raises(errors.PermanentError, match="already exists"):
        await make_grid(ada)
    grids_kept = [file for file in sandbox.plotly.files.values() if file["filetype"] == "grid"]
    assert len(grids_kept) == 1


async def test_a_folder_that_is_there_takes_another_file(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    first = await make_grid(ada, "jobs/one")
    second = await make_grid(ada, "jobs/two")
    kept = sandbox.plotly.files
    assert kept[first]["parent"] == kept[second]["parent"]


async def test_what_is_not_there_is_missing(ada: client.PlotlyClient) -> None:
    for asked in (
        files.lookup_file.call(ada, files.LookupFile(path="nowhere"), CALL),
        grids.get_grid.call(ada, grids.GetGrid(fid="ada:99"), CALL),
    ):
        with pytest.raises(errors.PermanentError) as caught:
            await asked
        assert caught.value.missing


async def test_good_credentials_answer_a_ping(ada: client.PlotlyClient) -> None:
    pong = await client.ping(ada)
    assert (pong.authorized, pong.detail) == (True, "ada")


async def test_a_wrong_key_is_unauthorized_everywhere(sandbox: Sandbox) -> None:
    settings = client.Settings.model_validate(
        {"base_url": sandbox.urls["plotly"], "username": "ada", "api_key": "another"}
    )
    way = http.Http(settings.base_url)
    stranger = client.make_client(settings, way)
    assert not (await client.ping(stranger)).authorized
    with pytest.raises(errors.TemporaryError) as caught:
        await files.lookup_file.call(stranger, files.LookupFile(path="x"), CALL)
    assert caught.value.unauthorized
    await way.close()


async def test_the_throttle_and_the_quota_are_understood(ada: client.PlotlyClient) -> None:
    body: dict[str, Any] = {"figure": {"data": [], "layout": {}}}
    image = requests.Request.model_validate({"path": "/images", "method": "POST", "json": body})
    first = await REQUEST.call(ada, image, CALL)
    assert first.result.status == 200
    with pytest.raises(errors.TemporaryError, match="throttled") as caught:
        await REQUEST.call(ada, image, CALL)
    assert caught.value.retry_after == 1_000_000
