"""Popily's actions before the simulated Popily."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.connectors.popily import connector, watches
from daemon.connectors.popily.actions import insights, sources, users
from daemon.contract import errors, own_paths
from daemon.model import times
from tests.connectors import stub, support

REQUEST = connector.actions["popily.request"]

CALL = stub.call_of()
COLUMNS = [
    {"column_header": "city", "data_type": "category"},
    {"column_header": "sales", "data_type": "numeric"},
]
ROWS = [{"city": "Bergen", "sales": 3, "note": None}, {"city": 'Osl"o, x', "sales": 4.5, "more": {"a": [1]}}]


async def do(action, client, call=CALL, **given):
    """Call *action* as a step whose file stands in the config."""
    with own_paths.said(own_paths.of([given["file"]] if isinstance(given.get("file"), str) else [])):
        return await action.call(client, action.parameters.model_validate(given), call)


@pytest.mark.parametrize(
    "origin",
    [
        {"url": "https://example.com/a.csv"},
        {"rows": ROWS},
        {"file": {"name": "a.csv", "content": "city,sales\nBergen,3\n"}},
        {"connection_string": "mysql://u:p4ss@h:1/d", "query": "SELECT 1", "type": "sql"},
    ],
)
async def test_a_source_is_added_marked_told_and_followed(popily, sandbox, origin):
    done = await do(
        sources.add_source, popily, title="Sales", columns=COLUMNS, description="Weekly", **origin
    )
    (kept,) = sandbox.popily.sources.values()
    assert [column["column_header"] for column in kept["columns"]] == ["city", "sales"]
    assert kept["description"] == "Weekly [pointsman m-run-step]"
    assert support.types_of(done.facts) == ["popily.source.added"]
    assert done.made == [("source", str(kept["id"]))]
    assert done.follow is not None
    assert (done.follow.resource, done.follow.id) == ("sources", str(kept["id"]))
    assert (done.result.id, done.result.source.title) == (kept["id"], "Sales")
    assert "p4ss" not in str(done)


async def test_what_was_added_is_followed_to_its_end(popily, virtual_clock):
    done = await do(sources.add_source, popily, rows=ROWS)
    polling = support.Polling(watches.sources, popily)
    polling.memory[done.follow.id] = done.follow.memory
    assert await polling.poll(announce=True, wanted=(done.follow.id,)) == []
    await virtual_clock.advance(60 * times.SECOND)
    (seen,) = await polling.look(announce=True, wanted=(done.follow.id,))
    assert support.types_of(seen.facts) == ["popily.source.status_changed", "popily.source.finished"]
    assert seen.result == {**seen.facts[1].data["source"], **seen.facts[1].data}


async def test_a_sparse_answer_is_filled_from_what_was_sent(vendor, stubbed):
    vendor.answer({"id": 432, "explore_path": "/explore/"}, 201)
    done = await do(sources.add_source, stubbed, url="https://example.com/a.csv", title="Sales")
    assert (done.result.title, done.facts[0].data["status"]) == ("Sales", "inspecting")


async def test_a_file_that_is_not_there_is_an_error(popily, tmp_path):
    with pytest.raises(errors.PermanentError, match="cannot read the file"):
        await do(sources.add_source, popily, file=str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": "https://a/", "rows": ROWS},
        {"connection_string": "mysql://u:p4ss@h/d"},
        {"query": "SELECT 1"},
        {"url": "https://a/", "query": "SELECT 1"},
        {"rows": []},
        {"rows": [{}]},
        {"url": "https://a/", "wait_timeout": "soon"},
        {"url": "https://a/", "nonsense": 1},
    ],
)
def test_a_source_has_one_origin(given):
    with pytest.raises(ValidationError) as refused:
        sources.AddSource.model_validate(given)
    assert "p4ss" not in str(refused.value)


@pytest.fixture
async def finished(popily, virtual_clock):
    done = await do(sources.add_source, popily, title="Sales", rows=ROWS, columns=COLUMNS)
    await virtual_clock.advance(60 * times.SECOND)
    return done.result


async def test_sources_are_read_and_listed(popily, finished):
    read = await do(sources.get_source, popily, source_id=finished.id)
    assert (read.result.slug, read.result.status) == ("sales", "finished")
    assert (await do(sources.get_source, popily, source_id="sales")).result.id == finished.id
    listed = await do(sources.list_sources, popily)
    assert [one.id for one in listed.result.sources] == [finished.id]


async def test_insights_are_listed_and_read(popily, finished):
    listed = await do(insights.list_insights, popily, source=finished.id, columns=["city"])
    assert "Number of city" in [one.title for one in listed.result.insights]
    first = listed.result.insights[0]
    chosen = [{"column": "city", "values": ["Bergen"]}]
    read = await do(insights.get_insight, popily, insight_id=first.id, filters=chosen, full=True, height=500)
    assert (read.result.id, bool(read.result.embed_url)) == (first.id, True)
    assert read.result.filters_key
    single = await do(insights.list_insights, popily, source=finished.id, single=True)
    assert len(single.result.insights) == 1


async def test_an_insight_of_a_source_in_the_making_comes_later(popily):
    done = await do(sources.add_source, popily, rows=ROWS, columns=COLUMNS)
    with pytest.raises(errors.TemporaryError, match="inspecting"):
        await do(insights.list_insights, popily, source=done.result.id, single=True)


async def test_an_insight_is_customized_for_all_or_for_one_set_of_filters(popily, finished, sandbox):
    listed = await do(insights.list_insights, popily, source=finished.id, columns=["city"])
    first = listed.result.insights[0].id
    done = await do(insights.customize_insight, popily, insight_id=first, title="Mine", category_order="z-a")
    assert (done.result.title, done.made) == ("Mine", [("insight", str(first))])
    chosen = [{"column": "city", "values": ["Bergen"]}]
    part = await do(
        insights.customize_insight, popily, insight_id=first, x_label="Where", filters=chosen, swap=True
    )
    kept = {key: value for (_, key), value in sandbox.popily.customizations.items()}
    assert kept[""] == {"title": "Mine", "category_order": "z-a"}
    assert kept[part.result.filters_key] == {"x_label": "Where", "swap": True}
    read = await do(insights.get_insight, popily, insight_id=first, filters=chosen)
    assert (read.result.x_label, read.result.title) == ("Where", "Number of city")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"filters": [{"column": "a", "values": ["x"]}]},
        {"title": "T", "filters": [{"column": "a,b", "values": ["x"]}]},
        {"refresh_rate": -1},
    ],
)
def test_a_customization_that_says_nothing_or_cannot_be_sent_is_refused(given):
    with pytest.raises(ValidationError):
        insights.CustomizeInsight.model_validate({"insight_id": 1, **given})


async def test_users_are_made_and_listed(popily, sandbox):
    done = await do(users.create_user, popily, username="grace", email="grace@example.com")
    assert (done.result.username, done.made) == ("grace", [("user", str(done.result.id))])
    assert sandbox.popily.users[done.result.id]["email"] == "grace@example.com"
    listed = await do(users.list_users, popily)
    assert [one.username for one in listed.result.users] == ["sandbox", "grace"]
    with pytest.raises(errors.PermanentError, match="already exists"):
        await do(users.create_user, popily, username="grace")


async def test_a_user_without_an_id_is_no_user(vendor, stubbed):
    vendor.answer({"username": "grace"}, 201)
    with pytest.raises(errors.PermanentError, match="no id"):
        await do(users.create_user, stubbed, username="grace")


@pytest.mark.parametrize("status", ["finished", "error", None])
def test_an_insight_that_will_never_be_is_missing(status):
    with pytest.raises(errors.PermanentError) as lost:
        insights.present({"insight": "not found", "source_status": status})
    assert lost.value.missing


def test_filters_are_packed_as_the_vendors_client_does():
    query = insights.query_of(
        insights.ListInsights.model_validate(
            {
                "source": 7,
                "columns": ["A", "B"],
                "filters": [
                    {"column": "S", "values": ["x", "y"]},
                    {"column": "T", "values": [1], "op": "gt"},
                ],
            }
        )
    )
    assert query == {"source": 7, "columns": "A,B", "filters": "S!eq!x,y__T!gt!1"}


@pytest.mark.parametrize(
    "filters",
    [
        [{"column": "a,b", "values": ["x"]}],
        [{"column": "a", "values": ["x!"]}],
        [{"column": "a__b", "values": ["x"]}],
        [{"column": "a", "values": [""]}],
        [{"column": "a", "values": []}],
        [{"column": "a", "values": ["x_"]}, {"column": "b", "values": ["y"]}],
    ],
)
def test_filters_that_the_wire_cannot_carry_are_refused(filters):
    with pytest.raises(ValidationError, match=r"Popily|at least 1"):
        insights.GetInsight.model_validate({"insight_id": 1, "filters": filters})


texts = st.text("ab_,!1", min_size=1, max_size=4)


@given(st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=3)), min_size=1, max_size=3))
def test_what_is_packed_can_be_taken_apart(chosen):
    try:
        filters = [insights.Filter(column=column, values=list(values)) for column, values in chosen]
        packed = insights.pack_filters(filters)
    except ValueError:
        packed = None
    parts = [part.split("!") for part in packed.split("__")] if packed else []
    apart = [(column, values.split(",")) for column, _op, values in parts]
    assert packed is None or apart == chosen


async def test_any_path_can_be_called(popily):
    done = await do(REQUEST, popily, method="POST", path="/users/", json={"username": "eve"})
    assert (done.result.status, done.result.body["username"]) == (201, "eve")
    with pytest.raises(errors.PermanentError) as lost:
        await do(REQUEST, popily, path="/users/99/")
    assert lost.value.missing
