"""What the watch of files tells of the simulated Plotly, and what it does not."""

from typing import Any

import pytest
from pydantic import ValidationError

from daemon.connectors.plotly import client, connector, events, watches
from daemon.contract import errors
from daemon.sandbox.server import Sandbox
from tests.connectors import stub, support
from tests.connectors.plotly.acting import do, kept, make_grid

ADDED, CHANGED, REMOVED = (event.type for event in events.ALL)


@pytest.fixture
async def everything(ada: client.PlotlyClient) -> support.Polling:
    """A watch of all files that has polled once."""
    polling = watching(ada)
    assert await polling.poll() == []
    return polling


def watching(ada: client.PlotlyClient, **options: Any) -> support.Polling:
    return support.Polling(watches.watch_files, ada, **options)


def told(facts: list[Any]) -> list[tuple[str, str]]:
    return [(fact.type, fact.subject) for fact in facts]


async def test_a_file_is_told_when_it_comes_changes_and_goes(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, everything: support.Polling
) -> None:
    other = await make_grid(ada, "other")
    (added,) = await everything.poll()
    assert told([added]) == [(ADDED, other)]
    assert (added.data["file"]["filename"], added.data["previous"]) == ("other", None)
    await do(ada, "update_file", fid=grid, filename="cities")
    (changed,) = await everything.poll()
    assert told([changed]) == [(CHANGED, grid)]
    assert (changed.data["file"]["filename"], changed.data["previous"]["filename"]) == ("cities", "signups")
    await do(ada, "delete_file", fid=grid)
    (removed,) = await everything.poll()
    assert told([removed]) == [(REMOVED, grid)]
    assert removed.data["file"]["filename"] == "cities"
    assert await everything.poll() == []
    assert list(everything.memory) == [other]


async def test_the_trash_removes_and_restoring_adds_every_time(
    ada: client.PlotlyClient, grid: str, everything: support.Polling
) -> None:
    facts = []
    for action in ("trash_file", "restore_file", "trash_file", "restore_file", "trash_file"):
        await do(ada, action, fid=grid)
        facts += await everything.poll()
        assert await everything.poll() == []
    assert [kind for kind, _ in told(facts)] == [REMOVED, ADDED, REMOVED, ADDED, REMOVED]
    assert len({fact.key for fact in facts}) == 5
    await do(ada, "delete_file", fid=grid)
    assert await everything.poll() == []
    assert everything.memory == {}


async def test_new_rows_are_a_change_and_views_are_none(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str, everything: support.Polling, virtual_clock: Any
) -> None:
    kept(sandbox, grid)["views"] = 7
    assert await everything.poll() == []
    await virtual_clock.advance(1_000_000)
    await do(ada, "append_rows", fid=grid, rows=[["Jena", 5]])
    assert told(await everything.poll()) == [(CHANGED, grid)]


async def test_a_folder_is_watched_for_what_stands_in_it(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    inside = await make_grid(ada, "reports/2026/inside")
    outside = await make_grid(ada, "outside")
    folder = (await do(ada, "lookup_file", path="reports/2026")).fid
    by_path, by_id = watching(ada, folder="/reports/2026/"), watching(ada, folder=folder)
    assert told(await by_path.poll(announce=True)) == [(ADDED, inside)]
    assert told(await by_id.poll(announce=True)) == [(ADDED, inside)]
    await do(ada, "update_file", fid=outside, parent_path="reports/2026")
    assert told(await by_path.poll()) == [(ADDED, outside)]
    await do(ada, "update_file", fid=inside, parent=-1)
    (moved,) = await by_path.poll()
    assert (moved.type, moved.data["file"]["parent"]) == (CHANGED, -1)
    asked = len(sandbox.ledger.read())
    assert await by_path.poll() == []
    assert (
        len(sandbox.ledger.read()) - asked == 2
    )  # the folder's lookup and its list; what left is left alone
    assert told(await by_id.poll()) == [(ADDED, outside), (CHANGED, inside)]


async def test_one_memory_serves_two_watches(ada: client.PlotlyClient, grid: str) -> None:
    """As in the journal, where an account's files are remembered once."""
    whole, single = watching(ada), watching(ada, ids=[grid])
    single.memory = whole.memory
    await whole.poll()
    await do(ada, "update_file", fid=grid, filename="cities")
    assert told(await single.poll(announce=True)) == [(CHANGED, grid)]
    assert await whole.poll() == []


async def test_somebody_elses_file_in_memory_is_not_asked_for(
    ada: client.PlotlyClient, sandbox: Sandbox, everything: support.Polling
) -> None:
    foreign = {"file": {"fid": "bob:3", "filename": "b"}, "there": True, "number": 1}
    everything.memory["bob:3"] = foreign
    asked = len(sandbox.ledger.read())
    assert await everything.poll() == []
    assert len(sandbox.ledger.read()) - asked == 1
    assert everything.memory["bob:3"] == foreign


async def test_ids_are_looked_at_one_by_one(ada: client.PlotlyClient, sandbox: Sandbox, grid: str) -> None:
    other = await make_grid(ada, "other")
    polling = watching(ada, ids=[grid])
    assert await polling.poll() == []
    await do(ada, "delete_grid", fid=other)
    assert await polling.poll() == []
    await do(ada, "delete_grid", fid=grid)
    assert told(await polling.poll()) == [(REMOVED, grid)]
    assert await polling.poll() == []


async def test_many_files_come_over_many_pages(ada: client.PlotlyClient, sandbox: Sandbox) -> None:
    for number in range(205):
        sandbox.plotly.keep("grid", f"g{number}", -1, {}, columns=[])
    polling = watching(ada)
    assert len(await polling.poll(announce=True)) == 205
    sandbox.plotly.files.pop("ada:0")
    assert told(await polling.poll()) == [(REMOVED, "ada:0")]


async def test_secrets_of_a_file_are_blanked(ada: client.PlotlyClient, sandbox: Sandbox, grid: str) -> None:
    (added,) = await watching(ada).poll(announce=True)
    assert added.data["file"]["share_key"] == added.data["file"]["embed_url"] == "[blanked]"
    assert kept(sandbox, grid)["share_key"] not in str(added.data)


async def test_nothing_is_gone_while_credentials_are_refused(
    ada: client.PlotlyClient, sandbox: Sandbox, grid: str
) -> None:
    polling = watching(ada, ids=[grid])
    await polling.poll()
    wrong = {"username": "ada", "api_key": "wrong-wrong"}
    async with support.client_of(connector, sandbox.urls["plotly"], wrong) as polling.client:
        with pytest.raises(errors.TemporaryError) as refused:
            await polling.poll()
    assert refused.value.unauthorized
    assert list(polling.memory) == [grid]


async def test_a_hidden_file_is_gone_only_once_somebody_vouches_for_us(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    """A server that hides what strangers ask for says 404 before it says 401."""
    vendor.answer({"detail": "Not found."}, 404).answer({"detail": "Not logged in."}, 401)
    polling = watching(plotly, ids=["ada:0"])
    with pytest.raises(errors.TemporaryError) as refused:
        await polling.poll()
    assert refused.value.unauthorized


async def test_a_folder_that_is_not_there_stays_an_error(ada: client.PlotlyClient, grid: str) -> None:
    for folder in ("nowhere", "ada:99"):
        with pytest.raises(errors.PermanentError) as missing:
            await watching(ada, folder=folder).poll()
        assert missing.value.missing
    with pytest.raises(errors.PermanentError, match="no folder but a grid"):
        await watching(ada, folder="signups").poll()


async def test_the_next_page_is_one_of_the_same_list(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    page = {"children": {"results": [], "next": "https://elsewhere.example/v2/plots?cursor=x"}}
    vendor.answer(page)
    with pytest.raises(errors.PermanentError, match="not one of /folders/all"):
        await watching(plotly).poll()
    assert len(vendor.asked) == 1


async def test_a_list_that_turns_in_a_circle_ends(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    first = {"results": [{"fid": "ada:0"}], "next": "https://x.example/v2/folders/all/?page=2"}
    vendor.answer({"children": first})
    assert told(await watching(plotly).poll(announce=True)) == [(ADDED, "ada:0")]
    assert [asked.path for asked in vendor.asked] == [
        "/v2/folders/all?page_size=100",
        "/v2/folders/all?page=2",
    ]


@pytest.mark.parametrize(
    "body", [{"ok": True}, [1], {"children": {"results": None}}, {"results": [{"filename": "x"}]}]
)
async def test_an_answer_that_is_no_list_is_an_error(
    vendor: stub.Stub, plotly: client.PlotlyClient, body: Any
) -> None:
    vendor.answer(body)
    with pytest.raises(errors.PermanentError, match="base_url"):
        await watching(plotly).poll()
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("options", [{"ids": ["x"]}, {"ids": ["ada:0"], "folder": "a"}, {"folder": "a//b"}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        watches.FilesOptions.model_validate(options)
