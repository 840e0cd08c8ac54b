"""A connector's list of actions: by name, each family's file read when one of its actions is asked for."""

import pytest

from daemon.connectors import popily
from daemon.connectors.popily.actions import sources, users
from daemon.contract import catalog, declare

POPILY = "daemon.connectors.popily"


def test_an_action_is_found_in_its_family() -> None:
    found = declare.listed(POPILY, {"sources": ("popily.get_source",)}, users.list_users)
    assert list(found) == ["popily.get_source", "popily.list_users"]
    assert dict(found.pairs())["popily.get_source"] == f"{POPILY}.actions.sources"
    assert found["popily.get_source"] is sources.get_source
    assert dict(found.pairs())["popily.get_source"] is sources.get_source
    assert found["popily.list_users"] is users.list_users
    assert found.get("popily.list_sources") is None
    assert "popily.list_sources" not in found


def test_a_name_that_its_file_does_not_declare_is_our_mistake() -> None:
    found = declare.listed(POPILY, {"sources": ("popily.get_sauce",)})
    with pytest.raises(ImportError, match=r"actions\.sources declares no action popily\.get_sauce"):
        found.get("popily.get_sauce")


def test_a_name_is_listed_once() -> None:
    with pytest.raises(ValueError, match=r"'popily\.list_users' is declared twice"):
        declare.listed(POPILY, {"users": ("popily.list_users",)}, users.list_users)
    with pytest.raises(ValueError, match="'popily' is declared twice"):
        catalog.gather([popily.connector, popily.connector])


def test_what_is_changed_in_a_catalog_stays_there() -> None:
    changed = catalog.gather([popily.connector])
    del changed.actions["popily.list_users"]
    changed.actions["popily.get_source"] = sources.list_sources
    assert "popily.list_users" in popily.connector.actions
    assert popily.connector.actions["popily.get_source"] is sources.get_source
    assert len(changed.actions) == len(popily.connector.actions) - 1
