"""The list of documented endpoints: no row is empty, everything that it names is there, and nothing is left out."""

import ast
import dataclasses
import functools
import re

import pytest

from daemon import connectors, reference
from daemon.contract import catalog, declare
from daemon.reference import coverage, endpoints
from daemon.sandbox.server import Sandbox
from tests import clocks
from tests.house import sources

CATALOG = connectors.discover()
KINDS = set(CATALOG.account_kinds)
EVERY = coverage.every(KINDS)
ROWS = [row for one in reference.document("coverage", CATALOG)["services"] for row in one["endpoints"]]
CALLED = ("GET", "POST", "PUT", "PATCH", "DELETE")
FAMILIES = (
    "search files grids plots extras folders images comments plot-schema users memberships organizations "
)
FAMILIES += "subscriptions jupyter-notebooks shapefiles external-images dashboards analysis"
FORMLESS = (
    "extras memberships organizations subscriptions jupyter-notebooks shapefiles external-images analysis"
)


@functools.cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((sources.ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_service_has_its_list() -> None:
    assert set(endpoints.LISTED) == set(endpoints.ABOUT) == KINDS
    assert len(EVERY) == len(ROWS) > 180


def test_no_row_is_empty() -> None:
    names = [row for row in ROWS if not row["name"] and row["way"] != "client"]
    assert names == []
    assert [
        row for row in ROWS if not all(row[key] for key in ("method", "path", "way", "doubt", "test"))
    ] == []


def test_what_a_row_names_is_there() -> None:
    known: dict[str, set[object]] = {
        "action": set(CATALOG.actions),
        "watch": set(CATALOG.watches),
        "callback": set(CATALOG.webhooks),
    }
    missing = [
        f"{one.way} {one.kind} {one.name}"
        for one in EVERY
        if one.way != "client" and (one.action or (one.kind, one.name)) not in known[one.way]
    ]
    assert missing == []


def test_every_action_watch_and_callback_stands_in_a_row() -> None:
    of_services = {name for name, kind in CATALOG.action_kinds.items() if kind in KINDS}
    assert of_services - {one.action for one in EVERY} == set()
    assert set(CATALOG.watches) - {(one.kind, one.name) for one in EVERY if one.way == "watch"} == set()
    assert set(CATALOG.webhooks) - {(one.kind, one.name) for one in EVERY if one.way == "callback"} == set()


def test_every_test_that_is_named_exists() -> None:
    missing = [
        one.test_id
        for one in EVERY
        if one.test[1] not in functions_of(f"tests/connectors/{one.kind}/{one.test[0]}.py")
    ]
    assert missing == []


def test_the_file_of_a_test_speaks_of_what_it_drives() -> None:
    silent = [
        f"{one.test_id}: {one.name}"
        for one in EVERY
        if thing(one.name) not in (sources.ROOT / one.test_id.partition("::")[0]).read_text().lower()
    ]
    assert silent == []


def thing(name: str) -> str:
    """What an action is about: tests may put the verb before it by themselves."""
    return name.partition("_")[2].removesuffix("s") or name


def test_no_row_stands_twice() -> None:
    bare = [dataclasses.replace(one, test=("", "")) for one in EVERY]
    assert len(set(bare)) == len(bare)


def test_every_documented_call_is_simulated() -> None:
    sandbox = Sandbox(clocks.VirtualClock())
    unknown = [
        f"{one.kind} {one.method} {one.path}"
        for one in EVERY
        if one.method in CALLED
        and one.name != "request"
        and one.method not in sandbox.services[one.kind]._routes.methods(re.sub(r":\w+", "7", one.path))  # type: ignore[attr-defined] # every simulated service has such a table
    ]
    assert unknown == []


def test_plotlys_families_are_all_there_and_said_honestly() -> None:
    listed = [one for one in EVERY if one.kind == "plotly"]
    assert {one.path.split("/")[1] for one in listed} >= set(FAMILIES.split())
    formless = [one for one in listed if one.path.split("/")[1] in FORMLESS.split()]
    assert {one.path[1:] for one in formless} == set(FORMLESS.split())
    assert {one.action for one in formless} == {"plotly.request"}


def test_a_name_that_is_not_there_leaves_its_row_empty() -> None:
    less = dataclasses.replace(
        CATALOG,
        actions=declare.Actions(pair for pair in CATALOG.actions.pairs() if pair[0] != "popily.list_users"),
    )
    empty = [
        row for one in coverage.document(less)["services"] for row in one["endpoints"] if not row["doubt"]
    ]
    assert [row["name"] for row in empty] == ["popily.list_users"]


def test_of_a_catalog_without_services_there_is_nothing_to_tell() -> None:
    assert coverage.document(catalog.gather([])) == {"services": []}


@pytest.mark.parametrize(
    "text",
    [
        "  request ANY /",
        "t f\n  request FETCH /",
        "t f\n  dog:x GET /",
        "t\n  request GET /",
        "t f\n  request GET",
    ],
)
def test_a_crooked_list_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(coverage.listed("depot", text))


def test_the_page_shows_every_row() -> None:
    page = reference.render("coverage", CATALOG)
    rows = [line for line in page.splitlines() if line.startswith("| ") and "::test_" in line]
    assert len(rows) == len(ROWS)
    assert (
        "| GET `/templates` | [`populr.list_templates`](actions.md#populrlist_templates) | repeatable |"
        in page
    )
    assert "| from it: POST `notify_webhook` | callback `tracer` | it listens |" in page
    assert "| any `/extras` | [`plotly.request`](actions.md#plotlyrequest) | it depends |" in page
