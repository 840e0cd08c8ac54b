"""Commands beside a running daemon: it notices within a moment what they wrote."""

from typing import Any

import pytest

from tests import ports, waiting
from tests.cli import stage
from tests.cli.desk import Desk

CONFIG = """
[http]
public_listen = "127.0.0.1:{public}"
admin_listen = "127.0.0.1:{admin}"
allow_hosts = ["127.0.0.1:{shop}"]

[[reaction]]
name = "keep"
on = "orders.received"
do = [{{ id = "keep", action = "state.set", with = {{ key = "total", value = "{{{{ event.data.total }}}}" }} }}]

[[reaction]]
name = "ask"
on = "orders.asked"
retry = {{ attempts = 1 }}
do = [
  {{ id = "ask", action = "http.request", with = {{ method = "POST", url = "http://127.0.0.1:{shop}/" }} }},
  {{ id = "keep", action = "state.set", with = {{ key = "asked", value = "{{{{ event.data.total }}}}" }} }},
]
"""


@pytest.fixture
def shop_desk(desk: Desk) -> Desk:
    """A config whose requests lead nowhere: nobody listens at the shop."""
    public, admin, shop = ports.free_port(), ports.free_port(), ports.free_port()
    desk.config.write_text(CONFIG.format(public=public, admin=admin, shop=shop))
    return desk


def run_that_is(desk: Desk, status: str) -> dict[str, Any]:
    """The run that reaches *status*."""

    def newest() -> Any:
        listed = desk.call("runs", "--json", "--status", status).document["runs"]
        return listed[0] if listed else None

    found: dict[str, Any] = waiting.wait_until(newest, 20, f"a run being {status}")
    return found


def test_the_daemon_takes_what_was_emitted(shop_desk: Desk) -> None:
    with stage.daemon(shop_desk):
        event = shop_desk.call("emit", "orders.received", "--data", '{"total": 9}').out.strip()
        run = run_that_is(shop_desk, "succeeded")
    assert (run["event_id"], run["steps"][0]["request"]) == (event, {"key": "total", "value": 9})


def test_a_retried_run_is_taken_up_and_a_cancelled_one_is_not(shop_desk: Desk) -> None:
    event = shop_desk.call("emit", "orders.asked", "--data", '{"total": 9}').out.strip()
    with stage.daemon(shop_desk):
        dead = run_that_is(shop_desk, "dead")
        assert dead["steps"][0]["attempts"] == 1
        assert shop_desk.call("runs", "retry", dead["id"]).code == 0

        def died_again() -> bool:
            now: dict[str, Any] = shop_desk.call("runs", "show", dead["id"], "--json").document
            return bool(now["status"] == "dead" and now["attempts"] == 2)

        waiting.wait_until(died_again, 20, "the run being tried again")
        told = shop_desk.call("events", "--type", "pointsman.run.dead", "--json").document["events"]
        assert len(told) == 2
        assert shop_desk.call("runs", "cancel", dead["id"]).code == 0
        replayed = shop_desk.call("events", "replay", event).out.strip()
        waiting.wait_until(
            lambda: shop_desk.call("runs", "show", replayed, "--json").document["status"] == "dead", 20
        )
    ended = shop_desk.call("runs", "show", dead["id"], "--json").document
    assert (ended["status"], ended["attempts"]) == ("cancelled", 2)
