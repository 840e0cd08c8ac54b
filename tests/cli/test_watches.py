"""``pointsman watches``: what is polled, and what a person changes there."""

import pytest

from daemon.journal import watches
from daemon.journal.database import Connection
from daemon.journal.watches import Polled
from daemon.model import calling, times
from daemon.model.calling import Calling
from tests.cli.desk import Desk
from tests.journal import making

KEYS = {
    *["name", "account", "resource", "every", "state"],
    *["next_poll", "last_success", "failures", "error"],
}
FAR = 4_000_000_000 * times.SECOND


def put(desk: Desk, **changes: object) -> None:
    """One row, ``pages``, not due for long, with *changes*."""
    row = making.polled("pages", due_at=FAR)

    def write(connection: Connection) -> None:
        watches.configure(connection, [row])
        if changes:
            watches.change(connection, "pages", **changes)

    desk.write(write)


def found(desk: Desk) -> Polled:
    row = desk.write(lambda connection: watches.get(connection, "pages"))
    assert row is not None
    return row


@pytest.mark.parametrize(
    "changes, state",
    [
        ({}, "ok"),
        ({"due_at": making.NOW}, "due"),
        ({"due_at": making.NOW, "failing_told": True}, "failing"),
        ({"failing_told": True, "paused": True}, "paused"),
    ],
)
def test_watches_are_listed_with_their_state(desk: Desk, changes: dict[str, object], state: str) -> None:
    put(desk, **changes)
    answer = desk.call("watches", "--json")
    (listed,) = answer.document["watches"]
    assert set(listed) >= KEYS
    assert (listed["name"], listed["every"], listed["state"]) == ("pages", "1m", state)
    assert (listed["next_poll"] is None) == (state == "paused")
    assert state in desk.call("watches").out


def test_failures_and_successes_are_told(desk: Desk) -> None:
    put(desk, failures=2, error="503: busy", polled_at=making.NOW, failing_since=making.NOW)
    (listed,) = desk.run("watches", "--json").document["watches"]
    assert (listed["failures"], listed["error"]) == (2, "503: busy")
    assert listed["last_success"] == listed["failing_since"] == "2025-12-01T00:00:00Z"
    assert (listed["next_poll"], listed["state"]) == ("2096-10-02T07:06:40Z", "ok")


def test_it_is_told_who_is_in_charge_of_a_tracer_and_how_often_it_was_called_about(desk: Desk) -> None:
    put(desk)
    name = "hint:populr:tracers:p/1"
    row = making.polled(name, role="hint", account="populr", resource="tracers", wanted=("p/1",), due_at=FAR)
    going = Calling(12, making.NOW, calling.POLL, calling.BUDGET)
    memory = making.memory("p/1", callbacks=9, called_at=making.NOW, calling=going)

    def write(connection: Connection) -> None:
        watches.request(connection, [row])
        watches.remember(connection, "populr", "tracers", [memory])

    desk.write(write)
    watch, called = desk.call("watches", "--json").document["watches"]
    assert (watch["in_charge"], watch["firings"], watch["warning"]) == (None, None, None)
    assert (called["in_charge"], called["because"]) == ("poll", "budget")
    assert (called["firings"], called["budget"]) == (9, 12)
    assert called["last_callback"] == "2025-12-01T00:00:00Z"
    assert called["warning"] == "75 % of its 12 callbacks have come"
    (line,) = [one for one in desk.call("watches").out.splitlines() if one.startswith(name)]
    assert "poll" in line
    assert "9 of 12" in line
    assert "75 %" in line


def test_poll_makes_a_watch_due_now(desk: Desk) -> None:
    put(desk)
    answer = desk.run("watches", "poll", "pages")
    assert (answer.code, answer.out, answer.err) == (0, "pages is polled next\n", "")
    assert (found(desk).due_at or FAR) < FAR


def test_a_paused_watch_is_not_polled_until_resumed(desk: Desk) -> None:
    put(desk)
    assert desk.call("watches", "pause", "pages").code == 0
    assert found(desk).paused
    refused = desk.call("watches", "poll", "pages")
    assert refused.code == 1
    assert refused.complaints == ["pages is paused. Run `pointsman watches resume pages`."]
    assert desk.call("watches", "resume", "pages").code == 0
    assert (found(desk).paused, found(desk).due_at) == (False, FAR)


def test_an_unknown_watch_asks_what_was_meant(desk: Desk) -> None:
    put(desk)
    answer = desk.call("watches", "poll", "page")
    assert (answer.code, answer.complaints) == (
        1,
        ["there is no watch page in the journal. Did you mean pages?"],
    )
