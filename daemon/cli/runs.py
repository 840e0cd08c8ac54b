"""``pointsman runs``: what was done about events. Listing, one with its steps, and what a person decides."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from daemon.cli import context, options, printing
from daemon.journal import runs as journal_runs
from daemon.journal import steps
from daemon.journal.database import Connection
from daemon.journal.runs import Filters
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt, RunStatus, StepStatus
from daemon.running import deciding, scribe
from daemon.web import shapes

group = typer.Typer(add_completion=False, rich_markup_mode=None)

Id = Annotated[str, typer.Argument(help="The run's id.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="The runs' ids.")]

COLUMNS = {
    "id": printing.key("id"),
    "made": printing.moment("created_at"),
    "reaction": printing.key("reaction"),
    "status": printing.key("status"),
    "attempts": printing.key("attempts"),
    "error": printing.key("error"),
}
STEP_COLUMNS = {
    name: printing.key(name) for name in ("id", "action", "account", "status", "attempts", "error")
}


@group.callback(invoke_without_command=True)
def listed(
    state: typer.Context,
    reaction: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this reaction.")] = None,
    status: Annotated[str | None, typer.Option(help="Only in this state, as dead or in_doubt.")] = None,
    since: options.Since = None,
    limit: options.Limit = options.MOST,
    json: options.AsJson = False,
) -> None:
    """List runs; show one, or decide what becomes of some.

    The newest first.

    \b
      pointsman runs --status dead
    """
    if state.invoked_subcommand is not None:
        return
    given: context.Context = state.obj
    filters = Filters(
        reaction=reaction,
        status=options.parse_word(status, [one.value for one in RunStatus], "--status"),
        since=options.parse_moment(since, context.now(), "--since"),
        limit=limit,
    )
    printing.listing("runs", given.read(lambda connection: _listed(connection, filters)), json, COLUMNS)


def _listed(connection: Connection, filters: Filters) -> list[JsonObject]:
    found = journal_runs.listed(connection, filters)
    return shapes.of_runs(found, steps.of_runs(connection, [run.id for run in found]))


@group.command("show")
def show(state: typer.Context, id: Id, json: options.AsJson = False) -> None:
    """Show one run with its steps and their attempts.

    What each step asked, what it was answered, which attempts failed and why; of one in doubt, when it was sent and
    what to look at.

    \b
      pointsman runs show 019ab000-0000-7000-8000-000000000001
    """
    given: context.Context = state.obj
    found = given.read(lambda connection: _whole(connection, id))
    if found is None:
        context.fail(f"there is no run {id}. `pointsman runs` lists them.", context.NOT_GOOD)
    _tell_what_to_check(given, found)
    if json:
        printing.document(found)
        return
    printing.fields({name: value for name, value in found.items() if name not in ("steps", "item")})
    if found["item"] is not None:
        printing.block("item", found["item"])
    for step in found["steps"]:
        _tell_step(step)
    if found["status"] == RunStatus.IN_DOUBT:
        print(f"\nIt took effect:    pointsman runs resolve {id} --done '{_result_of(given, found)}'")
        print(f"It took no effect: pointsman runs resolve {id} --redo")


def _whole(connection: Connection, id: str) -> JsonObject | None:
    run = journal_runs.get(connection, id)
    return None if run is None else shapes.of_run(run, steps.of_run(connection, id))


def _tell_what_to_check(given: context.Context, found: JsonObject) -> None:
    """Say in each step in doubt what a person is to look at. Only then are the connectors worth loading."""
    doubtful = [step for step in found["steps"] if step["status"] == StepStatus.IN_DOUBT]
    actions = given.catalog().actions if doubtful else {}
    for step in doubtful:
        step["check"] = scribe.what_to_check(actions.get(step["action"]), Doubt(step["doubt"]))


def _result_of(given: context.Context, found: JsonObject) -> str:
    """What a result of the step in doubt holds, to be filled in."""
    doubtful = next((step for step in found["steps"] if step["status"] == StepStatus.IN_DOUBT), None)
    names = _fields_of(given, doubtful["action"] if doubtful else "")
    return "{" + ", ".join(f'"{name}": …' for name, needed in names.items() if needed) + "}"


def _fields_of(given: context.Context, action: str) -> dict[str, bool]:
    """The fields that *action*'s results have, and whether each is always there; none for an unknown action."""
    declared = given.catalog().actions.get(action)
    fields = declared.result.model_fields if declared is not None else {}
    return {field.alias or name: field.is_required() for name, field in fields.items()}


def _tell_what_lacks(given: context.Context, action: str, response: JsonObject) -> None:
    """Say what a result given by hand lacks: it may be meant so, but later steps may read it."""
    lacking = [name for name, needed in _fields_of(given, action).items() if needed and name not in response]
    if lacking:
        print(f"Note: results of {action} also have {', '.join(lacking)}.", file=sys.stderr)


def _tell_step(step: JsonObject) -> None:
    print()
    apart = ("id", "request", "response", "history")
    printing.fields({"step": step["id"], **{name: step[name] for name in step if name not in apart}})
    for name in ("request", "response"):
        if step[name] is not None:
            printing.block(name, step[name])
    for failed in step["history"]:
        print(
            f"  attempt {failed['attempt']}, {printing.short_time(failed['at'])}: {printing.cell(failed['error'])}"
        )


@group.command("retry")
def retry(state: typer.Context, ids: Ids) -> None:
    """Let dead runs go on from the step that failed.

    The same runs, with all their attempts anew. Exits 1 with a line for each that could not be retried.

    \b
      pointsman runs retry 019ab000-0000-7000-8000-000000000001
    """
    _decide(state.obj, ids, "retried", deciding.retry)


@group.command("cancel")
def cancel(state: typer.Context, ids: Ids) -> None:
    """End runs for good.

    Those that have not ended and are not running now. Exits 1 with a line for each that could not be cancelled.

    \b
      pointsman runs cancel 019ab000-0000-7000-8000-000000000001
    """
    _decide(state.obj, ids, "cancelled", deciding.cancel)


@group.command("resolve")
def resolve(
    state: typer.Context,
    id: Id,
    done: Annotated[
        str | None, typer.Option(metavar="JSON", help="It took effect; this object is its result.")
    ] = None,
    redo: Annotated[bool, typer.Option("--redo", help="It took no effect; call it again.")] = False,
) -> None:
    """Decide a run that is held in doubt.

    Somebody must look whether the call that nobody saw the end of took effect: --done with its result lets the
    run go on behind it, --redo makes the same call again.

    \b
      pointsman runs resolve 019ab000-0000-7000-8000-000000000001 --done '{"id": "42"}'
      pointsman runs resolve 019ab000-0000-7000-8000-000000000001 --redo
    """
    if (done is None) == (not redo):
        raise typer.BadParameter("one of them is needed", param_hint="--done JSON or --redo")
    given: context.Context = state.obj
    if done is None:
        _decide(given, [id], "resolved", deciding.resolve_redo)
        return
    response = options.parse_object(done, "--done")
    blanked = given.blanker().value(response)
    for step in given.read(lambda connection: steps.of_run(connection, id)):
        if step.status is StepStatus.IN_DOUBT:
            _tell_what_lacks(given, step.action, response)
    _decide(
        given,
        [id],
        "resolved",
        lambda connection, id, now: deciding.resolve_done(connection, id, blanked, now),
    )


def _decide(
    given: context.Context, ids: list[str], word: str, decide: Callable[[Connection, str, int], None]
) -> None:
    """*decide* each of *ids*, and say which were *word*; exit 1 unless all were."""

    def one(id: str) -> None:
        try:
            given.write(lambda connection: decide(connection, id, context.now()))
        except deciding.Undecidable as undecidable:
            raise context.Refused(str(undecidable)) from None
        print(f"{id} {word}")

    raise typer.Exit(context.GOOD if context.decide_each(ids, one) else context.NOT_GOOD)
