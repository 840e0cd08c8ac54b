"""The examples about Populr's pages, run."""

from pathlib import Path

from daemon.model import times
from daemon.sandbox.server import Sandbox
from tests.examples import people, stage

BONN = {"deal_id": "D-7", "customer": "Bonn Ltd", "amount": 1200}
ULM = {"deal_id": "D-8", "customer": "Ulm Inc", "amount": 90}
DAYS_AGO = "2026-05-29T07:00:00Z"


async def test_a_new_deal_gets_a_page_and_the_crm_its_address(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        people.make_proposal_template(sandbox)
        people.execute(sandbox, BONN)

    async with stage.playing("01", tmp_path, arrange) as play:
        play.begin()
        await play.poll("deals")  # the deals that are there already get no page
        people.execute(play.sandbox, BONN, ULM)
        await play.poll("deals")
        await play.runs("page-for-a-deal", "succeeded")
        (pop,) = play.sandbox.populr.pops.values()
        (tracer,) = play.sandbox.populr.tracers[pop["_id"]].values()
        assert (pop["name"], pop["title"], tracer["name"]) == (
            "Proposal D-8",
            "Our proposal for Ulm Inc",
            "D-8",
        )
        assert tracer["notify_webhook"].startswith(play.public_url + "/hooks/populr/tracer/")
        address = {"url": f"{pop['published_pop_url']}?{tracer['code']}"}
        wanted = ("PUT", "/deals/D-8/proposal", address, "a-secret-named-CRM_AUTHORIZATION")
        assert play.asked() == [wanted]


async def test_only_who_has_not_looked_for_three_days_is_nudged_once(tmp_path: Path) -> None:
    ids: dict[str, tuple[str, str]] = {}

    def arrange(sandbox: Sandbox) -> None:
        for name in ("quiet", "seen", "new", "untraced"):
            ids[name] = people.make_page(sandbox, name, tracer=name != "untraced")
        for name in ("quiet", "seen", "untraced"):
            sandbox.populr.pops[ids[name][0]]["created_at"] = DAYS_AGO
        sandbox.calls.open(*ids["seen"], 1, 0, {}, {})

    async with stage.playing("02", tmp_path, arrange, at="2026-06-02T05:59:58Z") as play:
        play.begin()
        await play.runs("nudge", "succeeded", "succeeded")
        ((method, path, told, _),) = play.asked()
        assert (method, path, told["type"]) == ("POST", "/sales", "warning")
        assert told["title"] == "Nobody has opened quiet"
        assert "?" in told["message"].splitlines()[-1]
        await play.tell("proposals.listed", data={"pops": await listed(play)})
        await play.runs("nudge", *["succeeded"] * 4)
        assert len(play.asked()) == 1


async def listed(play: stage.Stage) -> list[dict[str, object]]:
    """What the morning's listing told."""
    (event,) = await play.events("proposals.listed")
    pops: list[dict[str, object]] = event.data["pops"]
    return pops


async def test_a_first_opening_is_told_to_sales_once(tmp_path: Path) -> None:
    ids: list[tuple[str, str]] = []

    def arrange(sandbox: Sandbox) -> None:
        ids.append(people.make_page(sandbox, "Proposal D-7"))

    async with stage.playing("08", tmp_path, arrange) as play:
        play.begin()
        await play.poll("proposals")
        for views in (2, 1):
            play.sandbox.calls.open(*ids[0], views, 0, {}, {})
            await play.poll("proposals")
        await play.events("populr.tracer.opened", 2)
        await play.runs("tell-sales", "succeeded")
        ((method, path, told, credentials),) = play.asked()
        assert (method, path) == ("POST", "/hooks/proposals")
        assert credentials == "a-secret-named-SALES_AUTHORIZATION"
        assert (told["proposal"], told["tracer"], told["views"]) == ("Proposal D-7", "ada", 2)
        assert times.parse_rfc3339(told["seen_at"])


async def test_what_was_edited_is_published_and_written_down(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        assert people.make_grid(sandbox, "at", "page", "changed") == "ada:0"

    async with stage.playing("10", tmp_path, arrange) as play:
        play.begin()
        await play.poll("pages")
        pop_id, _ = people.make_page(play.sandbox, "Bonn", tracer=False)
        await play.poll("pages")
        await play.runs("open-to-collaborators", "succeeded")
        assert play.sandbox.populr.pops[pop_id]["collaboration_link_enabled"]
        await play.poll("pages")
        published = play.effects("populr").count("pop.published")
        assert await play.sandbox.calls.collaborate(pop_id, {"title": "Bonn, better"}) == 202
        await play.runs("publish-and-record", "succeeded")
        assert play.effects("populr").count("pop.published") == published + 1
        cells = people.cells(play.sandbox, "ada:0")
        assert (cells["page"], cells["changed"]) == (["Bonn"], ["title"])
