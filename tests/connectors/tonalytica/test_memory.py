"""What the comparison of large results costs in memory, measured."""

import json
import tracemalloc
from contextlib import asynccontextmanager

import pytest
from aiohttp import test_utils, web

from daemon.connectors.tonalytica import watches
from daemon.connectors.tonalytica.events import results
from daemon.contract import declare
from tests.connectors.tonalytica import replay

ROWS = 20_000
LISTED = 100  # rows in one list of an event, which otherwise cost what they cost for any result
PIECE = 65536  # bytes
MOST = 4  # times the bytes of one result, beyond what there was


def result(number, shift=0, value=0):
    """A result of :data:`ROWS` rows, as the service gives it."""
    found = ", ".join(
        json.dumps({"id": n + shift, "city": f"city {n % 1000}", "n": value, "note": "x" * 40})
        for n in range(ROWS)
    )
    columns = '[{"name": "id"}, {"name": "city"}, {"name": "n"}, {"name": "note"}]'
    data = f'{{"columns": {columns}, "rows": [{found}]}}'
    return f'{{"query_result": {{"id": {number}, "data": {data}, "retrieved_at": "2026-11-22T06:43:16Z"}}}}'.encode()


class Server:
    """Serves the *given* results by their numbers, piece by piece, so that it holds no copies."""

    def __init__(self, *given):
        self.results = dict(enumerate(given, 1))
        self.latest = 1

    async def serve(self, request):
        if not request.path.endswith(".json"):
            return web.json_response({"id": 17, "latest_query_data_id": self.latest})
        body = self.results[int(request.path.rpartition("/")[2].removesuffix(".json"))]
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        for start in range(0, len(body), PIECE):
            await answer.write(body[start : start + PIECE])
        return answer


@asynccontextmanager
async def serving(*given):
    served = Server(*given)
    application = web.Application()
    application.router.add_get("/{tail:.*}", served.serve)
    async with (
        test_utils.TestServer(application) as listening,
        replay.speaking(str(listening.make_url("")).rstrip("/")) as account,
    ):
        yield served, account


async def poll(account, memory):
    """One poll; what it saw, and the most memory that it held (bytes)."""
    options = watches.QueriesOptions(ids=[17], key=["id"])
    cursor = declare.Cursor(memory, ("17",), announce=True, now=1)
    tracemalloc.start()
    try:
        (seen,) = await watches.queries.poll(account, options, cursor)
        return seen, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("change", [{"value": 1}, {"shift": ROWS}], ids=["all rows changed", "all rows went"])
async def test_two_large_results_are_compared_within_a_few_times_the_bytes_of_one(monkeypatch, change):
    monkeypatch.setattr(results, "MOST_LISTED", LISTED)
    monkeypatch.setattr(results, "LARGEST_ROWS", ROWS)
    before, after = result(1), result(2, **change)
    async with serving(before, after) as (served, account):
        first, peak = await poll(account, {})
        assert peak < MOST * len(before)
        served.latest = 2
        second, peak = await poll(account, {"17": first.memory})
    (fact,) = second.facts
    counts = [fact.data[f"{word}_count"] for word in ("added", "changed", "removed")]
    assert counts == ([0, ROWS, 0] if "value" in change else [ROWS, 0, ROWS])
    assert fact.data["row_count"] == ROWS
    assert peak < MOST * len(after)
