"""TONalytica through a whole daemon: a query's rows followed, and boards made once though answers were lost."""

from collections import Counter

from daemon.sandbox.faults import Fault
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

WATCH = """
[[watch]]
name = "cities"
service = "tonalytica"
resource = "queries"
ids = [17]
key = ["city"]
max_age = 0
every = "300ms"
"""
TOLD = reaction(
    "told",
    "tonalytica.result.changed",
    step("log.write", 'message = "{{ item.city }} came"'),
    for_each='"event.data.added"',
)
BEFORE = [{"city": "Oslo", "n": 1}, {"city": "Lima", "n": 2}]
AFTER = [{"city": "Lima", "n": 5}, {"city": "Quito", "n": 1}]


def taken(daemon: Daemon) -> bool:
    """Whether the watch has a result to compare later ones with."""
    query = "SELECT 1 FROM memories WHERE resource = 'queries' AND memory LIKE '%\"taken\":true%'"
    return bool(daemon.rows(query))


async def test_rows_that_come_and_go_are_told_and_reacted_to(daemon: Daemon) -> None:
    service = daemon.sandbox.tonalytica
    service.durations.update(pending=0, running=100_000)
    service.plans[17] = {"rows": BEFORE}
    daemon.configure(WATCH, TOLD)
    await daemon.start()
    await waiting.wait_for(lambda: taken(daemon), PATIENCE, "a first result")
    service.plans[17] = {"rows": AFTER}
    (event,) = await daemon.until_events("tonalytica.result.changed")
    data = event["data"]
    assert (event["subject"], data["rows"], data["previous"]) == ("17", AFTER, [BEFORE[1]])
    assert (data["added"], data["changed"], data["removed"]) == ([AFTER[1]], [AFTER[0]], [BEFORE[0]])
    await daemon.until_runs("told", "succeeded")
    assert "Quito came" in daemon.log.read_text()


async def test_what_is_made_is_there_once_though_every_first_answer_was_lost(daemon: Daemon) -> None:
    make = reaction(
        "make",
        "order.came",
        step("tonalytica.create_query", 'name = "q", query = "select 1", data_source_id = 1', "query"),
        step("tonalytica.create_dashboard", 'name = "Sales"', "board"),
        step(
            "tonalytica.request",
            'method = "POST", path = "/widgets",'
            'json = { dashboard_id = "{{ steps.board.id }}", visualization_id = 1, options = {} }',
        ),
        step(
            "tonalytica.update_dashboard",
            'dashboard_id = "{{ steps.board.id }}", tags = ["demo"], version = 1',
        ),
        step("tonalytica.clone_dashboard", 'dashboard_id = "{{ steps.board.slug }}", name = "Copy"', "copy"),
        step("tonalytica.execute_query", 'query_id = "{{ steps.copy.queries[0].copy_id }}"'),
        retry='{ first = "50ms" }',
    )
    for path, after in (("*/queries", 0), ("*/queries", 0), ("*/dashboards", 0), ("*/dashboards", 0)):
        daemon.sandbox.faults.add(Fault("tonalytica", "drop_after", method="POST", path=path, after=after))
    for path in ("*/dashboards/1", "*/dashboards/2", "*/results"):
        daemon.sandbox.faults.add(Fault("tonalytica", "drop_after", method="POST", path=path))
    daemon.configure(make)
    await daemon.start()
    await daemon.order(n=1)
    await daemon.until_runs("make", "succeeded")
    assert daemon.sandbox.faults.read() == []
    made = Counter(effect for effect, _ in daemon.sandbox.ledger.effects("tonalytica"))
    assert made == {
        "query.created": 2,
        "dashboard.created": 2,
        "widget.created": 2,
        "dashboard.updated": 2,
        "job.submitted": 1,
    }
    first, copy = daemon.sandbox.tonalytica.dashboards.values()
    assert (first["tags"], copy["tags"], copy["name"]) == (["demo"], ["demo"], "Copy")
