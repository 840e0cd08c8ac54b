"""``popily-api`` 0.0.8: the release whose calls the API text describes."""

from pathlib import Path
from typing import Any

import pytest

from daemon.sandbox.server import Sandbox
from tests.vendors.conftest import Drive

pytestmark = [pytest.mark.vendors, pytest.mark.timeout(600)]


async def test_its_users_find_what_they_expect(drive: Drive, sandbox: Sandbox, tmp_path: Path) -> None:
    place = tmp_path / "visits.csv"
    place.write_text("city,n\nOslo,3\n")
    told = await drive(
        "popily-api",
        "drive_popily",
        url=sandbox.urls["popily"].removesuffix("/api"),
        token=sandbox.popily.token,
        file=str(place),
    )
    entries = sandbox.ledger.read("popily")
    assert [entry.effect for entry in entries if entry.effect] == ["source.added"] * 3 + [
        "insight.customized"
    ] * 2
    assert [entry.status for entry in entries if entry.status not in (200, 201)] == [400, 404, 401]
    assert list(told["unread"]) == ["columns"]
    by_url, by_file, by_query = told["added"]
    assert (by_url["url"], by_url["status"]) == ("https://data.example/sales.csv", "inspecting")
    assert [one["column_header"] for one in by_url["columns"]] == ["city", "n"]
    assert (by_file["title"], by_file["description"]) == ("visits", "by hand")
    assert (by_query["type"], by_query["query"]) == ("sql", "select 1")
    assert (told["finished"]["id"], told["finished"]["status"]) == (by_url["id"], "finished")
    assert told["sources"]["count"] == len(sandbox.popily.sources) == 3
    assert [one["id"] for one in told["sources"]["results"]] == [one["id"] for one in told["added"]]

    check_insights(told, sandbox)


def check_insights(told: Any, sandbox: Sandbox) -> None:
    """What was read, filtered and customised."""
    asked = [entry.query for entry in sandbox.ledger.read("popily") if "filters" in entry.query]
    assert [query["filters"] for query in asked] == ["city!eq!Oslo,Lima__n!eq!3"]
    assert told["insights"]["count"] == len(told["insights"]["results"]) > 0
    first = told["insights"]["results"][0]
    assert told["insight"]["id"] == first["id"]
    assert len(first["x_values"]) == len(first["y_values"]) > 0
    assert told["filtered"]["count"] > 0
    assert (told["customized"]["title"], told["again"]["title"]) == ("By city", "By city")
    assert told["narrowed"]["title"] == "Two cities"
    assert "detail" in told["missing"]
    assert "detail" in told["refused"]
