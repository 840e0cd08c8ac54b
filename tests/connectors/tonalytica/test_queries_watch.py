"""The watch on queries' results against the simulated service."""

import json
import weakref

import pytest

from daemon.connectors.tonalytica import events, watches
from daemon.connectors.tonalytica.events import results, rows
from daemon.contract import declare, errors
from daemon.model import times
from daemon.sandbox import faults
from tests.connectors import stub, support
from tests.connectors.tonalytica import probing, replay

LONG = 60 * times.SECOND
CITIES = [{"city": "Oslo", "n": 1}, {"city": "Lima", "n": 2}, {"city": "Bergen", "n": 3}]
LATER = [{"city": "Lima", "n": 5}, {"city": "Oslo", "n": 1}, {"city": "Quito", "n": 4}]


@pytest.fixture
def executed(sandbox, tonalytica, virtual_clock):
    """Let query 17 give *rows*: somebody executes it."""

    async def execute(rows):
        sandbox.tonalytica.plans[17] = {"rows": rows}
        await tonalytica.execute(17, {"max_age": 0})
        await virtual_clock.advance(LONG)

    return execute


def changes(facts):
    return [fact for fact in facts if fact.type == results.ResultChanged.type]


async def test_rows_that_came_changed_and_went_are_told_once(sandbox, tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[17], key="city")
    await executed(CITIES)
    assert await polling.poll() == []
    await executed(LATER)
    (fact,) = await polling.poll()
    assert (fact.type, fact.subject) == ("tonalytica.result.changed", "17")
    assert fact.data["added"] == [{"city": "Quito", "n": 4}]
    assert fact.data["changed"] == [{"city": "Lima", "n": 5}]
    assert fact.data["previous"] == [{"city": "Lima", "n": 2}]
    assert fact.data["removed"] == [{"city": "Bergen", "n": 3}]
    assert (fact.data["rows"], fact.data["query_result_id"], fact.data["previous_result_id"]) == (LATER, 2, 1)
    assert results.ResultChanged.model_validate(fact.data).query_id == 17
    assert await polling.poll() == []
    assert probing.count(sandbox, "job.submitted") == 2


async def test_an_event_has_the_time_at_which_its_result_was_made(tonalytica, executed, virtual_clock):
    options = watches.QueriesOptions(ids=[17])
    memory: dict = {}
    for rows_then, announce in ((CITIES, False), (LATER, True)):
        await executed(rows_then)
        await virtual_clock.advance(times.HOUR)
        cursor = declare.Cursor(memory, ("17",), announce=announce, now=virtual_clock.now())
        (seen,) = await watches.queries.poll(tonalytica, options, cursor)
        memory = {"17": seen.memory}
    (fact,) = seen.facts
    assert fact.time == times.parse_rfc3339(fact.data["retrieved_at"])
    assert virtual_clock.now() - fact.time > times.HOUR


async def test_the_same_rows_in_a_new_result_are_no_change(tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[17])
    await executed(CITIES)
    await polling.poll()
    await executed(CITIES[::-1])
    assert await polling.poll() == []
    assert polling.memory["17"]["result_id"] == 2


async def test_without_a_key_a_changed_row_went_and_came(tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[17])
    await executed(CITIES)
    await polling.poll()
    await executed([{"city": "Oslo", "n": 9}, *CITIES[1:]])
    (fact,) = await polling.poll()
    assert (fact.data["added"], fact.data["changed"]) == ([{"city": "Oslo", "n": 9}], [])
    assert fact.data["removed"] == [{"city": "Oslo", "n": 1}]


@pytest.mark.parametrize("backfill", [False, True])
async def test_the_first_result_of_all_is_a_change_and_one_that_was_there_is_not(
    tonalytica, executed, backfill
):
    early = support.Polling(watches.queries, tonalytica, ids=[17], key=["city"])
    assert await early.poll() == []
    await executed(CITIES)
    (first,) = await early.poll()
    assert (first.data["added"], first.data["previous_result_id"]) == (CITIES, None)
    late = support.Polling(watches.queries, tonalytica, ids=[17], key=["city"])
    told = await late.poll(announce=backfill)
    assert [fact.key for fact in told] == ([first.key] if backfill else [])


async def test_with_max_age_the_watch_executes_by_itself(sandbox, tonalytica, virtual_clock):
    sandbox.tonalytica.plans[17] = {"rows": CITIES}
    polling = support.Polling(watches.queries, tonalytica, ids=[17], key=["city"], max_age=30)
    assert await polling.poll(announce=False) == []
    (pending,) = await polling.look()
    assert pending.state == "pending"
    await virtual_clock.advance(LONG)
    assert changes(await polling.poll()) == []  # the first result is what later ones are compared with
    sandbox.tonalytica.plans[17] = {"rows": LATER}
    told = []
    for _ in range(3):
        told += await polling.poll()
        await virtual_clock.advance(10 * times.SECOND)
    (fact,) = changes(told)
    assert fact.data["removed"] == [{"city": "Bergen", "n": 3}]
    assert [one.type.rpartition(".")[2] for one in told] == ["pending", "succeeded", "changed"]
    assert probing.count(sandbox, "job.submitted") == 2


async def test_values_of_parameters_are_sent_and_told(sandbox, tonalytica, virtual_clock):
    made = sandbox.tonalytica.keep_query(
        {
            "name": "p",
            "query": "select {{ n }}",
            "data_source_id": 1,
            "options": {"parameters": [{"name": "n", "type": "number"}]},
        }
    )
    polling = support.Polling(watches.queries, tonalytica, ids=[made["id"]], parameters={"n": 3})
    await polling.poll(announce=True)
    await virtual_clock.advance(LONG)
    (fact,) = changes(await polling.poll())
    assert fact.data["parameters"] == {"n": 3}
    (result,) = sandbox.tonalytica.results.values()
    assert result["query"] == "select 3"
    assert await polling.poll() == []
    assert probing.count(sandbox, "job.submitted") == 1


async def test_a_failed_execution_is_told_and_tried_again(sandbox, tonalytica, virtual_clock):
    sandbox.tonalytica.plans[17] = {"error": "no such table"}
    polling = support.Polling(watches.queries, tonalytica, ids=[17], max_age=0)
    await polling.poll(announce=True)
    await virtual_clock.advance(LONG)
    (failed,) = await polling.poll()
    assert (failed.type, failed.data["error"]) == ("tonalytica.job.failed", "no such table")
    sandbox.tonalytica.plans[17] = {"rows": CITIES}
    await polling.poll()
    await virtual_clock.advance(LONG)
    (fact,) = changes(await polling.poll())
    assert fact.data["added_count"] == 3


async def test_a_job_in_limbo_is_left_after_a_day(sandbox, tonalytica, virtual_clock):
    sandbox.tonalytica.version = "9.0.0-beta"
    options = watches.QueriesOptions(ids=[17], max_age=0)
    memory: dict = {}
    told: list[str] = []
    for hours in (0, 23, 2, 0):
        await virtual_clock.advance(hours * times.HOUR)
        cursor = declare.Cursor(memory, ("17",), announce=True, now=virtual_clock.now())
        (seen,) = await watches.queries.poll(tonalytica, options, cursor)
        memory = {"17": seen.memory}
        if hours == 0 and len(sandbox.tonalytica.jobs) == 1:
            await tonalytica.call("DELETE", f"/jobs/{seen.memory['job_id']}")
        told += [fact.type for fact in seen.facts]
    assert len(sandbox.tonalytica.jobs) == 2
    assert seen.memory["job_id"] == list(sandbox.tonalytica.jobs)[1]
    assert told == ["tonalytica.job.pending", "tonalytica.job.failed", "tonalytica.job.pending"]


async def test_a_query_that_cannot_be_read_keeps_nothing_from_the_others(tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[999, 17], key=["city"])
    await executed(CITIES)
    first = {seen.subject: seen for seen in await polling.look(announce=False)}
    assert (first["999"].state, first["17"].state) == ("refused", None)
    await executed(LATER)
    told = await polling.poll()
    assert [fact.subject for fact in told] == ["17"]


async def test_a_query_that_is_not_there_fails_its_watch(tonalytica):
    polling = support.Polling(watches.queries, tonalytica, ids=[999])
    with pytest.raises(errors.PermanentError) as refused:
        await polling.poll()
    assert refused.value.missing


async def test_a_key_column_that_is_not_there_is_named(tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[17], key=["town"])
    await executed(CITIES)
    with pytest.raises(errors.PermanentError, match="no column 'town'"):
        await polling.poll()


@pytest.mark.parametrize("max_age", [None, 0])
async def test_a_result_that_lacks_the_key_is_an_error_until_one_has_it(
    sandbox, tonalytica, executed, virtual_clock, max_age
):
    await executed(CITIES)
    polling = support.Polling(watches.queries, tonalytica, ids=[18, 17], key=["city"], max_age=max_age)

    async def errors_of_18(found, polls):
        sandbox.tonalytica.plans[18] = {"rows": found}
        if max_age is None:
            await tonalytica.execute(18, {"max_age": 0})
        said = []
        for _ in range(polls):
            await virtual_clock.advance(LONG)
            by_query = {seen.subject: seen.error for seen in await polling.look()}
            assert by_query["17"] is None
            said.append(by_query["18"])
        return said

    told = await errors_of_18([{"town": "Oslo"}], 6)
    assert all("no column 'city'" in said for said in told[2:])  # while it is executed once more, too
    assert (await errors_of_18(CITIES, 4))[-1] is None


async def test_a_former_result_that_is_gone_leaves_counts(sandbox, tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[17], key=["city"])
    await executed(CITIES)
    await polling.poll()
    await executed(LATER)
    del sandbox.tonalytica.results[1]
    (fact,) = await polling.poll()
    assert (fact.data["removed"], fact.data["removed_count"], fact.data["previous"]) == ([], 1, [None])
    assert fact.data["added"] == [{"city": "Quito", "n": 4}]


async def test_an_outage_loses_no_change(sandbox, tonalytica, executed):
    polling = support.Polling(watches.queries, tonalytica, ids=[17], key=["city"])
    await executed(CITIES)
    await polling.poll()
    await executed(LATER)
    for after in range(3):  # the query, its result, the former result
        sandbox.faults.add(faults.Fault("tonalytica", "status", status=503, after=after))
        with pytest.raises(errors.TemporaryError):
            await polling.poll()
    assert len(await polling.poll()) == 1


async def test_a_querys_own_key_is_enough(sandbox, virtual_clock):
    key = sandbox.credentials["tonalytica"]["query_key_17"]
    sandbox.tonalytica.plans[17] = {"rows": CITIES}
    async with replay.speaking(sandbox.urls["tonalytica"], key, query_id=17) as account:
        polling = support.Polling(watches.queries, account, ids=[17], key=["city"], max_age=5)
        told = []
        for found in (CITIES, CITIES, LATER, LATER, LATER):
            sandbox.tonalytica.plans[17] = {"rows": found}
            told += await polling.poll()
            await virtual_clock.advance(4 * times.SECOND)
    (fact,) = changes(told)
    assert fact.data["changed"] == [{"city": "Lima", "n": 5}]


class Row(dict):
    """A row whose life can be watched."""


def test_of_a_large_result_one_row_at_a_time_is_held_and_two_megabytes_are_kept():
    alive: list[weakref.ref] = []
    most = 0

    def each():
        nonlocal most
        for number in range(100_000):
            row = Row(id=number, name=f"customer {number}", city="Oslo")
            alive[:] = [one for one in alive if one() is not None] + [weakref.ref(row)]
            most = max(most, len(alive))
            yield row

    digests = results.digest(each(), ["id"])
    assert digests.count == 100_000
    assert most <= 3
    assert len(json.dumps(results.store(digests))) < 2_500_000


def test_a_text_is_read_no_further_than_asked():
    raw = b'{"query_result": {"data": {"rows": [{"id": 1}, {"id": 2}, {broken'
    found = rows.each(raw)
    assert [next(found), next(found)] == [{"id": 1}, {"id": 2}]
    with pytest.raises(rows.BrokenResult):
        next(found)


async def test_an_unknown_state_of_a_job_is_logged_once(caplog, capsys):
    async with stub.serving() as server, replay.speaking(server.url) as account:
        server.answer({"job": {"id": "j1", "status": "frozen", "error": ""}})
        polling = support.Polling(watches.jobs, account, ids=["j1"])
        for _ in range(3):
            (seen,) = await polling.look()
    logged = capsys.readouterr().out + caplog.text
    assert logged.count("job.state_unknown") == 1
    assert (seen.state, seen.final, list(seen.facts)) == ("frozen", False, [])
    assert "frozen" not in events.WORDS
