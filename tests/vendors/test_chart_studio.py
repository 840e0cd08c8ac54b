"""``chart-studio``: Plotly's own client of the same API."""

from typing import Any

import pytest

from daemon.sandbox.server import Sandbox
from tests.vendors.conftest import Drive

pytestmark = [pytest.mark.vendors, pytest.mark.timeout(600)]


async def test_its_users_find_what_they_expect(drive: Drive, sandbox: Sandbox) -> None:
    url = sandbox.urls["plotly"].removesuffix("/v2")
    told = await drive("chart-studio", "drive_plotly", url=url, **sandbox.credentials["plotly"])
    files = {file["filename"]: file for file in sandbox.plotly.files.values()}
    made = [entry.effect for entry in sandbox.ledger.read("plotly") if entry.effect]
    assert {"reports", "2026", "readings", "charts", "first", "first_grid", "growth", "away"} <= set(files)
    assert "short-lived" not in files
    assert made.count("grid.created") == 5  # two of them in the place of others
    assert made.count("grid.deleted") == 2
    assert (made.count("plot.created"), made.count("plot.updated")) == (1, 1)
    assert (made.count("dashboard.created"), made.count("dashboard.updated")) == (1, 1)
    assert made.count("image.rendered") == 1
    assert files["readings"]["parent"] == int(files["2026"]["fid"].partition(":")[2])
    check_reading(told)
    check_refusals(told, sandbox)


def check_reading(told: Any) -> None:
    """What the client read of what it had made."""
    grids, plots, boards = told["grids"], told["plots"], told["boards"]
    assert {name: column["data"] for name, column in grids["kept"].items()} == {
        "time": [1, 2, 3, 4, 5],
        "note": ["a", "b", "c", "d", "e"],
        "volts": [7, 8, 9, 10, 11],
    }
    assert grids["ids"] == [f"ada:2:{column['uid']}" for column in grids["kept"].values()]
    assert grids["read"] == [["one", [1]]]
    assert grids["found"]["filename"] == "readings"
    assert plots["addresses"][0] == plots["addresses"][1]
    assert (plots["data"]["x"], plots["data"]["y"]) == ([1, 2, 3], [4, 5, 6])
    assert boards["addresses"][0] == boards["addresses"][1]
    assert boards["names"] == ["growth"]


def check_refusals(told: Any, sandbox: Sandbox) -> None:
    """What the client made of what it was refused."""
    files = told["files"]
    assert (files["trashed"], files["restored"]) == (True, False)
    assert files["user"] == sandbox.plotly.username
    assert files["clash"][0] == 409
    assert files["gone"][0] == 404
    assert files["refused"] == [None, "Sign in failed."]
    assert {"schema", "sha1"} <= set(files["schema"])
    assert told["plots"]["picture"] > 60  # bytes: a whole PNG
    statuses = [entry.status for entry in sandbox.ledger.read("plotly")]
    assert statuses[-1] == 401
    assert set(statuses) <= {200, 201, 204, 400, 401, 404, 409}
