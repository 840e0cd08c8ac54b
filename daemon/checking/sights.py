"""What the expressions of a reaction can see: the shapes of its events and of its steps' results. Pure.

Made for ``templates``; ``references`` looks through them.
"""

from daemon.checking import types
from daemon.checking.draft import Draft, Rule, Schedule, Step
from daemon.checking.references import Sight
from daemon.checking.shapes import Shape
from daemon.contract.catalog import Catalog
from daemon.contract.own_events import ScheduleFired
from daemon.model import reactions

OPEN = Shape("an event of your own", open=True)


def event_shapes(draft: Draft, catalog: Catalog, rule: Rule) -> tuple[Shape, ...]:
    """The shapes that ``event.data`` may have in *rule*, one for each type (and schedule) that it matches."""
    found: dict[str, Shape] = {}
    for _, pattern in rule.on:
        for type in types.matched(pattern, catalog):
            found |= {shape.label: shape for shape in _shapes_of(draft, catalog, rule, type)}
        known = bool(types.matched(pattern, catalog))
        if types.may_be_own(pattern) if types.is_glob(pattern) else not known:
            found[OPEN.label] = OPEN
    return tuple(found.values()) or (OPEN,)


def _shapes_of(draft: Draft, catalog: Catalog, rule: Rule, type: str) -> list[Shape]:
    if type != ScheduleFired.type:
        return [Shape(type, (catalog.events[type],))]
    fitting = [one for one in draft.schedules if _may_fire(one, rule)]
    if not fitting or not draft.whole:
        return [OPEN] if not draft.whole else [Shape(type, (ScheduleFired,))]
    return [Shape(f"{type} of {one.name}", (ScheduleFired,), one.data) for one in fitting]


def _may_fire(schedule: Schedule, rule: Rule) -> bool:
    """Whether *rule* sees the firings of *schedule*: its subject is the schedule's name."""
    if rule.subject is None or schedule.name is None:
        return True
    return reactions.matches_glob(rule.subject, schedule.name)


def result_shapes(catalog: Catalog, step: Step) -> tuple[Shape, ...]:
    """The shapes of ``steps.ID``: the action's result, or with ``wait`` the data of the final event."""
    action = catalog.actions.get(step.action or "")
    if action is None:
        return (Shape("an unknown action", open=True),)
    waits = step.parameters.get("wait", False)
    result = Shape(f"the result of {action.name}", (action.result,))
    if action.follows is None or waits is False:
        return (result,)
    watch = catalog.watches.get((catalog.action_kinds[action.name], action.follows))
    if watch is None or waits is not True:
        return (Shape(result.label, open=True),)  # which of the two is told by a template
    final = tuple(catalog.events[type] for type in watch.events if type in catalog.events)
    return (Shape(f"what {action.name} waits for", final),)


def for_conditions(shapes: tuple[Shape, ...]) -> Sight:
    """What ``when`` and ``for_each`` see."""
    return Sight(("event", "state", "now"), shapes)


def for_steps(catalog: Catalog, rule: Rule, shapes: tuple[Shape, ...]) -> list[Sight]:
    """What each step of *rule* sees, in order."""
    names = ("event", *(("item",) if rule.for_each else ()), "steps", "run", "state", "now")
    sights, before = [], dict[str, tuple[Shape, ...]]()
    ids = tuple(step.id for step in rule.steps)
    for number, step in enumerate(rule.steps):
        sights.append(Sight(names, shapes, dict(before), ids[number:]))
        before[step.id] = result_shapes(catalog, step)
    return sights
