"""From an order to a page, from somebody's look at it to a callback, and back to a reaction."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from daemon.model import times
from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import FAST, PATIENCE, Daemon, reaction, step

TEMPLATE = "51536582dd02dcccf9000001"
TAGS = '{ city = "Oslo", signups = "42" }'
PAGE = reaction(
    "page",
    "order.came",
    step(
        "populr.create_pop",
        f'template_id = "{TEMPLATE}", name = "Offer {{{{ event.data.n }}}}", populate_tags = {TAGS}',
        "pop",
    ),
    step("populr.publish_pop", 'pop_id = "{{ steps.pop.id }}"'),
    step("populr.create_tracer", 'pop_id = "{{ steps.pop.id }}", name = "mail", notify = true', "tracer"),
)
OPENED = reaction(
    "opened",
    "populr.tracer.opened",
    step(
        "tonalytica.create_query",
        'name = "views {{ event.data.analytics.views }}", query = "select 1", data_source_id = 1',
    ),
)


@dataclass
class Page:
    """A published page with a tracer that calls us."""

    daemon: Daemon
    pop_id: str
    tracer_id: str

    @property
    def tracer(self) -> dict[str, Any]:
        """The tracer as Populr keeps it."""
        found: dict[str, Any] = self.daemon.sandbox.populr.tracers[self.pop_id][self.tracer_id]
        return found

    def look(self, views: int = 1) -> None:
        """Somebody views the page."""
        self.daemon.sandbox.calls.open(self.pop_id, self.tracer_id, views, 0, {}, {})

    async def fire(self) -> int | None:
        """Populr calls; the answer's status."""
        return await self.daemon.sandbox.calls.fire(self.pop_id, self.tracer_id, {})

    def hints(self) -> list[dict[str, Any]]:
        """The callbacks that were read back, with their verdicts."""
        return self.daemon.rows("SELECT * FROM hints ORDER BY created_at")

    async def verdicts(self, *words: str) -> None:
        """Wait for these verdicts, oldest first."""
        await waiting.wait_for(
            lambda: [hint["verdict"] for hint in self.hints()] == list(words), PATIENCE, f"verdicts {words}"
        )

    def seen(self) -> list[str | None]:
        """What the reaction to an opening has made."""
        return self.daemon.effects("tonalytica", "query.created")


async def published(daemon: Daemon, accounts: str = FAST) -> Page:
    daemon.configure(PAGE, OPENED, accounts=accounts)
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("page", "succeeded")
    pop, _publish, tracer = daemon.steps(run["id"])
    return Page(daemon, pop["response"]["id"], tracer["response"]["id"])


async def test_a_callback_is_read_back_and_becomes_one_event_and_one_effect(daemon: Daemon) -> None:
    page = await published(daemon)
    assert str(page.tracer["notify_webhook"]).startswith(
        f"http://127.0.0.1:{daemon.public}/hooks/populr/tracer/"
    )
    page.look(views=3)
    assert await page.fire() == 202
    await page.verdicts("confirmed")
    (opened,) = await daemon.until_events("populr.tracer.opened")
    assert opened["subject"] == page.pop_id
    assert opened["data"]["delta"]["views"] == 3
    assert (opened["data"]["first"], opened["data"]["via"]) == (True, "webhook")
    (hint,) = page.hints()
    assert hint["became"] == opened["id"]
    (received,) = daemon.events("populr.callback.received")
    assert (opened["trace"], opened["depth"]) == (received["trace"], 0)
    assert opened["origin"] == daemon.runs("page")[0]["id"]
    await daemon.until_runs("opened", "succeeded")
    assert await page.fire() == 200  # the same counters again
    assert len(page.seen()) == 1
    assert len(daemon.events("populr.tracer.opened")) == 1
    assert (
        str(page.tracer["notify_webhook"]).rpartition("/")[2].partition("?")[0] not in daemon.log.read_text()
    )


async def test_an_invented_callback_is_refuted_and_makes_nothing(daemon: Daemon) -> None:
    page = await published(daemon)
    page.look()
    url = str(page.tracer["notify_webhook"])
    url = url.replace("%{pop-id}", page.pop_id).replace("%{tracer-id}", page.tracer_id)
    said = {"pop": {"id": page.pop_id}, "tracer": {"code": page.tracer["code"], "analytics": {"views": 9000}}}
    answer = await daemon.post(url, said)
    assert answer.status == 202
    await page.verdicts("refuted")
    (told,) = await daemon.until_events("pointsman.callback.refuted")
    assert (told["subject"], told["data"]["claimed"]["views"]) == (page.pop_id, 9000)
    assert told["data"]["found"]["views"] == 1
    assert daemon.events("populr.tracer.opened") == []
    wrong = await daemon.post(url.replace("/tracer/", "/tracer/x"), said)
    assert wrong.status == 404
    assert await page.fire() == 202  # the true one is still news
    await daemon.until_runs("opened", "succeeded")
    assert len(page.seen()) == 1


async def test_a_callback_waits_for_an_api_that_is_down_and_for_a_daemon_that_died(daemon: Daemon) -> None:
    page = await published(daemon)
    page.look()
    daemon.sandbox.faults.add(faults.Fault("populr", "status", method="GET", status=503, times=None))
    assert await page.fire() == 202
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM watches WHERE failures > 0"), PATIENCE)
    await page.verdicts("waiting")
    await daemon.restart()
    await page.verdicts("waiting")
    assert daemon.events("populr.tracer.opened") == []
    daemon.sandbox.faults.remove()
    daemon.change("UPDATE watches SET due_at = 0")
    await page.verdicts("confirmed")
    await daemon.until_runs("opened", "succeeded")
    assert len(page.seen()) == 1
    (row,) = daemon.rows("SELECT name, due_at - polled_at AS pause FROM watches WHERE failures = 0")
    assert row["name"] == f"hint:populr:tracers:{page.pop_id}/{page.tracer_id}"
    assert row["pause"] >= 90 * times.MINUTE  # what was read back is looked at now and then


async def test_callbacks_that_came_while_the_api_was_down_are_confirmed_in_their_order(
    daemon: Daemon,
) -> None:
    page = await published(daemon)
    daemon.sandbox.faults.add(faults.Fault("populr", "status", method="GET", status=503, times=None))
    for _ in range(4):
        page.look()
        assert await page.fire() == 202
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM watches WHERE failures > 0"), PATIENCE)
    await page.verdicts(*["waiting"] * 4)
    asked = [entry for entry in daemon.sandbox.ledger.read("populr") if entry.status == 503]
    assert len(asked) <= 2  # four callbacks do not make a service that is down be asked more often
    daemon.sandbox.faults.remove()
    daemon.change("UPDATE watches SET due_at = 0")
    await page.verdicts("superseded", "superseded", "superseded", "confirmed")
    (opened,) = await daemon.until_events("populr.tracer.opened")
    assert (opened["data"]["delta"]["views"], opened["data"]["firing"]) == (4, 4)
    assert {hint["became"] for hint in page.hints()} == {opened["id"]}


@pytest.mark.parametrize("accounts", [FAST, f"{FAST}\nreadback = false"])
async def test_a_view_whose_callback_never_comes_is_found_by_the_look_that_is_made_in_case(
    daemon: Daemon, accounts: str
) -> None:
    page = await published(daemon, accounts)
    (row,) = daemon.rows("SELECT name, due_at - created_at AS pause FROM watches")
    assert row["name"] == f"hint:populr:tracers:{page.pop_id}/{page.tracer_id}"
    assert row["pause"] == 75 * times.MINUTE  # a quarter of an hour after the first view, then hourly
    kept = daemon.rows("SELECT callbacks, calling FROM memories")
    assert [(one["callbacks"], json.loads(one["calling"])["in_charge"]) for one in kept] == [(0, "callback")]
    page.look(views=2)
    daemon.change("UPDATE watches SET due_at = 0")
    (opened,) = await daemon.until_events("populr.tracer.opened")
    assert (opened["data"]["via"], opened["data"]["delta"]["views"]) == ("poll", 2)
    await daemon.until_runs("opened", "succeeded")
    assert await page.fire() == 200  # it says nothing new by now
    assert daemon.rows("SELECT callbacks FROM memories WHERE calling IS NOT NULL") == [{"callbacks": 1}]


@pytest.mark.parametrize("shape", ["lost_brace", "underscore_ids"])
async def test_without_read_back_the_callback_is_the_event(daemon: Daemon, shape: str) -> None:
    page = await published(daemon, f"{FAST}\nreadback = false")
    page.look(views=2)
    sent = {shape: True}
    assert await daemon.sandbox.calls.fire(page.pop_id, page.tracer_id, sent) == 202
    (opened,) = await daemon.until_events("populr.tracer.opened")
    assert opened["data"]["analytics"]["views"] == 2
    await daemon.until_runs("opened", "succeeded")
    assert await daemon.sandbox.calls.fire(page.pop_id, page.tracer_id, sent) == 200
    assert (len(page.seen()), page.hints()) == (1, [])
    assert daemon.events("populr.callback.received") == []
