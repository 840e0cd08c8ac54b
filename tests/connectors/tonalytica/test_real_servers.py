"""Whole lives against the recorded answers of three real servers: a watched query, a search."""

import json

import pytest

from daemon.connectors.tonalytica import watches
from daemon.connectors.tonalytica.actions import tables
from tests.connectors import stub, support
from tests.connectors.tonalytica import replay


def result_of(version, name):
    return replay.case(version, name)["body"]["query_result"]


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_an_executed_query_is_followed_to_its_rows(version):
    polls = [f"run/plain-max-age-0/poll-{number}" for number in (1, 2, 3)]
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("run/plain-max-age-0", *polls, "query_results/get-json")
        polling = support.Polling(watches.queries, account, ids=[2], key=["city"], max_age=0)
        told = [fact for _ in range(4) for fact in await polling.poll(announce=True)]
    assert [fact.type.removeprefix("tonalytica.") for fact in told] == [
        "job.pending",
        "job.started",
        "job.succeeded",
        "result.changed",
    ]
    rows = result_of(version, "query_results/get-json")["data"]["rows"]
    assert told[-1].data["added"] == told[-1].data["rows"] == told[-2].data["rows"] == rows


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_a_cached_result_is_compared_once(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay(*["run/plain-max-age-large"] * 3)
        polling = support.Polling(watches.queries, account, ids=[2], key=["city"], max_age=86400)
        told = [fact for _ in range(3) for fact in await polling.poll(announce=True)]
    (fact,) = told
    result = result_of(version, "run/plain-max-age-large")
    assert (fact.data["query_result_id"], fact.data["columns"]) == (result["id"], result["data"]["columns"])


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_a_querys_own_key_is_told_no_ids_and_compares_all_the_same(version):
    async with (
        replay.replaying(version) as server,
        replay.speaking(server.base_url, replay.QUERY_KEY, query_id=2) as account,
    ):
        server.lay("query-key/run-cached", "query-key/run-cached")
        polling = support.Polling(watches.queries, account, ids=[2], key=["city"], max_age=86400)
        told = [fact for _ in range(2) for fact in await polling.poll(announce=True)]
    (fact,) = told
    result = result_of(version, "query-key/run-cached")
    assert (fact.data["query_result_id"], fact.data["retrieved_at"]) == (None, result["retrieved_at"])
    assert fact.data["added_count"] == len(result["data"]["rows"])


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_real_queries_are_read_for_tables(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("queries/list")
        given = tables.FindTables(data_source_id=1)
        found = (await tables.find_tables.call(account, given, stub.call_of())).result
    listed = replay.case(version, "queries/list")["body"]["results"]
    assert [one.query_id for one in found.queries] == sorted(one["id"] for one in listed)
    assert "api_key" not in json.dumps(found.model_dump())
