"""``redash-toolbelt``: Redash's own client and its example scripts, from which TONalytica's were made."""

from pathlib import Path
from typing import Any

import pytest

from daemon.sandbox.server import Sandbox
from daemon.sandbox.tonalytica_instance import CITIES
from tests.vendors.conftest import Drive

pytestmark = [pytest.mark.vendors, pytest.mark.timeout(600)]

MADE = {
    "query.created": 3,  # by hand, for the copied dashboard, a fork
    "visualization.created": 1,
    "dashboard.created": 3,
    "widget.created": 6,
    "job.submitted": 1,
    "alert.created": 1,
}


@pytest.mark.parametrize("version", ["9.0.0", "10.1.0"])
async def test_its_users_find_what_they_expect(
    drive: Drive, sandbox: Sandbox, tmp_path: Path, version: str
) -> None:
    server = sandbox.tonalytica
    server.version = version
    url, by_slug = sandbox.urls["tonalytica"], version.startswith("9")
    told = await drive(
        "redash-toolbelt",
        "drive_redash",
        url=url,
        api_key=server.api_key,
        folder=str(tmp_path),
        by_slug=by_slug,
    )
    effects = [entry.effect for entry in sandbox.ledger.read("tonalytica") if entry.effect]
    assert {effect: effects.count(effect) for effect in MADE} == MADE
    assert (told["good"], told["bad"]) == (True, False)
    assert told["rows"] == CITIES
    query, board = told["built"]["query"]["id"], told["built"]["board"]["id"]
    assert told["found"] == ([f"{url}/queries/{query}", f"{url}/dashboards/growth"] if by_slug else [])
    clone, copy = server.dashboards[told["clone"]["id"]], server.dashboards[told["copy"]["id"]]
    assert (clone["name"], copy["name"]) == ("Copy of: Growth", "Second")
    assert clone["tags"] == copy["tags"] == ["weekly"]
    charts = [one["visualization"]["id"] for one in copy["widgets"] if "visualization" in one]
    assert charts == [
        one["visualization"]["id"] for one in server.dashboards[board]["widgets"] if "visualization" in one
    ]
    (cloned,) = [one["visualization"] for one in clone["widgets"] if "visualization" in one]
    assert (cloned["options"], cloned["id"] in charts) == ({"x": 1}, False)
    assert server.queries[query]["name"] == told["updated"] == "towns"
    assert told["fork"]["name"] == "third"

    check_lists(told, sandbox)


def check_lists(told: Any, sandbox: Sandbox) -> None:
    """What was exported, and listed page by page."""
    kept = sandbox.tonalytica.queries
    assert set(told["files"]) == {f"query_{number}.sql" for number in kept}
    assert "Created By: Ada Lovelace" in told["files"]["query_17.sql"]
    assert told["files"]["query_17.sql"].endswith(f"*/\n{kept[17]['query']}")
    assert sorted(told["boards"]) == ["Copy of: Growth", "Growth", "Second"]
    assert (told["users"], told["sources"], told["scheduled"]) == (1, ["warehouse", "archive"], [])
    assert told["alert"]["name"] == "few"
