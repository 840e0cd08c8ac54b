"""What templates and expressions read, held against the schemas of events and steps. Pure.

``templates`` calls :func:`check_reads` for every expression of a reaction. What cannot be followed (a
subscript, a variable of the template, an event of the operator's own) is not judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from daemon.checking import shapes
from daemon.checking.shapes import Missing, Shape
from daemon.contract import wording
from daemon.expressions import Reference
from daemon.model import scope
from daemon.model.events import Event
from daemon.model.problems import Path, Problem
from daemon.model.runs import Run

FUNCTIONS = ("state", "now")
UNBUILT = {"events": "batch", "expected": "expect"}
MOST_SHOWN = 10  # names in a help


def _blank(kind: Any) -> Any:
    """A value of the dataclass *kind* with nothing in it, to see which names the scope makes of it."""
    return kind(**{item.name: 0 for item in fields(kind)})


EVENT_NAMES = tuple(scope.of_event(_blank(Event)))
RUN_NAMES = tuple(scope.of_run(_blank(Run)))


@dataclass(frozen=True, slots=True)
class Sight:
    """What one expression can see.

    *names* are the roots in scope; *events* the shapes that the event's data may have; *steps* those of the
    results of the steps before it, by id; *later* the ids of this step and of those after it. *secret*: it stands in a
    secret parameter, which is kept nowhere and so rendered anew at each attempt.
    """

    names: tuple[str, ...]
    events: tuple[Shape, ...] = ()
    steps: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    later: tuple[str, ...] = ()
    secret: bool = False


def check_reads(path: Path, references: list[Reference], sight: Sight) -> Iterator[Problem]:
    """Every name in *references*, read by the text at *path*, is within *sight*."""
    for reference in dict.fromkeys(references):
        found = _check(reference, sight)
        if found is not None:
            text, help = found
            at = (*path, *reference.at)
            yield Problem(at, text, help, spot="text", line=reference.line - 1)


def _check(reference: Reference, sight: Sight) -> tuple[str, str] | None:
    root = reference.path[0]
    if root in FUNCTIONS and root in sight.names:
        return _check_function(reference, sight)
    if root not in sight.names:
        return _unknown_root(root, sight)
    if reference.kind == "call":
        return (
            f"{_dotted(reference.path)} is data and cannot be called",
            "A dot is a key here; methods are out of reach.",
        )
    match root:
        case "event":
            return _check_event(reference, sight)
        case "steps":
            return _check_step(reference, sight)
        case "run":
            return _among(reference.path, RUN_NAMES)
    return None


def _check_function(reference: Reference, sight: Sight) -> tuple[str, str] | None:
    name = reference.path[0]
    example = 'state("key")' if name == "state" else "now()"
    if reference.kind != "call" or len(reference.path) != 1:
        return f"{name} is a function", f"Write {example}."
    if sight.secret:
        text = f"a secret is rendered anew at each attempt, and {example} may give another value by then"
        help = "Take it from the event or an earlier step, or give it in a parameter that is not secret."
        return text, help
    return None


def _unknown_root(root: str, sight: Sight) -> tuple[str, str]:
    if root in UNBUILT:
        return f"{root} is in scope with {UNBUILT[root]} alone, which is not built yet", "Read event."
    if root == "item":
        return "item is in scope with for_each alone", "Give the reaction a for_each, or read event."
    if root in ("steps", "run", "event", *FUNCTIONS):
        return f"{root} is not in scope here", f"In scope: {', '.join(sight.names)}."
    help = wording.meant(root, sight.names, otherwise=f"In scope: {', '.join(sight.names)}.")
    return f"nothing is called {root}", help


def _check_event(reference: Reference, sight: Sight) -> tuple[str, str] | None:
    wrong = _among(reference.path, EVENT_NAMES)
    if wrong is not None or len(reference.path) < 3 or reference.path[1] != "data":
        return wrong
    return _in_shapes(reference, 2, sight.events)


def _check_step(reference: Reference, sight: Sight) -> tuple[str, str] | None:
    if len(reference.path) < 2:
        return None
    id = reference.path[1]
    if id in sight.steps:
        return _in_shapes(reference, 2, sight.steps[id])
    if id in sight.later:
        when = "this step itself" if sight.later[0] == id else "a later step"
        return f"steps.{id} is {when}, which has no result yet", "Read a step that comes before."
    known = ", ".join(sight.steps)
    help = wording.meant(
        id, sight.steps, otherwise=f"Steps before: {known}." if known else "No step comes before."
    )
    return f"there is no step {id} before this one", help


def _among(path: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, str] | None:
    if len(path) < 2 or path[1] in known:
        return None
    help = wording.meant(path[1], known, otherwise=f"{path[0]} has: {', '.join(known)}.")
    return f"{path[0]} has no {path[1]}", help


def _in_shapes(reference: Reference, start: int, shapes_: tuple[Shape, ...]) -> tuple[str, str] | None:
    """The name must be in one of the shapes; where it is not in all of them it needs a guard."""
    name = reference.path[start:]
    lacking = [(shape, found) for shape in shapes_ if (found := shapes.missing(shape, name)) is not None]
    if not lacking:
        return None
    if len(lacking) < len(shapes_):
        if reference.guarded:
            return None
        labels = ", ".join(shape.label for shape, _ in lacking[:3])
        help = "Use default or is defined where it may be missing."
        return f"{_dotted(reference.path)} is not in every event here: {labels} lacks it", help
    shape, deepest = max(lacking, key=lambda pair: pair[1].depth)
    return _not_there(reference.path, start, deepest, shape.label)


def _not_there(path: tuple[str, ...], start: int, found: Missing, label: str) -> tuple[str, str]:
    parent, name = _dotted(path[: start + found.depth]), path[start + found.depth]
    if found.instead:
        return f"{parent} is {found.instead}, it has no {name}", "Read the value itself."
    shown = ", ".join(found.known[:MOST_SHOWN])
    more = " …" if len(found.known) > MOST_SHOWN else ""
    has = f"It has: {shown}{more}." if shown else "It has no documented fields."
    help = wording.meant(name, found.known, otherwise=has)
    return f"{parent} of {label} has no {name}", f'{help} An undocumented field is read as ["{name}"].'


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path)
