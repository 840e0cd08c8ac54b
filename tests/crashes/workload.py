"""What a doomed daemon is kept busy with: orders, callbacks, polls, schedules, jobs, doubts, failures.

Every order names itself in what it makes, so that ``reckoning`` can count each effect at the services.
"""

import asyncio
from dataclasses import dataclass, field

import aiohttp

from daemon.sandbox import compass as simulated
from daemon.sandbox.faults import Fault
from tests import waiting
from tests.crashes.doomed import Doomed
from tests.journeys.daemons import FAST, PATIENCE, SENDER_TOKEN, reaction, step
from tests.sandbox.calling import Caller

TEMPLATE = "51536582dd02dcccf9000001"
TAGS = '{ city = "Oslo", signups = "42" }'
AT_ONCE = 16  # orders that are sent side by side
QUICK = '{ attempts = 100, first = "50ms", max = "200ms" }'
N = "{{ event.data.n }}"


def on_order(kind: str, *steps: str, **keys: str) -> str:
    """A reaction to orders of one *kind*, named for it."""
    return reaction(kind, "order.came", *steps, when=f"\"event.data.kind == '{kind}'\"", retry=QUICK, **keys)


SETUP = on_order(
    "setup",
    step("populr.create_pop", f'template_id = "{TEMPLATE}", name = "Watched", populate_tags = {TAGS}', "pop"),
    step("populr.publish_pop", 'pop_id = "{{ steps.pop.id }}"'),
    step("populr.create_tracer", 'pop_id = "{{ steps.pop.id }}", name = "mail", notify = true', "tracer"),
)
MAKE = on_order(
    "make",
    step(
        "populr.create_pop",
        f'template_id = "{TEMPLATE}", name = "Offer {N}", populate_tags = {TAGS}',
        "pop",
    ),
    step("populr.publish_pop", 'pop_id = "{{ steps.pop.id }}"'),
    step("state.set", f'key = "offer {N}", value = "{{{{ steps.pop.id }}}}"'),
    step("event.emit", f'type = "offer.made", subject = "{N}"'),
)
NOTE = reaction(
    "note",
    "offer.made",
    step(
        "compass.post_messages",
        f'project_id = "{simulated.PROJECT_ID}", messages = [{{ text = "offer {{{{ event.subject }}}}" }}]',
    ),
    retry=QUICK,
)
GRID = on_order("grid", step("plotly.create_grid", f'filename = "grid {N}", columns = {{ a = [1, 2] }}'))
CHARGE = on_order("charge", step("populr.create_embed", f'source_html = "<b>{N}</b>"'))
ASK = on_order("ask", step("tonalytica.execute_query", "query_id = 17, wait = true"))
FLAKY = on_order("flaky", step("plotly.get_user"), step("state.set", f'key = "flaky {N}", value = 1'))
LACKING = on_order("lacking", step("populr.get_pop", 'pop_id = "none"'))
UPLOAD = on_order(
    "upload",
    step("populr.upload_document", f'file = {{ name = "{N}.txt", content = "text" }}'),
    step("state.set", f'key = "upload {N}", value = "{{{{ state(\'flaky {N}\') | default(0) }}}}"'),
    on_doubt='"redo"',
)
UNFIT = on_order("unfit", step("log.write", 'message = "{{ event.data.nothing }}"'))
TICK = reaction(
    "tick",
    "schedule.fired",
    step("state.set", 'key = "tick {{ event.data.scheduled_for }}", value = 1'),
    retry=QUICK,
)
OPENED = reaction(
    "opened",
    "populr.tracer.opened",
    step(
        "tonalytica.create_query",
        'name = "views {{ event.data.analytics.views }}", query = "select 1", data_source_id = 1',
    ),
    retry=QUICK,
)
ADDED = reaction(
    "added",
    "popily.source.added",
    step("state.set", 'key = "source {{ event.subject }}", value = 1'),
    retry=QUICK,
)
KINDS = ("make", "grid", "charge", "ask", "flaky", "lacking", "upload", "unfit")
ALL = (MAKE, NOTE, GRID, CHARGE, ASK, FLAKY, LACKING, UPLOAD, UNFIT, TICK, OPENED, ADDED)
BEAT = """
[[schedule]]
name = "beat"
every = "1s"
"""
WATCHES = """
[[watch]]
name = "sources"
service = "popily"
resource = "sources"
every = "1s"

[[watch]]
name = "looks"
service = "populr"
resource = "tracers"
pop_id = "{pop_id}"
every = "1s"
"""


@dataclass
class Workload:
    """The work of one daemon over all its lives. *sent* counts the orders of every kind that were posted until they
    were acknowledged, with their event's id; *unsure* are those whose sender gave up.
    """

    daemon: Doomed
    sent: dict[tuple[str, int], str] = field(default_factory=dict)
    unsure: set[tuple[str, int]] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    pop_id: str = ""
    tracer_id: str = ""
    count: int = 0

    @property
    def caller(self) -> Caller:
        """Somebody who speaks to the services, too."""
        return Caller(self.daemon.session, self.daemon.sandbox)

    async def prepare(self) -> None:
        """A first life, in which the page that is watched is made; then the config of all others."""
        self.daemon.configure(SETUP, accounts=FAST)
        await self.daemon.start()
        assert await self.order("setup", 0)
        (run,) = await self.daemon.until_runs("setup", "succeeded")
        pop, _publish, tracer = self.daemon.steps(run["id"])
        self.pop_id, self.tracer_id = pop["response"]["id"], tracer["response"]["id"]
        await self.daemon.kill()
        self._configure(BEAT)
        await self.daemon.start()  # what is there at the first poll is no news
        unpolled = "SELECT 1 FROM watches WHERE role = 'watch' AND polled_at IS NULL"
        await waiting.wait_for(lambda: not self.daemon.rows(unpolled), PATIENCE, "the first polls")
        await self.daemon.kill()

    def hush(self) -> None:
        """Let the next life have no schedule, so that there is an end of what it has to do."""
        self._configure()

    def _configure(self, *triggers: str) -> None:
        watches = WATCHES.format(pop_id=self.pop_id)
        self.daemon.configure(watches, *triggers, *ALL, accounts=FAST, drain="500ms")

    async def order(self, kind: str, n: int) -> bool:
        """Send one order; whether it was acknowledged."""
        bearer = f"Bearer {SENDER_TOKEN}"
        try:
            answer = await self.daemon.post("/hooks/orders", {"kind": kind, "n": n}, Authorization=bearer)
        except (aiohttp.ClientError, OSError, TimeoutError):
            answer = None
        if answer is None or answer.status == 503:
            self.unsure.add((kind, n))
            return False
        assert answer.status in (200, 202), answer
        self.sent[kind, n] = str(answer.body["id"])
        self.unsure.discard((kind, n))
        return True

    async def offer(self, kinds: tuple[str, ...] = KINDS) -> None:
        """One order of each kind, a look at the page, a callback, a new source, a body that is nonsense."""
        self.count += 1
        await asyncio.gather(
            *(self.order(kind, self.count) for kind in kinds), self._look(), self._add(), self._mumble()
        )

    def break_something(self) -> None:
        """This life's faults: a server's error, an answer that is lost, a request that is."""
        kept = self.daemon.sandbox.faults
        kept.remove()
        lost = ("drop_after", "drop_before")[self.count % 2]
        kept.add(Fault("plotly", "status", "GET", "*/users/current"))
        kept.add(Fault("plotly", lost, "POST", "*/grids"))
        kept.add(Fault("compass", "drop_after", "POST", "*/messages/"))
        kept.add(Fault("popily", "status", "GET", "*/sources/*", status=503, after=1))
        kept.add(Fault("tonalytica", "delay", "POST", "*/results", seconds=0.8))
        if self.count % 3 == 0:
            kept.add(Fault("populr", lost, "POST", "*/embeds"))

    def break_an_account(self) -> None:
        """Plotly is down for a while."""
        self.daemon.sandbox.faults.remove()
        self.daemon.sandbox.faults.add(Fault("plotly", "status", status=503, times=5))

    def hold_up(self) -> None:
        """Some calls take longer than a daemon that is stopped waits for them."""
        self.daemon.sandbox.faults.remove()
        for path in ("*/pops", "*/embeds"):
            self.daemon.sandbox.faults.add(Fault("populr", "delay", "POST", path, seconds=3))
        self.daemon.sandbox.faults.add(Fault("popily", "delay", "GET", "*/sources/*", seconds=3, after=1))

    async def _look(self) -> None:
        self.daemon.sandbox.calls.open(self.pop_id, self.tracer_id, 1, 0, {}, {})
        await self.daemon.sandbox.calls.fire(self.pop_id, self.tracer_id, {})

    async def _add(self) -> None:
        answer = await self.caller.call(
            "popily", "POST", "/sources/", json={"url": "http://data.invalid/o.csv", "title": "Orders"}
        )
        self.sources.append(str(answer.body["id"]))

    async def _mumble(self) -> None:
        """Nonsense, at once and after asking whether it may come."""
        url = f"http://127.0.0.1:{self.daemon.public}/hooks/orders"
        for headers in ({}, {"Expect": "100-continue"}):
            bearer = {"Authorization": f"Bearer {SENDER_TOKEN}", **headers}
            try:
                async with self.daemon.session.post(url, data=b"{", headers=bearer) as answer:
                    assert answer.status == 400
            except (aiohttp.ClientError, OSError):
                return

    async def send_again(self) -> None:
        """Whoever got no answer comes again with the same."""
        while self.unsure:
            assert all(await asyncio.gather(*(self.order(*one) for one in sorted(self.unsure)[:AT_ONCE])))
