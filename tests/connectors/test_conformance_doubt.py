"""Every creating call of every connector, through the engine, with its answer lost once: the ledger counts one effect.

An undisturbed run says what one effect is. Then the same call loses its answer after its effect, before it, or with the
process, and the engine takes its road: what is probed ends like the undisturbed one, what is unsafe is held.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from daemon import connectors
from daemon.contract.configured import Account, Rate
from daemon.journal import database
from daemon.model import times
from daemon.model.jsons import JsonObject
from daemon.model.reactions import Do
from daemon.model.runs import Doubt, Run, RunStatus
from daemon.sandbox import compass as simulated
from daemon.sandbox.faults import Fault
from daemon.sandbox.server import Sandbox
from tests import clocks
from tests.connectors import stub, support
from tests.journal.conftest import blank_file, sqlite_url
from tests.running.world import World, reaction

__all__ = ["blank_file", "sqlite_url"]

CATALOG = connectors.discover()
PROJECT = simulated.PROJECT_ID
PAGE = "<html>all is well</html>"  # what a proxy answers, under 200
ROWS = [{"city": "Oslo", "n": 1}, {"city": "Bergen", "n": 2}]
TRACE = {"type": "bar", "xsrc": "city", "ysrc": "n"}
Act = Callable[..., Awaitable[Any]]


async def furnish_populr(act: Act, sandbox: Sandbox) -> JsonObject:
    template = next(iter(sandbox.populr.templates.values()))["_id"]
    pop = await act("create_pop", template_id=template, name="Offer")
    return {"template": template, "pop": pop.id}


async def furnish_compass(act: Act, sandbox: Sandbox) -> JsonObject:
    await act("create_user", name="Bob", email="bob@example.com")
    await act("create_classifier", project_id=PROJECT, name="drinks", type="topic_based")
    return {}


async def furnish_tonalytica(act: Act, sandbox: Sandbox) -> JsonObject:
    board = await act("create_dashboard", name="Sales board")
    return {"query": next(iter(sandbox.tonalytica.queries)), "board": board.id}


async def furnish_plotly(act: Act, sandbox: Sandbox) -> JsonObject:
    return {"grid": (await act("create_grid", filename="signups", rows=ROWS)).fid}


async def furnish_popily(act: Act, sandbox: Sandbox) -> JsonObject:
    await act("create_user", username="bob")
    return {}


FURNISH = {
    "populr": furnish_populr,
    "popily": furnish_popily,
    "compass": furnish_compass,
    "tonalytica": furnish_tonalytica,
    "plotly": furnish_plotly,
}


def samples(made: JsonObject) -> dict[str, JsonObject]:
    """The parameters of a call of each action, by name; *made* is what was furnished."""
    known = {"grid": "ada:0", "template": "t", "pop": "p", "query": 1, "board": 1, **made}
    return {
        **of_populr_and_popily(known),
        **of_compass({"project_id": PROJECT}),
        **of_tonalytica(known),
        **of_plotly(known),
        **BARE,
    }


def of_populr_and_popily(known: JsonObject) -> dict[str, JsonObject]:
    return {
        "populr.create_pop": {"template_id": known["template"], "name": "Second"},
        "populr.update_pop": {
            "pop_id": known["pop"],
            "populate_tags": {"city": "Oslo", "signups": "42"},
        },
        "populr.create_tracer": {"pop_id": known["pop"], "name": "ada"},
        "populr.create_embed": {"source_html": "<p>Until Friday</p>"},
        "populr.add_domain": {"domain": "pops.example.com"},
        "popily.add_source": {"title": "Sales", "rows": ROWS},
        "popily.create_user": {"username": "grace"},
    }


def of_compass(of_project: JsonObject) -> dict[str, JsonObject]:
    return {
        "compass.create_project": {"name": "Second", "account": "acct0001", "language": "en"},
        "compass.add_documents": {
            **of_project,
            "documents": [{"text": f"note {n}", "dataset": "set-1"} for n in range(3)],
        },
        "compass.create_classifier": {**of_project, "name": "triage", "type": "sentiment_combined"},
        "compass.create_classifier_topic": {
            **of_project,
            "classifier_id": "1",
            "name": "tea",
            "info": "tea OR mate",
        },
        "compass.create_topic": {**of_project, "title": "prices", "info": {"terms": {"price": 1.0}}},
        "compass.post_messages": {**of_project, "messages": [{"text": f"note {n}"} for n in range(3)]},
        "compass.create_account": {"name": "Second"},
        "compass.create_user": {"name": "Eve", "email": "eve@example.com"},
        "compass.create_permission": {"user": "bob@example.com", "account": "acct0001", "level": "read"},
    }


def of_tonalytica(known: JsonObject) -> dict[str, JsonObject]:
    return {
        "tonalytica.execute_query": {"query_id": known["query"]},
        "tonalytica.create_query": {"name": "new one", "query": "select 1", "data_source_id": 1},
        "tonalytica.update_query": {"query_id": known["query"], "name": "renamed"},
        "tonalytica.create_dashboard": {"name": "Second board"},
        "tonalytica.update_dashboard": {"dashboard_id": str(known["board"]), "name": "Renamed board"},
        "tonalytica.clone_dashboard": {"dashboard_id": str(known["board"])},
    }


def of_plotly(known: JsonObject) -> dict[str, JsonObject]:
    return {
        "plotly.create_grid": {"filename": "reports/two", "columns": {"a": [1, "x"]}},
        "plotly.append_rows": {"fid": known["grid"], "rows": [["Jena", 7]]},
        "plotly.append_columns": {"fid": known["grid"], "columns": [{"name": "rank", "data": [2, 1]}]},
        "plotly.create_plot": {"filename": "chart", "grid": known["grid"], "data": [TRACE]},
        "plotly.create_folder": {"path": "reports/2026"},
        "plotly.create_dashboard": {"filename": "b/d", "content": {"version": 2}},
        "plotly.create_presentation": {"filename": "slides", "content": {"slides": []}},
    }


BARE: dict[str, JsonObject] = {
    "populr.request": {"method": "POST", "path": "/domains", "json": {"domain": "x.example.com"}},
    "compass.request": {"method": "POST", "path": "/accounts/", "json": {"name": "Third"}},
    "popily.request": {"method": "POST", "path": "/users/", "json": {"username": "eve"}},
    "plotly.request": {"method": "POST", "path": "/folders", "json": {"path": "new"}},
}

# A secret parameter is kept as a reference that a config gives; its connector's own tests lose its answer.
ELSEWHERE = {"compass.change_password", "compass.reset_password"}
TAKE_ANY_BODY = {"populr.request", "popily.request"}
PROBED = sorted(
    name for name, one in CATALOG.actions.items() if one.doubt is Doubt.PROBED and name not in ELSEWHERE
)
UNSAFE = sorted(name for name in samples({}) if CATALOG.actions[name].doubt is Doubt.UNSAFE)


def test_every_probed_action_has_its_sample() -> None:
    assert [name for name in PROBED if name not in samples({})] == []
    assert {name.partition(".")[0] for name in PROBED} == set(FURNISH)


@dataclass
class Bench:
    """An engine whose accounts are the sandbox's services."""

    world: World
    sandbox: Sandbox

    async def act(self, name: str, /, **given: Any) -> Any:
        """One call beside the engine; its result."""
        action = CATALOG.actions[name]
        parameters = action.parameters.model_validate(given)
        client = self.world.services.client(name.partition(".")[0])
        return (await action.call(client, parameters, stub.call_of(marker="ffffffffffff"))).result

    async def furnish(self, kind: str) -> JsonObject:
        """New services, and what the samples of *kind* need there."""
        self.sandbox.reset()

        def act(name: str, /, **given: Any) -> Awaitable[Any]:
            return self.act(f"{kind}.{name}", **given)

        return await FURNISH[kind](act, self.sandbox)

    async def run(
        self, name: str, fault: str | None = None, *, status: int = 200, body: object = PAGE
    ) -> tuple[Run, Counter[str]]:
        """A run that calls *name*, its first write meeting *fault*; how it stands after ten minutes, its effects."""
        kind = name.partition(".")[0]
        made = await self.furnish(kind)
        before = Counter(effect for effect, _ in self.sandbox.ledger.effects(kind))
        if fault is not None:
            method = "PUT" if name == "populr.update_pop" else "POST"
            path = PATHS.get(name, "*")
            self.sandbox.faults.add(Fault(kind, fault, method=method, path=path, status=status, body=body))
        self.world.react(reaction("make", Do("it", name, kind, None, samples(made)[name])))
        run = await self.world.react_to()
        for _ in range(20):
            await self.world.later(30 * times.SECOND)
        assert self.sandbox.faults.read() == [], "the fault was met"
        after = Counter(effect for effect, _ in self.sandbox.ledger.effects(kind))
        return await self.world.run(run.id), after - before


PATHS = {"compass.create_classifier": "*/classifiers*"}


@pytest.fixture
async def bench(
    sqlite_url: str, virtual_clock: clocks.VirtualClock, sandbox: Sandbox
) -> AsyncIterator[Bench]:
    """The engine beside the sandbox, on one clock."""
    journal = await database.open_journal(sqlite_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        world = World(journal, virtual_clock)
        opened, accounts = {}, {}
        for kind in CATALOG.account_kinds:
            connector = CATALOG.connectors[kind]
            opened[kind] = await stack.enter_async_context(support.sandbox_client(connector, sandbox))
            accounts[kind] = Account(
                kind, kind, opened[kind], 30 * times.SECOND, Rate(5, times.SECOND), 2, True
            )
        clients = {**world.services.clients, **opened}
        world.services = replace(world.services, catalog=CATALOG, accounts=accounts, clients=clients)
        yield Bench(world, sandbox)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "replace"])
@pytest.mark.parametrize("name", PROBED)
async def test_a_probed_call_has_one_effect_whatever_is_lost(bench: Bench, name: str, fault: str) -> None:
    whole, once = await bench.run(name)
    assert (whole.status, whole.error) == (RunStatus.SUCCEEDED, None)
    disturbed, effects = await bench.run(name, fault)
    assert (disturbed.status, disturbed.error) == (RunStatus.SUCCEEDED, None)
    assert effects == once
    assert once


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
@pytest.mark.parametrize("name", UNSAFE)
async def test_an_unsafe_call_is_held_with_one_effect_at_most(bench: Bench, name: str, fault: str) -> None:
    whole, once = await bench.run(name)
    assert whole.status is RunStatus.SUCCEEDED
    held, effects = await bench.run(name, fault)
    assert held.status is RunStatus.IN_DOUBT
    assert effects == (once if fault == "drop_after" else Counter())


@pytest.mark.parametrize("name", [name for name in UNSAFE if name not in TAKE_ANY_BODY])
async def test_an_unsafe_call_with_a_strange_answer_is_held_and_tells_where_to_look(
    bench: Bench, name: str
) -> None:
    held, effects = await bench.run(name, "replace")
    assert held.status is RunStatus.IN_DOUBT
    assert "Is base_url right" in (held.error or "")
    assert effects


@pytest.mark.parametrize("status, body", [(200, {}), (204, "")])
@pytest.mark.parametrize("name", ["popily.create_user", "popily.add_source", "tonalytica.create_query"])
async def test_an_empty_answer_to_a_probed_call_is_looked_behind(
    bench: Bench, name: str, status: int, body: object
) -> None:
    run, effects = await bench.run(name, "replace", status=status, body=body)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert effects.most_common(1)[0][1] == 1


async def test_a_strange_answer_to_a_read_is_final_and_tells_where_to_look(bench: Bench) -> None:
    made, world = await bench.furnish("plotly"), bench.world
    bench.sandbox.faults.add(Fault("plotly", "replace", method="GET", status=200, body=PAGE))
    world.react(reaction("read", Do("it", "plotly.get_grid", "plotly", None, {"fid": made["grid"]})))
    run = await world.react_to()
    assert run.status is RunStatus.DEAD
    assert "Is base_url right?" in (run.error or "")


async def test_a_call_that_was_turned_away_is_in_no_doubt_whatever_others_do_meanwhile(bench: Bench) -> None:
    made, world = await bench.furnish("plotly"), bench.world
    given = samples(made)["plotly.append_rows"]
    asked = {"Retry-After": "3"}
    bench.sandbox.faults.add(Fault("plotly", "status", method="POST", status=429, headers=asked))
    world.react(reaction("make", Do("it", "plotly.append_rows", "plotly", None, given)))
    run = await world.react_to()
    (turned_away,) = await world.steps(run)
    assert turned_away.doubted_at is None
    await bench.act("plotly.append_rows", fid=made["grid"], rows=[["Bergen", 3]])
    await world.later(times.MINUTE)
    assert (await world.run(run.id)).status is RunStatus.SUCCEEDED
    grid = await bench.act("plotly.get_grid", fid=made["grid"])
    assert grid.row_count == len(ROWS) + 2
