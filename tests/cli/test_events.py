"""``pointsman events``: listing, one, following, running again."""

import json
import signal

import pytest

from daemon.journal import hints, runs
from daemon.journal.hints import Hint
from daemon.model import times
from daemon.model.runs import RunStatus, StepStatus
from tests import waiting
from tests.cli.desk import Desk, make_step
from tests.journal import making

ENVELOPE = {"id", "source", "type", "subject", "time", "key", "trace", "cause", "data"}
MORE = {"seq", "depth", "origin", "recorded_at"}


def test_events_are_listed_newest_first_in_their_envelope(desk: Desk) -> None:
    first, second = desk.tell("a", data={"n": 1}), desk.tell("b", subject="17")
    answer = desk.run("events", "--json")
    assert (answer.code, answer.err) == (0, "")
    listed = answer.document["events"]
    assert [one["id"] for one in listed] == [second, first]
    assert set(listed[0]) == ENVELOPE | MORE
    assert listed[1]["data"] == {"n": 1}
    assert listed[1]["time"] == "2025-12-01T00:00:00Z"
    assert (listed[0]["cause"], listed[0]["depth"], listed[0]["trace"]) == (None, 0, second)


def test_filters_narrow_the_listing(desk: Desk) -> None:
    early = desk.tell("a", type="orders.received", subject="17", now=making.NOW)
    late = desk.tell("b", type="orders.paid", subject="18", now=making.NOW + times.HOUR)
    other = desk.tell("c", type="carts.left", source="emit", now=making.NOW + times.HOUR)

    def ids(*filters: str) -> list[str]:
        return [one["id"] for one in desk.call("events", "--json", *filters).document["events"]]

    assert ids("--type", "orders.*") == [late, early]
    assert ids("--type", "ORDERS.*") == []
    assert ids("--subject", "1?", "--source", "shop") == [late, early]
    assert ids("--source", "emit") == [other]
    assert ids("--since", "2025-12-01T00:30:00Z") == [other, late]
    assert ids("--until", "2025-12-01T01:30:00+01:00") == [early]
    assert ids("--trace", late) == [late]
    assert ids("--limit", "1") == [other]


def test_since_takes_a_duration_back(desk: Desk) -> None:
    desk.tell("old")
    new = desk.call("emit", "orders.received").out.strip()
    listed = desk.call("events", "--since", "1h", "--json").document["events"]
    assert [one["id"] for one in listed] == [new]


@pytest.mark.parametrize("moment", ["999999999999d", "0001-01-01T00:00:00Z", "1969-12-31"])
@pytest.mark.parametrize("listing", ["events", "runs"])
def test_moments_before_all_time_are_its_beginning(desk: Desk, listing: str, moment: str) -> None:
    desk.make_run(desk.tell(), RunStatus.DEAD)
    assert len(desk.call(listing, "--since", moment, "--json").document[listing]) == 1


@pytest.mark.parametrize("limit", ["0", "-1", "99999999999999999999", "many"])
def test_a_limit_that_is_none_is_wrong_usage(desk: Desk, limit: str) -> None:
    answer = desk.call("events", "--limit", limit)
    assert (answer.code, answer.out) == (2, "")
    assert "--limit" in answer.err


def test_a_moment_that_is_none_is_wrong_usage(desk: Desk) -> None:
    answer = desk.call("events", "--since", "yesterday")
    assert answer.code == 2
    assert 'Invalid value for --since: "yesterday" is neither a duration back' in answer.err


def test_a_person_reads_plain_columns_with_whole_ids(desk: Desk) -> None:
    id = desk.tell("a", subject="page\x1b[31m")
    head, row = desk.run("events").out.splitlines()
    assert head.split() == ["ID", "RECORDED", "SOURCE", "TYPE", "SUBJECT"]
    assert row.startswith(f"{id}  ")
    assert "\x1b" not in row


def test_an_event_shows_its_runs_with_their_steps(desk: Desk) -> None:
    event = desk.tell()
    run = desk.make_run(event, RunStatus.DEAD, make_step(), error="step say: 500: broken")
    shown = desk.call("events", "show", event, "--json").document
    assert shown["id"] == event
    assert "verdict" not in shown
    assert [(one["id"], one["status"]) for one in shown["runs"]] == [(run, "dead")]
    assert shown["runs"][0]["steps"][0]["request"] == {"message": "hello"}
    told = desk.call("events", "show", event).out
    assert run in told
    assert "step say: 500: broken" in told


def test_a_callback_shows_its_verdict(desk: Desk) -> None:
    became = desk.tell("typed")
    event = desk.tell("hint", type="populr.callback.received", source="populr", data={"hook": "tracer"})
    hint = Hint(event, "w", "populr", "tracers", "1", {}, "confirmed", {"views": 2}, became, 1, 2)
    desk.write(lambda connection: hints.put(connection, [hint]))
    shown = desk.call("events", "show", event, "--json").document
    assert (shown["verdict"], shown["found"], shown["became"]) == ("confirmed", {"views": 2}, became)
    assert "confirmed" in desk.call("events", "show", event).out


def test_an_unknown_event_is_one_line(desk: Desk) -> None:
    answer = desk.call("events", "show", "nothing")
    assert (answer.code, answer.complaints) == (
        1,
        ["there is no event nothing. `pointsman events` lists them."],
    )


def test_replay_makes_runs_of_the_present_reactions(desk: Desk) -> None:
    event = desk.tell(data={"total": 9, "lines": ["x", "y"]})
    first = desk.call("events", "replay", event, "--json")
    assert first.code == 0, first.err
    made = first.document["runs"]
    assert sorted((one["reaction"], one["item"], one["replay"]) for one in made[:1]) == [("note", None, 1)]
    assert [one["item"] for one in made if one["reaction"] == "each"] == ["x", "y"]
    again = desk.call("events", "replay", event, "--reaction", "note")
    run, _ = desk.run_of(again.out.strip())
    assert (run.reaction, run.replay, run.status, run.trace) == ("note", 2, RunStatus.PENDING, event)
    due = desk.write(lambda connection: runs.next_due(connection))
    assert due is not None


def test_replay_says_what_it_could_not_do_and_does_the_rest(desk: Desk) -> None:
    small = desk.tell("a", data={"total": 1, "lines": []})
    big = desk.tell("b", data={"total": 9, "lines": []})
    answer = desk.call("events", "replay", small, "none", big)
    assert answer.code == 1
    assert answer.complaints == [
        f"event {small} (orders.received): no reaction wants it",
        "there is no event none. `pointsman events` lists them.",
    ]
    assert desk.run_of(answer.out.strip())[0].event_id == big


def test_replay_of_an_unfit_event_makes_a_dead_run_that_says_why(desk: Desk) -> None:
    event = desk.tell(data={"lines": []})
    answer = desk.call("events", "replay", event, "--reaction", "note", "--json")
    (run,) = answer.document["runs"]
    assert run["status"] == "dead"
    assert "total" in run["error"]
    told = desk.call("events", "--type", "pointsman.run.dead", "--json").document["events"]
    assert [one["data"]["run"]["id"] for one in told] == [run["id"]]


def test_replay_of_an_unknown_reaction_asks_what_was_meant(desk: Desk) -> None:
    answer = desk.call("events", "replay", desk.tell(), "--reaction", "notes")
    assert answer.code == 2
    assert 'there is no "notes". Did you mean note?' in answer.err


def test_tail_follows_what_others_record(desk: Desk) -> None:
    desk.tell("before")
    process = desk.start("events", "tail", "--json", "--type", "orders.*", "--since", "2025-12-01")
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["key"] == "before"
        desk.tell("other", type="carts.left")
        later = desk.tell("later")
        line = json.loads(process.stdout.readline())
        assert (line["id"], line["key"]) == (later, "later")
        process.send_signal(signal.SIGINT)
        waiting.wait_until(lambda: process.poll() is not None, what="tail ending")
        assert (process.returncode, process.stderr.read() if process.stderr else None) == (0, "")
    finally:
        process.kill()
        process.communicate()


def test_steps_of_a_listing_keep_their_run(desk: Desk) -> None:
    event = desk.tell()
    done = make_step(status=StepStatus.SUCCEEDED, error=None, response={"at": 1})
    desk.make_run(event, RunStatus.SUCCEEDED, done, finished_at=making.NOW)
    (run,) = desk.call("events", "show", event, "--json").document["runs"]
    assert [step["response"] for step in run["steps"]] == [{"at": 1}]
