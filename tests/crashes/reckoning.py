"""What must be true after all lives of a doomed daemon: read from its journal and from the services' ledger.

Each check answers with what is wrong, in words; nothing is the good answer.
"""

from collections import Counter
from collections.abc import Iterator

from daemon.sandbox import compass as simulated
from tests import waiting
from tests.crashes.workload import Workload

# At one moment: a run that ends may tell an event on its way, which then has no run yet.
UNSETTLED = """
SELECT reaction, status, error FROM runs WHERE status IN ('pending', 'running', 'waiting', 'parked')
UNION ALL
SELECT 'to be routed', type, subject FROM events
WHERE type IN ('order.came', 'offer.made', 'schedule.fired', 'populr.tracer.opened', 'popily.source.added')
  AND seq > (SELECT coalesce(max(seq), 0) FROM cursors WHERE name = 'router')
"""
PATIENCE = 120.0
EXPLAINED = {  # what may end otherwise than well, and why
    ("lacking", "dead"): "404",
    ("unfit", "dead"): "nothing",
    ("charge", "in_doubt"): "",
}


async def settle(work: Workload) -> None:
    """Let a daemon that nobody kills finish what there is."""
    daemon = work.daemon

    def settled() -> bool:
        left = daemon.rows(UNSETTLED)
        assert not left, left
        assert len(daemon.events("schedule.fired")) == len(daemon.runs("tick"))
        assert daemon.rows("SELECT 1 FROM hints WHERE verdict = 'waiting'") == []
        assert {event["subject"] for event in daemon.events("popily.source.added")} >= set(work.sources)
        assert told_views(work) == tracer_views(work)
        return True

    await waiting.wait_for(settled, PATIENCE, "everything being settled")


def tracer_views(work: Workload) -> int:
    """How often the watched page was looked at."""
    return int(work.daemon.sandbox.populr.tracers[work.pop_id][work.tracer_id]["analytics"]["views"])


def told_views(work: Workload) -> int:
    """How many looks the events tell of."""
    return sum(event["data"]["delta"]["views"] for event in work.daemon.events("populr.tracer.opened"))


def wrongs(work: Workload) -> list[str]:
    """Everything that is wrong."""
    checks = (_events, _runs, _ends, _pops, _messages, _grids, _embeds, _queries, _marks, _sources, _told)
    return [f"{check.__name__[1:]}: {wrong}" for check in checks for wrong in check(work)]


def _numbers(work: Workload, kind: str, status: str | None = None) -> list[int]:
    """The orders of *kind* that the journal holds (whose run ended with *status*)."""
    known = {event["id"]: event["data"] for event in work.daemon.events("order.came")}
    runs = [run for run in work.daemon.runs(kind) if status in (None, run["status"])]
    return sorted(int(known[run["event_id"]]["n"]) for run in runs)


def _events(work: Workload) -> Iterator[str]:
    known = work.daemon.events("order.came")
    ids = {event["id"] for event in known}
    yield from (f"{order} was acknowledged and is gone" for order, id in work.sent.items() if id not in ids)
    count = Counter((event["data"]["kind"], event["data"]["n"]) for event in known)
    yield from (f"{order} is there {times} times" for order, times in count.items() if times > 1)
    yield from (f"{order} was never sent" for order in count.keys() - work.sent.keys() - work.unsure)


def _runs(work: Workload) -> Iterator[str]:
    made = Counter((run["reaction"], run["event_id"]) for run in work.daemon.runs())
    for event in work.daemon.events("order.came"):
        times = made[event["data"]["kind"], event["id"]]
        if times != 1:
            yield f"{event['data']} has {times} runs"
    for type, reaction in (
        ("offer.made", "note"),
        ("schedule.fired", "tick"),
        ("populr.tracer.opened", "opened"),
        ("popily.source.added", "added"),
    ):
        happened, ran = len(work.daemon.events(type)), len(work.daemon.runs(reaction))
        if happened != ran:
            yield f"{happened} {type} and {ran} runs of {reaction}"


def _ends(work: Workload) -> Iterator[str]:
    for run in work.daemon.runs():
        what = f"run {run['id']} of {run['reaction']} is {run['status']}: {run['error']}"
        if run["status"] == "succeeded":
            continue
        sign = EXPLAINED.get((run["reaction"], run["status"]))
        if sign is None or sign not in (run["error"] or "") or not run["error"]:
            yield what
        elif run["status"] == "in_doubt":
            held = [step for step in work.daemon.steps(run["id"]) if step["status"] == "in_doubt"]
            if len(held) != 1 or held[0]["sent_at"] is None or not held[0]["error"]:
                yield f"{what}, without evidence"
    running = work.daemon.rows("SELECT run_id, id FROM steps WHERE status = 'running'")
    yield from (f"step {step} runs for ever" for step in running)


def _once(what: str, made: Counter[int], wanted: list[int]) -> Iterator[str]:
    """Each of *wanted* once in *made*, and nothing else."""
    yield from (f"{what} {n} is there {made[n]} times" for n in wanted if made[n] != 1)
    yield from (f"{what} {n} has no order" for n in made.keys() - set(wanted))


def _pops(work: Workload) -> Iterator[str]:
    pops = work.daemon.sandbox.populr.pops.values()
    offers = [pop for pop in pops if pop["name"].startswith("Offer ")]
    yield from _once(
        "pop", Counter(_number(pop["name"]) for pop in offers), _numbers(work, "make", "succeeded")
    )
    yield from (f"{pop['name']} is not published" for pop in offers if not pop["published_pop_url"])
    made = Counter(int(event["subject"]) for event in work.daemon.events("offer.made"))
    yield from _once("offer.made", made, _numbers(work, "make", "succeeded"))


def _messages(work: Workload) -> Iterator[str]:
    project = work.daemon.sandbox.compass.projects[simulated.PROJECT_ID]
    said = Counter(_number(message["text"]) for message in project.messages.values())
    told = [int(event["subject"]) for event in work.daemon.events("offer.made")]
    yield from _once("message", said, told)


def _grids(work: Workload) -> Iterator[str]:
    files = work.daemon.sandbox.plotly.state()["files"]
    names = [one["filename"] for one in (files.values() if isinstance(files, dict) else files)]
    grids = Counter(_number(name) for name in names if name.startswith("grid "))
    yield from _once("grid", grids, _numbers(work, "grid", "succeeded"))


def _embeds(work: Workload) -> Iterator[str]:
    """What nobody can look for: once where its run went well, not more than once where it is held."""
    assets = work.daemon.sandbox.populr.assets.values()
    made = Counter(int(one["source_html"].strip("<>b/")) for one in assets if one.get("source_html"))
    held = set(_numbers(work, "charge", "in_doubt"))
    yield from (f"embed {n} is there {times} times" for n, times in made.items() if times > 1)
    yield from _once("embed", Counter(made - Counter(held)), _numbers(work, "charge", "succeeded"))


def _queries(work: Workload) -> Iterator[str]:
    """One query for each event that told of looks."""
    queries = work.daemon.sandbox.tonalytica.queries.values()
    made = Counter(_number(query["name"]) for query in queries if query["name"].startswith("views "))
    told = [int(event["data"]["analytics"]["views"]) for event in work.daemon.events("populr.tracer.opened")]
    yield from _once("query of views", made, told)


def _marks(work: Workload) -> Iterator[str]:
    """What runs wrote into the journal itself."""
    keys = {row["key"] for row in work.daemon.rows("SELECT key FROM state")}
    fired = [event["data"]["scheduled_for"] for event in work.daemon.events("schedule.fired")]
    yield from (f"{at} fired twice" for at, times in Counter(fired).items() if times > 1)
    ticked = [run["event_id"] for run in work.daemon.runs("tick") if run["status"] == "succeeded"]
    ids = {event["id"]: event["data"]["scheduled_for"] for event in work.daemon.events("schedule.fired")}
    yield from (f"no mark of {ids[id]}" for id in ticked if f"tick {ids[id]}" not in keys)
    yield from (f"no mark of flaky {n}" for n in _numbers(work, "flaky") if f"flaky {n}" not in keys)


def _sources(work: Workload) -> Iterator[str]:
    told = Counter(event["subject"] for event in work.daemon.events("popily.source.added"))
    yield from (f"source {id} was told {times} times" for id, times in told.items() if times > 1)
    yield from (f"source {id} was missed" for id in work.sources if id not in told)


def _told(work: Workload) -> Iterator[str]:
    """Each bad end is told once; each look at the page is told once."""
    for status in ("dead", "in_doubt"):
        ended = [run["id"] for run in work.daemon.runs() if run["status"] == status]
        told = Counter(event["data"]["run"]["id"] for event in work.daemon.events(f"pointsman.run.{status}"))
        yield from (f"run {id} was told {status} {told[id]} times" for id in ended if told[id] != 1)
    if told_views(work) != tracer_views(work):
        yield f"{tracer_views(work)} looks, and events tell of {told_views(work)}"


def _number(text: str) -> int:
    return int(text.rpartition(" ")[2])
