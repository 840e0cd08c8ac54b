"""The client's scripts as actions: searching, tables, exporting."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from daemon.connectors.tonalytica.actions import exporting, searching, tables
from daemon.contract import errors, own_paths
from daemon.model import times
from daemon.sandbox import faults
from tests.connectors import stub
from tests.connectors.tonalytica import replay

CALL = stub.call_of()


async def act(action, client, **given_parameters):
    """Call *action* as a step whose parameters all stand in the config."""
    with own_paths.said(own_paths.of([str(one) for one in given_parameters.values()])):
        return (await action.call(client, action.parameters.model_validate(given_parameters), CALL)).result


@pytest.fixture
async def executed(sandbox, tonalytica, virtual_clock):
    """Queries 17 and 18 have results."""
    for query_id in (17, 18):
        await tonalytica.execute(query_id, {"max_age": 0})
    await virtual_clock.advance(60 * times.SECOND)


def add_query(sandbox, **fields):
    return sandbox.tonalytica.keep_query({"name": "q", "query": "select 1", "data_source_id": 1, **fields})[
        "id"
    ]


async def test_a_term_is_found_in_queries_and_in_results(sandbox, tonalytica, executed):
    by_text = add_query(sandbox, name="Zürich only", description="ZÜRICH", query="select 'zürich'")
    hits = await act(searching.search_results, tonalytica, term="ZÜRICH")
    found = {one.query_id: one for one in hits.found}
    assert set(found) == {17, by_text}
    assert (found[17].found_in, found[17].rows, found[17].query_result_id) == (["result"], 1, 1)
    assert found[by_text].found_in == ["name", "description", "query"]
    assert found[17].url == f"{sandbox.urls['tonalytica']}/queries/17"
    assert (hits.queries, hits.results, hits.unreadable) == (4, 2, [])


async def test_capitals_results_and_archived_queries_count_as_told(sandbox, tonalytica, executed):
    sandbox.tonalytica.queries[18]["is_archived"] = True
    exact = await act(searching.search_results, tonalytica, term="zürich", case_sensitive=True)
    assert exact.found == []
    texts = await act(searching.search_results, tonalytica, term="signups", results=False)
    assert ([one.query_id for one in texts.found], texts.results) == ([17], 0)
    everywhere = await act(searching.search_results, tonalytica, term="2026-01-01", archived=True)
    assert [one.query_id for one in everywhere.found] == [18]


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_dashboards_are_searched_if_wanted(sandbox, tonalytica, version):
    sandbox.tonalytica.version = version
    names = ("Ada's board", "same", "same", "東京")
    boards = [await tonalytica.call("POST", "/dashboards", json={"name": name}) for name in names]
    for board, text in ((boards[2], "write to ADA"), (boards[3], "nobody")):
        body = {"dashboard_id": board["id"], "visualization_id": None, "text": text, "options": {}}
        await tonalytica.call("POST", "/widgets", json=body)
    hits = await act(searching.search_results, tonalytica, term="ada", dashboards=True)
    found = {one.dashboard_id: one.found_in for one in hits.dashboards}
    assert found == {boards[0]["id"]: ["name"], boards[2]["id"]: ["text"]}
    page = (
        "/dashboard/ada-s-board" if version.startswith("9") else f"/dashboards/{boards[0]['id']}-ada-s-board"
    )
    assert {one.url for one in hits.dashboards} >= {sandbox.urls["tonalytica"] + page}
    assert (await act(searching.search_results, tonalytica, term="ada")).dashboards == []


async def test_every_page_of_a_long_list_is_searched(sandbox, tonalytica):
    for number in range(600):
        add_query(sandbox, name=f"q {number}", query=f"select {number} from ada")
    hits = await act(searching.search_results, tonalytica, term="from ada")
    assert (len(hits.found), hits.queries) == (600, 603)


async def test_a_result_that_always_fails_is_told_and_the_search_goes_on(sandbox, tonalytica, executed):
    path = "*/results/1.json"
    sandbox.faults.add(faults.Fault("tonalytica", "status", path=path, status=500, times=None))
    hits = await act(searching.search_results, tonalytica, term="2026-01-01")
    assert [one.query_id for one in hits.found] == [18]
    assert [one.query_id for one in hits.unreadable] == [17]


async def test_one_stumble_is_no_failure_and_an_outage_ends_the_search(sandbox, tonalytica, executed):
    sandbox.faults.add(faults.Fault("tonalytica", "status", path="*/results/1.json", status=500))
    hits = await act(searching.search_results, tonalytica, term="Oslo")
    assert ([one.query_id for one in hits.found], hits.unreadable) == ([17], [])
    sandbox.faults.add(faults.Fault("tonalytica", "status", path="*/results/1.json", status=503))
    with pytest.raises(errors.TemporaryError):
        await act(searching.search_results, tonalytica, term="Oslo")


async def test_a_result_that_cannot_be_read_is_told():
    async with stub.serving() as server, replay.speaking(server.url) as account:
        server.answer({"count": 1, "results": [{"id": 5, "name": "n", "latest_query_data_id": 9}]})
        server.answer(b'{"query_result": {"data": {"rows": [{"a": NaN}]}}}')
        hits = await act(searching.search_results, account, term="x")
    assert [(one.query_id, "NaN" in one.error) for one in hits.unreadable] == [(5, True)]


async def test_tables_are_listed_with_the_queries_that_read_them(sandbox, tonalytica):
    other = add_query(sandbox, query="select * from orders join Customers using (id)")
    add_query(sandbox, query="select * from elsewhere", data_source_id=2)
    found = await act(tables.find_tables, tonalytica, data_source_id=1)
    assert {one.name: one.query_ids for one in found.tables} == {
        "Customers": [other],
        "drafts": [19],
        "orders": [18, other],
        "signups": [17],
    }
    assert [one.query_id for one in found.queries] == [17, 18, 19, other]
    assert found.queries[-1].tables == ["orders", "Customers"]


async def test_every_query_becomes_a_file_and_a_line_of_the_list(sandbox, tonalytica, tmp_path):
    evil = add_query(sandbox, name="../../etc/passwd\0\n*/", query="select 'Zürich'\r\n")
    nameless = add_query(sandbox, name="東京", description="d")
    place = tmp_path / "a" / "queries"
    done = await act(exporting.export_queries, tonalytica, directory=str(place))
    assert done.files == [
        "query-17-signups-by-city.sql",
        "query-18-orders-by-day.sql",
        "query-19-nothing-yet.sql",
        f"query-{evil}-etc-passwd.sql",
        f"query-{nameless}.sql",
    ]
    assert sorted(one.name for one in place.iterdir()) == sorted([*done.files, done.index])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a"]
    assert (place / f"query-{evil}-etc-passwd.sql").read_bytes() == "select 'Zürich'\r\n".encode()
    listed = json.loads((place / "queries.json").read_text())["queries"]
    assert [(one["id"], one["file"]) for one in listed] == list(
        zip([17, 18, 19, evil, nameless], done.files, strict=True)
    )
    keys = [query["api_key"] for query in sandbox.tonalytica.queries.values()]
    assert [key for key in keys if key in (place / "queries.json").read_text()] == []


async def test_a_directory_that_only_a_template_names_is_refused(sandbox, tonalytica, tmp_path):
    parameters = exporting.ExportQueries(directory=str(tmp_path / "out" / "x"))
    for written in ("{{ event.data.directory }}", f"{tmp_path}/elsewhere/{{{{ event.subject }}}}"):
        with (
            own_paths.said(own_paths.of([written])),
            pytest.raises(errors.PermanentError, match="in the config"),
        ):
            await exporting.export_queries.call(tonalytica, parameters, CALL)
    assert list(tmp_path.iterdir()) == []
    with own_paths.said(own_paths.of([f"{tmp_path}/out/{{{{ event.subject }}}}"])):
        await exporting.export_queries.call(tonalytica, parameters, CALL)
    assert (tmp_path / "out" / "x" / "queries.json").exists()


async def test_exporting_again_follows_new_names_and_leaves_other_files(sandbox, tonalytica, tmp_path):
    await act(exporting.export_queries, tonalytica, directory=str(tmp_path))
    for name in ("query-1-x.sql", "query-177.sql", "query-17-My notes.sql", "notes.txt"):
        (tmp_path / name).write_text("mine")
    sandbox.tonalytica.queries[17]["name"] = "renamed"
    done = await act(exporting.export_queries, tonalytica, directory=str(tmp_path))
    assert done.removed == ["query-17-signups-by-city.sql"]
    assert (tmp_path / "query-17-renamed.sql").read_text().startswith("select city")
    kept = [one.read_text() for one in tmp_path.iterdir() if one.read_text() == "mine"]
    assert len(kept) == 4


async def test_no_link_is_followed(tonalytica, tmp_path):
    place, outside = tmp_path / "queries", tmp_path / "outside"
    place.mkdir()
    outside.write_text("mine")
    (place / "query-18-orders-by-day.sql").symlink_to(outside)
    with pytest.raises(errors.PermanentError, match="symbolic link"):
        await act(exporting.export_queries, tonalytica, directory=str(place))
    assert outside.read_text() == "mine"


async def test_a_place_that_cannot_be_written_to_is_named(tonalytica, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.PermanentError, match="cannot make the directory"):
        await act(exporting.export_queries, tonalytica, directory=str(tmp_path / "file" / "below"))


@pytest.mark.parametrize("directory", ["queries", "", "/a/../b", "/"])
def test_a_directory_is_a_full_path(directory):
    with pytest.raises(ValidationError):
        exporting.ExportQueries(directory=directory)


@given(some.integers(1, 10**9), some.text(max_size=200))
def test_no_name_leads_out_of_the_directory(query_id, name):
    file = exporting.name_file(query_id, name)
    assert set(file) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert file.startswith(f"query-{query_id}")
    assert file.count(".") == 1
    assert len(file) < 120
