"""The journal that commands open, and ``pointsman db`` and ``rejections``."""

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from daemon.journal import migrate, state
from daemon.journal.database import Connection
from tests.cli.desk import CONFIG, Desk
from tests.journal import making

LOOKING = [
    ("events",),
    ("events", "show", "x"),
    ("events", "tail"),
    ("events", "replay", "x"),
    ("runs",),
    ("runs", "retry", "x"),
    ("watches",),
    ("rejections",),
    ("emit", "a.b"),
    ("db", "current"),
]


@pytest.mark.parametrize("command", LOOKING)
def test_a_missing_journal_is_named_and_not_made(bare_desk: Desk, command: tuple[str, ...]) -> None:
    answer = bare_desk.call(*command)
    assert (answer.code, answer.out) == (2, "")
    assert answer.complaints[0].startswith(f"{bare_desk.folder / 'pointsman.db'}: there is no journal.")
    assert len(answer.complaints) == 1
    assert list(bare_desk.folder.iterdir()) == [bare_desk.config]


def test_a_missing_config_is_named(bare_desk: Desk) -> None:
    bare_desk.config.unlink()
    answer = bare_desk.run("events")
    assert (answer.code, answer.out) == (2, "")
    assert answer.complaints == [
        f"{bare_desk.config}:1:1: the file cannot be read (No such file or directory). "
        "Name another: pointsman --config FILE."
    ]


def test_a_broken_reaction_hides_no_event(desk: Desk) -> None:
    id = desk.tell()
    desk.config.write_text(CONFIG + '\n[[reaction]]\nname = "broken"\nupon = 3\n')
    answer = desk.call("events", "--json")
    assert [one["id"] for one in answer.document["events"]] == [id]
    refused = desk.call("events", "replay", id)
    assert refused.code == 2
    assert any("unknown key upon" in line for line in refused.complaints)


def test_upgrade_makes_the_journal_and_says_when_there_is_nothing_to_do(bare_desk: Desk) -> None:
    first, second = bare_desk.run("db", "upgrade"), bare_desk.run("db", "upgrade")
    assert (first.code, first.out) == (0, f"the journal is at {migrate.HEAD} now, newly made\n")
    assert (second.code, second.out) == (0, f"the journal is at {migrate.HEAD} already\n")
    assert Path(bare_desk.folder / "pointsman.db").stat().st_mode & 0o077 == 0
    assert bare_desk.call("events", "--json").document == {"events": []}


def test_upgrade_of_what_cannot_be_made_is_one_line(bare_desk: Desk) -> None:
    (bare_desk.folder / "pointsman.db").mkdir()
    answer = bare_desk.call("db", "upgrade")
    assert answer.code == 2
    assert len(answer.complaints) == 1
    assert "pointsman.db: cannot make or upgrade it" in answer.err


def test_current_tells_revision_and_head(desk: Desk) -> None:
    answer = desk.call("db", "current", "--json")
    assert answer.code == 0
    assert answer.document == {"revision": migrate.HEAD, "head": migrate.HEAD, "current": True}


def test_an_outdated_journal_is_told_and_not_used(bare_desk: Desk) -> None:
    sqlite3.connect(bare_desk.folder / "pointsman.db").execute("CREATE TABLE other (n)").connection.close()
    behind = bare_desk.call("db", "current")
    assert (behind.code, behind.out) == (1, f"revision none, needed {migrate.HEAD}\n")
    answer = bare_desk.call("events")
    assert answer.code == 2
    assert answer.complaints == [
        f"the journal's schema is empty, this program needs {migrate.HEAD}. Run `pointsman db upgrade`."
    ]


def reject(connection: Connection, values: tuple[int, str, int, str, str]) -> None:
    state.reject(connection, *values)


def test_rejections_are_listed_newest_first(desk: Desk) -> None:
    for number in (1, 2):
        values = (making.NOW + number, "/hooks/shop", 400, f"not JSON {number}", "{")
        desk.write(partial(reject, values=values))
    listed = desk.run("rejections", "--json").document["rejections"]
    assert [one["error"] for one in listed] == ["not JSON 2", "not JSON 1"]
    assert {name: listed[1][name] for name in ("at", "path", "status", "body")} == {
        "at": "2025-12-01T00:00:00.000001Z",
        "path": "/hooks/shop",
        "status": 400,
        "body": "{",
    }
    assert len(desk.call("rejections", "--json", "--limit", "1").document["rejections"]) == 1
    assert "not JSON 2" in desk.call("rejections").out


def test_a_server_holds_a_journal_too(bare_desk: Desk, postgres_url: str) -> None:
    bare_desk.config.write_text(f'[database]\nurl = "{postgres_url}"\n' + CONFIG)
    bare_desk.config.chmod(0o600)
    behind = bare_desk.call("events")
    assert behind.code == 2
    assert "Run `pointsman db upgrade`" in behind.err
    assert bare_desk.call("db", "upgrade").code == 0
    id = bare_desk.call("emit", "orders.received", "--data", '{"total": 9, "lines": []}').out.strip()
    made = bare_desk.call("events", "replay", id).out.strip()
    assert bare_desk.call("runs", "cancel", made).code == 0
    shown = bare_desk.call("events", "show", id, "--json").document
    assert [(run["id"], run["status"]) for run in shown["runs"]] == [(made, "cancelled")]


def test_a_server_that_is_not_there_is_one_line_without_its_password(bare_desk: Desk) -> None:
    bare_desk.config.write_text('[database]\nurl = "postgresql://ada:lovelace-1815@127.0.0.1:9/x"\n')
    for command in (["events"], ["db", "upgrade"], ["db", "current"]):
        answer = bare_desk.call(*command)
        assert (answer.code, len(answer.complaints)) == (2, 1)
        assert answer.err.startswith("postgresql://127.0.0.1:9/x: the journal cannot be used now")
        assert "lovelace-1815" not in answer.err


def test_a_secret_address_that_is_not_at_hand_is_told_with_its_place(bare_desk: Desk) -> None:
    bare_desk.config.write_text('[database]\nurl = { env = "NOT_SET_HERE" }\n')
    answer = bare_desk.call("runs")
    assert answer.code == 2
    assert answer.complaints == [
        f"{bare_desk.config}:2:7: the environment variable NOT_SET_HERE is not set. Set it, or name another."
    ]
