"""The demo's story: what people do at the simulated services, and what must have happened when it has ended.

``pointsman demo`` plays it over the example config and compares. Nothing here looks into the daemon: people wait
for what they can see at the services, as people do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from daemon.model import times
from daemon.sandbox import server, tonalytica_instance
from daemon.sandbox.ledger import Entry

CITIES = tuple(str(row["city"]) for row in tonalytica_instance.CITIES)
OPENED = CITIES[0]
"""The city whose page somebody opens, and a collaborator edits."""
MOMENT = times.MINUTE
"""What people take before they do the next thing."""
PATIENCE = 45 * times.MINUTE
"""After the opening: when the collaborator comes, whether the opening was written down or not."""
LOOK_SECONDS = 0.05  # real
NOTE_CLASSIFIED = "note.classified"
"""Classifying keeps nothing at Compass, so its ledger has no effect; the story counts it all the same."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One kind of effect at one service: how often for each name it concerns (``""`` where it has none)."""

    service: str
    effect: str
    words: str
    each: Mapping[str, int] = field(default_factory=lambda: {"": 1})

    @property
    def count(self) -> int:
        """How often over all names."""
        return sum(self.each.values())


ONCE = dict.fromkeys(CITIES, 1)
EFFECTS = (
    Expected("tonalytica", "job.submitted", "the query is run"),
    Expected("popily", "source.added", "from its rows"),
    Expected("compass", "documents.added", "to learn from"),
    Expected("compass", "classifier.created", "learns from them"),
    Expected("plotly", "folder.created", "for the grid"),
    Expected("plotly", "grid.created", "for the openings"),
    Expected("populr", "pop.created", "one for each city", ONCE),
    Expected("populr", "pop.published", "the edited one twice", {**ONCE, OPENED: 2}),
    Expected("populr", "tracer.created", "one on each", ONCE),
    Expected("populr", "pop.updated", "open to collaborators", ONCE),
    Expected("populr", "tracer.opened", "somebody opens a page", {OPENED: 1}),
    Expected("populr", "tracer.told", "15 minutes later", {OPENED: 1}),
    Expected("compass", NOTE_CLASSIFIED, "what it is about"),
    Expected("plotly", "grid.rows_appended", "Plotly grid got a row"),
    Expected("populr", "pop.edited", "a collaborator finishes", {OPENED: 1}),
    Expected("populr", "pop.told", "at once", {OPENED: 1}),
)
EVENTS = {
    "schedule.fired": 1,
    "tonalytica.job.succeeded": 1,
    "popily.source.finished": 1,
    "compass.classifier.ready": 1,
    "signups.ready": 1,
    "populr.callback.received": 2,
    "populr.tracer.opened": 1,
    "populr.collaboration.finished": 1,
}
"""The events that must be in the journal, and how often."""
RUNS = {
    "ask-for-signups": 1,
    "page-for-each-city": len(CITIES),
    "count-an-opening": 1,
    "publish-what-was-edited": 1,
}
"""The runs that must have succeeded, by reaction; and there are no others."""


def effect_of(entry: Entry) -> str | None:
    """What *entry* did, as the story counts it; None for reading and for what was refused."""
    if entry.effect is None and entry.service == "compass" and entry.method == "POST" and entry.status == 200:
        return NOTE_CLASSIFIED if entry.path.endswith("/classify/") else None
    return entry.effect


def name_of(sandbox: "server.Sandbox", entry: Entry) -> str:
    """The city whose page *entry* concerns; ``""`` for everything else."""
    if entry.service != "populr" or entry.object_id is None:
        return ""
    pop_id = entry.object_id
    for owner, tracers in sandbox.populr.tracers.items():
        pop_id = owner if entry.object_id in tracers else pop_id
    name = str(sandbox.populr.pops.get(pop_id, {}).get("name", pop_id))
    return next((city for city in CITIES if city in name), name)


def count(sandbox: "server.Sandbox", entries: Iterable[Entry]) -> Counter[tuple[str, str, str]]:
    """How often each (service, effect, name) stands in *entries*."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for entry in entries:
        effect = effect_of(entry)
        if effect is not None:
            counted[entry.service, effect, name_of(sandbox, entry)] += 1
    return counted


@dataclass(frozen=True, slots=True)
class Page:
    """A city's page, and the tracer that tells who opens it."""

    city: str
    pop_id: str
    tracer_id: str


def pages(sandbox: "server.Sandbox") -> list[Page]:
    """The pages that are published, traced and open to collaborators, in the cities' order."""
    group = sandbox.populr
    return [
        Page(city, pop_id, next(iter(group.tracers[pop_id])))
        for city in CITIES
        for pop_id, pop in group.pops.items()
        if city in pop["name"]
        and pop["published_pop_url"]
        and pop["collaboration_webhook"]
        and group.tracers[pop_id]
    ]


def another(sandbox: "server.Sandbox") -> Page | None:
    """A page that nobody has opened in the story."""
    return next((page for page in pages(sandbox) if page.city != OPENED), None)


class People:
    """Who opens a page and who edits it. ``done`` once they have nothing more to do."""

    def __init__(self, sandbox: "server.Sandbox") -> None:
        self.done = False
        self._sandbox = sandbox

    async def play(self) -> None:
        """Wait for the pages, open one, wait for what follows, edit it."""
        clock, calls = self._sandbox.clock, self._sandbox.calls
        await _until(lambda: len(pages(self._sandbox)) >= len(CITIES))
        page = next(page for page in pages(self._sandbox) if page.city == OPENED)
        await clock.sleep(MOMENT)
        calls.open(page.pop_id, page.tracer_id, 1, 0, {}, {})
        latest = clock.now() + PATIENCE
        await _until(lambda: self._counted() or clock.now() >= latest)
        await clock.sleep(MOMENT)
        await calls.collaborate(page.pop_id, {"title": f"News for {OPENED}, revised"})
        self.done = True

    def _counted(self) -> bool:
        return any(effect == "grid.rows_appended" for effect, _ in self._sandbox.ledger.effects("plotly"))


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the services know of no one who waits for what they keep
        await asyncio.sleep(LOOK_SECONDS)
