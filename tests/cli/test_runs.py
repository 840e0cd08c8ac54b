"""``pointsman runs``: listing, one, and what a person decides."""

import pytest

from daemon.model.runs import RunStatus, StepStatus
from tests.cli.desk import Desk, make_step
from tests.journal import making

KEYS = {"id", "reaction", "event_id", "status", "attempts", "error", "created_at", "finished_at", "steps"}
STEP_KEYS = {"id", "action", "status", "attempts", "request", "response", "error"}
STANDING = [RunStatus.PENDING, RunStatus.WAITING, RunStatus.PARKED, RunStatus.DEAD, RunStatus.IN_DOUBT]


def make_dead(desk: Desk, **values: object) -> str:
    """A run that died in its only step."""
    return desk.make_run(
        desk.tell(), RunStatus.DEAD, make_step(**values), error="step say: 500", finished_at=making.NOW
    )


def make_doubtful(desk: Desk) -> str:
    """A run whose only step nobody saw the end of."""
    step = make_step(
        status=StepStatus.IN_DOUBT, error="the answer was lost", finished_at=None, doubted_at=making.NOW + 1
    )
    return desk.make_run(desk.tell(), RunStatus.IN_DOUBT, step, error="step say: lost", spent=7)


def test_runs_are_listed_with_their_steps(desk: Desk) -> None:
    id = make_dead(desk)
    answer = desk.run("runs", "--json")
    assert (answer.code, answer.err) == (0, "")
    (listed,) = answer.document["runs"]
    assert set(listed) >= KEYS
    assert (listed["id"], listed["status"], listed["created_at"]) == (id, "dead", "2025-12-01T00:00:00Z")
    (step,) = listed["steps"]
    assert set(step) >= STEP_KEYS
    assert (step["status"], step["attempts"], step["error"]) == ("failed", 3, "500: broken")
    assert step["history"] == [
        {
            "attempt": 3,
            "at": "2025-12-01T00:00:00.000005Z",
            "took": 2.5,
            "error": "500: broken",
            "status": 500,
        }
    ]


def test_filters_narrow_the_listing(desk: Desk) -> None:
    dead = make_dead(desk)
    other = desk.make_run(desk.tell("other"), RunStatus.SUCCEEDED, finished_at=making.NOW)

    def ids(*filters: str) -> set[str]:
        return {one["id"] for one in desk.call("runs", "--json", *filters).document["runs"]}

    assert ids() == {dead, other}
    assert ids("--status", "dead") == {dead}
    assert ids("--status", "succeeded") == {other}
    assert ids("--reaction", "copy", "--since", "2025-12-01") == {dead, other}
    assert ids("--reaction", "none") == set()
    assert ids("--since", "1h") == set()
    assert len(ids("--limit", "1")) == 1


def test_an_unknown_status_asks_what_was_meant(desk: Desk) -> None:
    answer = desk.call("runs", "--status", "in-doubt")
    assert answer.code == 2
    assert "Did you mean in_doubt?" in answer.err


def test_one_run_tells_requests_answers_and_attempts(desk: Desk) -> None:
    id = make_dead(desk)
    assert desk.call("runs", "show", id, "--json").document["steps"][0]["request"] == {"message": "hello"}
    told = desk.call("runs", "show", id).out
    assert '"message": "hello"' in told
    assert "attempt 3" in told
    assert "log.write" in told
    missing = desk.call("runs", "show", "none")
    assert (missing.code, missing.complaints) == (1, ["there is no run none. `pointsman runs` lists them."])


def test_retry_goes_on_from_the_failed_step(desk: Desk) -> None:
    id = make_dead(desk)
    answer = desk.run("runs", "retry", id)
    assert (answer.code, answer.out, answer.err) == (0, f"{id} retried\n", "")
    run, (step,) = desk.run_of(id)
    assert (run.status, run.error, run.finished_at, run.spent) == (RunStatus.PENDING, None, None, 0)
    assert run.due_at is not None
    assert (step.status, step.attempts, step.error) == (StepStatus.PENDING, 0, None)
    assert (step.request, step.sent_at) == ({"message": "hello"}, making.NOW)


def test_retry_plans_a_step_anew_that_was_never_rendered(desk: Desk) -> None:
    done = make_step(status=StepStatus.SUCCEEDED, error=None, response={})
    unrendered = make_step(position=1, id="next", request=None, attempts=0)
    id = desk.make_run(desk.tell(), RunStatus.DEAD, done, unrendered, error="step next: no such field")
    assert desk.call("runs", "retry", id).code == 0
    run, begun = desk.run_of(id)
    assert run.status is RunStatus.PENDING
    assert [step.id for step in begun] == ["say"]


def test_retry_refuses_a_run_that_died_before_it_began(desk: Desk) -> None:
    event = desk.tell(data={"lines": []})
    (made,) = desk.call("events", "replay", event, "--reaction", "note", "--json").document["runs"]
    answer = desk.call("runs", "retry", made["id"])
    assert answer.code == 1
    assert f"`pointsman events replay {event}`" in answer.err
    assert desk.run_of(made["id"])[0].status is RunStatus.DEAD


def test_retry_says_which_could_not_be_and_does_the_rest(desk: Desk) -> None:
    dead = make_dead(desk)
    running = desk.make_run(desk.tell("other"), RunStatus.RUNNING)
    answer = desk.call("runs", "retry", running, "none", dead)
    assert answer.code == 1
    assert answer.out == f"{dead} retried\n"
    assert answer.complaints == [
        f"run {running} is running now, so it cannot be retried. Wait until it stands still.",
        "there is no run none. `pointsman runs` lists them.",
    ]


@pytest.mark.parametrize("status", STANDING)
def test_cancel_ends_what_stands_still(desk: Desk, status: RunStatus) -> None:
    waiting = make_step(status=StepStatus.WAITING, remote="popily sources 7", finished_at=None)
    values: dict[str, str] = {"waits_for": "popily sources 7"} if status is RunStatus.WAITING else {}
    id = desk.make_run(desk.tell(), status, waiting, due_at=making.NOW, **values)
    answer = desk.call("runs", "cancel", id)
    assert (answer.code, answer.out) == (0, f"{id} cancelled\n")
    run, (step,) = desk.run_of(id)
    assert (run.status, run.due_at, run.waits_for) == (RunStatus.CANCELLED, None, None)
    assert run.finished_at is not None
    assert step.status is StepStatus.SKIPPED


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.CANCELLED])
def test_cancel_refuses_what_runs_or_has_ended(desk: Desk, status: RunStatus) -> None:
    id = desk.make_run(desk.tell(), status)
    answer = desk.call("runs", "cancel", id)
    assert answer.code == 1
    assert len(answer.complaints) == 1
    assert desk.run_of(id)[0].status is status


def test_done_takes_the_given_result_and_goes_on(desk: Desk) -> None:
    id = make_doubtful(desk)
    answer = desk.run("runs", "resolve", id, "--done", '{"id": 42, "note": "key=populr-key-of-a-test"}')
    assert (answer.code, answer.out) == (0, f"{id} resolved\n")
    assert answer.err == "Note: results of log.write also have message, level.\n"
    run, (step,) = desk.run_of(id)
    assert (run.status, run.error, run.spent) == (RunStatus.PENDING, None, 0)
    assert (step.status, step.error) == (StepStatus.SUCCEEDED, None)
    assert step.response == {"id": 42, "note": "key=[blanked]"}


def test_a_held_run_says_when_it_was_sent_and_what_to_check(desk: Desk) -> None:
    id = make_doubtful(desk)
    (step,) = desk.call("runs", "show", id, "--json").document["steps"]
    assert step["in_doubt_since"] == "2025-12-01T00:00:00.000001Z"
    assert step["check"].startswith("whether it took effect")
    shown = desk.call("runs", "show", id).out
    assert "whether it took effect" in shown
    assert step["request"]["message"] in shown
    assert shown.splitlines()[-2].endswith("""--done '{"message": …, "level": …}'""")
    assert f"pointsman runs resolve {id} --redo" in shown.splitlines()[-1]


def test_redo_makes_the_same_call_again(desk: Desk) -> None:
    id = make_doubtful(desk)
    assert desk.call("runs", "resolve", id, "--redo").code == 0
    run, (step,) = desk.run_of(id)
    assert run.status is RunStatus.PENDING
    assert (step.status, step.attempts, step.request) == (StepStatus.PENDING, 0, {"message": "hello"})


def test_resolve_refuses_a_run_that_is_not_in_doubt(desk: Desk) -> None:
    id = make_dead(desk)
    answer = desk.call("runs", "resolve", id, "--redo")
    assert (answer.code, answer.complaints) == (
        1,
        [f"run {id} is dead; only one that is in doubt can be resolved."],
    )


@pytest.mark.parametrize(
    "given, complaint",
    [
        ((), "one of them is needed"),
        (("--redo", "--done", "{}"), "one of them is needed"),
        (("--done", "[1]"), "a JSON object is expected, came a list"),
        (("--done", "{"), "not JSON"),
        (("--done", '{"n": 1e999}'), "not JSON"),
    ],
)
def test_resolve_needs_one_good_decision(desk: Desk, given: tuple[str, ...], complaint: str) -> None:
    id = make_doubtful(desk)
    answer = desk.call("runs", "resolve", id, *given)
    assert answer.code == 2
    assert complaint in answer.err
    assert desk.run_of(id)[0].status is RunStatus.IN_DOUBT
