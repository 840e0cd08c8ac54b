"""The demo's parts: the config made from the example, the lines, the verdict."""

import io
import socket
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from daemon.app import listening
from daemon.cli.demo import stage, telling, verdict
from daemon.model import times
from daemon.model.events import Event
from daemon.model.runs import Run, RunStatus
from daemon.sandbox import server, story
from daemon.sandbox import telling as sandbox_telling
from tests.cli.desk import Desk
from tests.clocks import VirtualClock

NIGHT = times.parse_rfc3339("2026-06-02T00:00:00Z")


def all_effects() -> Counter[tuple[str, str, str]]:
    return Counter(
        {(one.service, one.effect, name): n for one in story.EFFECTS for name, n in one.each.items()}
    )


def event(type: str) -> Event:
    return Event(1, "e", "s", type, "subject", NIGHT, NIGHT, "k", "t", 0)


def run(reaction: str, status: RunStatus = RunStatus.SUCCEEDED, error: str | None = None) -> Run:
    values: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    return Run(**{**values, "id": "r", "reaction": reaction, "status": status, "error": error})


def all_found(**changes: Any) -> verdict.Found:
    whole: dict[str, Any] = {
        "effects": all_effects(),
        "events": tuple(event(type) for type, count in story.EVENTS.items() for _ in range(count)),
        "runs": tuple(run(name) for name, count in story.RUNS.items() for _ in range(count)),
    }
    return verdict.Found(**{**whole, **changes})


def wrongs(found: verdict.Found) -> list[tuple[str, str, str]]:
    return [(row.where, row.what, row.wrong) for row in verdict.judge(found) if row.wrong]


def test_everything_as_often_as_expected_is_good() -> None:
    rows = verdict.judge(all_found())
    assert verdict.is_good(rows)
    assert len(rows) == len(story.EFFECTS) + len(story.EVENTS) + len(story.RUNS)


@given(st.sampled_from(sorted(all_effects())), st.sampled_from([-1, 1]))
def test_one_effect_too_few_or_too_many_is_told(which: tuple[str, str, str], more: int) -> None:
    effects = all_effects()
    effects[which] += more
    ((where, what, wrong),) = wrongs(all_found(effects=effects))
    assert (where, what) == which[:2]
    assert which[2] in wrong
    assert ("too many" if more > 0 else "missing") in wrong


def test_what_nobody_expected_is_told() -> None:
    effects = all_effects() + Counter({("plotly", "file.trashed", ""): 2})
    dead = run("count-an-opening", RunStatus.DEAD, "no such grid")
    assert wrongs(all_found(effects=effects)) == [("plotly", "file.trashed", "not expected")]
    assert wrongs(all_found(runs=(*all_found().runs, run("tell-of-trouble")))) == [
        ("run", "tell-of-trouble", "not expected")
    ]
    assert wrongs(all_found(runs=(*all_found().runs, dead))) == [
        ("run", "count-an-opening", "dead: no such grid")
    ]
    assert wrongs(all_found(events=(*all_found().events, event("pointsman.run.dead")))) == [
        ("event", "pointsman.run.dead", "not expected")
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_fits_the_screen(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    lost = run("publish-what-was-edited", RunStatus.DEAD, "a long story of what went wrong " * 5)
    console.print(verdict.draw(verdict.judge(all_found(runs=(lost,)))))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    for name in ["popily source.added", "populr.collaboration.finished", "publish-what-was-edited"]:
        assert any(name in line for line in lines)


def test_only_the_changed_keys_of_the_example_differ(tmp_path: Path) -> None:
    sandbox = server.Sandbox(VirtualClock())
    sandbox.urls = dict.fromkeys(sandbox.services, "http://127.0.0.1:9")
    before = tomllib.loads(stage.example())
    changes = stage.changes(before, sandbox, tmp_path, (1, 2))
    after = tomllib.loads(stage.rewrite(stage.example(), changes))
    for table, keys in changes.items():
        here, there = dig(after, table), dig(before, table)
        assert {key: here.get(key) for key in keys} == keys
        for key in keys:
            here.pop(key, None), there.pop(key, None)
    assert after == before
    accounts = stage.rewrite(stage.example(), changes).split("# ----")[1]
    assert not [line for line in accounts.splitlines() if "env" in line.partition("#")[0]]


def dig(tree: dict[str, Any], table: str) -> dict[str, Any]:
    for name in table.split("."):
        tree = tree[name]
    return tree


def test_the_night_is_the_next_one() -> None:
    tree = tomllib.loads(stage.example())
    instant, zone = stage.nightly(tree, NIGHT)
    local = times.to_datetime(instant).astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (2, 0)
    assert 0 < instant - NIGHT <= times.DAY


def test_a_port_is_kept_until_it_is_listened_on() -> None:
    with stage.reserved() as first, stage.reserved() as second:
        assert first != second
        listener = listening.bind(stage.HOST, first)
        with listener, socket.create_connection((stage.HOST, first), timeout=5) as reached:
            assert reached.getpeername() == (stage.HOST, first)


@given(st.text(max_size=60), st.sampled_from(sorted(telling.MARKS)))
def test_columns_stand_below_one_another(subject: str, kind: str) -> None:
    line = telling.Line(NIGHT, kind, "populr.tracer.opened", subject, "WORDS")
    drawn = telling.draw(line, ZoneInfo("Europe/Berlin")).plain
    assert drawn.startswith("02:00:00 ")
    assert drawn.endswith("WORDS")
    assert len(drawn) == len("02:00:00 ● ") + telling.NAME_WIDTH + 1 + telling.SUBJECT_WIDTH + 1 + len(
        "WORDS"
    )


def test_lines_are_sorted_by_their_time_alone() -> None:
    early, late = (telling.Line(at, "event", "a", "b", "c") for at in (1, 2))
    assert sorted([late, early]) == [early, late]


def test_every_expected_effect_and_event_has_words() -> None:
    assert {one.effect for one in story.EFFECTS} <= set(sandbox_telling.WORDS)
    assert set(story.EVENTS) <= set(telling.WORDS)


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "1001"])
def test_a_speed_that_cannot_be_is_refused(
    bare_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speed: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = list(tmp_path.iterdir())
    answer = bare_desk.call("demo", f"--speed={speed}")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("--speed: a number above 0 and up to 1000 is expected")
    assert list(tmp_path.iterdir()) == before
