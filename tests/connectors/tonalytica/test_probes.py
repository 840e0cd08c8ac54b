"""After a lost answer: what was made is found and adopted, what was not made is made, and nothing twice."""

import dataclasses
from typing import Any

import pytest

from daemon.connectors.tonalytica.actions import executions, queries
from daemon.contract import errors
from daemon.model import times
from daemon.model.runs import Doubt
from daemon.sandbox import faults
from tests.connectors.tonalytica import probing

QUERY: dict[str, Any] = {
    "name": "new one",
    "query": "select 1",
    "data_source_id": 1,
    "description": "for tests",
}


async def test_a_query_whose_answer_was_lost_is_adopted(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, **QUERY)
    await step.lose(sandbox, "drop_after", "*/queries")
    found = await step.look()
    assert found.result.description == "for tests\n\na1b2c3d4e5f6"
    assert found.made == [("query", str(found.result.id))]
    assert probing.count(sandbox, "query.created") == 1


async def test_a_query_that_was_never_made_is_made(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, **QUERY)
    await step.lose(sandbox, "drop_before", "*/queries")
    assert await step.look() is None
    await step.send()
    assert probing.count(sandbox, "query.created") == 1


async def test_queries_of_others_are_not_taken_for_ours(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, **QUERY)
    other = probing.step(queries.create_query, tonalytica, "0123456789ab", **QUERY)
    await step.lose(sandbox, "drop_before", "*/queries")
    await other.send()
    assert await step.look() is None


async def test_an_archived_query_is_found_too_among_many_pages(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, **QUERY)
    await step.lose(sandbox, "drop_after", "*/queries")
    made = max(sandbox.tonalytica.queries)
    sandbox.tonalytica.queries[made]["is_archived"] = True
    for number in range(300):
        sandbox.tonalytica.keep_query({"name": f"other {number}", "query": "select 2", "data_source_id": 1})
    found = await step.look()
    assert found.result.id == made


async def test_two_queries_with_the_mark_are_for_a_person(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, **QUERY)
    await step.note()
    await step.send()
    await step.send()
    with pytest.raises(errors.Unclear, match="a1b2c3d4e5f6"):
        await step.look()


async def test_without_a_mark_none_is_written_and_the_class_is_unsafe(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, marker="", **QUERY)
    done = await step.send()
    assert done.result.description == "for tests"
    assert queries.create_query.doubt_for(step.parameters, marked=False) is Doubt.UNSAFE
    assert queries.create_query.doubt_for(step.parameters) is Doubt.PROBED


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_an_execution_is_asked_for_again_by_age(sandbox, tonalytica, virtual_clock, kind):
    step = probing.step(executions.execute_query, tonalytica, query_id=17)
    step.call = dataclasses.replace(step.call, now=virtual_clock.now())
    await step.lose(sandbox, kind, "*/results")
    joined = await step.look()
    assert probing.count(sandbox, "job.submitted") == 1
    assert joined.follow.id in sandbox.tonalytica.jobs
    await virtual_clock.advance(60 * times.SECOND)
    later = dataclasses.replace(step.call, now=virtual_clock.now(), first_sent_at=step.call.now)
    taken = await step.probe.look(tonalytica, step.parameters, later, None)
    assert taken is not None
    assert taken.result.job.id == "cached-1"
    assert probing.count(sandbox, "job.submitted") == 1


async def test_a_look_for_an_execution_never_asks_for_a_fresh_one(sandbox, tonalytica):
    step = probing.step(executions.execute_query, tonalytica, query_id=17)
    await step.probe.look(tonalytica, step.parameters, step.call, None)
    asked = [entry.request for entry in sandbox.ledger.read("tonalytica")]
    assert asked == [{"max_age": 1}]


async def test_a_note_that_cannot_be_taken_is_a_failure_before_the_call(sandbox, tonalytica):
    step = probing.step(queries.create_query, tonalytica, **QUERY)
    sandbox.faults.add(faults.Fault("tonalytica", "status", status=503))
    with pytest.raises(errors.TemporaryError):
        await step.note()
    assert sandbox.ledger.effects("tonalytica") == []
