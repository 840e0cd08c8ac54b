"""What was expected and what was found: the table at the demo's end. Pure, but for the drawing.

``command`` gives the counts; :func:`judge` decides, :func:`draw` makes the table.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from daemon.model.events import Event
from daemon.model.runs import Run
from daemon.sandbox import story

GROUPS = {"event": "event in the journal", "run": "run that succeeded"}
Effects = Mapping[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. *wrong* says what is missing or too much, ``""`` where all is well."""

    where: str
    what: str
    words: str
    expected: int
    found: int
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What there was at the end: effects by (service, effect, name), the journal's events and runs."""

    effects: Effects
    events: tuple[Event, ...]
    runs: tuple[Run, ...]


def judge(found: Found) -> list[Row]:
    """Everything expected beside what was found, and a row for each thing that nobody expected."""
    return [*_effects(found.effects), *_events(found.events), *_runs(found.runs)]


def is_good(rows: Iterable[Row]) -> bool:
    """Whether every effect is there as often as expected, and nothing else."""
    return not any(row.wrong for row in rows)


def _effects(found: Effects) -> list[Row]:
    rows = []
    for one in story.EFFECTS:
        here = {
            name: count for (service, effect, name), count in found.items() if (service, effect) == _pair(one)
        }
        rows.append(
            Row(one.service, one.effect, one.words, one.count, sum(here.values()), _differ(one.each, here))
        )
    known = {_pair(one) for one in story.EFFECTS}
    surplus: Counter[tuple[str, str]] = Counter()
    for (service, effect, _), count in found.items():
        surplus[service, effect] += 0 if (service, effect) in known else count
    return rows + [
        Row(service, effect, "", 0, count, "not expected")
        for (service, effect), count in surplus.items()
        if count
    ]


def _pair(one: story.Expected) -> tuple[str, str]:
    return one.service, one.effect


def _events(found: Iterable[Event]) -> list[Row]:
    counts = Counter(event.type for event in found)
    trouble = sorted(type for type in counts if type.startswith("pointsman."))
    rows = [
        Row("event", type, "", count, counts[type], _differ({"": count}, {"": counts[type]}))
        for type, count in story.EVENTS.items()
    ]
    return rows + [Row("event", type, "", 0, counts[type], "not expected") for type in trouble]


def _runs(found: Iterable[Run]) -> list[Row]:
    given = list(found)
    succeeded = Counter(run.reaction for run in given if run.status == "succeeded")
    rows = []
    for reaction, count in story.RUNS.items():
        others = [run for run in given if run.reaction == reaction and run.status != "succeeded"]
        wrong = "; ".join([_differ({"": count}, {"": succeeded[reaction]}), *map(_plight, others)]).strip(
            "; "
        )
        rows.append(Row("run", reaction, "", count, succeeded[reaction], wrong))
    strangers = Counter(run.reaction for run in given if run.reaction not in story.RUNS)
    return rows + [
        Row("run", reaction, "", 0, count, "not expected") for reaction, count in strangers.items()
    ]


def _plight(run: Run) -> str:
    return f"{run.status.value}: {run.error}" if run.error else run.status.value


def _differ(expected: Mapping[str, int], found: Mapping[str, int]) -> str:
    """What is missing, and what there is too much of."""
    told = []
    for name in {**expected, **found}:
        want, have = expected.get(name, 0), found.get(name, 0)
        about = f"{name}: " if name else ""
        if have < want:
            told.append(f"{about}missing" if have == 0 else f"{about}{want - have} missing")
        elif have > want:
            told.append(f"{about}{have - want} too many")
    return ", ".join(told)


def draw(rows: Iterable[Row]) -> Table:
    """The table, a rule between effects, events and runs."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("", width=1)
    table.add_column("effect", no_wrap=True)
    table.add_column("expected", justify="right", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("", style="dim")  # the only one that may be broken into lines
    before = ""
    for row in rows:
        group = row.where if row.where in GROUPS else ""
        if group != before:
            table.add_section()
            table.add_row("", Text(GROUPS[group], "bold"))
        before = group
        what = row.what if group else f"{row.where} {row.what}"
        table.add_row(_mark(row), what, str(row.expected), str(row.found), _words(row))
    return table


def _mark(row: Row) -> Text:
    return Text("✗", "bold red") if row.wrong else Text("✓", "green")


def _words(row: Row) -> Text:
    return Text(row.wrong.partition(";")[0], "bold red") if row.wrong else Text(row.words)
