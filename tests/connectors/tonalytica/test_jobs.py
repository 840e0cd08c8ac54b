"""Queries executed and followed, against the recorded answers of three real servers."""

import dataclasses

import pytest

from daemon.connectors.tonalytica import watches
from daemon.connectors.tonalytica.actions import executions, queries
from daemon.contract import declare, errors
from daemon.model import times
from daemon.model.events import Fact
from tests.connectors import stub
from tests.connectors.tonalytica import replay

# Just before the recorded servers were asked, so that their results are newer.
BEFORE = times.parse_rfc3339("2026-11-22T06:40:00Z")
CALL = dataclasses.replace(stub.call_of(), now=BEFORE)


def look(follow, memory, *, now=BEFORE):
    options = watches.JobsOptions.model_validate(follow.options)
    cursor = declare.Cursor({follow.id: memory}, (follow.id,), announce=True, now=now)
    return options, cursor


async def poll(account, follow, times_over):
    """Poll the followed job; what was told, and the last look."""
    facts: list[Fact] = []
    memory, seen = follow.memory, None
    for _ in range(times_over):
        [seen] = await watches.jobs.poll(account, *look(follow, memory))
        facts, memory = [*facts, *seen.facts], seen.memory
    return facts, seen


async def follow_up(account, done, polls):
    """The same for what an action has submitted; its own facts come first."""
    facts, seen = await poll(account, done.follow, polls)
    return [*done.facts, *facts], seen


async def execute(account, query_id, call=CALL, **given):
    parameters = executions.ExecuteQuery(query_id=query_id, **given)
    return await executions.execute_query.call(account, parameters, call)


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_the_life_of_a_job(version):
    polls = [f"run/plain-max-age-0/poll-{number}" for number in (1, 2, 3)]
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("run/plain-max-age-0", *polls, "query_results/get-json")
        done = await execute(account, 2)
        facts, seen = await follow_up(account, done, 3)
    job_id = done.result.job.id
    assert done.follow.id == job_id
    assert done.made == [("job", job_id)]
    assert [fact.type for fact in facts] == [
        "tonalytica.job.pending",
        "tonalytica.job.started",
        "tonalytica.job.succeeded",
    ]
    assert [fact.key for fact in facts] == [f"job:{job_id}:{s}" for s in ("pending", "started", "succeeded")]
    assert seen.final
    assert seen.result == facts[-1].data
    assert seen.result["query_id"] == 2
    assert seen.result["query_result_id"] == 2
    assert seen.result["rows"][0]["city"] == "Lima"
    assert seen.result["columns"][1]["type"] == "integer"


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_a_failing_query_fails_with_the_databases_words(version):
    polls = [f"fail/run/poll-{number}" for number in (1, 2, 3)]
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("fail/run", *polls)
        facts, seen = await follow_up(account, await execute(account, 11), 3)
    assert [fact.type.rpartition(".")[2] for fact in facts] == ["pending", "started", "failed"]
    assert 'syntax error at or near "SELEC"' in facts[-1].data["error"]
    assert seen.final
    assert seen.failure.startswith("the query failed: syntax error")
    assert seen.result is None


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_a_cancelled_job_is_cancelled_though_its_status_is_4(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("cancel/run", "cancel/before/poll-1", "cancel/before/poll-2", "cancel/get-final")
        facts, seen = await follow_up(account, await execute(account, 13), 3)
    assert [fact.type.rpartition(".")[2] for fact in facts] == ["pending", "started", "cancelled"]
    assert facts[-1].data["error"] == "Query cancelled by user."
    assert seen.failure == "the query was cancelled: Query cancelled by user."


async def test_a_killed_worker_is_believed_at_the_third_look():
    names = [f"fail/worker-child-killed/poll-{number}" for number in (1, 2, 3, 3, 3)]
    async with replay.replaying("10.1.0") as server, replay.speaking(server.base_url) as account:
        server.lay(*names)
        job_id = replay.case("10.1.0", names[0])["body"]["job"]["id"]
        facts, seen = await poll(account, declare.Follow("jobs", job_id, {}, {"ids": [job_id]}), 5)
    assert [fact.type.rpartition(".")[2] for fact in facts] == ["pending", "started", "failed"]
    assert seen.failure == "the query failed: the service gives no reason"


async def test_an_answer_from_the_cache_is_a_success_at_once():
    async with replay.replaying("10.1.0") as server, replay.speaking(server.base_url) as account:
        server.lay("run/plain-max-age-large")
        done = await execute(account, 2, max_age=86400)
    [fact] = done.facts
    assert done.follow is None
    assert fact.type == "tonalytica.job.succeeded"
    assert fact.subject == fact.data["job"]["id"] == "cached-2"
    assert fact.data["rows"] == done.result.rows != []


async def test_a_query_key_executes_and_follows_below_its_query():
    polls = [f"query-key/get-job-via-query-path/poll-{number}" for number in (1, 2, 3)]
    async with (
        replay.replaying("10.1.0") as server,
        replay.speaking(server.base_url, replay.QUERY_KEY, query_id=2) as account,
    ):
        server.lay("query-key/run-max-age-0", *polls, "query-key/get-result-via-query-path")
        _, seen = await follow_up(account, await execute(account, 2), 3)
    assert seen.final
    assert len(seen.result["rows"]) == 4


async def test_a_query_key_is_not_told_the_id_of_a_cached_result():
    async with (
        replay.replaying("10.1.0") as server,
        replay.speaking(server.base_url, replay.QUERY_KEY, query_id=2) as account,
    ):
        server.lay("query-key/run-cached", "query-key/run-cached")
        first = await execute(account, 2, max_age=86400)
        second = await execute(account, 2, max_age=86400)
    assert first.result.job.id.startswith("cached-")
    assert first.result.rows
    assert first.facts[0].key == second.facts[0].key


async def test_parameters_are_sent_and_their_errors_are_final():
    recorded = replay.case("10.1.0", "params/bad-number-text")["send"]
    async with replay.replaying("10.1.0") as server, replay.speaking(server.base_url) as account:
        server.lay("params/bad-number-text", "params/none")
        with pytest.raises(errors.PermanentError, match="incompatible with their definitions: number_param"):
            await execute(account, 8, parameters=recorded["parameters"])
        with pytest.raises(errors.PermanentError, match="Missing parameter value for"):
            await execute(account, 8)


@pytest.mark.parametrize("misses", [1, 2])
async def test_a_few_answers_of_500_are_bad_luck(misses):
    async with replay.replaying("10.1.0") as server, replay.speaking(server.base_url) as account:
        server.lay("run/plain-max-age-0")
        done = await execute(account, 2)
    async with stub.serving() as broken, replay.speaking(broken.url) as account:
        for _ in range(misses):
            broken.answer({"message": "Internal Server Error"}, status=500)
        broken.answer({"job": {"id": done.follow.id, "status": 2, "error": ""}})
        facts, seen = await follow_up(account, done, misses + 1)
    assert [fact.type.rpartition(".")[2] for fact in facts] == ["pending", "started"]
    assert not seen.final
    assert seen.memory["missed"] == 0


def gone(server, query):
    for _ in range(3):
        server.answer({"message": "Internal Server Error"}, status=500)
    server.answer(query)


RESULT = {"id": 9, "data": {"columns": [{"name": "a"}], "rows": [{"a": 1}]}}
SUBMITTED = declare.Follow(
    "jobs",
    "j1",
    {"query_id": 2, "started_at": BEFORE, "state": "started", "job": {"id": "j1", "status": 2}},
    {"ids": ["j1"]},
)


async def test_a_forgotten_job_is_found_by_the_newer_result_of_its_query():
    async with stub.serving() as server, replay.speaking(server.url) as account:
        gone(server, {"id": 2, "latest_query_data_id": 9})
        server.answer({"query_result": {**RESULT, "retrieved_at": "2026-11-22T06:41:00.000Z"}})
        facts, seen = await poll(account, SUBMITTED, 3)
    assert [fact.key for fact in facts] == ["job:j1:succeeded"]
    assert seen.result["rows"] == [{"a": 1}]
    assert seen.result["query_result_id"] == 9


@pytest.mark.parametrize(
    "query, retrieved_at",
    [
        ({"id": 2, "latest_query_data_id": None}, ""),
        ({"id": 2, "latest_query_data_id": 9}, "2026-11-22T06:39:59.999Z"),
    ],
)
async def test_a_forgotten_job_without_a_newer_result_has_failed(query, retrieved_at):
    async with stub.serving() as server, replay.speaking(server.url) as account:
        gone(server, query)
        server.answer({"query_result": {**RESULT, "retrieved_at": retrieved_at}})
        facts, seen = await poll(account, SUBMITTED, 3)
    assert [fact.key for fact in facts] == ["job:j1:failed"]
    assert "the job is gone" in seen.failure


async def test_the_latest_result_of_a_query_with_parameters_proves_nothing():
    follow = dataclasses.replace(SUBMITTED, memory={**SUBMITTED.memory, "parameterized": True})
    async with stub.serving() as server, replay.speaking(server.url) as account:
        gone(server, {"user": {"name": "Ada"}})
        facts, _ = await poll(account, follow, 3)
    assert server.asked[-1].path == "/api/session"
    assert [fact.key for fact in facts] == ["job:j1:failed"]


async def test_a_job_is_not_given_up_while_the_key_is_refused():
    async with stub.serving() as server, replay.speaking(server.url) as account:
        gone(server, None)
        server.answers.pop()
        server.answer({"message": "Couldn't find resource. Please login and try again."}, status=404)
        with pytest.raises(errors.TemporaryError) as refused:
            await poll(account, SUBMITTED, 3)
    assert refused.value.unauthorized


async def test_a_watched_job_that_nobody_knows_ends_with_one_line_in_the_log(caplog, capsys):
    follow = declare.Follow("jobs", "j9", {}, {"ids": ["j9"]})
    async with stub.serving() as server, replay.speaking(server.url) as account:
        gone(server, {"user": {"name": "Ada"}})
        server.answer({"message": "Internal Server Error"}, status=500)
        facts, seen = await poll(account, follow, 5)
    assert facts == []
    assert seen.final
    assert (capsys.readouterr().out + caplog.text).count("job.not_found") == 1


async def test_rows_that_cannot_be_read_do_not_hide_the_success():
    async with stub.serving() as server, replay.speaking(server.url) as account:
        server.answer({"job": {"id": "j1", "status": 3, "error": "", "query_result_id": 9}})
        server.answer(b'{"query_result": {"data": {"rows": [{"a": NaN}]}}}')
        facts, seen = await poll(account, SUBMITTED, 1)
    assert [fact.type for fact in facts] == ["tonalytica.job.succeeded"]
    assert facts[0].data["rows"] is None
    assert "cannot be read" in facts[0].data["error"]
    assert "cannot be read" in seen.failure


async def test_a_created_query_carries_the_mark_of_its_step():
    async with stub.serving() as server, replay.speaking(server.url) as account:
        server.answer({"id": 5, "name": "x", "api_key": "k", "description": "d"})
        given = queries.CreateQuery(name="x", query="SELECT 1", data_source_id=1, description="for tests")
        done = await queries.create_query.call(account, given, CALL)
    sent = server.asked[0].json
    assert sent == {
        "name": "x",
        "query": "SELECT 1",
        "data_source_id": 1,
        "description": "for tests\n\nm-run-step",
        "options": {},
    }
    assert done.made == [("query", "5")]
