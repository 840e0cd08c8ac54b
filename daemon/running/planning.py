"""The next call of a run: its parameters rendered once and resolved anew for each attempt.

Called by ``course``; the values stand in ``hand``.
"""

from daemon import expressions
from daemon.contract.services import Services
from daemon.model import jsons
from daemon.model.reactions import Do
from daemon.model.runs import Step
from daemon.model.scope import Scope
from daemon.running import outcome, parameters
from daemon.running.hand import Course, Planned
from daemon.running.parameters import UnfitParameters


def plan(
    course: Course, position: int, do: Do, step: Step | None, seen: Scope, services: Services
) -> Planned | None:
    """The call to make, or None where the step's condition is false. A step begun earlier keeps its request.

    :class:`UnfitParameters`, :class:`~daemon.expressions.ExpressionError`;
    :class:`~daemon.model.scope.StateNeeded` for a state key that *seen* lacks.
    """
    if step is None and do.condition and not expressions.compile_condition(do.condition).holds(seen):
        return None
    action = services.catalog.actions.get(do.action)
    if action is None:
        raise UnfitParameters(f"the action {do.action} does not exist any more")
    request = step.request if step is not None else None
    if request is None:
        request = parameters.render(action, parameters.fill(do.parameters, services), seen)
    elif parameters.was_blanked(request):
        written = parameters.fill(do.parameters, services)
        request = parameters.restore(request, parameters.render(action, written, seen))
    given = parameters.resolve(action, request, seen, services)
    if step is None or step.request is None:
        stored = parameters.to_store(action, request, services.blanker)
        kind = action.doubt_for(given, marked=course.reaction.markers)
        step = outcome.new_step(course.run, position, do, kind, stored)
    return Planned(action, given, step)


def tell_cuts(do: Do, seen: Scope) -> str:
    """What to add to the error of a step that could not be planned: which of the data that it reads was cut."""
    try:
        read = expressions.names(expressions.compile_value(do.parameters))
        if do.condition:
            read += expressions.names(expressions.compile_condition(do.condition))
    except expressions.ExpressionError:
        return ""  # that is what the error says
    data = {"event.data": seen["event"]["data"]}
    data |= {f"steps.{id}": result for id, result in seen["steps"].items()}
    names = dict.fromkeys(".".join(one.path[:2]) for one in read)
    cut = [name for name in names if jsons.is_cut(data.get(name))]
    return f". [database] max_payload cut {' and '.join(cut)}: ask for less, or raise it." if cut else ""
