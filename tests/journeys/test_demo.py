"""The demo as a whole, in a process of its own: the story's end, and what is said when an effect is missing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import pytest

from daemon.sandbox import story

# More than the demo's own bound of 60 s: what it takes to start and stop comes on top.
LONGEST_SECONDS = 90.0
PLOTLY_FAILS = """
import sys
from rich.console import Console
from daemon import connectors
from daemon.cli.demo import command
from daemon.sandbox.faults import Fault

def arrange(sandbox):
    sandbox.faults.add(Fault("plotly", "status", path="*/row", status=500, times=None))

wish = command.Wish(speed=600, once=True, limit=14.0)
sys.exit(command.play(wish, Console(width=100), connectors.discover(), arrange))
"""


def environment(folder: Path) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    return {**environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )


def rows(output: str) -> dict[str, tuple[str, int, int]]:
    """The table: mark, expected and found of each effect."""
    found = re.findall(r"^([✓✗]) +(\S+(?: \S+)?) +(\d+) +(\d+)", output, re.MULTILINE)
    return {what: (mark, int(expected), int(found)) for mark, what, expected, found in found}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a whole demo said, and the folder for temporary files that it had."""
    folder = tmp_path_factory.mktemp("demo")
    began = time.monotonic()
    done = run(folder, "-m", "daemon", "demo", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - began < LONGEST_SECONDS
    assert done.stderr == ""
    return done.stdout, folder


@pytest.mark.timeout(LONGEST_SECONDS + 10)
def test_the_story_ends_with_every_effect_exactly_as_often_as_expected(played: tuple[str, Path]) -> None:
    said, folder = played
    assert "\x1b" not in said, "colours where there is no terminal"
    assert re.search(
        r"^\d\d:\d\d:\d\d ▸ plotly grid.rows_appended +ada:\d+ +Plotly grid ada:\d+ got a row$",
        said,
        re.MULTILINE,
    )
    table = rows(said)
    for one in story.EFFECTS:
        assert table[f"{one.service} {one.effect}"] == ("✓", one.count, one.count)
    for name, count in {**story.EVENTS, **story.RUNS}.items():
        assert table[name] == ("✓", count, count)
    assert list(folder.iterdir()) == [], "something is left behind"


@pytest.mark.timeout(LONGEST_SECONDS + 10)
def test_the_lines_are_in_the_order_in_which_things_happened(played: tuple[str, Path]) -> None:
    said, _ = played
    told = re.findall(r"^(\d\d:\d\d:\d\d) \S (\S+(?: [a-z]+\.[a-z_]+)?)", said, re.MULTILINE)
    assert [at for at, _ in told] == sorted(at for at, _ in told)
    names = [name for _, name in told]
    steps = ["schedule.fired", "tonalytica job.submitted", "popily source.added", "popily.source.finished"]
    steps += [
        "compass documents.added",
        "compass.classifier.ready",
        "plotly grid.created",
        "populr pop.created",
    ]
    steps += ["populr tracer.opened", "populr tracer.told", "populr.tracer.opened", "compass note.classified"]
    steps += ["plotly grid.rows_appended", "populr pop.edited", "populr.collaboration.finished"]
    places = [names.index(step) for step in steps]
    assert places == sorted(places), said
    assert names[-1] == "populr pop.published", said


@pytest.mark.timeout(LONGEST_SECONDS + 10)
def test_a_missing_effect_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", PLOTLY_FAILS)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "plotly grid.rows_appended: 1 expected, 0 found (missing)" in done.stdout
    assert re.search(r"^run count-an-opening: 1 expected, 0 found \(missing; \w+", done.stdout, re.MULTILINE)
    (folder,) = tmp_path.iterdir()
    assert str(folder) in done.stdout
    assert (folder / "pointsman.log").stat().st_size > 0


@pytest.mark.timeout(LONGEST_SECONDS + 10)
def test_it_goes_on_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "daemon", "demo", "--speed", "600"]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        try:
            said = "".join(until(demo.stdout, "Ctrl-C ends it"))
            (config,) = tmp_path.glob("*/config.toml")
            listed = run(tmp_path, "-m", "daemon", "--config", str(config), "events", "--json")
            assert len(json.loads(listed.stdout)["events"]) >= sum(story.EVENTS.values())
            (url, body) = re.findall(r"^  curl (\S+) -d '(.+)'$", said, re.MULTILINE)[0]
            with urllib.request.urlopen(urllib.request.Request(url, body.encode()), timeout=10) as answer:
                assert answer.status == 200
            assert until(demo.stdout, " populr.tracer.opened ")[-1].rstrip().endswith(": 1 new view")
            demo.send_signal(signal.SIGINT)
            assert demo.wait(20) == 0
        finally:
            demo.kill()
    assert (config.parent / "pointsman.db").exists()


def until(lines: Iterable[str], text: str) -> list[str]:
    """The lines up to the one that holds *text*."""
    found = []
    for line in lines:
        found.append(line)
        if text in line:
            return found
    raise AssertionError(f"{text!r} was never said: {''.join(found)}")
