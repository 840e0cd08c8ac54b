"""Queries edited and archived, results read from the cache."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.tonalytica.actions import edits, executions, queries
from daemon.contract import errors
from daemon.model import times
from tests.connectors import stub
from tests.connectors.tonalytica import probing, replay

CALL = stub.call_of()
FIELDS = some.dictionaries(some.sampled_from("abc"), some.integers(0, 2), max_size=3)


async def act(action, client, **given_parameters):
    return (await action.call(client, action.parameters.model_validate(given_parameters), CALL)).result


async def test_an_edit_changes_what_it_names_and_nothing_else(sandbox, tonalytica):
    edited = await act(
        queries.update_query, tonalytica, query_id=17, tags=["t"], description=None, schedule=None
    )
    kept = sandbox.tonalytica.queries[17]
    assert (edited.tags, edited.name) == (["t"], "signups by city")
    assert (kept["tags"], kept["description"], kept["query"]) == (["t"], None, edited.query)
    (entry,) = sandbox.ledger.read("tonalytica")
    assert entry.request == {"tags": ["t"], "description": None, "schedule": None}


async def test_an_edit_of_another_version_is_refused(tonalytica):
    with pytest.raises(errors.PermanentError) as refused:
        await act(queries.update_query, tonalytica, query_id=17, name="x", version=99)
    assert refused.value.status == 409


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_real_servers_edit_and_archive(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("queries/edit-name", "queries/delete", "queries/delete-again")
        edited = await act(
            queries.update_query, account, query_id=2, name="Sales by city (edited)", is_draft=False
        )
        for _ in range(2):
            archived = await act(queries.archive_query, account, query_id=7)
    assert (edited.name, edited.is_draft) == ("Sales by city (edited)", False)
    assert (archived.query_id, archived.is_archived) == (7, True)


@pytest.mark.parametrize("kind, effects", [("drop_after", 1), ("drop_before", 0)])
async def test_an_edit_whose_answer_was_lost_is_compared(sandbox, tonalytica, kind, effects):
    step = probing.step(queries.update_query, tonalytica, query_id=17, name="renamed")
    await step.lose(sandbox, kind)
    found = await step.look()
    assert (found is not None) == (effects == 1)
    assert probing.count(sandbox, "query.updated") == effects


async def test_archived_queries_are_not_listed_and_still_read(sandbox, tonalytica):
    await act(queries.archive_query, tonalytica, query_id=17)
    listed = await act(queries.list_queries, tonalytica)
    assert 17 not in [one.id for one in listed.results]
    assert (await act(queries.get_query, tonalytica, query_id=17)).is_archived
    assert sandbox.ledger.effects("tonalytica") == [("query.archived", "17")]


async def test_the_cached_result_is_read_without_executing(sandbox, tonalytica, virtual_clock):
    with pytest.raises(errors.PermanentError, match="has no cached result") as refused:
        await act(executions.get_cached_result, tonalytica, query_id=17)
    assert refused.value.missing
    await act(executions.execute_query, tonalytica, query_id=17)
    await virtual_clock.advance(60 * times.SECOND)
    found = await act(executions.get_cached_result, tonalytica, query_id=17)
    assert [row["city"] for row in found.rows] == ["Oslo", "Lima", "Zürich"]
    assert found.query_result_id == 1
    assert probing.count(sandbox, "job.submitted") == 1


@pytest.mark.parametrize("filetype, sign", [("csv", ","), ("tsv", "\t")])
async def test_results_are_given_as_files_too(tonalytica, virtual_clock, filetype, sign):
    await act(executions.execute_query, tonalytica, query_id=17)
    await virtual_clock.advance(60 * times.SECOND)
    cached = await act(executions.get_cached_result, tonalytica, query_id=17, filetype=filetype)
    assert cached.content.splitlines()[:2] == [
        sign.join(("city", "signups", "share")),
        sign.join(("Oslo", "42", "0.42")),
    ]
    again = await act(executions.get_result, tonalytica, query_result_id=1, filetype=filetype)
    assert (again.content, again.rows) == (cached.content, None)


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_real_servers_give_cached_results_or_say_why_not(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("results/get-json-before-any-run", "results/get-json")
        with pytest.raises(errors.PermanentError, match="has no cached result"):
            await act(executions.get_cached_result, account, query_id=2)
        found = await act(executions.get_cached_result, account, query_id=2)
    assert len(found.rows) == 4


@given(FIELDS, FIELDS, some.none() | some.integers(1, 3), some.integers(1, 3))
def test_an_edit_is_applied_when_all_that_was_sent_is_there(sent, held, wanted, version):
    named = {} if wanted is None else {"version": wanted}
    found = {**held, "version": version, "id": 1}
    agrees = all(held.get(name) == value for name, value in sent.items())
    try:
        judged: bool | None = edits.is_applied({**sent, **named}, found, "query")
    except errors.Unclear:
        judged = None
    if agrees:
        assert judged is True
    else:
        assert judged is (False if wanted in (None, version) else None)
