"""Remote work that takes its time: runs that wait for it without a worker, over a crash; events told once."""

from collections import Counter

from daemon.model import times
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

WAITS = (
    reaction(
        "ask",
        "order.came",
        step("tonalytica.execute_query", "query_id = 17, wait = true", "ask"),
        step("state.set", 'key = "rows", value = "{{ steps.ask.rows | length }}"'),
    ),
    reaction(
        "add",
        "order.came",
        step(
            "popily.add_source", 'title = "Orders", rows = [{ city = "Oslo", n = 3 }], wait = true', "source"
        ),
        step("state.set", 'key = "source", value = "{{ steps.source.source.status }}"'),
    ),
    reaction(
        "train",
        "order.came",
        step(
            "compass.add_documents",
            'project_id = "ab12cd34", documents = ['
            '{ text = "north wind", label = "north", dataset = "d" },'
            '{ text = "south sea", label = "south", dataset = "d" }]',
        ),
        step(
            "compass.create_classifier",
            'project_id = "ab12cd34", name = "winds", type = "voting", wait = true',
            "made",
        ),
        step("state.set", 'key = "trained", value = "{{ steps.made.training_state }}"'),
    ),
)
ONCE = (
    "tonalytica.job.succeeded",
    "popily.source.added",
    "popily.source.finished",
    "compass.classifier.added",
    "compass.classifier.ready",
)


async def test_runs_wait_for_remote_work_over_a_crash(daemon: Daemon) -> None:
    daemon.sandbox.tonalytica.durations.update(running=3 * times.SECOND)
    daemon.sandbox.popily.durations.update(calculating=3 * times.SECOND)
    daemon.sandbox.compass.training = 3 * times.SECOND
    daemon.configure(*WAITS)
    await daemon.start()
    order = await daemon.order(n=1)
    for name in ("ask", "add", "train"):
        (run,) = await daemon.until_runs(name, "waiting")
        assert (run["node"], run["lease_until"]) == (None, None)  # nobody's hand is held
        assert run["waits_for"] is not None
    await daemon.restart()
    assert {run["status"] for run in daemon.runs()} == {"waiting"}
    for name in ("ask", "add", "train"):
        await daemon.until_runs(name, "succeeded")
    kept = {row["key"]: row["value"] for row in daemon.rows("SELECT key, value FROM state")}
    assert (kept["source"], kept["trained"]) == ('"finished"', '"ready"')
    assert int(kept["rows"]) > 0
    (cause,) = [event for event in daemon.events("order.came") if event["id"] == order]
    told = [
        event
        for event in daemon.events()
        if event["type"].split(".")[0] in ("tonalytica", "popily", "compass")
    ]
    assert {(event["trace"], event["depth"]) for event in told} == {(cause["trace"], 1)}
    times_told = Counter(event["type"] for event in told)
    assert {type: times_told[type] for type in ONCE} == dict.fromkeys(ONCE, 1)
    assert len(daemon.effects("tonalytica", "job.submitted")) == 1
    assert len(daemon.effects("popily", "source.added")) == 1
    assert len(daemon.effects("compass", "classifier.created")) == 1
    await waiting.wait_for(lambda: not daemon.rows("SELECT name FROM watches"), PATIENCE, "nothing followed")


async def test_work_that_fails_ends_the_run_that_waits(daemon: Daemon) -> None:
    daemon.sandbox.tonalytica.plans[17] = {"error": "no such column"}
    daemon.configure(WAITS[0])
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("ask", "dead")
    assert "no such column" in run["error"]
    assert len(await daemon.until_events("tonalytica.job.failed")) == 1
    assert len(await daemon.until_events("pointsman.run.dead")) == 1


async def test_work_is_followed_and_told_without_waiting_too(daemon: Daemon) -> None:
    daemon.configure(
        reaction("ask", "order.came", step("tonalytica.execute_query", "query_id = 17", "ask")),
        reaction(
            "told",
            "tonalytica.job.succeeded",
            step("log.write", 'message = "{{ event.data.rows | length }}"'),
        ),
    )
    await daemon.start()
    await daemon.order(n=1)
    (asked,) = await daemon.until_runs("ask", "succeeded")
    (told,) = await daemon.until_runs("told", "succeeded")
    assert (told["trace"], told["depth"]) == (asked["trace"], 1)
    (done,) = daemon.events("tonalytica.job.succeeded")
    assert done["data"]["query_id"] == 17
    assert done["data"]["rows"]
