"""What Populr sends by itself: the tracer's webhook by its timer, the collaborator's at once.

``server`` runs the loop; ``control`` makes people open pops (:meth:`Calls.open`), collaborators
finish, and hooks fire out of turn. The rule (Populr API text): the first call 15 minutes after the
first view, then hourly as long as the pop is viewed, off after a dozen; nothing is sent twice.
"""

import asyncio
from typing import Any

import aiohttp
import orjson

from daemon.model import times
from daemon.sandbox import ledger, populr_group, populr_hooks, populr_pops, populr_tracers

FIRST_AFTER = 15 * times.MINUTE
THEN_EVERY = times.HOUR
FIRINGS = 12
TIMEOUT_SECONDS = 10.0
SHAPES = ("lost_brace", "underscore_ids", "omit_counters")
"""How a callback's body can be made wrong; see :func:`encode`."""


def due_at(timer: dict[str, Any]) -> int | None:
    """When a tracer's next call is due; None while nobody looks, or after the dozen. A view that comes
    after a quiet hour waits for the next full hour since the last call."""
    viewed_at: int | None = timer["viewed_at"]
    if viewed_at is None or timer["firings"] >= FIRINGS:
        return None
    last_at: int | None = timer["fired_at"]
    if last_at is None:
        return viewed_at + FIRST_AFTER
    hours = max(1, -(-(viewed_at - last_at) // THEN_EVERY))
    return last_at + hours * THEN_EVERY


def tracer_body(group: populr_group.Group, pop: dict[str, Any], tracer: dict[str, Any]) -> dict[str, Any]:
    """The documented body: ids are ``id`` here, and neither the tracer's id nor a signature is in it."""
    named = ("name", "title", "slug", "domain", "published_pop_url", "created_at")
    analytics = populr_tracers.shown(group, tracer)["analytics"]
    return {
        "group": {"id": populr_group.GROUP["id"], "name": populr_group.GROUP["name"]},
        "pop": {"id": pop["_id"], **{key: pop[key] for key in named}},
        "tracer": {"name": tracer["name"], "code": tracer["code"], "analytics": analytics},
    }


def encode(body: dict[str, Any], settings: dict[str, Any]) -> bytes:
    """The body's bytes, made wrong as *settings* say: ``underscore_ids``, ``omit_counters``, and
    ``lost_brace``: the document prints the body without its outermost braces."""
    if settings["underscore_ids"]:
        for part in ("group", "pop"):
            body[part] = {"_id" if k == "id" else k: v for k, v in body[part].items()}
    if settings["omit_counters"]:
        body["tracer"] = {k: v for k, v in body["tracer"].items() if k != "analytics"}
    raw = orjson.dumps(body)
    return raw[1:-1] if settings["lost_brace"] else raw


class Calls:
    """Sends Populr's callbacks over HTTP, once each, and writes them in the ledger."""

    def __init__(self, group: populr_group.Group, clock: times.Clock, book: ledger.Ledger) -> None:
        self.group = group
        self.clock = clock
        self.book = book
        self._bell = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client; in the loop that will run :meth:`run`."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def run(self) -> None:
        """Fire what is due, then wait on the clock for the next, or on the bell that a view rings."""
        while True:
            self._bell.clear()
            await self.once()
            due = [at for _, _, at in self._due()]
            ringing = asyncio.create_task(self._bell.wait())
            waits: set[asyncio.Task[Any]] = {ringing}
            if due:
                waits.add(asyncio.create_task(self._sleep(max(0, min(due) - self.clock.now()))))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waits:
                    task.cancel()

    async def once(self) -> int:
        """Fire every call that is due now; how many."""
        ready = [(at, pop_id, tracer_id) for pop_id, tracer_id, at in self._due() if at <= self.clock.now()]
        await asyncio.gather(*(self._fire_timer(pop_id, tracer_id, at) for at, pop_id, tracer_id in ready))
        return len(ready)

    def open(
        self, pop_id: str, tracer_id: str, views: int, clicks: int, links: dict[str, int], assets: Any
    ) -> dict[str, Any]:
        """Somebody looks at the pop through a tracer: counters rise at once, its timer starts or goes on."""
        tracer = populr_tracers.find(self.group, pop_id, tracer_id)
        populr_tracers.count(tracer, views, clicks, links, assets)
        timer = self._timer(tracer_id)
        if views > 0 and timer["viewed_at"] is None:
            timer["viewed_at"] = self.clock.now()
        self._bell.set()
        self._note("tracer.opened", tracer_id)
        notifies = bool(tracer["notify_on_open"] and tracer["notify_webhook"])
        return {
            "tracer": populr_tracers.shown(self.group, tracer),
            "next_at": due_at(timer) if notifies else None,
        }

    async def fire(self, pop_id: str, tracer_id: str, settings: dict[str, Any]) -> int | None:
        """Call now, whatever the timer says, and leave the timer alone; the status answered, None for
        no answer. ``invalid_webhook_url`` if the tracer has none."""
        tracer = populr_tracers.find(self.group, pop_id, tracer_id)
        populr_hooks.check(tracer["notify_webhook"] or "")
        body = tracer_body(self.group, self.group.pop(pop_id), tracer)
        raw = encode(body, {**self.group.settings, **settings})
        url = populr_hooks.fill(tracer["notify_webhook"], pop_id, tracer_id)
        return await self._post(url, raw, "tracer.told", tracer_id)

    async def collaborate(self, pop_id: str, changes: dict[str, Any]) -> int | None:
        """A collaborator finishes: *changes* (a request's ``pop``, ``populate_tags`` …, or bare fields) are
        applied, the pop is posted if collaboration is enabled and has a webhook; the status answered."""
        shaped = changes if set(changes) & {"pop", "populate_tags", "populate_regions"} else {"pop": changes}
        pop = populr_pops.change(self.group, self.group.pop(pop_id), shaped)
        self.group.pops[pop_id] = pop
        self._note("pop.edited", pop_id)
        if not pop["collaboration_link_enabled"] or not pop["collaboration_webhook"]:
            return None
        told = populr_pops.shown(self.group, pop)
        raw = orjson.dumps({"pop": told} if self.group.settings["wrapped_pop"] else told)
        return await self._post(
            populr_hooks.fill(pop["collaboration_webhook"], pop_id), raw, "pop.told", pop_id
        )

    def _due(self) -> list[tuple[str, str, int]]:
        found = []
        for pop_id, tracers in self.group.tracers.items():
            for tracer_id, tracer in tracers.items():
                at = due_at(self._timer(tracer_id))
                if at is not None and tracer["notify_on_open"] and tracer["notify_webhook"]:
                    found.append((pop_id, tracer_id, at))
        return found

    def _timer(self, tracer_id: str) -> dict[str, Any]:
        return self.group.timers.setdefault(tracer_id, {"viewed_at": None, "fired_at": None, "firings": 0})

    async def _fire_timer(self, pop_id: str, tracer_id: str, at: int) -> None:
        timer = self._timer(tracer_id)
        timer.update(viewed_at=None, fired_at=at, firings=timer["firings"] + 1)
        await self.fire(pop_id, tracer_id, {})

    async def _sleep(self, duration: int) -> None:
        await self.clock.sleep(duration)

    async def _post(self, url: str, raw: bytes, effect: str, object_id: str) -> int | None:
        """One try; Populr is not known to repeat a call that failed."""
        status: int | None = None
        sent_at = self.clock.now()
        if self._session is not None:
            headers = {"Content-Type": "application/json"}
            try:
                async with self._session.post(
                    url, data=raw, headers=headers, allow_redirects=False
                ) as answer:
                    await answer.read()
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                status = None
        self._note(effect, object_id, at=sent_at, url=url, raw=raw, status=status)
        return status

    def _note(
        self,
        effect: str,
        object_id: str,
        *,
        at: int | None = None,
        url: str = "",
        raw: bytes = b"",
        status: int | None = None,
    ) -> None:
        self.book.write(
            at=self.clock.now() if at is None else at,
            service="populr",
            by="service",
            method="POST" if url else "",
            path=url,
            request=raw.decode() or None,
            status=status,
            effect=effect,
            object_id=object_id,
        )
