"""The vendors' own signs of trouble, met by the whole daemon."""

import signal

import pytest

from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

QUICK = '{ attempts = 20, first = "100ms", max = "300ms" }'


async def tried(daemon: Daemon, name: str, attempts: int = 2) -> None:
    """Until the first step of *name* has been tried so often."""
    query = "SELECT 1 FROM steps JOIN runs ON runs.id = run_id WHERE reaction = ? AND steps.attempts >= ?"
    await waiting.wait_for(lambda: daemon.rows(query, name, attempts), PATIENCE, f"{attempts} attempts")


async def test_a_refused_key_kills_nothing_and_a_reload_with_a_good_one_goes_on(daemon: Daemon) -> None:
    asking = (
        reaction("redash", "order.came", step("tonalytica.list_queries", id="ask"), retry=QUICK),
        reaction("populr", "order.came", step("populr.list_templates", id="ask"), retry=QUICK),
    )
    daemon.configure(*asking)
    daemon.sandbox.tonalytica.rotate_key()
    good = daemon.sandbox.populr.api_key
    daemon.sandbox.populr.api_key = "another-key-of-this-account"
    await daemon.start()
    await daemon.order(n=1)
    for name in ("redash", "populr"):
        (run,) = await daemon.until_runs(name, "parked")
        assert "credentials refused" in run["error"]
    daemon.sandbox.populr.api_key = good
    daemon.configure(*asking)  # with the key that is good now
    daemon.signal(signal.SIGHUP)
    await daemon.until_runs("redash", "succeeded")
    await daemon.until_runs("populr", "succeeded")
    assert daemon.events("pointsman.run.dead") == []


async def test_an_error_under_200_is_an_error(daemon: Daemon) -> None:
    daemon.sandbox.populr.settings["errors_under_200"] = True
    daemon.configure(reaction("read", "order.came", step("populr.get_pop", 'pop_id = "none"')))
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("read", "dead")
    assert "not_found" in run["error"]
    (told,) = await daemon.until_events("pointsman.run.dead")
    assert told["data"]["error"] == run["error"]


@pytest.mark.parametrize("status, headers", [(500, {}), (502, {}), (429, {"Retry-After": "1"})])
async def test_a_service_in_trouble_is_asked_again(daemon: Daemon, status: int, headers: dict) -> None:
    quick = reaction("read", "order.came", step("plotly.lookup_file", 'path = "none"'), retry=QUICK)
    daemon.configure(quick)
    daemon.sandbox.faults.add(faults.Fault("plotly", "status", status=status, headers=headers, times=2))
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("read", "dead")  # the file is not there, which is final
    (read,) = daemon.steps(run["id"])
    assert [attempt["status"] for attempt in read["history"]] == [status, status, 404]
    waited = read["history"][1]["at"] - read["history"][0]["at"]
    assert waited >= (1_000_000 if headers else 0)


async def test_a_key_that_a_vendor_quotes_is_in_no_journal_and_no_log(daemon: Daemon) -> None:
    key = daemon.sandbox.credentials["plotly"]["api_key"]
    daemon.configure(
        reaction("read", "order.came", step("plotly.lookup_file", 'path = "none"'), retry=QUICK),
        reaction("told", "pointsman.run.dead", step("log.write", 'message = "{{ event.data.error }}"')),
    )
    body = {"errors": [{"message": f"the key {key} is odd"}], "detail": f"the key {key} is odd"}
    for status in (503, 400):
        daemon.sandbox.faults.add(faults.Fault("plotly", "status", status=status, body=body))
    await daemon.start()
    await daemon.order(n=1, note=f"my key is {key}")
    await daemon.until_runs("read", "dead")
    await daemon.until_runs("told", "succeeded")
    written = repr((daemon.events(), daemon.runs(), [daemon.steps(run["id"]) for run in daemon.runs()]))
    assert "is odd" in written
    assert key not in written
    assert key not in daemon.log.read_text()
    assert key.encode() not in b"".join(path.read_bytes() for path in daemon.folder.glob("journal.db*"))
