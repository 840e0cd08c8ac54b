"""The examples about Compass, Plotly and a shop, run."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from daemon.model import times
from daemon.sandbox.server import Sandbox
from tests.examples import people, stage

FULL_HOUR = "2026-06-02T06:59:58Z"


def quick_training(sandbox: Sandbox) -> None:
    sandbox.compass.training = times.SECOND


async def test_a_hundred_new_documents_train_a_new_classifier(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        quick_training(sandbox)
        people.add_documents(sandbox, 120)

    def classifiers() -> dict[str, str]:
        found = people.do(play.sandbox, "compass", "GET", f"/projects/{people.PROJECT_ID}/p/classifiers/")
        return {one["name"]: one["status"] for one in found["results"]}

    async with stage.playing("04", tmp_path, arrange, at=FULL_HOUR) as play:
        play.begin()
        await play.runs("retrain", "succeeded")
        assert classifiers() == {"tickets, 120 documents": "active"}
        for count, known in ((98, 1), (2, 2)):
            people.add_documents(play.sandbox, count)
            hours = len(await play.events("schedule.fired"))
            await play.tell("schedule.fired", "count-documents", {"scheduled_for": FULL_HOUR})
            await play.runs("retrain", *["succeeded"] * (hours + 1))
            assert len(classifiers()) == known
        assert classifiers() == {"tickets, 120 documents": "inactive", "tickets, 220 documents": "active"}


async def test_each_new_message_is_classified_and_becomes_a_row(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        quick_training(sandbox)
        assert people.make_grid(sandbox, "at", "text", "topic", "score") == "ada:0"
        people.add_documents(sandbox, 20)
        path = f"/projects/{people.PROJECT_ID}/p/classifiers/"
        wanted = {"name": "triage", "type": "voting", "status": "active", "info": {"dataset": "tickets"}}
        people.do(sandbox, "compass", "POST", path, wanted)
        people.write_messages(sandbox, "an old one")

    async with stage.playing("07", tmp_path, arrange) as play:
        play.begin()
        await play.poll("messages")
        people.write_messages(play.sandbox, "I want a refund", "zzz")
        await play.poll("messages")
        await play.runs("classify-a-message", "succeeded", "succeeded")
        cells = people.cells(play.sandbox, "ada:0")
        topics = dict(zip(cells["text"], cells["topic"], strict=True))
        assert topics == {"I want a refund": "refund", "zzz": "UNCLASSIFIED"}
        assert play.effects("plotly").count("grid.rows_appended") == 2


async def test_a_picture_is_drawn_every_morning(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        assert people.make_plot(sandbox) == "ada:1"

    async with stage.playing("11", tmp_path, arrange, at="2026-06-02T04:29:58Z") as play:
        play.begin()
        await play.runs("draw-the-plot", "succeeded")
        ((path, picture),) = play.find_files().items()
        assert path == "pictures/signups.png"
        assert picture.startswith(b"\x89PNG")
        assert play.effects("plotly") == ["image.rendered"]


async def order(play: stage.Stage, secret: str, **data: Any) -> int:
    """The shop posts an order; the status."""
    body = json.dumps(data).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    kind = {"Content-Type": "application/json"}
    return await play.post("/hooks/shop", body, **{"X-Hub-Signature-256": f"sha256={signature}", **kind})


async def test_an_order_is_a_row_once_and_a_large_one_a_message(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        assert people.make_grid(sandbox, "id", "city", "total") == "ada:0"

    async with stage.playing("12", tmp_path, arrange) as play:
        play.begin()
        secret = "a-secret-named-SHOP_SECRET"
        assert await order(play, secret, id=1, city="Bonn", total=12.5) == 202
        assert await order(play, secret, id=1, city="Bonn", total=12.5) == 200
        assert await order(play, secret, id=2, city="Ulm", total=2000, note="as a gift") == 202
        assert await order(play, "another", id=3, city="Kiel", total=9) == 401
        await play.runs("order-into-grid", "succeeded", "succeeded")
        cells = people.cells(play.sandbox, "ada:0")
        assert sorted(zip(cells["id"], cells["city"], cells["total"], strict=True)) == [
            (1, "Bonn", 12.5),
            (2, "Ulm", 2000),
        ]
        found = people.do(play.sandbox, "compass", "GET", f"/projects/{people.PROJECT_ID}/p/messages/")
        assert [(one["text"], one["source_id"]) for one in found["results"]] == [("as a gift", "order-2")]


async def test_a_surge_of_messages_is_told(tmp_path: Path) -> None:
    def arrange(sandbox: Sandbox) -> None:
        people.write_messages(sandbox, "one")
        wanted = {"title": "Prices", "info": {"terms": {"price": 1.0}}, "status": "active"}
        people.do(sandbox, "compass", "POST", f"/projects/{people.PROJECT_ID}/p/topics/", wanted)

    async with stage.playing("13", tmp_path, arrange) as play:
        play.begin()
        await play.poll("speed")
        people.write_messages(play.sandbox, *[f"the price is wrong, {n}" for n in range(40)])
        await play.poll("speed")
        await play.runs("tell-of-a-surge", "succeeded")
        ((method, path, told, _),) = play.asked()
        assert (method, path, told["room"]) == ("POST", "/api/messages", "support")
        assert "messages an hour about Prices" in told["text"]
