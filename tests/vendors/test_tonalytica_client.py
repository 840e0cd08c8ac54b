"""``tonalytica-client``: TONalytica's own, which puts two slashes into every path."""

from typing import Any

import pytest

from daemon.sandbox.server import Sandbox
from daemon.sandbox.tonalytica_instance import CITIES, QUERIES
from tests.vendors.conftest import Drive

pytestmark = [pytest.mark.vendors, pytest.mark.timeout(600)]

EFFECTS = [
    "job.submitted",
    "query.created",
    "job.submitted",
    "visualization.created",
    "visualization.created",
    "dashboard.created",
    "widget.created",
    "widget.created",
    "dashboard.updated",
    "dashboard.shared",
    "alert.created",
    "query.created",
    "query.archived",
]
SQL = QUERIES[0][2]


@pytest.mark.parametrize("version", ["9.0.0", "10.1.0"])
async def test_its_users_find_what_they_expect(drive: Drive, sandbox: Sandbox, version: str) -> None:
    sandbox.tonalytica.version = version
    key = sandbox.tonalytica.api_key
    board = "growth" if version.startswith("9") else None
    told = await drive(
        "tonalytica-client",
        "drive_tonalytica",
        url=sandbox.urls["tonalytica"],
        api_key=key,
        sql=SQL,
        board=board,
    )
    made = sandbox.ledger.read("tonalytica")
    assert [entry.effect for entry in made if entry.effect] == EFFECTS
    assert {entry.path[:6] for entry in made[:-2]} == {"//api/"}
    assert all(entry.status == 200 for entry in made if entry.path.startswith("//"))
    assert told["refused"].endswith("(404)")
    query, dashboard = told["query"], told["dashboard"]
    saved = sandbox.tonalytica.queries[query["id"]]
    assert (saved["name"], saved["description"], saved["query"]) == ("cities", "by hand", SQL)
    assert told["rows"] == CITIES
    assert (told["refreshed"]["status"] in (1, 2, 3), told["refreshed"]["error"]) == (True, "")
    assert [one["type"] for one in query["visualizations"]] == ["TABLE", "CHART", "TABLE"]
    assert query["visualizations"][1:] == told["visualizations"]
    shown = [one.get("visualization", {}).get("id") for one in dashboard["widgets"]]
    assert shown == [told["visualizations"][0]["id"], None]
    assert dashboard["widgets"][1]["text"] == "read me"
    assert (dashboard["is_draft"], dashboard["public_url"]) == (False, told["public_url"])

    check_lists(told, sandbox)


def check_lists(told: Any, sandbox: Sandbox) -> None:
    """What was listed page by page, and by itself."""
    names = [*(name for _, name, _, _ in QUERIES), "cities", told["fork"]["name"]]
    assert sorted(told["names"]) == sorted(names)
    assert told["alerts"] == [told["alert"]]
    assert told["alert"]["options"] == {"column": "signups", "op": "less than", "value": 3}
    assert (told["scheduled"], told["boards"], told["users"]) == ([], ["Growth"], 1)
    assert (told["sources"], told["source"]) == (["warehouse", "archive"], "warehouse")
    assert sandbox.tonalytica.queries[told["fork"]["id"]]["is_archived"] is True
