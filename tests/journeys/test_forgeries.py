"""Ten thousand callbacks that nobody at Populr sent: no effect, few reads, and all of them shown."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from daemon.journal import state, watches
from daemon.model import times
from tests import waiting
from tests.journeys.daemons import Daemon
from tests.journeys.test_callbacks import Page, published

EACH = 2_500
CONNECTIONS = 8
AT_ONCE = 25  # requests that a connection sends before it reads their answers
FOREIGN = 50  # objects that do not exist, called about again and again
DRAINED = 60.0  # seconds


def forgeries(page: Page) -> Iterator[tuple[str, bytes]]:
    """Path and body of each forgery."""
    hook = str(page.tracer["notify_webhook"]).partition("/hooks/")[2].partition("?")[0]
    path, code = f"/hooks/{hook}", page.tracer["code"]
    own = f"{path}?pop={page.pop_id}&tracer={page.tracer_id}"
    genuine = body(page.pop_id, code, 1)
    for n in range(EACH):
        yield f"/hooks/populr/tracer/guess{n}", genuine
        yield own, body(page.pop_id, code, 100 + n)
        yield own, genuine
        yield path, body(f"foreign{n % FOREIGN}", code, n // FOREIGN + 1)


def body(pop_id: str, code: str, views: int) -> bytes:
    """A documented tracer callback."""
    said = {"pop": {"id": pop_id}, "tracer": {"code": code, "analytics": {"views": views, "clicks": 0}}}
    return json.dumps(said).encode()


async def post_all(port: int, requests: list[tuple[str, bytes]]) -> Counter[int]:
    """Post *requests* over a few connections; how often each status came."""
    parts = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    return sum(await asyncio.gather(*(post(port, part) for part in parts)), Counter[int]())


async def post(port: int, requests: list[tuple[str, bytes]]) -> Counter[int]:
    """Post *requests* over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seen: Counter[int] = Counter()
    for start in range(0, len(requests), AT_ONCE):
        part = requests[start : start + AT_ONCE]
        for path, raw in part:
            head = f"POST {path} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
            writer.write(f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw)
        for _ in part:
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", answer)
            await reader.readexactly(int(length[1]) if length else 0)
            seen[int(answer.split(b" ", 2)[1])] += 1
    writer.close()
    return seen


def reads(daemon: Daemon) -> Counter[str]:
    """How often each path of Populr's was read."""
    return Counter(entry.path for entry in daemon.sandbox.ledger.read("populr") if entry.method == "GET")


async def test_ten_thousand_forgeries_have_no_effect_and_are_all_shown(daemon: Daemon) -> None:
    page = await published(daemon)
    page.look()
    assert await page.fire() == 202
    await daemon.until_runs("opened", "succeeded")
    before, began = reads(daemon), time.monotonic()
    statuses = await post_all(daemon.public, list(forgeries(page)))
    assert statuses == {404: EACH, 202: 2 * EACH, 200: EACH}
    await waiting.wait_for(
        lambda: daemon.rows("SELECT 1 FROM hints WHERE verdict = 'waiting'") == [], DRAINED, "all verdicts"
    )
    pauses = (time.monotonic() - began) / (watches.PAUSE / times.SECOND)
    looked = reads(daemon) - before
    assert max(looked[path] for path in looked if "/tracers/" in path) <= pauses + 2
    assert max(count for path, count in looked.items() if "foreign" in path) <= pauses + 2
    # No effect
    assert len(daemon.events("populr.tracer.opened")) == 1
    assert len(page.seen()) == 1
    assert [run["status"] for run in daemon.runs("opened")] == ["succeeded"]
    # All shown
    assert verdicts(daemon) == {"confirmed": 1, "refuted": 2 * EACH}
    refuted = daemon.events("pointsman.callback.refuted")
    assert len(refuted) == 2 * EACH
    invented = [one["data"] for one in refuted if one["subject"] == page.pop_id]
    assert all(one["found"]["views"] == 1 and one["differing"] == ["views"] for one in invented)
    foreign = [one["data"] for one in refuted if one["subject"] != page.pop_id]
    assert (len(invented), len(foreign)) == (EACH, EACH)
    assert all(one["found"] is None for one in foreign)
    await check_rejections(daemon)
    # A true one is heard still
    page.look()
    assert await page.fire() == 202
    await daemon.until_runs("opened", "succeeded", "succeeded")


def verdicts(daemon: Daemon) -> dict[str, int]:
    """How many hints have each verdict."""
    found = daemon.rows("SELECT verdict, count(*) AS number FROM hints GROUP BY verdict")
    return {one["verdict"]: one["number"] for one in found}


async def check_rejections(daemon: Daemon) -> None:
    """Wrong tokens are kept up to a bound, and counted whole."""
    kept: list[dict[str, Any]] = daemon.rows("SELECT path, status FROM rejections")
    assert 0 < len(kept) <= state.REJECTIONS_KEPT
    assert {one["path"] for one in kept} == {"/hooks/populr/tracer/[blanked]"}
    async with daemon.session.get(f"http://127.0.0.1:{daemon.admin}/metrics") as answer:
        text = await answer.text()
    counted = re.search(r'callbacks_total\{hook="unknown",outcome="not_found"\} (\S+)', text)
    assert counted is not None
    assert float(counted[1]) >= EACH
