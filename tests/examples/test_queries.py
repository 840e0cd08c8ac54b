"""The examples about the queries of TONalytica, run."""

import json
from pathlib import Path

import pytest

from daemon.model import times
from daemon.sandbox.server import Sandbox
from tests.examples import people, stage

BERLIN_MONDAY = "2026-06-01T03:59:58Z"  # just before six
BEFORE = [{"city": "Bonn", "signups": 3}, {"city": "Ulm", "signups": 5}]
AFTER = [{"city": "Bonn", "signups": 4}, {"city": "Ulm", "signups": 5}, {"city": "Kiel", "signups": 1}]


def with_rows(sandbox: Sandbox) -> None:
    people.execute(sandbox, *BEFORE)


async def test_a_chart_is_made_once_and_follows_the_query(tmp_path: Path) -> None:
    async with stage.playing("03", tmp_path, with_rows) as play:
        play.begin()
        await play.poll("signups")
        await play.runs("draw-signups", "succeeded")
        files = play.sandbox.plotly.files.values()
        (grid,) = (file for file in files if file["filetype"] == "grid")
        (plot,) = (file for file in files if file["filetype"] == "plot")
        assert people.cells(play.sandbox, grid["fid"]) == {"city": ["Bonn", "Ulm"], "signups": [3, 5]}
        assert grid["fid"] in plot["figure"]["data"][0]["ysrc"]
        people.execute(play.sandbox, *AFTER)
        await play.poll("signups")
        await play.runs("draw-signups", "succeeded", "succeeded")
        cells = people.cells(play.sandbox, grid["fid"])
        assert cells == {"city": ["Bonn", "Ulm", "Kiel"], "signups": [4, 5, 1]}
        assert play.effects("plotly").count("plot.created") == 1
        assert play.effects("plotly").count("grid.created") == 1


async def test_every_query_is_a_file_on_monday_morning(tmp_path: Path) -> None:
    async with stage.playing("05", tmp_path, at=BERLIN_MONDAY) as play:
        play.begin()
        await play.runs("export-queries", "succeeded")
        written = play.find_files()
        queries = play.sandbox.tonalytica.queries.values()
        texts = {text.decode() for name, text in written.items() if name.endswith(".sql")}
        assert texts == {query["query"] for query in queries}
        assert len(json.loads(written["queries/queries.json"])["queries"]) == len(queries)
        assert written["queries/EXPORTED.txt"] == f"{len(queries)} queries, 2026-06-01T04:00:00Z\n".encode()


async def test_a_source_is_made_anew_when_the_rows_change(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        sandbox.popily.durations.update(inspecting=times.SECOND, calculating=times.SECOND)
        with_rows(sandbox)

    async with stage.playing("06", tmp_path, arrange) as play:
        play.begin()
        await play.poll("signups")
        assert play.effects("popily") == []
        people.execute(play.sandbox, *AFTER)
        await play.poll("signups")
        await play.runs("refresh-source", "succeeded")
        assert play.effects("popily") == ["source.added", "insight.customized"]
        (source,) = play.sandbox.popily.sources.values()
        ((method, path, told, _),) = play.asked()
        assert (method, path) == ("PUT", "/pages/signups")
        assert told == {"source": source["id"], "path": source["explore_path"]}
        (customized,) = play.sandbox.popily.customizations.values()
        assert customized["title"] == "Signups by city"


async def test_a_failed_query_and_a_dead_run_are_told_to_a_person(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        sandbox.tonalytica.plans[people.QUERY_ID] = {"error": "column city is gone"}

    async with stage.playing("09", tmp_path, arrange, at="2026-06-02T01:59:58Z") as play:
        play.begin()
        await play.runs("nightly-report", "succeeded")
        await play.runs("tell-a-person", "succeeded")
        ((method, path, told, _),) = play.asked()
        assert (method, path, told["type"]) == ("POST", "/team", "failure")
        assert "tonalytica.job.failed" in told["title"]
        assert "column city is gone" in told["message"]
        del play.sandbox.tonalytica.queries[people.QUERY_ID]
        await play.tell("schedule.fired", "nightly", {"scheduled_for": "2026-06-03T02:00:00Z"})
        await play.runs("tell-a-person", "succeeded", "succeeded")
        assert "pointsman.run.dead nightly-report" in play.asked()[1][2]["message"]


async def test_its_own_trouble_is_not_told_in_a_circle(tmp_path: Path) -> None:
    async with stage.playing("09", tmp_path) as play:
        play.stranger.answers.clear()
        play.stranger.answer({"error": "no such room"}, 404)
        play.begin()
        await play.tell("tonalytica.job.failed", "j1", {"error": "broken", "job": {"id": "j1"}})
        await play.runs("tell-a-person", "dead")
        await play.events("pointsman.run.dead")
        await play.tell("order.came")  # routed after it
        await play.routed()
        await play.runs("tell-a-person", "dead")
        assert len(play.asked()) == 1


@pytest.mark.parametrize("who, rows", [("ada@example.com", 1), ("nobody@example.com", 0)])
async def test_where_a_person_stands_is_written_to_a_list(tmp_path: Path, who: str, rows: int) -> None:
    def arrange(sandbox: Sandbox) -> None:
        people.execute(sandbox, {"mail": "ada@example.com"}, {"mail": "bob@example.com"})

    async with stage.playing("14", tmp_path, arrange) as play:
        play.begin()
        await play.tell("privacy.asked", who)
        await play.runs("search-for-a-person", "succeeded")
        ((path, text),) = play.find_files().items()
        assert path == f"privacy/{who.replace('@', '-').replace('.', '-')}.csv"
        lines = text.decode().splitlines()
        assert lines[0] == "query_id,name,url,rows"
        assert [line.split(",")[0] for line in lines[1:]] == [str(people.QUERY_ID)] * rows
