"""The actions and the watch against the simulated service."""

import dataclasses

import pytest

from daemon.connectors.tonalytica import connector, watches
from daemon.connectors.tonalytica.actions import executions, queries
from daemon.contract import declare, errors
from daemon.contract.requests import Request
from daemon.model import times
from daemon.model.events import Fact
from daemon.sandbox import faults
from tests.connectors import stub

REQUEST = connector.actions["tonalytica.request"]

SIGNUPS = 17  # the sandbox's query


async def execute(account, clock, first_sent_at=None, **given):
    call = dataclasses.replace(stub.call_of(), now=clock.now(), first_sent_at=first_sent_at)
    parameters = executions.ExecuteQuery.model_validate({"query_id": SIGNUPS, **given})
    return await executions.execute_query.call(account, parameters, call)


async def poll(account, follow, memory, clock, announce=True):
    options = watches.JobsOptions.model_validate(follow.options)
    kept = {follow.id: memory} if memory else {}
    cursor = declare.Cursor(kept, (follow.id,), announce=announce, now=clock.now())
    [seen] = await watches.jobs.poll(account, options, cursor)
    return seen


async def test_a_query_runs_to_its_rows(tonalytica, virtual_clock):
    done = await execute(tonalytica, virtual_clock)
    memory, told = done.follow.memory, list(done.facts)
    for _ in range(3):
        await virtual_clock.advance(2 * times.SECOND)
        seen = await poll(tonalytica, done.follow, memory, virtual_clock)
        memory, told = seen.memory, [*told, *seen.facts]
    assert [fact.type.rpartition(".")[2] for fact in told] == ["pending", "started", "succeeded"]
    assert [row["city"] for row in told[-1].data["rows"]] == ["Oslo", "Lima", "Zürich"]
    assert seen.final


async def test_a_repeat_joins_the_job_or_takes_its_result(sandbox, tonalytica, virtual_clock):
    first_sent_at = virtual_clock.now()
    first = await execute(tonalytica, virtual_clock)
    await virtual_clock.advance(times.SECOND)
    joined = await execute(tonalytica, virtual_clock, first_sent_at)
    assert joined.follow.id == first.follow.id
    await virtual_clock.advance(60 * times.SECOND)
    taken = await execute(tonalytica, virtual_clock, first_sent_at)
    assert taken.follow is None
    assert taken.result.job.id == "cached-1"
    assert len(sandbox.tonalytica.jobs) == 1
    fresh = await execute(tonalytica, virtual_clock)
    assert fresh.follow.id != first.follow.id


@pytest.mark.parametrize("ended", [True, False])
async def test_a_job_that_the_server_forgot(sandbox, tonalytica, virtual_clock, ended):
    done = await execute(tonalytica, virtual_clock)
    await virtual_clock.advance(60 * times.SECOND)
    if ended:
        await tonalytica.get_query(SIGNUPS)  # the server writes the result
    sandbox.tonalytica.jobs.clear()
    memory = done.follow.memory
    told: list[Fact] = []
    for _ in range(3):
        seen = await poll(tonalytica, done.follow, memory, virtual_clock)
        memory, told = seen.memory, [*told, *seen.facts]
    assert [fact.type.rpartition(".")[2] for fact in told] == ["succeeded" if ended else "failed"]
    assert seen.final
    assert (seen.result is not None) == ended


async def test_the_first_poll_of_a_watch_swallows_nothing_of_a_followed_job(tonalytica, virtual_clock):
    done = await execute(tonalytica, virtual_clock)
    await virtual_clock.advance(60 * times.SECOND)
    seen = await poll(tonalytica, done.follow, done.follow.memory, virtual_clock, announce=False)
    assert [fact.type for fact in seen.facts] == ["tonalytica.job.succeeded"]
    assert len(seen.result["rows"]) == 3


async def test_the_first_poll_of_a_watch_tells_nothing_of_a_finished_job(tonalytica, virtual_clock):
    done = await execute(tonalytica, virtual_clock)
    await virtual_clock.advance(60 * times.SECOND)
    first = await poll(tonalytica, done.follow, None, virtual_clock, announce=False)
    assert (first.final, list(first.facts)) == (True, [])
    second = await poll(tonalytica, done.follow, first.memory, virtual_clock)
    assert list(second.facts) == []


async def test_a_changed_key_kills_no_job(sandbox, tonalytica, virtual_clock):
    done = await execute(tonalytica, virtual_clock)
    sandbox.tonalytica.rotate_key()
    for _ in range(5):
        with pytest.raises(errors.TemporaryError) as refused:
            await poll(tonalytica, done.follow, done.follow.memory, virtual_clock)
    assert refused.value.unauthorized


async def test_a_server_that_is_down_is_not_a_job_that_is_gone(sandbox, tonalytica, virtual_clock):
    done = await execute(tonalytica, virtual_clock)
    sandbox.faults.add(faults.Fault("tonalytica", "status", status=503))
    with pytest.raises(errors.TemporaryError) as down:
        await poll(tonalytica, done.follow, done.follow.memory, virtual_clock)
    assert down.value.status == 503


async def test_queries_are_made_found_and_read(tonalytica):
    given = queries.CreateQuery(name="new one", query="select 1", data_source_id=1, tags=["t"])
    made = await queries.create_query.call(tonalytica, given, stub.call_of())
    read = await queries.get_query.call(tonalytica, queries.GetQuery(query_id=made.result.id), stub.call_of())
    assert read.result.description == "m-run-step"
    found = await queries.list_queries.call(tonalytica, queries.ListQueries(q="new one"), stub.call_of())
    assert [one.id for one in found.result.results] == [made.result.id]


async def test_jobs_and_results_are_read(tonalytica, virtual_clock):
    done = await execute(tonalytica, virtual_clock)
    await virtual_clock.advance(60 * times.SECOND)
    call = stub.call_of()
    job = await executions.get_job.call(tonalytica, executions.GetJob(job_id=done.follow.id), call)
    assert job.result.job.status == 3
    wanted = executions.GetResult(query_result_id=job.result.query_result_id)
    result = await executions.get_result.call(tonalytica, wanted, call)
    assert len(result.result.rows) == 3
    assert result.result.columns[0]["name"] == "city"


async def test_any_path_can_be_asked(tonalytica):
    done = await REQUEST.call(tonalytica, Request(path="/data_sources"), stub.call_of())
    assert [one["id"] for one in done.result.body] == [1, 2]
    with pytest.raises(errors.PermanentError, match="base_url"):
        await REQUEST.call(tonalytica, Request(path="/nonesuch"), stub.call_of())
